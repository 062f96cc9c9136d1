#!/usr/bin/env python3
"""Time from nothing to the first token after a prompt of 16 tokens, docent against llama.cpp.

    first_token.py BUILD MODEL.gguf [RUNS]

The file should be in the page cache (both read it once before). For docent the time of the whole
process build/tests/greedy, which also writes a second token; for llama-cpp-python that of loading,
reading and choosing, in a process of its own whose start and imports are not counted. Medians, the
two in turn. Run on an idle machine."""
import statistics
import subprocess
import sys
import time

PEER = """
import sys, time, os
import llama_cpp
begin = time.perf_counter()
model = llama_cpp.Llama(sys.argv[1], n_ctx=512, n_batch=512, n_threads=os.cpu_count(),
                        n_threads_batch=os.cpu_count(), logits_all=False, verbose=False)
model.eval([int(i) for i in sys.argv[2].split(",")])
model.sample(temp=0)
print(time.perf_counter() - begin)
"""
PROMPT = "The quick brown fox jumps over the lazy dog near the old river bank."


def ours(build, model):
    begin = time.perf_counter()
    subprocess.run([f"{build}/tests/greedy", model, "1"], input=PROMPT + "\n", text=True, check=True,
                   stdout=subprocess.PIPE)
    return time.perf_counter() - begin


def theirs(model, tokens):
    result = subprocess.run([sys.executable, "-c", PEER, model, tokens], text=True, check=True,
                            capture_output=True)
    return float(result.stdout)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    build, model = sys.argv[1:3]
    n_runs = int(sys.argv[3]) if len(sys.argv) == 4 else 5
    tokens = ",".join(str(100 + 37 * i) for i in range(16))
    ours(build, model), theirs(model, tokens)
    pairs = [(ours(build, model), theirs(model, tokens)) for _ in range(n_runs)]
    a, b = (statistics.median(times) for times in zip(*pairs))
    print(f"{model}: docent {a:.2f} s, llama.cpp {b:.2f} s: {a / b:.2f} of its time")


if __name__ == "__main__":
    main()
