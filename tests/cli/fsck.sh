#!/usr/bin/env bash
# docent fsck: an intact library passes, a damaged one does not.
. "$(dirname "$0")/lib.sh"

run 1 fsck; one_sentence
run 0 add --no-embed --quiet "$SAMPLES"/*.pdf
run 0 fsck; err_has intact; out_empty
run 0 fsck --json; json '.problems == [] and .remaining == 0'

# A passage changed behind docent's back: noticed, and repaired where that can be done.
if command -v sqlite3 >/dev/null; then
  sqlite3 "$library/library.db" "UPDATE chunk SET text = text || ' tampered' WHERE id = 1"
  run 1 fsck; [ -s "$work/out" ] || fail "no problem is named"
  run 1 fsck --json; json '.remaining >= 1 and (.problems | length >= 1)'
fi

# A damaged database file: an outcome, never a crash.
cp -r "$library" "$work/damaged"
size=$(stat -c %s "$work/damaged/library.db")
printf 'XXXXXXXXXXXXXXXX' | dd of="$work/damaged/library.db" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
head -c 64 /dev/urandom | dd of="$work/damaged/library.db" bs=1 seek=4096 conv=notrunc 2>/dev/null
run 1 --library "$work/damaged" fsck
head -c $((size / 3)) "$library/library.db" >"$work/damaged/library.db"
run 1 --library "$work/damaged" fsck
run 2 fsck extra; one_sentence
echo passed
