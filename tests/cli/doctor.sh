#!/usr/bin/env bash
# docent doctor: what is missing is named with its remedy.
. "$(dirname "$0")/lib.sh"

(export DOCENT_MODELS=$work/empty
 run 1 doctor; out_has 'docent models fetch'; out_has 'docent add'; out_has 'fail  generator'
 run 1 doctor --json
 json '.failed >= 1 and (.checks | all((.state | IN("ok", "warn", "fail")) and has("text")))'
 json '.checks | any(.check == "library" and .state == "warn")'
 json '.checks | any(.check == "reading" and .state == "ok")') || exit 1

(export DOCENT_EXTRACT=$work/nowhere
 run 1 doctor; out_has 'fail  reading'; out_has DOCENT_EXTRACT) || exit 1

run 0 add --no-embed --quiet "$SAMPLES/night-shift-policy.pdf"
"$DOCENT" doctor --json >"$work/out" 2>"$work/err"
json '.checks | any(.check == "library" and .state == "ok")'
json '.checks | any(.check == "vectors" and .state == "warn")'

# A library that cannot be read.
mkdir "$work/broken"
head -c 8192 /dev/urandom >"$work/broken/library.db"
run 1 --library "$work/broken" doctor; out_has 'fail  library'; out_has 'docent fsck'
run 2 doctor extra; one_sentence

need_models minilm qwen2.5-0.5b
run 0 --library "$work/good" add --quiet "$SAMPLES/night-shift-policy.pdf"
run 0 --library "$work/good" doctor --json; json '.failed == 0'
json '.checks | any(.check == "vectors" and .state == "ok")'
json '.checks | any(.check == "generator" and .state == "ok")'
json '.checks | any(.check == "encoder" and .state == "ok")'

# Which encoder a new library gets follows from how fast this machine embeds; an old one keeps its own.
need_models e5-small
mkdir "$work/models"
ln -s "$DOCENT_MODELS"/*minilm* "$DOCENT_MODELS"/*e5* "$work/models"
export DOCENT_MODELS=$work/models
"$DOCENT" doctor >"$work/out" 2>"$work/err"; out_has 'for a new library'
sed -i 's/^encode_tps=.*/encode_tps=9000/' "$work/models/speed.ini"
"$DOCENT" doctor >"$work/out" 2>"$work/err"; out_has 'e5-small: embeds 771 pages a minute'
run 0 --library "$work/many" --encoder minilm add --quiet "$SAMPLES/night-shift-policy.pdf"
run 0 --library "$work/many" search --mode dense 'nurses at night'
sed -i 's/^encode_tps=.*/encode_tps=900/' "$work/models/speed.ini"
"$DOCENT" doctor >"$work/out" 2>"$work/err"; out_has 'minilm: e5-small would embed only 77 pages a minute'
run 0 --library "$work/few" add --quiet "$SAMPLES/night-shift-policy.pdf"
rm "$work/models/"*minilm*
run 0 --library "$work/other" add --quiet "$SAMPLES/night-shift-policy.pdf"
run 0 --library "$work/other" search --mode dense 'nurses at night'
run 1 --library "$work/few" search --mode dense 'nurses at night'; one_sentence; err_has 'all-MiniLM'
echo passed
