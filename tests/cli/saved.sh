#!/usr/bin/env bash
# docent ask --save and docent saved: answers that are kept, and told of when they change.
. "$(dirname "$0")/lib.sh"

run 2 saved show; one_sentence
run 2 saved forget; one_sentence
run 2 ask --save pumps --evidence 'Which documents mention pumps?'; one_sentence; err_has '--evidence'

document one.txt 'The pump is checked every week.'
document two.txt 'The boiler is checked every year.'
run 0 add --no-embed --quiet "$docs"
run 0 --quiet saved list; out_empty
run 1 saved show pumps; one_sentence; err_has 'saved list'
run 1 saved forget pumps; one_sentence
run 1 saved check pumps; one_sentence
run 3 saved check; out_empty
for name in '' 'a[b' "a
b"; do
  run 2 ask --save "$name" 'Which documents mention pumps?'; one_sentence
done

# Answers that code gives need no model.
run 0 ask --save pumps 'Which documents mention pumps?'; out_has 'one.txt'
run 0 --quiet ask --save 'all of them' 'Which documents mention boilers?'
run 0 saved list; out_has 'pumps'; out_has 'all of them'; out_has 'answered'
run 0 saved list --json
json '[.saved[].name] == ["pumps", "all of them"] and all(.saved[]; .status == "answered" and .saved_at > 0)'
run 0 saved show pumps; out_has 'The pump is checked every week.'
run 0 saved show pumps --json
json '.saved[0] | .question == "Which documents mention pumps?" and .citations[0].quote == "The pump is checked every week." and .citations[0].page == 1'
[ "$(stat -c %a "$library/saved.ini")" = 600 ] || fail "others may read what is saved"
run 3 saved check; out_has 'pumps: unchanged'
run 3 --quiet saved check; out_empty
run 0 backup "$work/copy"; [ -s "$work/copy/saved.ini" ] || fail "the backup lacks what is saved"

# What has changed is told once, with the reason.
document one.txt 'The pump is checked every day.'
run 0 --quiet sync --no-embed
run 3 saved check; out_has 'pumps: unchanged'
document one.txt 'The engine is checked every day.'
run 0 --quiet sync --no-embed
run 0 --quiet saved check
out_has 'pumps: changed'; out_has 'before: 1 of 2 documents mention'; out_has 'now: '
out_has 'does not say so any more (one.txt): “The pump is checked every day.”'
out_lacks 'all of them'
run 3 --quiet saved check; out_empty
sleep 1
document three.txt 'A pump is blue.'
run 0 --quiet add --no-embed "$docs/three.txt"
run 0 saved check pumps --json
json '.failed == [] and (.checked | length) == 1'
json '.checked[0] | .changed and .asked and (.changes | length) == 1 and .changes[0].reason == "newer" and (.changes[0].document | endswith("three.txt"))'

# A forgotten document leaves no words: what cannot be taken out of it stays in the library too, and forget says so.
if command -v strace >/dev/null; then
  full () {
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$work/trace" -e trace=rename,renameat,renameat2 \
      -e inject=rename,renameat,renameat2:error=ENOSPC "$DOCENT" "$@" >"$work/out" 2>"$work/err" </dev/null
  }
  full forget --yes --quiet three.txt; status=$?
  if grep -q INJECTED "$work/trace"; then
    [ "$status" = 1 ] || fail "forget ends with $status though words of the document stay"
    one_sentence; err_has saved.ini
    run 0 list; out_has three.txt
  fi
fi
run 0 forget --yes --quiet three.txt
! grep -aq 'blue' "$library/saved.ini" || fail "a forgotten document is still quoted"
! grep -aq 'three.txt' "$library/saved.ini" || fail "a forgotten document is still named"
run 0 saved list --json; json '.saved[0].status == "withdrawn" and .saved[0].answer == null'
run 0 --quiet saved check; out_has 'is gone'; out_has '(withdrawn)'
rm "$docs/two.txt"
run 0 --quiet sync --no-embed
! grep -aq 'checked every year' "$library/saved.ini" || fail "a deleted document is still quoted"

# Others see what rests on what they see, and change nothing; nothing private is kept.
document secret.txt 'The pump is made of gold.'
run 0 --quiet -c vault add --no-embed "$docs/secret.txt"
run 0 --quiet collection allow default reader
run 0 --quiet -c vault ask --save gold 'Which documents mention gold?'
run 0 --as reader saved list --json; json '.saved == []'
run 1 --as reader saved show gold; one_sentence
run 2 --as reader saved check; one_sentence; err_has '--as'
run 2 --as reader ask --save mine 'Which documents mention pumps?'; one_sentence; err_has '--as'
run 2 --private ask --save mine 'Which documents mention pumps?'; one_sentence; err_has '--save'
run 0 saved forget gold 'all of them'
run 0 saved list --json; json '[.saved[].name] == ["pumps"]'

