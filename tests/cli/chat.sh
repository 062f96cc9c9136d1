#!/usr/bin/env bash
# docent chat: questions in a pipe and on a terminal, commands, and a history for one's own eyes.
. "$(dirname "$0")/lib.sh"

run 1 chat; one_sentence
run 2 chat words; one_sentence
run 2 chat --max-tokens -2; one_sentence

run 0 add --no-embed --quiet "$SAMPLES/night-shift-policy.pdf"
run_with /dev/null 0 chat
run 1 chat --model "$SAMPLES/night-shift-policy.pdf"; one_sentence; err_has night-shift-policy.pdf
printf '/help\n/sources\n/nonsense\n\n/quit\nnot asked\n' >"$work/lines"
run_with "$work/lines" 0 chat
out_has /sources; err_has '/nonsense'; out_lacks 'not asked'

# Asked again, a question is kept to the part of the library that it named.
document ward/one.txt 'The pump is checked every week.'
document zoo/two.txt 'The pump is blue.'
run 0 --library "$work/parts" add --no-embed --quiet "$docs/ward"
run 0 --library "$work/parts" -c zoo add --no-embed --quiet "$docs/zoo"
printf 'in:zoo Which documents mention pumps?\n/retry\n/retry\nWhich documents mention pumps?\n' >"$work/lines"
run_with "$work/lines" 0 --library "$work/parts" chat --json
[ "$(jq '.citations | length' "$work/out" | tr '\n' ' ')" = '1 1 1 2 ' ] || fail "/retry forgets the filters"

# On a terminal: a history that only its author may read, and none when it is not wanted.
if command -v script >/dev/null; then
  printf '/nonsense of today\n/quit\n' | script -qec "'$DOCENT' chat" /dev/null >"$work/out" 2>"$work/err"
  out_has 'docent>'
  history=$XDG_STATE_HOME/docent/history
  [ -f "$history" ] || fail "there is no history"
  [ "$(stat -c %a "$history")" = 600 ] || fail "others may read the history"
  grep -q nonsense "$history" || fail "the history lacks what was typed"
  rm "$history"
  printf '/quit\n' | script -qec "'$DOCENT' chat --no-history" /dev/null >/dev/null 2>&1
  [ ! -e "$history" ] || fail "--no-history keeps a history"
fi

need_models minilm smollm2-135m
run 0 --library "$work/lib" add --quiet "$SAMPLES"/*.pdf
printf 'On which extension is the night coordinator reached?\n/sources\n\377\nWhat is the capital of Mongolia?\n' \
  >"$work/lines"
run_with "$work/lines" 0 --library "$work/lib" --model smollm2-135m chat --max-tokens 30
out_has Evidence; out_has 4417; err_has UTF-8; out_has 'Searched 4 of 4 documents.'
printf 'On which extension is the night coordinator reached?\nWhat is the capital of Mongolia?\n' \
  >"$work/lines"
run_with "$work/lines" 0 --library "$work/lib" --model smollm2-135m chat --json --max-tokens 30
[ "$(wc -l <"$work/out")" = 2 ] || fail "two questions do not give two lines of JSON"
jq -se '.[1].status == "refused"' "$work/out" >/dev/null || fail "the second question is not refused"
echo passed
