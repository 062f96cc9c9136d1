#!/usr/bin/env bash
# docent digest: stories instead of documents, checked sentences, one digest a day, a valid mail.
. "$(dirname "$0")/lib.sh"

run 1 digest; one_sentence
run 2 digest --since nonsense; one_sentence
run 2 digest --max -1; one_sentence
run 2 digest --format word; one_sentence
run 2 digest --format mail --from a@example.org; one_sentence; err_has '--to'
run 2 collection embargo press tomorrow; one_sentence

document bill.md '# Parliament passes drug pricing bill

Parliament passed the drug pricing bill on 23 November 2026 with 312 to 204 votes. Hospitals must report prices from 1 March 2027.'
document same.md '# Drug pricing bill passed by parliament

Parliament passed the drug pricing bill on Monday with 312 to 204 votes. From 1 March 2027 hospitals report prices.'
document fridge.txt 'DIN 13277 for <b>vaccine fridges</b> was published. Temperatures stay between 2 and 8 degrees. Read [more here](javascript:alert(1)) about the replacement of fridges.'
run 0 add --no-embed --quiet "$docs"
sleep 2

# The same story from two documents is one section; each sentence is a quotation with its source.
run 0 digest --no-model --json
json '.sections | length == 2'
json '.sections[] | select (.title | contains ("bill")) | .documents | length == 2'
json 'all (.sections[].points[]; .quoted and (.citations | length == 1))'
json 'all (.sections[].points[]; .text == (.citations[0].quote | gsub ("\\s+"; " ")))'
json '.sentences.written == 0 and .complete and .reading_ease > 0'
cp "$work/out" "$work/first"

# A day has one digest, whatever comes in meanwhile; --max names what it leaves out.
document late.md '# A late story

The committee postponed its meeting to Friday because the room was flooded.'
run 0 add --no-embed --quiet "$docs"
run 0 digest --no-model --json
cmp -s "$work/first" "$work/out" || fail "the second digest of a day is another"
sleep 2
run 0 digest --no-model --again --since today --max 1
out_has 'Left out (2): '
run 0 digest --no-model --again --since today --json; json '.sections | length == 3'
[ "$(stat -c %a "$library"/digests/all/*.json)" = 600 ] || fail "others may read the digest"

# Text of documents is inert in every form.
run 0 digest --format html -o "$work/page.html"; out_empty
! grep -q '<b>\|href="javascript\|<script\|<img' "$work/page.html" || fail "the page has the document's markup"
grep -q '&lt;b&gt;vaccine' "$work/page.html" || fail "the page lacks the sentence"
run 0 digest -o "$work/page.md"
grep -qF '\[more here\]' "$work/page.md" || fail "a document's link is a link in Markdown"

# A mail that a parser takes apart again, the same whenever it is made on this day.
mail=(--from 'Ward News <news@example.org>' --to team@example.org)
run 0 digest --format mail "${mail[@]}"
python3 - "$work/out" <<'END' || fail "the mail is not what it should be"
import email, email.policy, sys
mail = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
assert not mail.defects, mail.defects
assert mail.get_content_type() == 'multipart/alternative'
text, html = mail.iter_parts()
assert (text.get_content_type(), html.get_content_type()) == ('text/plain', 'text/html')
assert 'drug pricing' in text.get_content() and '“' in html.get_content()
assert mail['List-Unsubscribe'] == '<mailto:news@example.org?subject=unsubscribe>'
assert mail['References'] and mail['Message-ID'] and mail['Date'] and 'Digest of' in mail['Subject']
END
run 2 digest --format mail --from $'a@example.org\nBcc: all@example.org' --to b@example.org; one_sentence
run 0 digest --maildir "$work/Maildir" "${mail[@]}"
run 0 digest --maildir "$work/Maildir" "${mail[@]}"
[ "$(find "$work/Maildir/new" -type f | wc -l)" = 1 ] || fail "the mail of a day is there twice"

# A document that is a title only is named, not shown as an empty story.
printf '# Ward seven\n' >"$work/title.md"
run 0 --library "$work/title" add --no-embed --quiet "$work/title.md"
sleep 2
run 0 --library "$work/title" digest --no-model --json
json '.sections == [] and .notes == ["Without a sentence to quote: Ward seven."]'

# Nor does it take the place of a story.
for ward in one two three; do printf '# Ward %s\n' "$ward" >"$work/title-$ward.md"; done
printf '# Herons\n\nTwelve herons were counted on the coast in the spring of this year.\n' >"$work/story.md"
run 0 --library "$work/titles" add --no-embed --quiet "$work"/title-*.md "$work/story.md"
sleep 2
run 0 --library "$work/titles" digest --no-model --max 1 --json
json '[.sections[].title] == ["Herons"]'

# The editor drops one sentence and changes another.
cat >"$work/editor" <<'END'
#!/bin/sh
sed -i -e '/^2\./d; /^3\./d' -e 's/^1\.1 .*/1.1 An edited sentence./' "$1"
END
chmod +x "$work/editor"
EDITOR=$work/editor run 0 digest --review --json
json '.sections | length == 1'; json '.sections[0].points[0] | .text == "An edited sentence." and (.quoted | not)'
[ "$(jq '.dropped | length' "$library"/digests/all/*.json)" = 2 ] || fail "what was dropped is not remembered"
EDITOR='sed -i d' run 1 digest --review; one_sentence

# What is forgotten is in no digest any more.
run 0 digest --no-model --again --since today --json
run 0 forget --yes "$docs/late.md"
! grep -rq 'flooded\|late story' "$library" || fail "a digest still tells of a forgotten document"

! grep -rq 'An edited' "$library"/digests || fail "the digest was not made anew"

# Personal data can be left out of what is sent; what is kept stays whole.
document contact.md '# Ward 9 has a new desk

