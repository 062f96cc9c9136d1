#!/usr/bin/env bash
# docent schedule: shown first, written only when told to, and what is shown works.
. "$(dirname "$0")/lib.sh"

run 2 schedule; one_sentence
run 2 schedule ask; one_sentence
run 2 schedule digest --at 25:00; one_sentence
run 2 schedule digest --at noon; one_sentence
run 2 schedule digest --with windows; one_sentence
run 2 --library "$work/a%b" schedule sync; one_sentence

units=$XDG_CONFIG_HOME/systemd/user
run 0 schedule digest --with systemd --at 7:05
out_has 'OnCalendar=*-*-* 07:05:00'; out_has 'Nice=19'; out_has 'IOSchedulingClass=idle'
[ ! -e "$units" ] || fail "the timer is written without --yes"
run 0 schedule digest --with systemd --yes
[ -s "$units/docent-digest.timer" ] && [ -s "$units/docent-digest.service" ] || fail "the timer is not written"
if command -v systemd-analyze >/dev/null; then
  systemd-analyze verify --user "$units/docent-digest.timer" >"$work/out" 2>&1 || true
  ! grep -i 'unknown\|invalid\|failed to parse' "$work/out" || fail "systemd does not like the timer"
fi
run 0 schedule digest --with systemd --remove --yes
[ ! -e "$units/docent-digest.timer" ] || fail "the timer is not removed"

# The command of the crontab line runs as it stands, whatever the library is called.
run 0 --library "$work/it's here" -c 'a b' schedule feed --with cron --at 6:30
grep -qE '^30 6 \* \* \* nice -n 19 ionice -c 3 ' "$work/out" || fail "the line for crontab is another"
"$DOCENT" --library "$work/it's here" add --no-embed --quiet "$SAMPLES/study-report.pdf" || fail "add"
sed 's/^30 6 \* \* \* nice -n 19 ionice -c 3 //' "$work/out" >"$work/line"
sh "$work/line" >"$work/out" 2>"$work/err" || fail "the line does not run"
echo passed
