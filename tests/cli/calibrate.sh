#!/usr/bin/env bash
# docent calibrate: what it learns decides when ask refuses.
. "$(dirname "$0")/lib.sh"

run 2 calibrate --questions 3; one_sentence; err_has '--questions'
run 2 calibrate --wrong 7; one_sentence; err_has '--wrong'
run 2 calibrate --seed -1; one_sentence
run 2 calibrate now; one_sentence
run 1 calibrate; one_sentence; err_has "$library"

need_models minilm smollm2-135m
run 0 --encoder minilm add --quiet "$SAMPLES/night-shift-policy.pdf" "$SAMPLES/study-report.pdf"
run 0 collection allow all reader
docent_model=(--model smollm2-135m)
run 1 "${docent_model[@]}" --as reader calibrate; one_sentence; err_has '--as'

# Few sentences, few questions: it says so and changes nothing.
document one.txt 'The pump is checked every week by Doctor Weiss.'
run 0 --library "$work/small" --encoder minilm add --quiet "$docs"
run 1 --library "$work/small" "${docent_model[@]}" calibrate --questions 20; err_has 'questions could be made'
[ ! -e "$work/small/calibration.ini" ] || fail "it learned from nothing"

# Of two samples it may learn something; whatever it is, it is a number between 0 and 1.
"$DOCENT" "${docent_model[@]}" calibrate --questions 20 --json >"$work/out" 2>"$work/err"
case $? in
  0) json '.threshold >= 0 and .threshold <= 1 and .unanswerable > 0 and .unanswerable < .questions'
     json '(.reliability | length) == 5 and all(.reliability[]; .right >= 0 and .right <= 1)'
     json '.right + .wrong <= ([.reliability[].answers] | add)' ;;
  1) one_sentence; err_has 'questions could be made' ;;
  *) fail "calibrate failed" ;;
esac

# What was learned counts for this model and encoder, and goes with --reset.
question='On which extension is the night coordinator reached?'
# Of as much evidence each time: how much is read within three seconds depends on what else is running.
ask () { "$DOCENT" "${docent_model[@]}" ask --evidence-tokens 300 --json "$question" >"$work/out" 2>"$work/err"; }
run 0 calibrate --reset
ask || fail "without a calibration it refuses"
before=$(jq .confidence "$work/out")
encoder=$(jq -r .encoder "$work/out")
printf '[smollm2-135m %s]\nslope=0\nintercept=-3\nthreshold=0.5\n' "$encoder" >"$library/calibration.ini"
ask; [ $? = 3 ] || fail "the threshold is not used"
json '(.confidence - 0.0474 | fabs) < 0.001'
printf '[smollm2-135m %s]\nslope=0\nintercept=3\nthreshold=0.5\n' "$encoder" >"$library/calibration.ini"
ask || fail "a sure answer is refused"
json '(.confidence - 0.9526 | fabs) < 0.001'
printf '[smollm2-135m %s]\nslope=nan\nintercept=3\nthreshold=9\n' "$encoder" >"$library/calibration.ini"
ask || fail "nonsense in calibration.ini is used"
json "(.confidence - $before | fabs) < 0.001"
run 0 calibrate --reset
[ ! -e "$library/calibration.ini" ] || fail "--reset keeps the file"
echo passed
