#!/usr/bin/env bash
# The whole way from PDFs to cited answers: adds samples/*.pdf to a fresh library and asks every
# question of samples/questions.jsonl. An answer is right when it contains the expected phrase; a
# question that the documents do not answer must be refused.
#
# usage: answers.sh DOCENT SAMPLES; skipped (77) when the models are not fetched.
set -euo pipefail
docent=$1 samples=$2
readonly generator=qwen2.5-0.5b

for model in minilm "$generator"; do
  "$docent" models list --json | jq -e --arg name "$model" 'any(.[]; .name == $name and .fetched)' >/dev/null || {
    echo "skipped: $model is not fetched (docent models fetch $model)"
    exit 77
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$docent" --library "$work/library" add --quiet "$samples"/*.pdf

right=0 cited=0 answerable=0 refused=0 unanswerable=0
while read -r line; do
  question=$(jq -r .question <<<"$line")
  phrase=$(jq -r '.phrase // empty' <<<"$line")
  status=0
  "$docent" --library "$work/library" --model "$generator" ask --json "$question" >"$work/answer" || status=$?
  if [ -z "$phrase" ]; then
    unanswerable=$((unanswerable + 1))
    if [ "$status" = 3 ] && jq -e '.status == "refused"' "$work/answer" >/dev/null; then
      refused=$((refused + 1))
    else
      echo "should have been refused: $question -> $(jq -r .answer "$work/answer")"
    fi
    continue
  fi
  answerable=$((answerable + 1))
  # A refusal may quote the right sentence as the closest, and is none the less no answer.
  if jq -r 'select(.status != "refused") | .answer' "$work/answer" | grep -qiE -- "$phrase"; then
    right=$((right + 1))
  else
    echo "wrong: $question -> $(jq -r .answer "$work/answer")"
  fi
  if jq -e --argjson want "$line" \
      'any(.citations[]; .page == $want.page and (.document | endswith("/" + $want.document)))' \
      "$work/answer" >/dev/null; then
    cited=$((cited + 1))
  else
    echo "not cited from $(jq -r '"\(.document) page \(.page)"' <<<"$line"): $question"
  fi
done <"$samples/questions.jsonl"

echo "$right of $answerable right, $cited cited at the expected page, $refused of $unanswerable refused"
[ "$right" -ge $((answerable * 80 / 100)) ] || { echo "too few right answers"; exit 1; }
[ "$cited" -ge $((answerable * 75 / 100)) ] || { echo "too few right citations"; exit 1; }
[ "$refused" -ge $((unanswerable * 80 / 100)) ] || { echo "too few refusals"; exit 1; }
