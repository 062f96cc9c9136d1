# shellcheck shell=bash
# Sourced by every test of a command. Gives it a home and a library of its own in a temporary
# folder, and a few checks that say what was expected and what came.
#
# In:  DOCENT (the program), DOCENT_EXTRACT, SAMPLES (folder of PDFs); DOCENT_MODELS if models are
#      elsewhere than in the user's data folder.
set -u
: "${DOCENT:?names the program to test}" "${SAMPLES:?names the folder with sample PDFs}"

DOCENT_MODELS=${DOCENT_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/docent/models}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
export DOCENT_MODELS HOME=$work/home XDG_DATA_HOME=$work/data XDG_CONFIG_HOME=$work/config
export XDG_STATE_HOME=$work/state XDG_CACHE_HOME=$work/cache TMPDIR=$work/tmp LC_ALL=C.UTF-8
unset NO_COLOR COLUMNS COLORFGBG FORCE_HYPERLINK DOCENT_ISA DOCENT_VIEWER
mkdir -p "$HOME" "$TMPDIR" "$work/docs"
library=$XDG_DATA_HOME/docent
docs=$work/docs

skip () { echo "skipped: $*"; exit 77; }

# fail SENTENCE: ends the test and shows what the program printed last.
fail () {
  echo "FAILED: $*"
  echo "--- standard output"; head -c 3000 "$work/out"
  echo "--- standard error"; head -c 3000 "$work/err"
  exit 1
}

# run STATUS ARGUMENT…: runs docent and expects that exit status. Output: $work/out, $work/err.
run () {
  local want=$1 got=0; shift
  "$DOCENT" "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  [ "$got" = "$want" ] || fail "exit status $got, not $want: docent $*"
}

# run_with FILE STATUS ARGUMENT…: the same with FILE as standard input.
run_with () {
  local input=$1 want=$2 got=0; shift 2
  "$DOCENT" "$@" >"$work/out" 2>"$work/err" <"$input" || got=$?
  [ "$got" = "$want" ] || fail "exit status $got, not $want: docent $* < $input"
}

out_has () { grep -qF -- "$1" "$work/out" || fail "standard output lacks: $1"; }
err_has () { grep -qF -- "$1" "$work/err" || fail "standard error lacks: $1"; }
out_lacks () { ! grep -qF -- "$1" "$work/out" || fail "standard output has: $1"; }
err_empty () { [ ! -s "$work/err" ] || fail "standard error is not empty"; }
out_empty () { [ ! -s "$work/out" ] || fail "standard output is not empty"; }

# An error is one line for people.
one_sentence () {
  [ "$(wc -l <"$work/err")" = 1 ] || fail "the error is not one line"
  grep -q '^docent: ' "$work/err" || fail "the error does not begin with the program's name"
}

# json FILTER: the jq filter holds for the one object on standard output.
json () {
  [ "$(wc -l <"$work/out")" = 1 ] || fail "standard output is not one line of JSON"
  jq -e "$1" "$work/out" >/dev/null || fail "JSON does not satisfy: $1"
}

# need_models NAME…: skips the test where one of these is not fetched.
need_models () {
  local name
  for name in "$@"; do
    "$DOCENT" models list --json | jq -e --arg name "$name" 'any(.[]; .name == $name and .fetched)' \
      >/dev/null || skip "the model $name is not fetched (docent models fetch $name)"
  done
}

# Takes the library's lock, as another docent that writes, until release_lock.
hold_lock () {
  mkfifo "$work/hold"
  flock "$library/lock" sh -c "echo held >'$work/held'; read line <'$work/hold'" &
  holder=$!
  until [ -s "$work/held" ]; do sleep .05; done
}
release_lock () {
  echo go >"$work/hold"
  wait "$holder"
  rm -f "$work/hold" "$work/held"
}

# The terminal of a test (tmux): open_terminal COMMAND [WIDTH], 90 × 40 without anybody's configuration,
# then screen ARGUMENT… speaks to it. Each has a server of its own: a window that is asked of a
# server which is being killed dies with it.
screen () { tmux -S "$work/tmux.$terminals" "$@"; }
terminals=0
open_terminal () {
  terminals=$((terminals + 1))
  screen -f /dev/null new-session -d -x "${2:-90}" -y 40 "$1"
}
close_terminal () { screen kill-server; }
need_terminal () {
  command -v tmux >/dev/null || skip "tmux is not installed"
  trap 'close_terminal 2>/dev/null; rm -rf "$work"' EXIT
}

# leaks_in NAME: what the library or function NAME never frees is no leak of ours (sanitizers only).
leaks_in () {
  echo "leak:$1" >>"$work/known-leaks"
  export LSAN_OPTIONS=suppressions=$work/known-leaks:print_suppressions=0
}

# at TIME COMMAND…: runs it as if it were TIME.
at () { ASAN_OPTIONS=verify_asan_link_order=0 faketime "$@"; }

# A small text document: document NAME SENTENCE
document () {
  mkdir -p "$(dirname "$docs/$1")"
  printf '%s\n' "$2" >"$docs/$1"
}
