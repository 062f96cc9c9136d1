#!/usr/bin/env bash
# docent backup: a copy that is complete, checked and usable.
. "$(dirname "$0")/lib.sh"

run 1 backup "$work/copy"; one_sentence
document a.txt 'The okapi lives in the forest of the north and eats leaves all day.'
run 0 add --no-embed --quiet "$docs"
run 0 backup "$work/copy"; err_has intact; out_empty
[ "$(stat -c %a "$work/copy" "$work/copy/library.db" | tr '\n' ' ')" = '700 600 ' ] || fail "others may read the backup"
run 0 --library "$work/copy" search --mode lexical okapi; out_has a.txt
run 0 --library "$work/copy" fsck
run 0 backup --json "$work/second"; json '.verified and (.backup | endswith("second"))'
run 1 backup "$work/copy"; one_sentence; err_has "$work/copy"
run 1 backup "$work/none/copy"; one_sentence

# Subscriptions, digests and what was learned are part of it; what cannot be copied whole is not kept.
run 0 feed add https://example.org/feed.xml
mkdir -p "$library/digests/all"; echo '{"title":"Digest"}' >"$library/digests/all/2026-01-31.json"
run 0 collection embargo press 2040-01-01
run 0 --quiet feedback good 'Where does the okapi live?'
printf '[model encoder]\nslope=1\nintercept=0\nthreshold=0.3\n' >"$library/calibration.ini"
run 0 backup "$work/fourth"
for name in feedback.jsonl calibration.ini; do
  cmp -s "$library/$name" "$work/fourth/$name" || fail "the backup lacks $name"
done
cmp -s "$library/embargo.ini" "$work/fourth/embargo.ini" || fail "the embargoes are others"
diff -r "$library/digests" "$work/fourth/digests" || fail "the digests are others"
cmp -s "$library/feeds.ini" "$work/fourth/feeds.ini" || fail "the subscriptions are others"
run 0 --library "$work/fourth" feed list; out_has example.org
ln -s "$work/nowhere" "$library/digests/all/2026-02-01.json"
run 1 backup "$work/fifth"; one_sentence
[ ! -e "$work/fifth" ] || fail "a backup without a digest was kept"
rm "$library/digests/all/2026-02-01.json"

# Of a damaged library there is no backup that looks like one.
if command -v sqlite3 >/dev/null; then
  sqlite3 "$library/library.db" "UPDATE chunk SET text = text || ' tampered'"
  run 1 backup "$work/third"; one_sentence; err_has fsck
  [ ! -e "$work/third" ] || fail "the bad copy was kept"
fi
run 2 backup; one_sentence
echo passed
