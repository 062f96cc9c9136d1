#!/usr/bin/env bash
# The second question on the same documents, in one conversation: its time to the first word as a
# share of the first question's.
#
#   second_question.sh DOCENT LIBRARY MODEL 'FIRST QUESTION' 'SECOND QUESTION'
set -eu
[ $# = 5 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2; }
printf '%s\n%s\n' "$4" "$5" | "$1" --library "$2" --model "$3" --json chat --no-history |
  jq -s -r '"first token after \(.[0].timings_ms.first_token | round) and \(.[1].timings_ms.first_token | round) ms: " +
    "× \(.[1].timings_ms.first_token / .[0].timings_ms.first_token * 100 | round / 100); " +
    "reused \(.[1].tokens.reused) of \(.[1].tokens.prompt) tokens"'