# What is made private later takes with it what was kept of it.
document vault/two.txt 'The pump is kept in the vault.'
run 0 --quiet -c vault add --no-embed "$docs/vault"
run 0 --quiet -c vault ask --save 'of the vault' 'Which documents mention gold?'
run 0 --quiet ask --save 'of all' 'Which documents mention the vault?'
run 0 --quiet -c default ask --save 'of the rest' 'Which documents mention pumps?'
run 0 --quiet digest --no-model; run 0 --quiet feedback good --document two.txt 'Where is the pump kept?'
run 0 --quiet collection private vault
run 0 saved list --json; json '[.saved[].name] == ["pumps", "of the rest"]'
! grep -rqa 'vault\.\|Where is the pump kept' "$library"/*.ini "$library"/*.jsonl "$library/digests" 2>/dev/null || fail "the vault is still quoted"
run 0 --quiet collection public vault

# A question in its part of the library, with a model: the same passages need none.
need_models minilm smollm2-135m
run 0 --library "$work/lib" --encoder minilm add --quiet "$SAMPLES"/*.pdf
"$DOCENT" --library "$work/lib" --model smollm2-135m ask --quiet --save break \
  'lang:en How long is the unpaid break?' >"$work/out" 2>"$work/err"
case $? in 0|3) ;; *) fail "ask --save failed" ;; esac
run 0 --library "$work/lib" saved show break --json
json '.saved[0] | .language == "en" and .model == "smollm2-135m" and .question == "How long is the unpaid break?"'
run 3 --library "$work/lib" saved check --json
json '.checked[0] | .asked == false and .changed == false'
run 0 --library "$work/lib" --as nobody saved list --json; json '.saved == []'
document other.txt 'The unpaid break of a night shift lasts 45 minutes and is taken before three.'
run 0 --library "$work/lib" add --quiet "$docs/other.txt"
"$DOCENT" --library "$work/lib" saved check --json >"$work/out" 2>"$work/err"
case $? in 0|3) ;; *) fail "saved check failed" ;; esac
json '.checked[0].asked'

# Others may write while the model does, and what is forgotten meanwhile does not come back.
"$DOCENT" --library "$work/lib" --model smollm2-135m ask --save slow --max-tokens 60 \
  'How long is the unpaid break of a night shift?' >"$work/out" 2>"$work/slow" &
sleep .3
run 0 --library "$work/lib" forget --yes --quiet other.txt
wait $!
! grep -q 'is writing' "$work/slow" || fail "ask --save locks others out"
! grep -q other.txt "$work/lib/saved.ini" || fail "a forgotten document came back"

# Documents that come to disagree with an answer that stands change it.
need_models minilm qwen2.5-0.5b
document ward/hospital-2023.txt 'The surgical ward has 24 beds. The medical ward has a view of the river.'
run 0 --library "$work/ward" --encoder minilm add --quiet "$docs/ward"
run 0 --library "$work/ward" --model qwen2.5-0.5b ask --quiet --save beds 'How many beds does the surgical ward have?'
out_has 24
document ward/hospital-2019.txt 'The surgical ward has 30 beds. The kitchen is on the ground floor.'
run 0 --library "$work/ward" sync --quiet
run 0 --library "$work/ward" saved check
out_has 'beds: changed'; out_has 'documents disagree now'
run 0 --library "$work/ward" --model qwen2.5-0.5b ask 'How many beds does the surgical ward have?'
out_has 'Sources disagree'; out_has '2023 (hospital-2023.txt, p. 1): 24 beds'
printf '%s\n' 'How many beds does the surgical ward have?' >"$work/lines"
echo "/export $work/answers.md" >>"$work/lines"
run_with "$work/lines" 0 --library "$work/ward" --model qwen2.5-0.5b chat --no-history
out_has '2019 (hospital-2019.txt, p. 1): 30 beds'
run 3 --library "$work/ward" saved check --quiet; out_empty
for line in 'Sources disagree' '2023 (hospital-2023.txt, p. 1): 24 beds' '2019 (hospital-2019.txt, p. 1): 30 beds'; do
  grep -qF "$line" "$work/answers.md" || fail "the export lacks: $line"
done
echo passed
