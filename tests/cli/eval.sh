#!/usr/bin/env bash
# docent eval: figures with the keys that scripts rely on, on a collection of three texts.
. "$(dirname "$0")/lib.sh"

run 2 eval; one_sentence
run 2 eval retrieval; one_sentence
run 1 eval retrieval "$work/nowhere"; one_sentence; err_has nowhere
run 2 eval answers --oracle --absent "$work/nowhere.json"; one_sentence; err_has absent
run 1 eval answers "$work/nowhere.json"; one_sentence; err_has nowhere.json
echo '{"data": 3}' >"$work/broken.json"
run 2 eval answers "$work/broken.json"; one_sentence
mkdir "$work/partial"
run 1 eval retrieval "$work/partial"; one_sentence

mkdir -p "$work/set/qrels"
cat >"$work/set/corpus.jsonl" <<'J'
{"_id": "d1", "title": "Lifts", "text": "The lift is inspected in March by an engineer."}
{"_id": "d2", "title": "Canteen", "text": "The canteen closes at two in the afternoon."}
{"_id": "d3", "title": "Roof", "text": "The roof was repaired after the storm."}
J
cat >"$work/set/queries.jsonl" <<'J'
{"_id": "q1", "text": "When is the lift inspected?"}
{"_id": "q2", "text": "When does the canteen close?"}
J
printf 'query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n' >"$work/set/qrels/test.tsv"

need_models minilm
run 0 eval retrieval "$work/set" --json
jq -se 'map(.mode) as $m | (["lexical", "dense", "hybrid"] - $m) == []' "$work/out" >/dev/null \
  || fail "a mode is missing"
jq -se 'all(.queries == 2 and ."ndcg@10" == 1 and ."recall@100" == 1 and ."mrr@10" == 1 and .ms_per_query >= 0)' \
  "$work/out" >/dev/null || fail "three texts are not ranked perfectly"
run 0 eval retrieval "$work/set"; out_has 'nDCG@10'; out_has hybrid
[ ! -e "$library" ] || fail "the user's own library was touched"

need_models smollm2-135m
cat >"$work/squad.json" <<'J'
{"version": "v2.0", "data": [{"title": "House", "paragraphs": [
  {"context": "The lift is inspected in March by an engineer from the north works.", "qas": [
    {"id": "1", "question": "In which month is the lift inspected?", "is_impossible": false,
     "answers": [{"text": "March", "answer_start": 25}]},
    {"id": "2", "question": "Who painted the ceiling of the opera?", "is_impossible": true, "answers": []}]}]}]}
J
for oracle in '' --oracle; do
  run 0 --model smollm2-135m eval answers $oracle --json "$work/squad.json"
  json '.questions == 2 and .f1 >= 0 and .em <= 1 and has("contains") and has("refusal_precision")
        and has("refusal_recall") and has("wrong_answer_rate") and (.first_token_ms | has("p50") and has("p95"))'
done
run 0 --model smollm2-135m eval answers --limit 1 --seed 3 --json "$work/squad.json"
json '.questions == 1'
echo passed
