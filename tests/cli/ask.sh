#!/usr/bin/env bash
# docent ask: evidence, answer and pages; refusals; questions that cannot be used.
. "$(dirname "$0")/lib.sh"

run 2 ask; one_sentence
run 2 ask ''; one_sentence; err_has 'empty'
run 2 ask --temperature hot why; one_sentence
run 2 ask --temperature 9 why; one_sentence
run 2 ask --max-tokens -1 why; one_sentence
run 2 ask --sure 2 why; one_sentence
run 2 ask --budget 0.01 why; one_sentence; err_has --budget
run 2 ask --budget -3 why; one_sentence
run 1 ask why; one_sentence; err_has "$library"

run 0 add --no-embed --quiet "$SAMPLES/night-shift-policy.pdf"
printf 'caf\351' >"$work/question"
run_with "$work/question" 2 ask -; one_sentence; err_has 'UTF-8'
printf 'a\0b' >"$work/question"
run_with "$work/question" 2 ask -; one_sentence
head -c 100000 /dev/zero | tr '\0' q >"$work/question"
run_with "$work/question" 2 ask -; one_sentence
run_with /dev/null 2 ask -; one_sentence; err_has 'empty'

# A model that is not here or no model: the remedy is named, and standard output stays empty.
run 1 ask --model "$work/none.gguf" 'who is the night coordinator'; one_sentence; err_has none.gguf
head -c 1000 "$SAMPLES/night-shift-policy.pdf" >"$work/fake.gguf"
run 1 ask --model "$work/fake.gguf" --json 'who is the night coordinator'; one_sentence; out_empty
# Nor does it matter whether there is anything to answer from.
run 1 ask --model nosuch 'qwertz asdfgh'; one_sentence; err_has nosuch; out_empty
run 1 ask --model "$work/fake.gguf" 'qwertz asdfgh'; one_sentence; err_has fake.gguf; out_empty
run 3 ask --evidence --model nosuch 'qwertz asdfgh'

# Everything that mentions something is counted, not searched for; greetings need no model.
document a/one.txt 'The pump is checked every week. Nothing else.'
document a/two.txt 'Pumps are loud. The pump is blue.'
document a/three.txt 'Beds are made.'
run 0 --library "$work/all" add --no-embed --quiet "$docs/a"
run 0 --library "$work/all" ask --json 'Which documents mention pumps?'
json '.intent == "mention" and .status == "answered" and (.citations | length) == 2'
json '.answer | startswith("2 of 3 documents mention “pumps”, in 2 passages.")'
json '[.citations[].quote] == ["The pump is checked every week.", "Pumps are loud."]'
run 0 --library "$work/all" ask 'Which documents mention pumps?'
out_has 'one.txt: page 1. [1]'; out_has 'two.txt: page 1. [2]'; out_lacks three.txt
run 3 --library "$work/all" ask --json 'Welche Dokumente erwähnen Zeppeline?'
json '.status == "refused" and (.reason | contains("looked through"))'
run 0 --library "$work/all" ask 'How many documents are there?'; out_has '3 documents'; out_has two.txt
run 0 --library "$work/all" ask --json 'Hello!'
json '.intent == "greeting" and .tokens.prompt == 0 and .model == null'
run 3 --library "$work/all" ask --json 'qwertz asdfgh yxcvb'
json '.intent == "question" and (.reason | startswith("off topic"))'

# Documents that disagree are named with what each says, newer first; another year, another spelling
# and another subject are no disagreement.
padding='The ward keeps its lists in a folder beside the door. Every nurse has a key to the cupboard, and the
key is handed over with the shift. Lost keys are reported to the office on the same day. The cupboard is
cleaned on Mondays. New nurses are shown the folder in their first week, and sign that they have seen it.'
document b/policy-2019.txt "$padding Temperature logs are kept for five years. Visitors may bring flowers."
document b/policy-2023.txt "$padding Temperature logs are kept for ten years. Visitors may not bring flowers."
document b/manual.txt 'Temperature logs are kept for 10 years.'
document b/report.txt 'The ward has 24 beds.'
document b/leaflet.txt 'The ward has twenty-four beds.'
run 0 --library "$work/two" add --no-embed --quiet "$docs/b"
run 0 --library "$work/two" ask --evidence --json 'How long are temperature logs kept?'
json '.conflicts | length == 1 and .[0].kind == "number"'
json '[.conflicts[0].values[] | .value] == ["ten years", "five years", "10 years"]'
json '[.conflicts[0].values[] | .date] == ["2023", "2019", null]'
json '.conflicts[0].values[0] | (.document | endswith("policy-2023.txt")) and .page == 1 and .version == null and .quote == "Temperature logs are kept for ten years."'
run 0 --library "$work/two" ask --evidence 'How long are temperature logs kept?'
grep -A3 '^Sources disagree$' "$work/out" | tail -3 >"$work/block"
printf '  %s\n' '2023 (policy-2023.txt, p. 1): ten years' '2019 (policy-2019.txt, p. 1): five years' \
  'manual.txt, p. 1: 10 years'   | cmp -s - "$work/block" || fail "the values are shown otherwise"
