#!/usr/bin/env python3
"""Holds docent's engine against llama.cpp on a real model: the same 64 greedy tokens on ten prompts,
and perplexity on the same text.

  llama_compare.py BUILD_DIR MODEL.gguf TEXT [N_TOKENS]

BUILD_DIR needs `ninja greedy`. TEXT is any UTF-8 file; perplexity reads N_TOKENS of it (20,480; 0:
none). Needs llama-cpp-python and numpy. Where a continuation differs, the first difference is
explained: both programs round activations to int8, so they may choose differently where the two
best logits are closer than the error of that rounding. Both margins there are printed, and what docent
makes of it when it computes in floats throughout (DOCENT_EXACT=1). Exit status 1: a difference that the margin does not
explain, or perplexities further apart than .5 %.
"""
import json
import os
import subprocess
import sys

import llama_cpp
import numpy as np

PROMPTS = """The capital of France is
Once upon a time, in a small village by the sea,
def fibonacci(n):
The three most important rules of hygiene in a hospital are
Die Hauptstadt von Deutschland ist
Water boils at a temperature of
#include <stdio.h>
In 1969, the first humans landed on
A list of fruits: apple, banana,
The difference between a contract and an agreement is""".split("\n")
N_GREEDY = 64
PIECE = 512
EXPLAINED = 1.0  # logits; what int8 activations move them by at the most, as the golden vectors say


class Peer:
    """llama.cpp with the batches laid out by hand, to have the logits that are wanted and no more."""

    def __init__(self, path, n_threads=2):
        self.llama = llama_cpp.Llama(path, n_ctx=PIECE, n_batch=PIECE, n_threads=n_threads,
                                     n_threads_batch=n_threads, verbose=False)
        self.ctx = self.llama._ctx.ctx
        self.vocab = llama_cpp.llama_model_get_vocab(self.llama._model.model)
        self.n_vocab = self.llama.n_vocab()
        self.adds_bos = llama_cpp.llama_vocab_get_add_bos(self.vocab)
        self.bos = llama_cpp.llama_vocab_bos(self.vocab)
        self.n_past = 0

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.ctx), True)
        self.n_past = 0

    def read(self, tokens, n_out=1):
        """Logits after each of the last N_OUT tokens: [n_out, n_vocab]."""
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = self.n_past + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i >= len(tokens) - n_out
        if llama_cpp.llama_decode(self.ctx, batch) != 0:
            sys.exit("llama.cpp could not read the tokens")
        self.n_past += len(tokens)
        rows = []
        for i in range(len(tokens) - n_out, len(tokens)):
            pointer = llama_cpp.llama_get_logits_ith(self.ctx, i)
            rows.append(np.ctypeslib.as_array(pointer, (self.n_vocab,)).copy())
        llama_cpp.llama_batch_free(batch)
        return np.stack(rows)


def write_greedily(build, model, n_tokens, prompts, **environment):
    result = subprocess.run([f"{build}/tests/greedy", model, str(n_tokens)], text=True, check=True,
                            input="\n".join(prompts) + "\n", capture_output=True,
                            env={**os.environ, **environment})
    return [json.loads(line) for line in result.stdout.splitlines()]


def judge_exactly(build, model, differences):
    """Whose token has the larger logit where nothing is rounded but the weights."""
    prompts = ["\t" + " ".join(map(str, ids)) for ids, _, _ in differences]
    right = {"ours": 0, "theirs": 0, "neither": 0}
    for (_, ours, theirs), exact in zip(differences, write_greedily(build, model, 1, prompts,
                                                                    DOCENT_EXACT="1")):
        best = exact["tokens"][0]
        right["ours" if best == ours else "theirs" if best == theirs else "neither"] += 1
    print("in floats the choice is " + ", ".join(f"{who} {n} times" for who, n in right.items()))


def compare_greedy(peer, build, model):
    """Prints one line per prompt; the number of differences that no margin explains."""
    n_same = n_unexplained = 0
    differences = []
    for prompt, ours in zip(PROMPTS, write_greedily(build, model, N_GREEDY, PROMPTS)):
        own_ids = peer.llama.tokenize(prompt.encode(), add_bos=bool(peer.adds_bos), special=False)
        if own_ids != ours["prompt"]:
            print(f"tokens differ: {prompt!r}: {ours['prompt']} and {own_ids}")
            n_unexplained += 1
            continue
        peer.clear()
        logits = peer.read(own_ids)[0]
        for i, token in enumerate(ours["tokens"]):
            best = int(np.argmax(logits))
            if best != token:
                theirs = float(logits[best] - logits[token])
                logits_here = ours["best"][i]
                here = logits_here[str(token)] - logits_here.get(str(best), float("-inf"))
                explained = max(theirs, here) < EXPLAINED
                n_unexplained += not explained
                differences.append((own_ids + ours["tokens"][:i], token, best))
                print(f"differs at token {i}: {prompt!r}: ours is ahead by {here:.3f} here, theirs by "
                      f"{theirs:.3f} there{'' if explained else ': NOT EXPLAINED'}")
                break
            logits = peer.read([token])[0]
        else:
            n_same += 1
    print(f"{n_same} of {len(PROMPTS)} prompts: the same {N_GREEDY} tokens")
    if differences:
        judge_exactly(build, model, differences)
    return n_unexplained


def measure_perplexity(peer, text, n_tokens):
    """As llama.cpp's own tool: pieces of 512, their second half scored."""
    ids = peer.llama.tokenize(text.encode(), add_bos=bool(peer.adds_bos), special=False)[:n_tokens]
    surprises = []
    for begin in range(0, len(ids) // PIECE * PIECE, PIECE):
        piece = list(ids[begin:begin + PIECE])
        if peer.adds_bos:
            piece[0] = peer.bos
        peer.clear()
        peer.read(piece[:PIECE // 2])
        targets = piece[PIECE // 2 + 1:]
        logits = peer.read(piece[PIECE // 2:-1], n_out=len(targets)).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        surprises += list(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(targets)), targets])
    return float(np.exp(np.mean(surprises))), len(surprises)


def compare_perplexity(peer, build, model, text_path, n_tokens):
    result = subprocess.run([f"{build}/cli/docent", "--quiet", "--json", "models", "perplexity", model,
                             text_path, "--tokens", str(n_tokens)], text=True, check=True,
                            capture_output=True)
    ours = json.loads(result.stdout)
    with open(text_path, encoding="utf-8") as file:
        theirs, n_scored = measure_perplexity(peer, file.read(), n_tokens)
    apart = ours["perplexity"] / theirs - 1
    print(f"perplexity {ours['perplexity']:.4f}, llama.cpp {theirs:.4f}: {100 * apart:+.3f} % "
          f"({ours['scored']} and {n_scored} tokens scored)")
    return abs(apart) > .005 or ours["scored"] != n_scored


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    build, model, text = sys.argv[1:4]
    n_tokens = int(sys.argv[4]) if len(sys.argv) == 5 else 20480
    peer = Peer(model)
    print(f"{model}, llama-cpp-python {llama_cpp.__version__}")
    failed = compare_greedy(peer, build, model) > 0
    if n_tokens > 0:
        failed |= compare_perplexity(peer, build, model, text, n_tokens)
    sys.exit(failed)


if __name__ == "__main__":
    main()
