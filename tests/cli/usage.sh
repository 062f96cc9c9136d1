#!/usr/bin/env bash
# How docent is called: general options before and after a command, wrong usage, output that cannot
# be written, readers that go away, configuration.
. "$(dirname "$0")/lib.sh"

# Usage errors are one sentence that says where to read more, and exit 2.
run 2 serach words
err_has 'did you mean “search”?'
err_has 'docent help'
one_sentence
run 2 frobnicate; one_sentence; err_has 'there is no command “frobnicate”'
run 2 search; one_sentence; err_has 'see docent help search'
run 2 search --frob words; one_sentence; err_has 'unknown option --frob'
run 2 search --limit many words; one_sentence
run 2 search --limit 0 words; one_sentence
run 2 search --mode psychic words; one_sentence; err_has 'lexical, dense or hybrid'
run 2 list extra; one_sentence; err_has 'extra'
run 2 models; one_sentence; err_has 'list, fetch'
run 2 models lst; one_sentence; err_has 'models list'
run 2 --quiet --verbose list; one_sentence
run 2 --mem lots list; one_sentence; err_has 'not a size'
run 2 --mem -1 list; one_sentence
run 2 --mem 1e30T list; one_sentence
run 2 --threads -3 list; one_sentence
run 2 --threads 1000000000000 list; one_sentence
run 2 --library; one_sentence
run 2; err_has 'Usage: docent COMMAND'; out_empty

# Arguments that are not UTF-8 are refused before anything is done, and shown harmlessly.
run 2 add "$docs/$(printf 'caf\351\033[2J')"
one_sentence; err_has 'is not UTF-8'; err_has '<U+001B>'

# Version and help need no library.
run 0 --version; out_has 'docent '; err_empty
run 0 search --help; out_has '--mode'
[ ! -e "$library" ] || fail "a library was made by asking for help"

# General options stand before or after the command's name.
run 0 --library "$work/lib" add --no-embed --quiet "$SAMPLES/night-shift-policy.pdf"
run 0 --library "$work/lib" --json list; json '.documents | length == 1'
run 0 list --json --library "$work/lib"; json '.documents | length == 1'
run 0 list --library="$work/lib" -j; json '.documents | length == 1'
[ ! -e "$library" ] || fail "the default library was made although --library was given"

# The configuration fills what the command line leaves open, and its mistakes are named.
mkdir -p "$XDG_CONFIG_HOME/docent"
printf '[docent]\nlibrary = %s\n' "$work/lib" >"$XDG_CONFIG_HOME/docent/config"
run 0 list --json; json '.documents | length == 1'
run 1 list --library "$work/elsewhere"
printf '[docent]\nlibary = /x\n' >"$XDG_CONFIG_HOME/docent/config"
run 1 list; one_sentence; err_has 'libary'; err_has "$XDG_CONFIG_HOME/docent/config"
printf '[docent]\nthreads = many\n' >"$XDG_CONFIG_HOME/docent/config"
run 1 list; one_sentence; err_has 'threads'
printf 'not a key file' >"$XDG_CONFIG_HOME/docent/config"
run 1 list; one_sentence
rm "$XDG_CONFIG_HOME/docent/config"

# A reader that goes away is no error; a result that cannot be written is one.
"$DOCENT" completions fish 2>"$work/err" | head -1 >/dev/null
err_empty
if [ -w /dev/full ]; then
  "$DOCENT" --library "$work/lib" list >/dev/full 2>"$work/err" && fail "a full disk went unnoticed"
  err_has 'could not be written'
fi
# The reference has every key that the configuration file may have.
mkdir -p "$XDG_CONFIG_HOME/docent"
printf '[docent]\nnosuch=1\n' >"$XDG_CONFIG_HOME/docent/config"
run 1 list
for key in $(sed -n 's/.*there is no key “nosuch”, only \(.*\); correct.*/\1/p' "$work/err" | tr -d ,); do
  keys=$((${keys:-0} + 1))
  grep -q "^| $key |" "$SAMPLES/../docs/configuration.md" || fail "docs/configuration.md lacks the key $key"
done
[ "${keys:-0}" -ge 10 ] || fail "the error names no keys: $(cat "$work/err")"
rm "$XDG_CONFIG_HOME/docent/config"

echo passed
