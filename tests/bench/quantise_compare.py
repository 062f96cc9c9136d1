#!/usr/bin/env python3
"""Holds `docent models quantise` against llama.cpp's own quantiser: the same model, type by type.

  quantise_compare.py DOCENT MODEL.gguf TEXT [N_TOKENS [TYPE…]]

MODEL is taken to F16 first, then by both programs to each type. Each pair of files is judged by
docent's perplexity on N_TOKENS of TEXT (4,096), and llama.cpp has to load docent's and read the first
piece of the text. Needs llama-cpp-python and numpy. Exit status 1: a perplexity that is more than 1 %
above that of llama.cpp's file, or a file that llama.cpp does not load.
"""
import json
import os
import subprocess
import sys
import tempfile

import llama_cpp

from llama_compare import Peer, measure_perplexity

# docent's name: llama.cpp's number of the same mixture
TYPES = {"BF16": 32, "Q8_0": 7, "Q6_K": 18, "Q5_K_M": 17, "Q5_K": 16, "Q5_1": 9, "Q5_0": 8, "Q4_K_M": 15,
         "Q4_K": 14, "Q4_1": 3, "Q4_0": 2, "IQ4_NL": 25, "IQ4_XS": 30, "Q3_K_M": 12, "Q3_K": 11, "Q2_K": 10}


@llama_cpp.llama_log_callback
def ignore(level, text, user_data):
    pass


def docent(program, *arguments):
    result = subprocess.run([program, "--quiet", "--json", *arguments], text=True, check=True,
                            capture_output=True)
    return json.loads(result.stdout)


def quantise_there(source, target, file_type):
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = file_type
    params.nthread = 2
    if llama_cpp.llama_model_quantize(source.encode(), target.encode(), params) != 0:
        sys.exit(f"llama.cpp could not write {target}")


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, model, text_path = sys.argv[1:4]
    n_tokens = int(sys.argv[4]) if len(sys.argv) > 4 else 4096
    failed = False
    llama_cpp.llama_log_set(ignore, None)
    with open(text_path, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as folder:
        source, ours, theirs = (os.path.join(folder, name + ".gguf") for name in ("f16", "ours", "theirs"))
        docent(program, "models", "quantise", model, source, "F16")
        for name in sys.argv[5:] or TYPES:
            docent(program, "models", "quantise", source, ours, name)
            quantise_there(source, theirs, TYPES[name])
            here, there = (docent(program, "models", "perplexity", path, text_path, "--tokens",
                                  str(n_tokens))["perplexity"] for path in (ours, theirs))
            loaded, _ = measure_perplexity(Peer(ours), text, 1024)
            apart = here / there - 1
            bad = apart > .01 or not loaded > 1
            failed |= bad
            print(f"{name:7} {os.path.getsize(ours) / 1e6:6.1f} MB, perplexity {here:8.4f}; llama.cpp's "
                  f"{os.path.getsize(theirs) / 1e6:6.1f} MB, {there:8.4f}: {100 * apart:+.2f} %; there "
                  f"ours has {loaded:.4f} on 1,024{' BAD' if bad else ''}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
