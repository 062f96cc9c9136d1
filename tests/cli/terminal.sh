#!/usr/bin/env bash
# docent on a real terminal (tmux): editing, completion, history, links, colours, the viewer, and
# --plain for those who hear the screen.
. "$(dirname "$0")/lib.sh"
need_terminal

export TERM=xterm-256color DOCENT
leaks_in wcsdup # libedit keeps the names of functions that are added to it

# start COMMAND [WIDTH]: in a terminal of that width.
start () { open_terminal "$1; echo ended with \$?; sleep 30" "${2:-90}"; }
# The longest line on the screen, as the program wrote it.
longest () { screen capture-pane -p -J -S - | wc -L; }
keys () { screen send-keys "$@"; }
shown () { screen capture-pane -p -J -S - >"$work/out"; : >"$work/err"; }

# see TEXT: waits until it is on the screen.
see () {
  local i
  for ((i = 0; i < 900; i++)); do
    shown
    ! grep -qF -- "$1" "$work/out" || return 0
    sleep .1
  done
  fail "the screen does not show: $1"
}

# A viewer that says what it is asked to open.
cat >"$work/viewer" <<END
#!/bin/sh
echo "\$*" >'$work/opened.new'; mv '$work/opened.new' '$work/opened'
END
chmod +x "$work/viewer"
export DOCENT_VIEWER="$work/viewer --page=x %p %f"

run 0 add --no-embed --quiet "$SAMPLES/night-shift-policy.pdf"
run 0 -c zoo add --no-embed --quiet "$SAMPLES/product-dossier.pdf"

start "'$DOCENT' chat"
see 'docent>'; see '/export FILE'
keys /so Tab; see '/sources'
keys Enter; see 'There is no answer with sources yet.'
keys '/collection z' Tab; see '/collection zoo'
keys Enter; see 'Collection: zoo'
keys 'what of prod' Tab; see 'what of product-dossier.pdf'
keys C-c; keys '/col' Tab Enter; see 'Collection: all'
keys '/nonsense \' Enter; see '   ...>'
keys 'of two lines' Enter; see 'there is no command /nonsense'
keys Up; see 'docent> /nonsense  of two lines'
keys C-c '/open 1' Enter; see 'the last answer has no source [1]'
keys '/model nosuch' Enter; see 'nosuch'
keys '/why' Enter; see 'docent>'
keys C-d; see 'ended with 0'
close_terminal
[ "$(stat -c %a "$XDG_STATE_HOME/docent/history")" = 600 ] || fail "others may read the history"
grep -q 'two' "$XDG_STATE_HOME/docent/history" || fail "the history lacks what was typed"

# Colours and links: on where they are understood, other shades on a light ground, none if unwanted.
colours () { script -qec "$1" /dev/null </dev/null >"$work/out" 2>"$work/err"; }
green=$'\033[32m' dark_green=$'\033[38;5;28m' link=$'\033]8;;file://'
search="'$DOCENT' search vaccine fridge night nurse"
colours "$search";                        out_has "$green"; out_lacks "$link"
colours "FORCE_HYPERLINK=1 $search";      out_has "$link"; out_has '.pdf#page='
colours "VTE_VERSION=7000 $search";       out_has "$link"
colours "COLORFGBG='0;15' $search";       out_has "$dark_green"; out_lacks "$green"
colours "NO_COLOR=1 FORCE_HYPERLINK=1 $search"; out_lacks $'\033'
colours "$search --plain";                out_lacks $'\033'
colours "TERM=dumb $search";              out_lacks $'\033'

# --plain keeps lines whole, so that a screen reader reads sentences.
start "'$DOCENT' --plain --verbose search night nurse; stty size"
see 'ended with 0'
[ "$(longest)" -gt 100 ] || fail "--plain wraps its lines at $(longest)"
close_terminal

# Everybody else gets lines as wide as the window, whatever is printed.
for width in 50 80; do
  for command in 'search night nurse' 'dossier --no-model night-shift-policy.pdf' 'digest --no-model --again --since today'; do
    start "sleep 1; '$DOCENT' $command" "$width"
    see 'ended with 0'
    [ "$(longest)" -le "$width" ] && [ "$(longest)" -gt $((width - 25)) ] \
      || fail "$command is $(longest) columns wide in a window of $width"
    close_terminal
  done
done

# A pipe gets plain text: no escapes, nothing redrawn, lines whole.
colours "'$DOCENT' dossier --no-model night-shift-policy.pdf"; out_has $'\033[1m'
"$DOCENT" dossier --no-model night-shift-policy.pdf >"$work/out" 2>"$work/err" || fail "dossier in a pipe"
out_lacks $'\033'; out_lacks $'\r'
[ "$(wc -L <"$work/out")" -gt 100 ] || fail "lines are wrapped in a pipe"

# Progress on a terminal: a bar that is redrawn, what is done and how long it takes.
colours "'$DOCENT' --library '$work/bar' add --no-embed '$SAMPLES'"
out_has $'\r'; grep -qE 'file [0-9]+ of [0-9]+' "$work/out" || fail "no progress on a terminal"

need_models minilm smollm2-135m
run 0 --library "$work/lib" add --quiet "$SAMPLES"/*.pdf
start "'$DOCENT' --library '$work/lib' --model smollm2-135m chat --max-tokens 30"
see 'docent>'
keys 'How many care homes took part in the SALINA trial?' Enter; see 'Searched 4 of 4 documents.'
shown; grep -q '48 care homes' "$work/out" || fail "there is no answer"
keys '/open 1' Enter
for ((i = 0; i < 50; i++)); do [ -e "$work/opened" ] && break; sleep .1; done
page=$(sed -n 's/^  \[1\] study-report.pdf, p\. \([0-9]*\)$/\1/p' "$work/out")
[ "$(cat "$work/opened")" = "--page=x $page $SAMPLES/study-report.pdf" ] \
  || fail "opened: $(cat "$work/opened"), not page $page"
grep -qE '^ +“.*48 care homes' "$work/out" || fail "the footnote lacks the sentence"
keys '/sources' Enter; see 'study-report.pdf, p. '
keys '/why' Enter; see 'Sentences of the model:'; see 'Confidence '
keys '/model smollm2-135m' Enter; see 'Model: smollm2-135m'
keys '/mod' Tab 'nosuch' Enter; see 'nosuch'
keys 'How many care homes \' Enter; see '   ...>'
keys 'took part in the SALINA trial?' Enter
see 'docent> How many care homes \'
keys '/retry' Enter; see 'docent>'
keys "/export $work/answers.md" Enter; see 'answers to'
keys '/quit' Enter; see 'ended with 0'
close_terminal
grep -q '^## How many care homes' "$work/answers.md" || fail "the export lacks the question"
grep -q 'study-report.pdf, p. ' "$work/answers.md" || fail "the export lacks the source"
[ "$(stat -c %a "$work/answers.md")" = 600 ] || fail "others may read the export"
echo passed
