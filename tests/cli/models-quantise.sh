#!/usr/bin/env bash
# docent models quantise: smaller files that still work, fitted to documents, and bad calls.
. "$(dirname "$0")/lib.sh"

run 2 models quantise; one_sentence
run 2 models quantise --tokens 0 a b Q8_0; one_sentence
run 1 models quantise "$work/missing.gguf" "$work/x.gguf" Q8_0; one_sentence; err_has missing.gguf

need_models minilm smollm2-135m
run 1 models quantise minilm "$work/x.gguf" Q9_9; one_sentence; err_has Q4_K_M
[ ! -e "$work/x.gguf" ] || fail "a refused type left a file"
run 1 models quantise minilm "$work/x.gguf" Q8_0 --calibrate "$work/nowhere"; one_sentence; err_has nowhere
document short.txt "Four words of text."
run 1 models quantise minilm "$work/x.gguf" Q8_0 --calibrate "$docs"; one_sentence; err_has needed

# An encoder at half the size still embeds; its own file is not overwritten.
run 0 models quantise minilm "$work/mini.gguf" Q4_0 --json
json '.type == "Q4_0" and .after.bytes * 1.5 < .before.bytes and .after.perplexity == null and .calibrated == false'
run 0 models inspect "$work/mini.gguf" --json; json '.quantisation == "Q4_0" and .role == "encoder"'
run 1 models quantise "$work/mini.gguf" "$work/mini.gguf" Q8_0; one_sentence; err_has overwritten

# A generator, fitted to documents and judged by what it was not fitted to.
for i in $(seq 400); do echo "On day $i the warden counted $((i * 7)) herons and wrote the number $i into the green book."; done >"$docs/log.txt"
run 0 models quantise smollm2-135m "$work/small.gguf" q4_k_m --calibrate "$docs" --tokens 256 --json
json '.type == "Q4_K_M" and .calibrated and .before.perplexity > 1 and .after.perplexity > 1
      and .after.perplexity < .before.perplexity * 1.3 and .after.read_tps > 0 and .after.bytes > 0'
run 0 models inspect "$work/small.gguf" --json; json '.architecture == "llama" and .layers == 30'
echo passed
