#!/usr/bin/env bash
# docent forget: the document is gone from the library's files, and still on the disk.
. "$(dirname "$0")/lib.sh"

document secret.txt 'The passphrase of the vault is heliotrope-quagmire.'
document other.txt 'The vault is in the cellar.'
run 0 add --no-embed --quiet "$docs"
run 0 search --mode lexical heliotrope

# A name that matches nothing removes nothing, not even what was named beside it.
run 1 forget --yes other.txt nowhere.txt; one_sentence; err_has nowhere.txt
run 0 list --json; json '.documents | length == 2'

# Another docent that writes: one sentence.
hold_lock
run 1 forget --yes secret.txt; one_sentence
release_lock

run 0 forget --yes --json secret.txt
json '.forgotten | length == 1 and (.[0].document | endswith("/secret.txt")) and .[0].chunks == 1'
[ -f "$docs/secret.txt" ] || fail "the file itself was removed"
run 3 search --mode lexical heliotrope
! grep -rqai heliotrope "$library" || fail "its text is still in the library's files"
run 0 search --mode lexical cellar
run 0 forget other.txt; out_has 'Forgotten: '; out_has other.txt
run 0 list --json; json '.documents == []'
run 1 forget --yes other.txt; one_sentence
run 0 fsck

# On a terminal it asks first.
if command -v script >/dev/null; then
  run 0 add --no-embed --quiet "$docs/other.txt"
  printf 'n\n' | script -qec "'$DOCENT' forget other.txt" /dev/null >"$work/out" 2>&1
  out_has '[y/N]'
  run 0 list --json; json '.documents | length == 1'
  printf 'y\n' | script -qec "'$DOCENT' forget other.txt" /dev/null >"$work/out" 2>&1
  run 0 list --json; json '.documents == []'
fi
echo passed
