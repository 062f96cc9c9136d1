#!/usr/bin/env bash
# docent models adapt and --adapter: what is no adapter for this model is refused with a sentence.
. "$(dirname "$0")/lib.sh"

run 2 models adapt "$work/model.gguf" "$work/x.gguf"; one_sentence; err_has adapter
run 1 models adapt "$work/model.gguf" "$work/x.gguf" --adapter a.gguf; one_sentence; err_has model.gguf

need_models minilm smollm2-135m
mini=$("$DOCENT" models list --json | jq -r '.[] | select(.name == "minilm") | .path')
run 1 models adapt smollm2-135m "$work/x.gguf" --adapter "$work/none.gguf"; one_sentence; err_has none.gguf
run 1 models adapt smollm2-135m "$work/x.gguf" --adapter "$mini=0.5"; one_sentence; err_has 'no LoRA adapter'
mkdir "$work/peft"
echo '{"peft_type":"LORA","r":8,"lora_alpha":16}' >"$work/peft/adapter_config.json"
run 1 models adapt smollm2-135m "$work/x.gguf" --adapter "$work/peft"; one_sentence; err_has adapter_model.safetensors
[ ! -e "$work/x.gguf" ] || fail "a refused adapter left a file"

# The same where answers are written: before anything is.
document birds.txt "The warden counted forty-two herons at the lake in March."
run 0 add "$docs" --encoder minilm
run 1 ask "How many herons did the warden count?" --model smollm2-135m --adapter "$mini"; err_has 'no LoRA adapter'
echo passed
