#!/usr/bin/env bash
# docent models distil: a static encoder that a library can be made with, and bad calls.
. "$(dirname "$0")/lib.sh"

run 2 models distil; one_sentence
run 2 models distil --dimensions -1 a b; one_sentence
run 1 models distil "$work/missing.gguf" "$work/x.gguf"; one_sentence; err_has missing.gguf

need_models minilm smollm2-135m
run 1 models distil smollm2-135m "$work/x.gguf"; one_sentence; err_has "not an encoder"
run 1 models distil minilm "$work/x.gguf" --dimensions 385; one_sentence; err_has 384
run 1 models distil minilm "$work/x.gguf" --mem 1M; one_sentence; err_has limit
[ ! -e "$work/x.gguf" ] || fail "a refused call left a file"

document herons.txt "The herons nest on the river bank in spring."
document tax.txt "Income tax returns are due at the end of July."
run 0 models distil minilm "$work/static.gguf" --dimensions 64 --calibrate "$docs" --json
json '.static.dimensions == 64 and .teacher.dimensions == 384 and .static.bytes * 4 < .teacher.bytes
      and .variance_kept > 0.3 and .variance_kept < 1 and .static.encode_tps > .teacher.encode_tps * 5'
run 0 models inspect "$work/static.gguf" --json; json '.architecture == "static-embedding" and .role == "encoder"'
run 1 models distil "$work/static.gguf" "$work/x.gguf"; one_sentence; err_has "static encoder"

run 0 add --encoder "$work/static.gguf" "$docs"
run 0 search --encoder "$work/static.gguf" --mode dense --json birds at the water
json '.hits[0].document | endswith("herons.txt")'
echo passed
