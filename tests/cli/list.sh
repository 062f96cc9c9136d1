#!/usr/bin/env bash
# docent list: what is in the library, as a table that lines up and as JSON.
. "$(dirname "$0")/lib.sh"

run 1 list; one_sentence; err_has 'docent add'

document short.txt 'One sentence is enough.'
document 'eine ziemlich lange Überschrift.txt' 'Noch ein Satz, diesmal auf Deutsch.'
document 日本語.txt 'これは文書です。'
run 0 add --no-embed --quiet "$docs"
run 0 add --no-embed --quiet --collection nights "$SAMPLES/night-shift-policy.pdf"

run 0 list
out_has night-shift-policy.pdf; out_has 'Document '; out_has '4 documents'; err_empty
# "Size" ends at the same terminal column in every row, whatever the script of the names.
columns=$(python3 - "$work/out" <<'P'
import sys, unicodedata
def cells(s): return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in s)
rows = open(sys.argv[1], encoding="utf-8").read().split("\n\n")[0].splitlines()
print(len({cells(r[:r.rindex("  ")]) for r in rows}))
P
) || skip "python3 is not installed"
[ "$columns" = 1 ] || fail "the columns do not line up"

run 0 list --json
json '.documents | length == 4 and all(.failure == null and .chunks > 0 and (.sha256 | length == 64))'
json '.documents[] | select(.document | endswith("night-shift-policy.pdf")) | .pages == 2 and .collection == "nights"'
run 0 list --collection nights --json; json '.documents | length == 1'
run 0 list --verbose; out_has "$SAMPLES/night-shift-policy.pdf"
run 0 list --failed; out_has 'Every document could be read'

echo 'no PDF' >"$docs/broken.pdf"
run 4 add --no-embed --quiet "$docs"
run 0 list; out_has '1 could not be read'
run 0 list --failed; out_has broken.pdf; out_lacks night-shift
run 0 list --failed --json; json '.documents | length == 1 and (.[0].failure | length > 0)'
echo passed
