#!/usr/bin/env bash
# Every file in formats/ is read by docent-extract in its sandbox as its .expected says.
#
# usage: formats.sh DUMP FOLDER
set -euo pipefail
dump=$(realpath "$1")
cd "$2"
failed=0
for expected in *.expected; do
  file=${expected%.expected}
  diff -u --label "$expected" --label "$file" "$expected" <("$dump" "$file" || true) || failed=1
done
exit $failed
