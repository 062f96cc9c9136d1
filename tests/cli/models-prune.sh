#!/usr/bin/env bash
# docent models prune: layers and heads left out, what that cost, and bad calls.
. "$(dirname "$0")/lib.sh"

run 2 models prune; one_sentence
run 2 models prune a b --calibrate "$docs"; one_sentence; err_has --layers
run 2 models prune a b --layers -1 --calibrate "$docs"; one_sentence
run 2 models prune a b --layers 1; one_sentence; err_has --calibrate
for i in $(seq 400); do echo "On day $i the warden counted $((i * 7)) herons and wrote the number $i into the green book."; done >"$docs/log.txt"
run 1 models prune "$work/missing.gguf" "$work/x.gguf" --layers 1 --calibrate "$docs"; one_sentence; err_has missing.gguf

need_models minilm smollm2-135m
run 1 models prune minilm "$work/x.gguf" --layers 1 --calibrate "$docs"; one_sentence; err_has "no generator"
run 1 models prune smollm2-135m "$work/x.gguf" --layers 30 --calibrate "$docs"; one_sentence; err_has "30 layers"
run 1 models prune smollm2-135m "$work/x.gguf" --heads 1 --calibrate "$docs"; one_sentence; err_has multiple
run 1 models prune smollm2-135m "$work/x.gguf" --layers 1 --calibrate "$docs" --mem 10M; one_sentence; err_has limit
[ ! -e "$work/x.gguf" ] || fail "a refused call left a file"

run 0 models prune smollm2-135m "$work/small.gguf" --layers 2 --heads 3 --calibrate "$docs" --tokens 256 --json
json '(.dropped_layers | length) == 2 and .dropped_heads == 3 and .after.bytes < .before.bytes
      and .before.perplexity > 1 and .after.perplexity > .before.perplexity'
run 0 models inspect "$work/small.gguf" --json; json '.layers == 28 and .heads == 6 and .kv_heads == 2'
echo passed
