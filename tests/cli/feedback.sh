#!/usr/bin/env bash
# docent feedback and the questions asked again: eval replay, eval compare.
. "$(dirname "$0")/lib.sh"

run 2 feedback; one_sentence
run 2 feedback good; one_sentence
run 2 feedback perhaps 'who signs'; one_sentence; err_has 'good or bad'
run 2 feedback bad --none --answer nine 'how many'; one_sentence
run 2 feedback bad --page 3 'how many'; one_sentence; err_has '--document'
run 2 feedback bad ''; one_sentence
run 2 eval replay --sure 7; one_sentence
run 2 eval compare one; one_sentence

document one.txt 'The pump is checked every week by Doctor Weiss.'
document two.txt 'The boiler is checked every year.'
run 0 add --no-embed --quiet "$docs"
run 1 eval replay; one_sentence; err_has feedback.jsonl
run 1 feedback bad --document nowhere.txt 'how many'; one_sentence; err_has nowhere.txt
run 0 --quiet feedback bad --answer 'week|weekly' --document one.txt --page 1 'How often is the pump checked?'
run 0 --quiet feedback bad --document two.txt 'How often is the boiler checked?'
run 0 --quiet feedback bad --none 'What does the cafeteria serve?'
run 0 --quiet feedback good 'Hello!'
run 0 --quiet feedback bad 'Which documents mention boilers?'
kept=$library/feedback.jsonl
[ "$(stat -c %a "$kept")" = 600 ] || fail "others may read the feedback"
[ "$(wc -l <"$kept")" = 5 ] || fail "not every verdict is kept"
jq -se '.[0] | .question == "How often is the pump checked?" and .phrase == "week|weekly" and .page == 1
  and (.document | endswith("/one.txt")) and .verdict == "bad" and .none == false' "$kept" >/dev/null || fail "the line is another"

# What names a document goes with it.
run 0 forget --yes --quiet two.txt
! grep -q boiler.checked "$kept" || fail "the forgotten document is still named"
[ "$(wc -l <"$kept")" = 4 ] || fail "more was dropped than the document's"

# Questions that code answers need no model, so these figures are exact.
cat >"$work/golden.jsonl" <<END
{"question": "Which documents mention pumps?", "phrase": "1 of 1", "document": "one.txt", "page": 1}
{"question": "Which documents mention boilers?", "phrase": "two.txt", "document": "two.txt", "page": 1}
{"question": "Which documents mention zeppelins?"}
{"question": "Hello!", "verdict": "good"}
{"question": "How many documents are there?", "verdict": "bad"}
not json
END
run 0 eval replay "$work/golden.jsonl" --json
json '.questions == 5 and .answerable == 3 and .unanswerable == 1 and .unjudged == 1'
json '(.right - 2 / 3 | fabs) < 1e-6 and .wrong == 0 and .cited == 0.5 and .refused_rightly == 1 and .refused == 0.4'
run 0 eval replay "$work/golden.jsonl"; out_has 'right page cited'
echo '[]' >"$work/empty.jsonl"
run 1 eval replay "$work/empty.jsonl"; one_sentence; err_has 'question'
run 1 eval compare nosuch nosuch "$work/golden.jsonl"; one_sentence; err_has nosuch

need_models smollm2-135m qwen2.5-0.5b
run 0 eval compare smollm2-135m qwen2.5-0.5b "$work/golden.jsonl" --report "$work/report.md"
out_has 'wrong answers, of all'
grep -q '^| right page cited | 0.500 | 0.500 |$' "$work/report.md" || fail "the report lacks a figure"
run 0 eval compare smollm2-135m qwen2.5-0.5b "$work/golden.jsonl" --json
json '[.models[].model] == ["smollm2-135m", "qwen2.5-0.5b"] and .models[1].questions == 5'
echo passed
