#!/usr/bin/env bash
# docent log: what was done, without names, and whether somebody changed it.
. "$(dirname "$0")/lib.sh"

document zebra-file.txt 'The okapi lives in the forest of the north and eats leaves all day.'
run 0 add --no-embed --quiet "$docs"
run 0 collection allow default nurse
run 0 forget --yes zebra-file.txt
run 0 log; out_has allow; out_has forget; out_lacks zebra
run 0 log --json; json '.whole and ([.events[].action] == ["put", "allow", "forget"])'
run 0 log --json --of "$docs/zebra-file.txt"; json '[.events[].action] == ["put", "forget"]'
run 0 --as nurse log --json; json '.events == []'

if command -v sqlite3 >/dev/null; then
  cp "$library/library.db" "$work/good.db"
  for change in "UPDATE event SET at = at + 1 WHERE seq = 2" "DELETE FROM event WHERE seq = 1" \
    "UPDATE event SET subject = 'default boss' WHERE seq = 2" "UPDATE event SET seq = 9 WHERE seq = 3"; do
    cp "$work/good.db" "$library/library.db"
    sqlite3 "$library/library.db" "$change"
    run 1 log; err_has 'altered or damaged'
    run 1 fsck; out_has 'log of changes'
  done
fi
run 2 log extra; one_sentence
echo passed