Questions about the new desk go to Dr. Anna Berg, desk@ward.example, phone 030 1234567.'
run 0 add --no-embed --quiet "$docs"
sleep 2
run 0 digest --no-model --again --since today --redact --json
out_has 'Dr. [name], [e-mail], phone [phone]'; out_lacks 'Berg'; out_lacks 'desk@ward'
run 0 digest --json; out_has 'Dr. Anna Berg'

# A tone has to be there.
run 2 digest --again --since today --tone nosuch; one_sentence; err_has 'formal, friendly, press'

# What is under embargo is told when that ends, then all of it, and once.
if command -v faketime >/dev/null; then
  held=(--library "$work/held")
  morning () {
    local got=0
    at "$1 06:30:00" "$DOCENT" "${held[@]}" digest --no-model --json >"$work/out" 2>"$work/err" || got=$?
    [ "$got" = "$2" ] || fail "$1: exit status $got, not $2"
  }
  mkdir -p "$work/press" "$work/open"
  echo 'The early press release tells of 11 new lifts.' >"$work/press/early.txt"
  echo 'The open notice tells of 12 new stairs.' >"$work/open/notice.txt"
  at '2026-03-01 05:00:00' "$DOCENT" "${held[@]}" -c press add --no-embed --quiet "$work/press" || fail "add"
  morning 2026-03-01 0; out_has '11 new lifts'
  at '2026-03-01 07:00:00' "$DOCENT" "${held[@]}" collection embargo press '2026-03-03 06:00' || fail "embargo"
  echo 'The late press release tells of 13 new doors.' >"$work/press/late.txt"
  at '2026-03-01 12:00:00' "$DOCENT" "${held[@]}" -c press add --no-embed --quiet "$work/press" || fail "add"
  at '2026-03-01 12:00:00' "$DOCENT" "${held[@]}" -c open add --no-embed --quiet "$work/open" || fail "add"
  morning 2026-03-02 0; out_has '12 new stairs'; out_lacks '13 new doors'
  at '2026-03-02 06:40:00' "$DOCENT" "${held[@]}" -c press digest --no-model >/dev/null 2>&1
  [ $? = 3 ] || fail "a digest of the collection itself breaks the embargo"
  morning 2026-03-03 0; out_has '13 new doors'; out_lacks '11 new lifts'; out_lacks '12 new stairs'
  morning 2026-03-04 3
  run 0 "${held[@]}" collection list --json; json '.collections[] | select (.collection == "press") | .embargo_until > 0'
  echo nonsense >"$work/held/embargo.ini"
  run 1 "${held[@]}" digest --no-model --again; one_sentence; err_has embargo
fi

# A week of mornings: no day without its news, no news twice.
if command -v faketime >/dev/null; then
  week=(--library "$work/week")
  for day in 1 2 3 4 5 6 7; do
    mkdir -p "$work/weekly"
    printf '# Story %s of the %s\n\nThe %s clinic opened ward number %s00 for %s patients.\n' \
      $day "$(sed -n ${day}p <<<$'heron\ncrane\nstork\nraven\nfinch\nswift\neagle')" \
      "$(sed -n ${day}p <<<$'heron\ncrane\nstork\nraven\nfinch\nswift\neagle')" $day ${day}7 >"$work/weekly/$day.md"
    at "2026-03-0$day 05:00:00" "$DOCENT" "${week[@]}" add --no-embed --quiet "$work/weekly" || fail "day $day: add"
    for run in 1 2; do
      at "2026-03-0$day 06:30:00" "$DOCENT" "${week[@]}" digest --no-model --json >"$work/out" 2>"$work/err" \
        || fail "day $day: digest"
      json '.sections | length == 1'; json ".sections[0].title | startswith (\"Story $day\")"
    done
  done
fi

need_models minilm qwen2.5-0.5b smollm2-135m
lib=(--library "$work/lib" --model qwen2.5-0.5b)
rm "$docs/late.md"
run 0 "${lib[@]}" add --quiet "$docs"
sleep 2
run 0 "${lib[@]}" digest --topic 'cooling of medicine' --json
json '.sections[0].title | contains ("fridge")'
json '.sentences.written > 0'
json 'all (.sections[].points[]; .citations | length > 0)'

# Without topics, what somebody gave a verdict on comes first.
for wanted in 'cooling of medicine' 'votes in parliament'; do
  printf 'not JSON\n{"question":"%s","verdict":"good"}\n' "$wanted" >"$work/lib/feedback.jsonl"
  run 0 "${lib[@]}" digest --no-model --again --since today --json
  case $wanted in cooling*) json '.sections[0].title | contains ("fridge")' ;; *) json '.sections[0].title | contains ("bill")' ;; esac
done
rm "$work/lib/feedback.jsonl"
run 0 "${lib[@]}" digest --again --since today --tone press --json
json '.sentences.written > 0'

# What the small model can only quote a larger one may try; one that is missing costs nothing.
echo 'DIN 13277 for vaccine fridges was published. Temperatures stay between 2 and 8 degrees. Read more here about the replacement of fridges.' \
  >"$work/f.txt"
lib=(--library "$work/tricky" --model smollm2-135m)
run 0 "${lib[@]}" add --quiet "$work/f.txt"
sleep 2
run 0 "${lib[@]}" digest --again --since today --escalate nosuch --json
json 'all (.sections[0].points[]; .quoted)'
json 'any (.notes[]; startswith ("Not written by nosuch: "))'
run 0 "${lib[@]}" digest --again --since today --escalate qwen2.5-0.5b --json
json 'all (.sections[0].points[]; .quoted | not)'
json 'any (.notes[]; . == "Written by qwen2.5-0.5b: 1 of the stories.")'
echo passed
