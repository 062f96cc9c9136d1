#!/usr/bin/env bash
# docent schedule: shown first, written only when told to, and what is shown works.
. "$(dirname "$0")/lib.sh"

run 2 schedule; one_sentence
run 2 schedule ask; one_sentence
run 2 schedule digest --at 25:00; one_sentence
run 2 schedule digest --at noon; one_sentence
run 2 schedule digest --with windows; one_sentence
run 2 --library "$work/a
b" schedule sync; one_sentence
run 2 schedule digest --mail nobody; one_sentence

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
run 0 schedule saved --with systemd --mail me@example.org
out_has '"--quiet" '; out_has '"saved" "check"'; out_has 'docent: saved answers changed'
run 0 schedule digest --with systemd --remove --yes
[ ! -e "$units/docent-digest.timer" ] || fail "the timer is not removed"

# What systemd would start is what was meant, whatever the library is called.
odd="$work/it's \"50%\" \$HOME here"
run 0 --library "$odd" schedule sync --with systemd --yes
python3 - "$units/docent-sync.service" "$odd" <<'END' || fail "systemd starts something else"
import re, sys
line = re.search('^ExecStart=(.*)$', open(sys.argv[1]).read(), re.M).group(1)
words = [re.sub(r'\\(.)', r'\1', w).replace('%%', '%').replace('$$', '$')
         for w in re.findall(r'"((?:[^"\\]|\\.)*)"', line)]
assert words[:4] == ['flock', '-w', '3600', sys.argv[2] + '/schedule.lock'], words
assert words[5:] == ['--quiet', '--library', sys.argv[2], 'sync'], words
END

# The crontab line runs as it stands; cron takes \% for %. Options of the command go with it.
cron_job () {
  grep -qE "^30 6 \* \* \* on_ac_power 2>/dev/null; \[ \\\$\? = 1 \] \|\| nice -n 19 ionice -c 3 .* # docent-$1\$" "$work/out" \
    || fail "the line for crontab is another"
  sed 's/^30 6 \* \* \* //; s/\\%/%/g' "$work/out" >"$work/line"
}
runs () { local got=0; PATH=$work/bin:$PATH sh "$work/line" >"$work/out" 2>"$work/err" || got=$?; [ "$got" = "$1" ] || fail "the line ends with $got"; }
mkdir -p "$work/bin"
printf '#!/bin/sh\n{ cat; echo "=== end"; } >>"%s/sent"\n' "$work" >"$work/bin/sendmail"
chmod +x "$work/bin/sendmail"
run 0 --library "$odd" -c 'a b' schedule feed --with cron --at 6:30 -- --timeout 5; cron_job feed
"$DOCENT" --library "$odd" add --no-embed --quiet "$SAMPLES/study-report.pdf" || fail "add"
runs 0; out_empty; err_empty
sleep 2

# On battery it does not run.
printf '#!/bin/sh\nexit 1\n' >"$work/bin/on_ac_power"; chmod +x "$work/bin/on_ac_power"
run 0 --library "$odd" schedule digest --with cron -- --no-model; cron_job digest
runs 0; out_empty
printf '#!/bin/sh\nexit 0\n' >"$work/bin/on_ac_power"

# It waits for the one before it.
(flock "$odd/schedule.lock" sleep 3) &
sleep .5; before=$(date +%s); runs 0
[ $(($(date +%s) - before)) -ge 2 ] || fail "two jobs run at once"
out_has 'SALINA'

# What has changed of the saved answers is mailed once.
"$DOCENT" --library "$odd" ask --quiet --save salt 'Which documents mention salt?' >"$work/out" || fail "ask --save"
run 0 --library "$odd" schedule saved --with cron --mail me@example.org; cron_job saved
runs 3; [ ! -e "$work/sent" ] || fail "a mail without news"
document more.txt 'Salt is in the cupboard.'
run 0 --library "$odd" add --no-embed --quiet "$docs/more.txt"
runs 0
python3 - "$work/sent" <<'END' || fail "the mail of changes is another"
import email, email.policy, sys
mail = email.message_from_string(open(sys.argv[1]).read().split('=== end')[0], policy=email.policy.default)
assert mail['To'] == 'me@example.org' and mail['Subject'] == 'docent: saved answers changed' and not mail.defects
assert 'salt: changed' in mail.get_content(), mail.get_content()
END
rm "$work/sent"
run 0 --library "$odd" --quiet forget --yes more.txt

