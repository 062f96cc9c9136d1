#!/usr/bin/env bash
# docent.so: a library inside any SQLite client.
. "$(dirname "$0")/lib.sh"
: "${DOCENT_SO:?names the extension}"
command -v sqlite3 >/dev/null || skip "the sqlite3 shell is not installed"
# A sanitizer's runtime has to come first, and is only in our own programs.
nm -D "$DOCENT_SO" | grep -q __asan_init && skip "an extension with sanitizers needs a host with them"

# sql STATUS STATEMENTS: in a fresh shell with the extension.
sql () {
  local want=$1 got=0; shift
  sqlite3 -bail -cmd ".load $DOCENT_SO" :memory: "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  [ "$got" = "$want" ] || fail "exit status $got, not $want: $*"
}

exported=$(nm -D --defined-only "$DOCENT_SO" | awk '$3 !~ /^(__bss_start|_edata|_end)$/ { print $3 }')
[ "$exported" = sqlite3_docent_init ] \
  || fail "the extension exports more than its entry point"

sql 1 "SELECT * FROM docent_search('coordinator')"; err_has "$library"

document staff/rota.txt 'The okapi coordinator opens the night ward at nine.'
document board/minutes.txt 'The board met the okapi canary coordinator in secret.'
run 0 add --no-embed --quiet --collection staff "$docs/staff"
run 0 add --no-embed --quiet --collection board "$docs/board"
run 0 collection allow staff nurse
before=$(sha256sum "$library/library.db")

sql 0 "SELECT document, page, page_label, section, text, score > 0, collection
       FROM docent_search('night ward', 5, 'lexical')"
out_has "$docs/staff/rota.txt|1|1||The okapi coordinator opens the night ward at nine.|1|staff"

# The same passages in the same order as the program finds, and no more than asked for.
sql 0 "SELECT text FROM docent_search('okapi coordinator', 10, 'lexical') ORDER BY score DESC"
cp "$work/out" "$work/by-sql"
run 0 search --mode lexical --json okapi coordinator
jq -r '.hits[].text' "$work/out" | cmp -s - "$work/by-sql" || fail "another order than that of docent search"
sql 0 "SELECT count(*) FROM docent_search('okapi', 1, 'lexical')"; out_has 1
sql 0 "SELECT count(*) FROM docent_search('xylophonist', 5, 'lexical')"; out_has 0
sql 0 "SELECT count(*) FROM docent_search(NULL)"; out_has 0

# Joined with a table of the client: the question of each row is asked.
sql 0 "CREATE TABLE report (question); INSERT INTO report VALUES ('night ward'), ('secret');
       SELECT question, count(*) FROM report, docent_search(report.question, 5, 'lexical') GROUP BY 1"
out_has 'night ward|1'; out_has 'secret|1'
sql 0 "CREATE VIEW found AS SELECT text FROM docent_search('night ward', 5, 'lexical'); SELECT * FROM found"
out_has 'night ward at nine'

# A role sees its own, and the connection cannot leave it.
sql 0 "SELECT docent_open('$library', 'nurse'); SELECT text FROM docent_search('okapi', 9, 'lexical')"
out_has 'night ward'; out_lacks canary
sql 0 "SELECT docent_open('$library', 'nobody'); SELECT text FROM docent_search('okapi', 9, 'lexical')"
out_lacks okapi
sql 1 "SELECT docent_open('$library', 'nurse'); SELECT docent_open('$library')"; err_has 'another connection'
sql 1 "CREATE VIEW v AS SELECT docent_open('$library'); SELECT * FROM v"; err_has 'unsafe use'

# Nothing can be changed, and mistakes are one sentence.
sql 1 "DELETE FROM docent_search"
sql 1 "SELECT * FROM docent_search"; err_has "docent_search('night shift', 5)"
sql 1 "SELECT * FROM docent_search('okapi', 5, 'psychic')"; err_has "'hybrid', 'lexical' or 'dense'"
sql 1 "SELECT docent_embed('okapi', 'poem')"; err_has "'query' or 'passage'"
sql 1 "SELECT docent_open('$work/nowhere')"; err_has 'there is no library'
[ "$before" = "$(sha256sum "$library/library.db")" ] || fail "the library was changed"

# By meaning: vectors are those of the library's encoder.
need_models minilm
run 0 --library "$work/meaning" --encoder minilm add --quiet "$docs"
sql 0 "SELECT docent_open('$work/meaning');
       SELECT typeof(docent_embed('okapi')), length(docent_embed('okapi')), docent_embed(NULL) IS NULL,
              docent_embed('okapi') = docent_embed('okapi', 'query');
       SELECT text FROM docent_search('when does work begin', 1, 'dense')"
out_has 'blob|1536|1|1'; out_has 'at nine'
echo passed
