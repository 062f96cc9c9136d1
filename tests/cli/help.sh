#!/usr/bin/env bash
# docent help: everything in the table of commands is explained, in the program and in the man pages.
. "$(dirname "$0")/lib.sh"
manuals=$(dirname "$0")/../../docs

run 0 help; err_empty
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$work/out")
[ "$(wc -w <<<"$commands")" -ge 15 ] || fail "the list of commands is short"

for command in $commands; do
  run 0 help "$command"; err_empty
  out_has "Usage: docent $command"
  page=$manuals/docent-$command.1
  [ -r "$page" ] || fail "docent $command has no man page"
  grep -q "docent-$command.1" "$manuals/meson.build" || fail "docs/meson.build lacks docent-$command.1"
  grep -q "^\.It Ic $command$" "$manuals/docent.1" || fail "docent.1 does not list $command"

  # Every option of the command, and of those below it, is in its page.
  below=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$work/out")
  { [ -z "$below" ] && "$DOCENT" help "$command"
    for name in $below; do "$DOCENT" help "$command" "$name"; done; } \
    | sed '/^Options of all/,$d' | sed -n 's/^ *\(-., \)\?--\([a-z-]*\).*/\2/p' >"$work/options"
  while read -r option; do
    grep -q "Fl Fl $option" "$page" || fail "docent-$command(1) lacks --$option"
  done <"$work/options"
  for name in $below; do
    grep -q "Ic $name" "$page" || fail "docent-$command(1) lacks $name"
  done
done
for option in library collection model adapter encoder threads mem json quiet plain verbose help version; do
  grep -q "Fl Fl $option" "$manuals/docent.1" || fail "docent.1 lacks --$option"
done

run 0 help models fetch; out_has 'opens connections'
run 2 help nonsense; one_sentence
run 2 help lits; err_has 'did you mean “list”?'

# The pages are well-formed.
if command -v groff >/dev/null; then
  for page in "$manuals"/*.1; do
    warnings=$(groff -mdoc -Tutf8 -ww "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || fail "$page: $warnings"
  done
fi
echo passed
