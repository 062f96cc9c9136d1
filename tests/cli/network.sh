#!/usr/bin/env bash
# Nothing leaves the machine: no command but `models fetch` and `feed poll` makes a socket, and none
# could.
. "$(dirname "$0")/lib.sh"

# with_probe COMMAND…: runs docent with a library that tries sockets when it ends.
with_probe () {
  LD_PRELOAD=$TRY_SOCKET ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 "$DOCENT" "$@" \
    >"$work/out" 2>"$work/err" </dev/null || true
}

document notes.txt 'The ferry leaves at six.'
for command in "add --no-embed $docs" sync list 'search --mode lexical ferry' fsck 'models list' \
               'feed list' 'feed add https://feed.example/' 'digest --no-model'; do
  # shellcheck disable=SC2086
  with_probe $command
  for family in inet inet6 unix; do err_has "$family refused"; done
done
with_probe chat; err_has 'inet refused'; err_has 'unix open'
with_probe models fetch no-such-model; err_has 'inet open'
"$DOCENT" feed remove https://feed.example/ 2>/dev/null
with_probe feed poll; err_has 'inet open'

command -v strace >/dev/null || skip 'strace is not installed'
cp "$SAMPLES/night-shift-policy.pdf" "$docs"
for command in "add --no-embed $docs" 'sync --no-embed' 'search --mode lexical ferry' list \
               'show notes.txt' doctor fsck 'models list' 'forget notes.txt'; do
  # shellcheck disable=SC2086
  ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=%network -o "$work/trace" \
    "$DOCENT" $command >"$work/out" 2>"$work/err" </dev/null || true
  [ -s "$work/trace" ] || skip 'strace may not trace here'
  ! grep -q 'AF_INET\|AF_NETLINK' "$work/trace" || fail "docent $command asks for the network: $(cat "$work/trace")"
done
echo passed