# A mail when there is something new, none when there is not, and one about what fails.
rm -r "$odd"/digests
run 0 --library "$odd" schedule digest --with cron --mail me@example.org -- --no-model --max 3; cron_job digest
runs 0; out_empty; err_empty
python3 - "$work/sent" <<'END' || fail "the mail is another"
import email, email.policy, sys
mail = email.message_from_string(open(sys.argv[1]).read().split('=== end')[0], policy=email.policy.default)
assert mail['To'] == 'me@example.org' and 'Digest of' in mail['Subject'] and not mail.defects
END
rm "$work/sent"
run 0 --library "$odd" -c empty schedule digest --with cron --mail me@example.org -- --no-model; cron_job digest
runs 3; [ ! -e "$work/sent" ] || fail "a mail without news"
run 0 --library "$odd" schedule digest --with cron --mail me@example.org -- --since nonsense; cron_job digest
runs 2
grep -q '^To: me@example.org' "$work/sent" && grep -q '^docent: --since takes' "$work/sent" || fail "a failure is not mailed"

run 0 schedule digest --with cron --remove; out_has "grep -v '# docent-digest\$'"

# With --yes the line goes into the crontab, in place of the one before. crontab is set-group-ID, so it
# must not have lost the right to become somebody else; docent itself cannot make sockets all the same.
cat >"$work/bin/crontab" <<END
#!/bin/sh
[ -n "\$LD_PRELOAD" ] || grep -q '^NoNewPrivs:.0' /proc/self/status || { echo 'crontab: no rights' >&2; exit 1; }
case \$1 in
-l) [ ! -e "$work/broken" ] || { echo 'crontab: not allowed' >&2; exit 1; }
    cat "$work/crontab" 2>/dev/null || { echo 'no crontab for me' >&2; exit 1; } ;;
-) cat >"$work/crontab.new" && mv "$work/crontab.new" "$work/crontab" ;;
*) exit 2 ;;
esac
END
chmod +x "$work/bin/crontab"
PATH=$work/bin:$PATH
run 0 schedule digest --with cron; [ ! -e "$work/crontab" ] || fail "the crontab is written without --yes"
run 0 schedule digest --with cron --at 5:00 --yes; err_has 'in your crontab'
cmp -s "$work/out" "$work/crontab" || fail "what is written is not what was shown"
printf 'MAILTO=me\n0 1 * * * true # docent-digest of somebody\n' >>"$work/crontab"
run 0 --quiet schedule digest --with cron --at 5:30 --yes; err_empty
[ "$(grep -c '' "$work/crontab")" = 3 ] && grep -q '^30 5 ' "$work/crontab" || fail "the line is not replaced"
run 0 schedule sync --with cron --yes; [ "$(grep -c '' "$work/crontab")" = 4 ] || fail "another line is lost"
cp "$work/crontab" "$work/before"; : >"$work/broken"
run 1 schedule feed --with cron --yes; one_sentence; err_has 'not allowed'
cmp -s "$work/crontab" "$work/before" || fail "a crontab that cannot be read is replaced"
rm "$work/broken"
run 0 schedule digest --with cron --remove --yes; run 0 schedule sync --with cron --remove --yes
[ "$(cat "$work/crontab")" = "$(printf 'MAILTO=me\n0 1 * * * true # docent-digest of somebody')" ] || fail "other lines are changed"
LD_PRELOAD=$TRY_SOCKET ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 "$DOCENT" schedule sync --with cron --yes \
  >"$work/out" 2>"$work/err" </dev/null
err_has 'inet refused'
run 0 schedule sync --with systemd; LD_PRELOAD=$TRY_SOCKET ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 \
  "$DOCENT" schedule sync --with systemd >"$work/out" 2>"$work/err" </dev/null
err_has 'inet refused'
echo passed
