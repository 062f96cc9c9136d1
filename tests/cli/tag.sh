#!/usr/bin/env bash
# docent tag, and the other ways to keep a search to a part of the library.
. "$(dirname "$0")/lib.sh"

document de/reise.txt 'Die Reisekosten für Mitarbeiter werden nach der Richtlinie für den Dienst abgerechnet und bezahlt.'
document en/travel.txt 'The travel expenses of employees are settled by the policy and paid at the end of the month.'
document en/old.txt 'The travel expenses of employees were settled in the old way and never paid in time.'
touch -d 2019-06-01T12:00 "$docs/en/old.txt"
touch -d 2024-03-01T12:00 "$docs/en/travel.txt"
run 0 add --no-embed --quiet --collection policy "$docs"

run 0 tag current "$docs/en/travel.txt" reise.txt; err_has '2 documents'
run 0 search --mode lexical --tag current travel expenses; out_has travel.txt; out_lacks old.txt
run 0 search --mode lexical travel tag:current expenses; out_lacks old.txt
run 0 tag --remove current reise.txt
run 0 list --tag current --json; json '[.documents[].title] | length == 1'
run 3 tag current nowhere.txt; err_has nowhere.txt
run 0 tag --json folder "$docs/en"; json '.tag == "folder" and .documents == 2'
touch -d 2024-03-02T12:00 "$docs/en/travel.txt"; echo 'Changed.' >>"$docs/en/travel.txt"
run 0 sync --quiet --no-embed
run 0 search --mode lexical tag:current expenses; out_has travel.txt # tags survive a change
run 0 add --no-embed --quiet --collection policy --tag added "$docs/de"
run 0 search --mode lexical tag:added Reisekosten

# Dates, folders, languages, collections, as options and as words.
run 0 search --mode lexical --after 2024-01 travel; out_has travel.txt; out_lacks old.txt
run 0 search --mode lexical before:2024 travel; out_has old.txt; out_lacks travel.txt
out_has 'Searched 1 of 1 document'
run 3 search --mode lexical after:2024-03 before:2024-03-02 travel
run 0 search --mode lexical --folder "$docs/en" expenses; out_has old.txt
run 3 search --mode lexical "folder:$docs/e" expenses
run 0 search --mode lexical --lang de Reisekosten; run 3 search --mode lexical lang:en Reisekosten

# A document in two languages is kept to by passage.
cat >"$docs/both.txt" <<'END'
The night shift begins at nine and it is the duty of the nurse to read the zebra report. Whoever is late calls
the ward before that, and the report is read together because it names the patients who need attention.

Die Nachtschicht beginnt um neun Uhr, und es ist die Aufgabe der Pflege, den Zebra-Bericht zu lesen, der auf dem
Tisch liegt. Wer zu spät kommt, ruft vorher auf der Station an, damit die Übergabe warten kann.
END
run 0 add --no-embed --quiet "$docs/both.txt"
run 0 search --mode lexical --json zebra; json '.hits | length == 2'
run 0 search --mode lexical --json lang:de zebra; json '.hits | length == 1 and (.[0].text | test("Nachtschicht"))'
run 0 search --mode lexical --json lang:en zebra; json '.hits | length == 1 and (.[0].text | test("night shift"))'
run 3 search --mode lexical lang:fr zebra

run 0 search --mode lexical in:policy travel; run 3 search --mode lexical in:other travel
run 0 search --mode lexical --json in:policy travel; json '.query == "travel"'
run 2 search --mode lexical after:yesterday travel; one_sentence; err_has yesterday
run 2 search --mode lexical tag:current; one_sentence # nothing left to look for
run 2 tag only-a-tag; one_sentence
echo passed