run 0 --library "$work/two" ask --evidence --json 'May visitors bring flowers?'
json '.conflicts[0] | .kind == "polarity" and .values[0].value == "Visitors may not bring flowers."'
run 0 --library "$work/two" ask --evidence --json 'How many beds does the ward have?'; json '.conflicts == []'
run 0 --library "$work/two" ask --evidence --json 'How long were temperature logs kept in 2019?'
json '.conflicts == []'

need_models minilm smollm2-135m
run 0 --library "$work/lib" --encoder minilm add --quiet "$SAMPLES"/*.pdf

# Evidence alone needs no generator.
run 0 --library "$work/lib" ask --evidence --json 'On which extension is the night coordinator reached?'
json '.evidence | length > 0 and any(.text | contains("4417"))'
json '.tokens.generated == 0'
run 0 --library "$work/lib" ask --evidence 'On which extension is the night coordinator reached?'
out_has 4417; out_has 'night-shift-policy.pdf, p. 1'

# The keys that scripts rely on.
"$DOCENT" --library "$work/lib" --model smollm2-135m ask --json --max-tokens 40 \
  'On which extension is the night coordinator reached?' >"$work/out" 2>"$work/err"
case $? in 0|3) ;; *) fail "ask failed" ;; esac
err_empty
json '.status == "answered" or .status == "refused"'
json '(.answer | type) == "string" and .confidence >= 0 and .confidence <= 1'
json '.citations | all(has("n") and has("document") and has("page") and has("page_label") and has("quote"))'
json '.sentences | all(has("text") and (.supported | type) == "boolean" and (.citations | type) == "array")'
json '.coverage | .documents == 4 and has("searched") and .skipped == []'
json '.timings_ms | has("retrieve") and has("prefill") and has("first_token") and has("total")'
json '.tokens | has("prompt") and has("reused") and has("drafted") and has("generated")'
json '.model == "smollm2-135m" and has("encoder") and .escalated == false'
json 'if .status == "answered" then (.citations | length) > 0 else .reason != null end'

# A small budget: fewer sentences are read, and the best one among them.
for budget in 0.1 100; do
  "$DOCENT" --library "$work/lib" --model smollm2-135m ask --json --budget $budget --max-tokens 5 \
    'On which extension is the night coordinator reached?' >"$work/out$budget" 2>"$work/err"
  case $? in 0|1|3) ;; *) fail "ask --budget $budget failed" ;; esac
done
jq -e '.evidence | any(.text | contains("4417"))' "$work/out0.1" >/dev/null || fail "the best sentence is left out"
[ "$(jq .tokens.prompt "$work/out0.1")" -lt "$(jq .tokens.prompt "$work/out100")" ] \
  || fail "a smaller budget reads as much"

# What the model makes of the instructions alone is kept beside the models: one file, whatever is asked.
mkdir "$work/models"
for model in "$DOCENT_MODELS"/*; do ln -s "$model" "$work/models/"; done
rm -rf "$work/models/prefixes"
for question in 'How long is the unpaid break?' 'On which extension is the night coordinator reached?'; do
  DOCENT_MODELS=$work/models "$DOCENT" --library "$work/lib" --model smollm2-135m ask --json \
    --max-tokens 5 "$question" >"$work/out" 2>"$work/err"
  case $? in 0|1|3) ;; *) fail "ask failed" ;; esac
  [ "$(ls "$work/models/prefixes" | wc -l)" = 1 ] || fail "not one file of instructions"
done
json '.tokens.reused > 20'

# How much is read in time follows from how fast the last prompts were read, and that from what is seen.
read_with () { # ESTIMATE SEEN: the bytes of evidence of four questions
  sed -i "/^read_tps=/d; s/^prefill_tps=.*/prefill_tps=$1\nread_tps=$2;$2;$2;$2;$2/" "$work/models/speed.ini"
  for _ in 1 2 3 4; do
    DOCENT_MODELS=$work/models "$DOCENT" --library "$work/lib" --model smollm2-135m ask --json --budget 60 \
      --max-tokens 1 'How long is the unpaid break?' 2>"$work/err" | jq '.evidence | map(.text | length) | add'
  done >"$work/read"
}
read_with 1000000 1
[ "$(tail -1 "$work/read")" -gt "$(head -1 "$work/read")" ] || fail "it goes on reading too little"
most=$(tail -1 "$work/read")
read_with 1 1000000
[ "$(head -1 "$work/read")" = "$most" ] || fail "what was seen does not count"
sed -n '/^\[smollm2/,/^read_tps/s/^read_tps=//p' "$work/models/speed.ini" | tr ';' '\n' >"$work/rates"
awk '$1 > 0 && $1 < 999999' "$work/rates" | grep -q . || fail "a slower prompt is not remembered"

