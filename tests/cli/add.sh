#!/usr/bin/env bash
# docent add: files and folders go in; a bad file is named with its reason and harms nothing.
. "$(dirname "$0")/lib.sh"

run 2 add; one_sentence
run 2 add ''; one_sentence

# A PDF, a text and a Markdown file; the second run finds nothing to do.
document notes.txt 'The generator is tested on the first Monday of the month.'
document folder/plan.md '# Plan

The roof is repaired in October.'
run 0 add --no-embed "$docs" "$SAMPLES/night-shift-policy.pdf"
out_has '3 added'
run 0 add --no-embed --json "$docs" "$SAMPLES/night-shift-policy.pdf"
json '.added == 0 and .updated == 0 and .unchanged == 3 and .failed == [] and .removed == 0'
json 'has("pages") and has("chunks") and (.seconds >= 0)'

# A changed file is read again, --dry-run only says so.
sleep .01
document notes.txt 'The generator is tested on the second Tuesday of the month.'
run 0 add --no-embed --dry-run "$docs"; out_has '1 updated'
run 0 search --mode lexical generator; out_has 'first Monday'
run 0 add --no-embed "$docs"; out_has '1 updated'
run 0 search --mode lexical generator; out_has 'second Tuesday'; out_lacks 'first Monday'

# Bad files: each is named with its reason, the good one beside them goes in.
mkdir "$docs/bad"
: >"$docs/bad/empty.pdf"
echo 'this is not a PDF' >"$docs/bad/text.pdf"
head -c 9000 "$SAMPLES/study-report.pdf" >"$docs/bad/truncated.pdf"
cp "$SAMPLES/product-dossier.pdf" "$docs/bad/good.pdf"
run 4 add --no-embed "$docs/bad"
out_has '1 added'
for name in empty.pdf text.pdf truncated.pdf; do err_has "$name"; done
[ "$(grep -c '^not read: ' "$work/err")" = 3 ] || fail "not every bad file has its line"
run 0 list --failed --json; json '[.documents[].document] | any(endswith("/text.pdf")) and any(endswith("/truncated.pdf"))'
json '.documents | all(.failure | length > 10)'
run 4 add --no-embed --json "$docs/bad"
json '.failed | length == 3 and all(.document and .reason)'

# A path that does not exist is an error; what was given beside it is not lost.
document second.txt 'The archive moves to the cellar.'
got=0
"$DOCENT" add --no-embed "$docs/second.txt" "$docs/missing.pdf" >"$work/out" 2>"$work/err" || got=$?
[ "$got" = 4 ] || fail "exit status $got, not 4, with a missing file beside a good one"
err_has missing.pdf
run 0 search --mode lexical cellar; out_has 'archive moves'

# A file that may not be read is named too. Root may read everything, so it steps down first.
if [ "$(id -u)" != 0 ] || command -v setpriv >/dev/null; then
  document open.txt 'Anyone may read this sentence.'
  document closed.txt 'Nobody may read this sentence.'
  chmod 0 "$docs/closed.txt"
  as_user=()
  [ "$(id -u)" != 0 ] || as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
  mkdir -m 777 "$work/public"
  if "${as_user[@]}" env "$DOCENT" --version >/dev/null 2>&1; then
    got=0
    "${as_user[@]}" env HOME="$work/public" TMPDIR="$work/public" XDG_CONFIG_HOME="$work/public" \
      "$DOCENT" --library "$work/public/library" add --no-embed "$docs/closed.txt" "$docs/open.txt" \
      >"$work/out" 2>"$work/err" || got=$?
    [ "$got" = 4 ] || fail "exit status $got, not 4, for a file that may not be read"
    err_has closed.txt; out_has '1 added'
  fi
  rm -f "$docs/closed.txt"
fi

# Another docent that writes: one sentence, nothing changed.
hold_lock
run 1 add --no-embed "$docs"; one_sentence
run 0 search --mode lexical archive; out_has 'cellar'
release_lock

# Names that try to command the terminal are shown harmlessly.
printf 'x' >"$docs/$(printf 'red\033[31m.pdf')"
run 4 add --no-embed "$docs"
! grep -q "$(printf '\033')" "$work/out" "$work/err" || fail "an escape sequence reached the terminal"

# Where the parser finds no sandbox, nothing is read unless the user says so.
cat >"$work/no-sandbox" <<END
#!/bin/sh
[ "\$4" = --unsandboxed ] || exit 3
exec "$DOCENT_EXTRACT" "\$@"
END
chmod +x "$work/no-sandbox"
document trusted.txt 'The lighthouse is painted in May.'
extract=$DOCENT_EXTRACT; export DOCENT_EXTRACT=$work/no-sandbox
run 4 add --no-embed "$docs/trusted.txt"; err_has 'trusted.txt'; err_has '--unsandboxed'
run 0 add --no-embed --unsandboxed "$docs/trusted.txt"; out_has "1 updated"
export DOCENT_EXTRACT=$extract

# A full disk: a sentence, and the library stays as it was.
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
  unshare -m bash -c '
    mkdir "$1/small" && mount -t tmpfs -o size=600k tmpfs "$1/small" || exit 77
    "$DOCENT" --library "$1/small/library" add --no-embed -q "$2/night-shift-policy.pdf" || exit 10
    head -c 10000000 /dev/zero >"$1/small/filler" 2>/dev/null
    "$DOCENT" --library "$1/small/library" add --no-embed "$2/product-dossier.pdf" && exit 11
    rm "$1/small/filler"
    "$DOCENT" --library "$1/small/library" fsck || exit 12
    "$DOCENT" --library "$1/small/library" search --mode lexical coordinator || exit 13
    ' bash "$work" "$SAMPLES" >"$work/out" 2>"$work/err"
  case $? in
    0) grep -q '^docent: .*full' "$work/err" || fail "a full disk is not called that" ;;
    77) ;;
    10) fail "the disk was too small for the test" ;;
    11) fail "a full disk went unnoticed" ;;
    12) fail "the library is not intact after a full disk" ;;
    *) fail "the library lost a document to a full disk" ;;
  esac
fi
echo passed
