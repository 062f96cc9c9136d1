#!/usr/bin/env bash
# docent collection, and --as: a role finds no trace of what it may not read.
# LEAK_USERS, LEAK_COLLECTIONS: how many (50 and 20 for a full run, by hand).
. "$(dirname "$0")/lib.sh"
n_users=${LEAK_USERS:-4} n_collections=${LEAK_COLLECTIONS:-5}

for c in $(seq "$n_collections"); do
  document "c$c/notes-canary$c-end.txt" "The word of this collection is canary$c-end and everybody knows the common okapi."
  run 0 add --no-embed --quiet --collection "box$c-end" "$docs/c$c"
done
run 0 fsck # the vectors of nobody
may_read () { [ $((($1 * 7 + $2 * 3) % 4)) = 0 ]; }
for u in $(seq "$n_users"); do for c in $(seq "$n_collections"); do
  if may_read "$u" "$c"; then run 0 collection allow "box$c-end" "user$u"; fi
done; done

run 0 collection list --json
json "[.collections[].collection] | length == $n_collections"
run 0 fsck

# Everything a reader can ask for, in one file.
ask_everything () {
  local user=$1 c; : >"$work/all"
  for command in 'list' 'list --json' 'list --failed' 'collection list' 'collection list --json' \
    'search --mode lexical okapi' 'search --json --mode lexical okapi' 'search -n 1000 okapi -v' \
    'ask --evidence okapi' 'ask --evidence --json okapi' 'show notes' 'doctor'; do
    # shellcheck disable=SC2086
    "$DOCENT" --as "$user" $command </dev/null >>"$work/all" 2>&1
  done
}
for u in $(seq "$n_users"); do
  ask_everything "user$u"
  for c in $(seq "$n_collections"); do
    n=$(grep -c "canary$c-end\|box$c-end" "$work/all")
    if may_read "$u" "$c"; then
      [ "$n" -gt 5 ] || fail "user$u does not see box$c-end"
    else
      [ "$n" = 0 ] || { cp "$work/all" "$work/out"; fail "user$u sees box$c-end"; }
      # Asking for it by name answers as for something that was never there.
      for what in "search --mode lexical canary$c-end" "search in:box$c-end okapi" "show notes-canary$c-end.txt"; do
        # shellcheck disable=SC2086
        "$DOCENT" --as "user$u" $what 2>&1 | sed "s/canary$c-end/X/g; s/box$c-end/X/g" >"$work/there"
        # shellcheck disable=SC2086
        "$DOCENT" --as "user$u" ${what//$c-end/9999-end} 2>&1 \
          | sed 's/canary9999-end/X/g; s/box9999-end/X/g' >"$work/never"
        cmp -s "$work/there" "$work/never" || { cp "$work/there" "$work/out"; fail "user$u can tell that box$c-end exists"; }
      done
    fi
  done
done

run 3 --as nobody search --mode lexical okapi; out_has 'Searched 0 of 0 documents'
run 0 collection allow box1-end nobody; run 0 --as nobody search --mode lexical okapi
run 0 collection deny box1-end nobody; run 3 --as nobody search --mode lexical okapi

# A role changes nothing.
for command in "add $docs" sync 'forget notes' 'tag x notes' 'collection allow box1-end user1'; do
  # shellcheck disable=SC2086
  run 2 --as user1 $command; one_sentence; err_has '--as'
done
run 2 --as user1 fsck; one_sentence
run 2 collection allow box1-end; one_sentence
echo passed