# What no document says is refused, with what was looked through.
run 3 --library "$work/lib" --model smollm2-135m ask 'What is the capital of Mongolia?'
out_has 'Searched 4 of 4 documents.'
run 3 --library "$work/lib" --model smollm2-135m ask --json 'What is the capital of Mongolia?'
json '.status == "refused" and .citations == []'

# Several things are asked one by one; what has no answer is named.
"$DOCENT" --library "$work/lib" --model smollm2-135m ask --json \
  'What is the capital of Mongolia and on which extension is the night coordinator reached?' \
  >"$work/out" 2>"$work/err"
case $? in 0|3) ;; *) fail "ask failed" ;; esac
json '[.parts[].question] == ["What is the capital of Mongolia?",
                              "on which extension is the night coordinator reached?"]'
json '.parts[0].status == "refused" and .parts[0].reason != null and .tokens.prompt > 0'
json '(.citations | length) as $n | [.sentences[].citations[]] | all(. >= 1 and . <= $n)'
json '.status == .parts[1].status and (.evidence | any(.text | contains("4417")))'
run 0 --library "$work/lib" ask --evidence \
  'How long is the unpaid break? On which extension is the night coordinator reached?'
out_has '45 minutes'; out_has 4417; out_lacks Answer
"$DOCENT" --library "$work/lib" --model smollm2-135m ask --json --evidence-tokens 300 \
  'Compare the night shift with the night coordinator' \
  >"$work/out" 2>"$work/err"
case $? in 0|3) ;; *) fail "ask failed" ;; esac
json '.intent == "compare"'
json '.tokens.generated < 200 and ([.sentences[].text] | length == (unique | length))' # not in circles

# A summary goes the dossier's way and cites the document.
"$DOCENT" --library "$work/lib" --model smollm2-135m ask --json 'Summarise night-shift-policy.pdf' \
  >"$work/out" 2>"$work/err" || fail "no summary"
json '.intent == "summary" and (.citations | length) > 0'
json '.citations | all(.document | endswith("night-shift-policy.pdf"))'

# Who wants to be sure gets nothing from a small model.
run 3 --library "$work/lib" --model smollm2-135m ask --sure 1 --json \
  'On which extension is the night coordinator reached?'
json '.status == "refused" and .reason != null'

# The same question, the same seed: the same answer.
for i in 1 2; do
  "$DOCENT" --library "$work/lib" --model smollm2-135m ask --json --temperature 0.8 --seed 7 \
    --max-tokens 30 'How long is the unpaid break?' 2>"$work/err" | jq -r .answer >"$work/answer$i"
done
cmp -s "$work/answer1" "$work/answer2" || fail "the same seed gives another answer"

# Ctrl-C: what there is, status partial, exit 1.
"$DOCENT" --library "$work/lib" --model smollm2-135m ask --json 'How long is the unpaid break?' \
  >"$work/out" 2>"$work/err" &
pid=$!
sleep 1
kill -INT $pid 2>/dev/null
got=0; wait $pid || got=$?
case $got in
  0|3) ;; # it was faster
  1) [ ! -s "$work/out" ] || json '.status == "partial"' ;;
  130) ;; # before it listened
  *) fail "exit status $got after Ctrl-C" ;;
esac
echo passed
