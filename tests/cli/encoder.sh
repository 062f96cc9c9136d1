#!/usr/bin/env bash
# Another encoder: the old one serves until the new one has read everything, whatever stops it.
. "$(dirname "$0")/lib.sh"
need_models minilm e5-small

for i in $(seq 200); do
  printf 'Room %d has a lamp of %d watts, and its key hangs at desk %d.\n\n' "$i" $((i * 7 % 90)) $((i % 13)) \
    >"$docs/room-$i.txt"
done
document ward.txt 'The night coordinator is reached on extension 4417.'
run 0 --encoder minilm add --quiet "$docs"

# A question with another encoder cannot be compared, and says what helps.
run 2 --encoder e5-small search --mode dense 'whom do I call at night'; one_sentence; err_has 'docent sync --encoder e5-small'

# Killed on the way: the old vectors serve, then as now, and a plain sync goes on.
encoder_of () { sqlite3 "file:$library/library.db?mode=ro" "SELECT substr(encoder, 1, 8) FROM library"; }
gathered () { sqlite3 "file:$library/library.db?mode=ro" 'SELECT count(*) FROM next_vector' 2>/dev/null || echo 0; }
"$DOCENT" --encoder e5-small sync --quiet &
sync=$!
until [ "$(gathered)" -gt 0 ] || ! kill -0 $sync 2>/dev/null; do sleep .02; done
run 0 search --json --mode dense 'whom do I call at night'; json '.hits[0].document | endswith("/ward.txt")'
run 0 --encoder e5-small search --json --mode dense 'whom do I call at night'
kill -9 $sync; wait $sync 2>/dev/null
run 0 fsck # takes back what was half written
before=$(gathered)
[ "$before" -gt 0 ] && [ "$before" -lt 201 ] || fail "killed too early or too late: $before of 201"
[ "$(encoder_of)" = all-Mini ] || fail "half an encoder took over: $(encoder_of)"
document late.txt 'The lift is repaired by the firm Zanzibar.'
run 0 sync --json
json ".added == 1 and .reembedded == 202 - $before"
[ "$(encoder_of)" = multilin ] || fail "the encoder that was begun with did not take over"
run 0 fsck
run 0 search --json --mode dense 'wen rufe ich nachts an'; json '.hits[0].document | endswith("/ward.txt")'
run 0 sync --json; json '.reembedded == 0'

# Back again, and giving up a change that was begun.
run 0 --encoder minilm sync
out_has 'The library has a new encoder; it read 202 passages.'
run 0 --encoder e5-small sync --no-embed --json; json '.reembedded == 0'
echo passed
