#!/usr/bin/env bash
# docent dossier: headings of a template, statements with pages, going on after an interruption.
. "$(dirname "$0")/lib.sh"

leaks_in libfontconfig

run 2 dossier; one_sentence
run 2 dossier --budget soon x; one_sentence
run 2 dossier --format mail x; one_sentence
run 2 dossier --show-template nonsense; one_sentence; err_has 'value, study, policy, contract, summary'

run 0 add --no-embed --quiet "$SAMPLES"/*.pdf
run 1 dossier nosuch.pdf; one_sentence
run 2 dossier --no-model --template nosuch product-dossier.pdf; one_sentence
run 0 dossier --no-model --json product-dossier.pdf
json '.complete and (.sections | length == 11) and .sentences.written == 0'
json '[.sections[] | select (.title == "Key figures") | .points[]] | length >= 8'
json 'any (.sections[] | select (.title == "Obligations") | .points[]; .text | contains ("must not be worn"))'

# Every quotation stands on the page that is cited.
jq -r '.sections[].points[].citations[] | "\(.page)\t\(.quote)"' "$work/out" | while IFS=$'\t' read -r page quote; do
  pdftotext -f "$page" -l "$page" "$SAMPLES/product-dossier.pdf" - | tr -cd '[:alnum:]' >"$work/page"
  grep -qF "$(printf %b "$quote" | tr -cd '[:alnum:]')" "$work/page" || { echo "$page $quote"; exit 1; }
done || fail "a quotation is not on its page"

# Each template of ours can be read and is printed as it is; a user's own is checked.
for template in value study policy contract summary; do
  run 0 dossier --no-model --template "$template" --json night-shift-policy.pdf; json '.complete'
  run 0 dossier --show-template "$template"; cp "$work/out" "$work/own.ini"
  run 0 dossier --no-model --template "$work/own.ini" --json night-shift-policy.pdf; json '.complete'
done
printf '[dossier]\ntitle = Mine\n[Nights]\nmatch = \\bnights?\\b\npoints = 2\n' >"$work/own.ini"
run 0 dossier --no-model --template "$work/own.ini" --json night-shift-policy.pdf
json '.title | startswith ("Mine: ")'; json '.sections[0].points | length == 2'
printf '[Nights]\nmatch = (\n' >"$work/own.ini"
run 2 dossier --no-model --template "$work/own.ini" night-shift-policy.pdf; one_sentence; err_has '[Nights]'
printf '[Nights]\nabout = x\n' >"$work/own.ini"
run 2 dossier --no-model --template "$work/own.ini" night-shift-policy.pdf; one_sentence

# A figure is a number with its unit: no list number before a word, no letters of a checksum, no shell.
cat >"$docs/figures.txt" <<'END'
The notice period of the tenant is 30 days at least.

The following is what each of the fields of the table means:

3. Day of the month as it is known to cron

The checksum of the file is 0c4f7e835bed6a1 as it was sent.

The command is: set the owner of the program to 4755 $i and go on.
END
run 0 add --no-embed --quiet "$docs/figures.txt"
run 0 dossier --no-model --json figures.txt
json '[.sections[] | select (.title == "Key figures") | .points[].text] == ["The notice period of the tenant is 30 days at least."]'

# Tables are named by their captions, those with the heading's words first; rows are no sentences.
cat >"$docs/beds.md" <<'END'
# Beds

The following table shows how many beds each ward has:

| ward | beds |
|---|---|
| heron | 12 |
| crane | 14 |
| stork | 16 |

# Costs

The second table gives the cost of each ward in euros:

| ward | 2025 | 2026 |
|---|---|---|
| heron | 120 | 130 |
| crane | 140 | 150 |
| stork | 160 | 170 |

# Odds

| a | b |
|---|---|
| 1 | 2 |
| 3 | 4 |
| 5 | 6 |
END
run 0 add --no-embed --quiet "$docs/beds.md"
printf '[Tables]\ntables = true\nabout = beds\npoints = 2\n[Wards]\nmatch = heron\n' >"$work/own.ini"
run 0 dossier --no-model --template "$work/own.ini" --json beds.md
json '[.sections[0].points[].text] == ["The following table shows how many beds each ward has:", "The second table gives the cost of each ward in euros:"]'
json '[.sections[1].points[].text] | length == 0 or all (.[]; contains ("130") | not)'
printf '[Tables]\ntables = true\nmatch = x\n' >"$work/own.ini"
run 2 dossier --no-model --template "$work/own.ini" beds.md; one_sentence

# A page with links to the pages of the document; several documents in one brief.
run 0 dossier --no-model -o "$work/brief.html" product-dossier.pdf; out_empty
grep -q 'href="file://[^"]*product-dossier.pdf#page=2"' "$work/brief.html" || fail "there is no link to page 2"
[ ! -e "$work/brief.html.part" ] || fail "what was kept for going on is still there"
run 0 dossier --no-model -o "$work/brief.pdf" product-dossier.pdf; out_empty
pdftotext -layout "$work/brief.pdf" "$work/out" || fail "the PDF cannot be read"
out_has 'Key figures'; out_has 'must not be worn'
grep -aqF 'product-dossier.pdf#page=2' "$work/brief.pdf" || fail "the PDF has no link to page 2"
run 0 dossier --no-model -o "$work/brief.md" product-dossier.pdf study-report.pdf
grep -q '^# Value dossier: .* and 1 more$' "$work/brief.md" || fail "the title does not say that there are two"

# What an interrupted run had finished is taken over, unless it is of another document.
cat >"$work/again.md.part" <<END
{"title":"x","sections":[{"title":"Purpose","documents":["$SAMPLES/product-dossier.pdf"],
 "points":[{"text":"Taken over.","citations":[]}]},
 {"title":"Costs","documents":["/another.pdf"],"points":[{"text":"Not taken over.","citations":[]}]}]}
END
run 0 dossier --no-model -o "$work/again.md" product-dossier.pdf
grep -q 'Taken over' "$work/again.md" || fail "a finished heading is not taken over"
! grep -q 'Not taken over' "$work/again.md" || fail "a heading of another document is taken over"

need_models minilm qwen2.5-0.5b
lib=(--library "$work/lib" --model qwen2.5-0.5b)
run 0 "${lib[@]}" add --quiet "$SAMPLES/product-dossier.pdf"
run 0 "${lib[@]}" dossier --budget 1s --json product-dossier.pdf
json .complete
json 'any (.notes[]; startswith ("The time was over before"))'
json 'all (.sections[].points[]; .citations | length > 0)'
printf '[Data]\nask = How long does the patch record?\n[Place]\nask = How are recordings read out?\n' >"$work/own.ini"
run 0 "${lib[@]}" dossier --template "$work/own.ini" --json product-dossier.pdf
json '.complete and .sentences.written > 0 and .notes == []'
echo passed
