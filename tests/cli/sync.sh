#!/usr/bin/env bash
# docent sync: new, changed, renamed and deleted files of what was added; made for cron.
. "$(dirname "$0")/lib.sh"

document policy.txt 'Visitors leave the ward at nine in the evening.'
document old.txt 'The fax machine is in room twelve.'
run 0 add --no-embed "$docs"
run 0 sync --no-embed --json; json '.added == 0 and .unchanged == 2 and .removed == 0'

sleep .01
document policy.txt 'Visitors leave the ward at eight in the evening.'
document new.txt 'The lift is inspected in March.'
mv "$docs/old.txt" "$docs/renamed.txt"
run 0 sync --dry-run --no-embed --json; json '.added == 1 and .updated == 1'
run 0 search --mode lexical visitors; out_has 'at nine'
run 0 sync --no-embed --json; json '.added == 1 and .updated == 1 and .failed == []'
run 0 search --mode lexical visitors; out_has 'at eight'; out_lacks 'at nine'
run 0 search --mode lexical --json fax; json '.hits | length == 1 and (.[0].document | endswith("renamed.txt"))'

rm "$docs/renamed.txt"
run 0 sync --no-embed --json; json '.removed == 1'
run 3 search --mode lexical fax

# One bad file: exit 4, the others are there; with --quiet nothing else is printed.
echo 'no PDF' >"$docs/bad.pdf"
document good.txt 'The canteen closes at two.'
run 4 sync --no-embed --quiet
out_empty; err_has bad.pdf; [ "$(wc -l <"$work/err")" = 1 ] || fail "--quiet prints more than the bad file"
run 0 search --mode lexical canteen; out_has 'closes at two'
rm "$docs/bad.pdf"

# When another docent writes, this one leaves, without an error.
hold_lock
run 0 sync --no-embed; err_has 'Another docent'; out_empty
run 0 sync --no-embed --json; json '.busy == true and .added == 0'
release_lock
run 0 sync --no-embed --quiet; out_empty; err_empty
run 2 sync "$docs"; one_sentence

# --watch: new and renamed files go in by themselves, one summary a round; Ctrl-C ends it.
docs=$work/watched
document inbox/first.txt 'The gate is painted green.'
run 0 add --no-embed "$docs"
run 2 sync --watch --dry-run; one_sentence
"$DOCENT" sync --watch --no-embed --json >"$work/rounds" 2>"$work/watch.err" </dev/null &
watcher=$!
wait_for () {
  local i
  for i in $(seq 200); do grep -q "$1" "$work/rounds" && return; sleep .05; done
  cat "$work/rounds" "$work/watch.err"; fail "--watch did not report $1"
}
wait_for '"unchanged" *: *[1-9]'
document inbox/second.txt 'The bell is rung at noon.'
wait_for '"added" *: *1'
mkdir "$docs/later"; document later/third.txt 'The well is deep.'
mv "$docs/inbox/first.txt" "$docs/later/moved.txt"
wait_for '"moved" *: *1'
run 0 search --mode lexical bell; out_has 'noon'
kill -INT "$watcher"; wait "$watcher" || fail "--watch does not end cleanly on Ctrl-C: $?"
run 0 search --mode lexical --json gate; json '.hits[0].document | endswith("later/moved.txt")'

# Rules are remembered with the folder, .docentignore may change any time; what is no longer wanted
# leaves the library.
docs=$work/ruled
document memo.md 'The fountain is switched off in winter.'
document draft.md 'The fountain may be sold.'
document notes.txt 'The fountain is by Bernini.'
document old/memo.md 'The fountain was built in 1910.'
run 0 add --no-embed --json --include '*.md' --exclude 'draft.*' "$docs"; json '.added == 2'
document new.md 'The fountain is cleaned in May.'
document draft.txt 'The fountain is for sale.'
run 0 sync --no-embed --json; json '.added == 1 and .removed == 0'
echo 'old/' >"$docs/.docentignore"
run 0 sync --no-embed --dry-run; out_has '1 removed'
run 0 sync --no-embed --json; json '.removed == 1 and .failed == []'
run 0 search --mode lexical --json fountain
json '[.hits[].document | split("/")[-1]] | sort == ["memo.md", "new.md"]'
run 0 add --no-embed --json --include '*' "$docs"; json '.added == 3'
echo passed
