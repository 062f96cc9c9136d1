#!/usr/bin/env bash
# docent completions: the scripts run in their shells and complete commands, options and files.
. "$(dirname "$0")/lib.sh"

# complete WORD…: what bash offers for the last word.
offered () {
  bash -c '
    source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _docent; printf "%s\n" "${COMPREPLY[@]}"' \
    bash "$work/bash" "$@"
}

run 0 completions bash; err_empty; cp "$work/out" "$work/bash"
[ "$(offered docent se)" = search ] || fail "bash: se is not completed to search"
[ "$(offered docent models fe)" = fetch ] || fail "bash: models fe is not completed to fetch"
[ "$(offered docent models fetch --js)" = --json ] || fail "bash: options of all commands are missing"
[ "$(offered docent search --mo | sort | tr '\n' ' ')" = '--mode --model ' ] || fail "bash: --mo"
[ "$(offered docent --library x ask --ev)" = --evidence$'\n'--evidence-tokens ] \
  || fail "bash: a command after general options is not seen"
[ "$(offered docent help doc)" = doctor ] || fail "bash: help does not complete commands"
touch "$work/a file.pdf"
[ "$(offered docent add "$work/a f")" = "$work/a file.pdf" ] || fail "bash: file names are not completed"

run 0 completions fish; err_empty; out_has '-l no-embed'; out_has '-a completions'
if command -v fish >/dev/null; then fish --no-execute "$work/out" || fail "fish does not parse it"; fi
run 0 completions zsh; err_empty; out_has '#compdef docent'; out_has "'--no-embed:"
if command -v zsh >/dev/null; then zsh -n "$work/out" || fail "zsh does not parse it"; fi

run 2 completions tcsh; one_sentence; err_has 'bash, zsh and fish'
run 2 completions; one_sentence

# In each shell as people use it: the Tab key on a terminal.
need_terminal
# press SHELL-COMMAND SETUP: models fe, then the Tab key.
press () {
  local i
  open_terminal "$1" 120
  sleep .5
  screen send-keys "$2; clear; echo rea''dy" Enter
  for ((i = 0; i < 300; i++)); do screen capture-pane -p | grep -q '^ready' && break; sleep .1; done
  screen send-keys 'docent models fe' Tab
  for ((i = 0; i < 300; i++)); do
    screen capture-pane -p >"$work/out"
    ! grep -q 'docent models fetch' "$work/out" || break
    sleep .1
  done
  close_terminal
  out_has 'docent models fetch'
}
mkdir "$work/zsh"; "$DOCENT" completions zsh >"$work/zsh/_docent"; "$DOCENT" completions fish >"$work/fish"
press 'bash --norc' ". '$work/bash'"
if command -v zsh >/dev/null; then
  press 'zsh -f' "fpath=('$work/zsh' \$fpath); autoload -Uz compinit; compinit -u -D"
fi
if command -v fish >/dev/null; then press 'fish --no-config' "source '$work/fish'"; fi
echo passed
