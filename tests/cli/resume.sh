#!/usr/bin/env bash
# What was read once is not read again: not after kill -9, and not after a file was renamed.
. "$(dirname "$0")/lib.sh"
need_models minilm
command -v sqlite3 >/dev/null || skip 'sqlite3 is not installed'

files=40
for i in $(seq $files); do
  {
    for line in $(seq 30); do echo "Ward $i keeps rule number $line of the house, which was written in year 19$line."; done
  } >"$docs/rules-$(printf %02d "$i").txt"
done

sql () { sqlite3 -readonly "$library/library.db" "$1" 2>/dev/null; }
vectors () { sql 'SELECT chunk, checksum FROM vector ORDER BY chunk'; }

"$DOCENT" --encoder minilm add "$docs" >/dev/null 2>&1 &
adder=$!
for _ in $(seq 600); do
  [ "$(sql 'SELECT count(*) FROM document')" -ge 3 ] 2>/dev/null && break
  sleep .02
done
kill -9 "$adder"
wait "$adder" 2>/dev/null
done_before=$(sql 'SELECT count(*) FROM document')
[ "$done_before" -ge 3 ] && [ "$done_before" -lt $files ] || skip "the run was over before it could be killed ($done_before)"
vectors >"$work/before"
[ -s "$work/before" ] || fail 'no vectors before the kill'

run 0 fsck
run 0 --encoder minilm add --json "$docs"
json ".unchanged == $done_before and .added == $files - $done_before and .failed == []"
vectors >"$work/after"
head -n "$(wc -l <"$work/before")" "$work/after" | cmp -s - "$work/before" || fail 'vectors of finished documents were made again'
run 0 list --json; json ".documents | length == $files"
run 0 fsck

# A renamed file and a renamed folder keep their vectors.
mkdir "$docs/old"; mv "$docs"/rules-0*.txt "$docs/old"
run 0 --encoder minilm sync --json; json '.moved == 9 and .added == 0 and .updated == 0 and .removed == 0'
mv "$docs/old" "$docs/new"
run 0 --encoder minilm sync --json; json '.moved == 9 and .added == 0 and .chunks == 0'
vectors | cmp -s - "$work/after" || fail 'a renamed file was embedded again'
run 0 search --mode lexical --json 'ward 7'; json '[.hits[].document] | any(endswith("new/rules-07.txt"))'
echo passed
