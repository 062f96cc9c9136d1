#!/usr/bin/env bash
# docent show: what was read from a document, page by page.
. "$(dirname "$0")/lib.sh"

run 0 add --no-embed --quiet "$SAMPLES"/*.pdf
run 0 show night-shift-policy.pdf
out_has 'p. 1'; out_has 4417; out_has 'p. 2'
run 0 show --page 2 night-shift-policy.pdf; out_lacks 'extension 4417'; out_has 'p. 2'
run 0 show --page 1-2 --json night-shift-policy.pdf
json '.pages == 2 and (.passages | length > 1) and (.passages | all(.page >= 1 and (.text | length > 0)))'
json '.passages | [.[].page] == ([.[].page] | sort)'
run 0 show "$SAMPLES/study-report.pdf"

run 1 show nowhere.pdf; one_sentence; err_has nowhere.pdf
run 1 show pdf; one_sentence # more than one document ends so
run 3 show --page 99 night-shift-policy.pdf; one_sentence; err_has '2 pages'
for page in 0 -1 x 3-1 1-2-3 99999999999; do
  run 2 show --page=$page night-shift-policy.pdf; one_sentence
done
run 2 show; one_sentence
run 2 show one two; one_sentence
echo passed
