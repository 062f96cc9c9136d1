#!/usr/bin/env bash
# --private, and private collections: nothing of what is asked and answered reaches the disk.
# PRIVATE_KILLS: how often an answer is killed (50 for a full run, by hand).
. "$(dirname "$0")/lib.sh"

secret=zyxomandrel
# Everything that docent could have written to. This test's own output goes elsewhere.
traces () { grep -rlaF "$1" "$work/data" "$work/state" "$work/config" "$work/cache" "$work/home" "$work/tmp" 2>/dev/null; }
no_trace () { found=$(traces "$1"); [ -z "$found" ] || fail "$2 left $1 in $found"; }

document open/policy.txt 'The night coordinator is reached on extension 4417.'
document closed/case.txt 'The inquiry of the night coordinator began on Tuesday.'
run 0 add --no-embed --quiet --collection open "$docs/open"
run 0 add --no-embed --quiet --collection closed "$docs/closed"
history=$XDG_STATE_HOME/docent/history

# On a terminal: the history is kept, unless what was asked is private.
chat () { # QUESTION OPTION…
  local question=$1; shift
  printf '%s\n/quit\n' "$question" | script -qec "'$DOCENT' $* chat" /dev/null >"$work/out" 2>"$work/err"
}
if command -v script >/dev/null; then
  chat "is $secret known?"
  grep -q "$secret" "$history" || fail "there is no history to leave out"
  rm "$history"
  chat "is $secret known?" --private; out_has 'docent>'; no_trace "$secret" --private
  [ ! -e "$history" ] || fail "--private keeps a history"
  printf 'private = true\n' >"$work/keys"
  mkdir -p "$XDG_CONFIG_HOME/docent"; (echo '[docent]'; cat "$work/keys") >"$XDG_CONFIG_HOME/docent/config"
  chat "is $secret known?"; no_trace "$secret" 'the key private'
  echo '[docent]' >"$XDG_CONFIG_HOME/docent/config"

  run 0 collection private closed
  run 0 collection list --json
  json '.collections | map({(.collection): .private}) | add == {"open": false, "closed": true}'
  chat "is $secret known?" --collection closed; no_trace "$secret" 'a private collection'
  chat "in:closed is $secret known?" --collection open; no_trace "$secret" 'a question about a private collection'
  chat "is $secret known?"; no_trace "$secret" 'a question about everything'
  chat "is $secret known?" --collection open
  grep -q "$secret" "$history" || fail "a collection beside a private one keeps no history"
  rm "$history"
  chat "/export $work/home/answers.md" --collection closed; out_has 'private'
  [ ! -e "$work/home/answers.md" ] || fail "a private conversation was exported"
  run 0 collection public closed
  chat "is $secret known?" --collection closed
  grep -q "$secret" "$history" || fail "a collection that is public again keeps no history"
  rm "$history"
fi
printf '[docent]\nprivate = perhaps\n' >"$XDG_CONFIG_HOME/docent/config"
run 1 list; one_sentence; err_has 'private is not true or false'
rm "$XDG_CONFIG_HOME/docent/config"
run 0 fsck

# The filters of `ask` hold in chat, as options and in a question.
echo 'night coordinator' >"$work/lines"
if "$DOCENT" models list --json | jq -e 'any(.[]; .role == "generator" and .fetched)' >/dev/null; then
  run_with "$work/lines" 0 --json chat --folder "$docs/closed" --max-tokens 1
  json '.coverage.documents == 1'
  echo 'in:open night coordinator' >"$work/lines"
  run_with "$work/lines" 0 --json chat --max-tokens 1; json '.coverage.documents == 1'
fi
run 2 chat --after yesterday; one_sentence

need_models minilm smollm2-135m
library=$XDG_DATA_HOME/meaning
run 0 --library "$library" --encoder minilm add --quiet "$docs" "$SAMPLES"/*.pdf
question="On which extension is the night coordinator reached, asks $secret?"
ask=("$DOCENT" --library "$library" --model smollm2-135m --private ask --max-tokens 60 "$question")
# A line of the prompt, as the model is told it.
told='Answer the question from the passages only'
"${ask[@]}" >/dev/null 2>&1; no_trace "$secret" 'an answer'

# Not a byte is written to any file while it answers.
if command -v strace >/dev/null; then
  strace -f -qq -y -e trace=write,pwrite64,writev,pwritev,sendfile,copy_file_range,ftruncate,mmap -o "$work/trace" \
    "${ask[@]}" >/dev/null 2>&1
  grep -E '^[0-9]+ +(p?writev?(64)?|sendfile|copy_file_range|ftruncate)\(' "$work/trace" \
    | grep -E '<(/[^>]*)>' | grep -vE '<(/dev/|pipe:|/proc/)' >"$work/out"
  [ ! -s "$work/out" ] || fail "a private answer writes to a file"
  grep mmap "$work/trace" | grep PROT_WRITE | grep MAP_SHARED | grep -E '<(/[^>]*)>' >"$work/out"
  [ ! -s "$work/out" ] || fail "a private answer writes to a file through memory"
fi

# Killed at any moment.
for kill in $(seq "${PRIVATE_KILLS:-4}"); do
  "${ask[@]}" >/dev/null 2>&1 &
  sleep "$((RANDOM % 2)).$((RANDOM % 9))"
  kill -9 $! 2>/dev/null; wait $! 2>/dev/null
  no_trace "$secret" 'a killed answer'
  no_trace "$told" 'a killed answer'
  [ -z "$(find "$TMPDIR" -type f)" ] || fail "a killed answer left files in $TMPDIR"
done
run 0 --library "$library" fsck
echo passed
