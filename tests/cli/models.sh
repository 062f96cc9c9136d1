#!/usr/bin/env bash
# docent models: the store and model files, good, missing and broken. Nothing is downloaded here.
. "$(dirname "$0")/lib.sh"

run 0 models list; out_has minilm; out_has Licence
run 0 models list --json
json 'length >= 3 and all(has("name") and has("path") and has("role") and has("bytes")
      and (.fetched | type == "boolean") and has("sha256"))'

# With an empty models folder nothing is fetched, and each command says how to get there.
real_models=$DOCENT_MODELS
export DOCENT_MODELS=$work/empty
run 0 models list --json; json 'all(.fetched | not)'
run 1 models inspect minilm; one_sentence; err_has 'docent models fetch minilm'
run 1 models verify minilm; one_sentence
run 0 models verify --json; json '. == []'
run 1 models fetch nonsense; one_sentence; err_has nonsense
run 1 models inspect nonsense; one_sentence
run 1 models inspect "$work/missing.gguf"; one_sentence; err_has missing.gguf

# Files that are no models: a sentence with the file, never a crash.
: >"$work/empty.gguf"
echo 'this is not a model' >"$work/text.gguf"
head -c 100000 /dev/urandom >"$work/noise.gguf"
printf 'GGUF\003\0\0\0\377\377\377\377\377\377\377\177\377\377\377\377\377\377\377\177' >"$work/huge.gguf"
printf 'GGUF\143\0\0\0' >"$work/future.gguf"
for file in empty text noise huge future; do
  run 1 models inspect "$work/$file.gguf"; one_sentence; err_has "$file.gguf"; out_empty
  run 1 models tokenize "$work/$file.gguf"; one_sentence; out_empty
done
run 1 models inspect "$work"; one_sentence

# A file of the wrong size in the store is not taken for a model.
export DOCENT_MODELS=$work/wrong
mkdir "$DOCENT_MODELS"
path=$("$DOCENT" models list --json | jq -r '.[] | select(.role == "generator") | .path' | head -1)
echo stub >"$path"
run 0 models list --json; json 'all(.fetched | not)'
export DOCENT_MODELS=$real_models

run 2 models convert; one_sentence
run 2 models convert --type Q9 "$work" "$work/x.gguf"; one_sentence; err_has 'Q8_0'
run 1 models convert "$work/nowhere" "$work/x.gguf"; one_sentence; err_has nowhere
mkdir "$work/folder"
echo '{"architectures": ["Unheard"]}' >"$work/folder/config.json"
run 1 models convert "$work/folder" "$work/x.gguf"; one_sentence
[ ! -e "$work/x.gguf" ] || fail "a failed conversion left a file"

need_models smollm2-135m minilm
run 0 models inspect smollm2-135m; out_has llama; out_has 'Chat format'
run 0 models inspect smollm2-135m --json
json '.architecture == "llama" and .role == "generator" and .layers == 30 and .parameters > 130000000
      and .weight_bytes > 90000000 and .kv_bytes_per_token > 0 and .fits == true and .chat_format == "chatml"'
run 0 --mem 10M models inspect smollm2-135m --json; json '.fits == false'
# Half the memory for text in q8_0 (and its scales); less for a shorter context.
run 0 models inspect smollm2-135m --json; json '.context_asked == 4096 and .kv_bytes == 94371840'
run 0 models inspect smollm2-135m --json --kv-cache q8_0; json '.kv_bytes == 94371840 / 2 * 1.125'
run 0 models inspect smollm2-135m --json --context 1024; json '.kv_bytes == 94371840 / 4'
run 2 models inspect smollm2-135m --context 100000; one_sentence; err_has 8192
run 2 models inspect smollm2-135m --kv-cache q2; one_sentence; err_has q8_0
run 0 models inspect minilm --json; json '.architecture == "bert" and .role == "encoder" and .embedding == 384'
run 0 models verify --json smollm2-135m; json '.[0].ok'

printf 'Hello <|im_end|> world' >"$work/text"
run_with "$work/text" 0 models tokenize minilm --json; json '.ids | length > 3 and all(. >= 0)'
run_with "$work/text" 0 models tokenize smollm2-135m --json; json '.ids | index(2) == null'
run_with "$work/text" 0 models tokenize smollm2-135m --parse-special --json; json '.ids | index(2) != null'
run_with /dev/null 0 models tokenize minilm --json; json '.ids == []'
printf 'caf\351' >"$work/text"
run_with "$work/text" 1 models tokenize minilm; one_sentence; err_has UTF-8

# Foreseeing a text: words in order are easier than the same words in disorder.
awk 'BEGIN { for (i = 0; i < 40; i++) print "The cat sat on the mat and looked at the dog." }' >"$work/text"
run 0 models perplexity smollm2-135m "$work/text" --context 64 --tokens 128 --json
json '.perplexity > 1 and .perplexity < 100 and .uncertainty >= 0 and .tokens == 128 and .scored == 62'
run_with "$work/text" 0 models perplexity smollm2-135m - --context 64 --tokens 64; out_has Perplexity
run 0 models perplexity smollm2-135m "$work/text" --context 64 --tokens 128 --kv-cache q8_0 --json
json '.perplexity > 1 and .perplexity < 100'
run 1 models perplexity smollm2-135m "$work/text" --context 4096; one_sentence; err_has 'tokens'
run 1 models perplexity minilm "$work/text"; one_sentence; err_has 'encoder'
run 1 models perplexity smollm2-135m "$work/nowhere"; one_sentence; err_has nowhere
run 2 models perplexity smollm2-135m "$work/text" --context -1; one_sentence
run 1 --mem 10M models perplexity smollm2-135m "$work/text"; one_sentence; err_has 'limit'

# A model that was cut short is refused wherever it is used.
model=$("$DOCENT" models list --json | jq -r '.[] | select(.name == "smollm2-135m") | .path')
for size in 4 24 1000 1000000 50000000; do
  head -c "$size" "$model" >"$work/cut.gguf"
  run 1 models inspect "$work/cut.gguf"; one_sentence; err_has cut.gguf
done
echo passed
