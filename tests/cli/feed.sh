#!/usr/bin/env bash
# docent feed: subscriptions, and a server on the loopback interface that does what servers do.
. "$(dirname "$0")/lib.sh"

run 2 feed; one_sentence
run 2 feed add 'file:///etc/passwd'; one_sentence
run 2 feed add 'https://user:secret@example.org/'; one_sentence
run 2 feed add --keep -1 https://example.org/feed; one_sentence
run 2 feed add --select 'div[' https://example.org/; one_sentence
run 2 feed add nosuch.xml; one_sentence
run 2 feed poll --pages 0; one_sentence
run 3 feed list

requests=$work/requests; : >"$requests"
python3 "$(dirname "$0")/fixtures/feed-server.py" "$requests" >"$work/port" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
for ((i = 0; i < 100; i++)); do [ -s "$work/port" ] && break; sleep .1; done
base=http://127.0.0.1:$(cat "$work/port")
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

poll () { run "$1" feed poll --no-embed --json "${@:2}"; }
entries () { "$DOCENT" list "$@" --json | grep -oE '"document":"(http|file)[^"]*' | wc -l; }

# Entries become documents of their own, found under their links.
run 0 -c wards feed add "$base/good.xml"
poll 0; json '.polled == 1 and .added == 2 and (.failed | length) == 0'
run 0 search --mode lexical crane repairs --json
json '.hits[0].document == "http://news.example/2" and .hits[0].collection == "wards"'
run 0 feed list --json; json '.[0].title == "Ward news" and .[0].entries == 2'

# Not due: not asked. Asked again: the server says that nothing changed, and nothing comes twice.
poll 0; json '.polled == 0 and .waiting == 1'
poll 0 --all; json '.unchanged == 1 and .added == 0'
grep -q '^/good.xml "v1"' "$requests" || fail "the ETag is not sent back"

# The same entry in another feed, with another campaign's mark, is the same document.
run 0 -c wards feed add "$base/other.xml"
poll 0; json '.added == 1 and .duplicates == 1'
[ "$(entries)" = 3 ] || fail "there are $(entries) entries, not 3"

# Compressed, moved, in a wrong encoding, a page instead of a feed.
run 0 feed add "$base"/{moved.xml,charset.xml,page.html}
poll 0; json '.added == 3'
run 0 search --mode lexical raven nurses; out_has 'raven unit'
run 0 search --mode lexical Möwe; out_has 'Möwe'
run 0 search --mode lexical entrance closed; out_has 'main entrance'

# A page whose elements are entries; their addresses are relative to it. Another selector reads it
# anew.
run 0 -c press feed add --select '#list > li.news' "$base/list.html"
poll 0; json '.added == 2'
run 0 search --mode lexical plover unit places --json; json '.hits[0].document == "'"$base"'/press/7"'
run 0 search --mode lexical dunlin unit Friday --json; json '.hits[0].document == "'"$base"'/list.html?id=8"'
run 0 list -c press --json; out_lacks 'Buy a bed'; out_lacks 'About us'
run 0 -c press feed add --select '.nosuch' "$base/list.html"
run 4 feed poll --no-embed --all "$base/list.html"; err_has 'nothing that the selector “.nosuch” matches'
run 0 feed remove "$base/list.html"

# A sitemap: the newest pages of its own host, as many as is polite; the next poll reads the rest.
run 0 -c map feed add "$base/sitemap.xml"
poll 0 --pages 2 "$base/sitemap.xml"; json '.added == 2'
poll 0 --pages 2 "$base/sitemap.xml"; json '.added == 1 and .unchanged == 0'
poll 0 "$base/sitemap.xml"; json '.added == 0 and .duplicates == 0'
[ "$(grep -c '^/pages/' "$requests")" = 3 ] || fail "old pages, or some of another host, are read"
run 0 search --mode lexical whimbrel report number 4 --json; json '.hits[0].document == "'"$base"'/pages/4"'
run 0 -c map feed add "$base/sitemaps.xml"
poll 4 "$base/sitemaps.xml"; json '.added == 1 and (.failed | length) == 1'; err_has 'gone.xml: the server answers 404'
run 0 feed remove "$base/sitemap.xml" "$base/sitemaps.xml"

# A file that another program writes is a feed, too.
cat >"$work/local.xml" <<END
<rss><channel><title>Local</title><item><title>Godwit desk moves</title><description>The godwit desk moves to floor 5.
</description></item></channel></rss>
END
(cd "$work" && run 0 -c local feed add local.xml) || exit 1
poll 0 "$work/local.xml"; json '.added == 1'
poll 0 --all "$work/local.xml"; json '.unchanged == 1'
run 0 search --mode lexical godwit desk floor --json; json '.hits[0].document | startswith ("file://'"$work"'/local.xml#")'
sed -i 's/Godwit desk moves/Knot desk opens/; s/godwit/knot/' "$work/local.xml"
poll 0 --all "$work/local.xml"; json '.added == 1'
run 0 sync --no-embed; [ "$(entries -c local)" = 2 ] || fail "sync removed entries of a file"
run 0 feed remove "$work/local.xml"

# A certificate that nobody vouches for is refused.
if command -v openssl >/dev/null; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/key" -out "$work/cert" 2>"$work/err" || fail "openssl"
  cat "$work/key" "$work/cert" >"$work/both"
  python3 "$(dirname "$0")/fixtures/feed-server.py" "$requests" "$work/both" >"$work/tls-port" &
  tls=$!
  for ((i = 0; i < 100; i++)); do [ -s "$work/tls-port" ] && break; sleep .1; done
  secure=https://127.0.0.1:$(cat "$work/tls-port")/gzip.xml
  run 0 feed add "$secure"
  run 4 feed poll --no-embed "$secure"; one_sentence; err_has certificate
  kill "$tls"
  run 0 feed remove "$secure"
fi

# What is wrong is named, one sentence each, and never stops the others.
run 0 feed add "$base"/{loop,file,bomb,broken,slow,busy,missing}.xml "$base/private/feed.xml" "$base/gzip.xml"
run 4 feed poll --no-embed --timeout 4
[ "$(grep -c '^docent: ' "$work/err")" = 8 ] || fail "eight feeds fail, with a line each"
err_has 'busy.xml: the server answers 503'; err_has 'missing.xml: the server answers 404'
err_has 'robots.txt does not allow it'; err_has 'bomb.xml: is larger than 8 MB'; err_has 'broken.xml'
! grep -q 'root:' "$work/err" || fail "a redirect read a file"
run 0 feed list --json
json '[.[] | select (.failures > 0)] | length == 8'
json '.[] | select (.url | endswith ("busy.xml")) | .next_at - .checked_at >= 7200'
json '.[] | select (.url | endswith ("loop.xml")) | .next_at - .checked_at == 900'
json '.[] | select (.url | endswith ("gzip.xml")) | .failure == null'
run 4 feed poll --no-embed --json "$base/missing.xml"
run 0 feed list --json; json '.[] | select (.url | endswith ("missing.xml")) | .next_at - .checked_at == 1800'

# At most one feed of a server a second.
awk '$1 ~ "/(file|bomb|broken|slow).xml" { if (last && $3 - last < .95) exit 1; last = $3; n++ }
     END { exit n < 4 }' "$requests" \
  || fail "the server is asked more than once a second"

# A sync leaves them alone, a digest tells of them and names the feeds that failed.
before=$(entries)
run 0 sync --no-embed; [ "$(entries)" = "$before" ] || fail "sync removed entries"
sleep 2
run 0 digest --no-model --json
json 'any (.sections[]; .title == "Crane ward closes")'
json 'any (.notes[]; contains ("busy.xml"))'
run 0 digest --format html; out_has 'href="http://news.example/2"'

# Entries go when their time is over.
if command -v faketime >/dev/null; then
  run 0 -c wards feed add --keep 30 "$base/good.xml" "$base/other.xml"
  # The client sees a later day than the server.
  at '+40 days' "$DOCENT" feed poll --no-embed --json "$base/good.xml" >"$work/out" 2>"$work/err" \
    || fail "a poll 40 days later"
  json '.expired == 3 and .added == 0'
  run 3 search --mode lexical -c wards crane repairs
fi

run 0 feed remove "$base/good.xml"
run 1 feed remove "$base/good.xml"; one_sentence
run 1 feed poll https://not.subscribed.example/; one_sentence
[ "$(stat -c %a "$library/feeds.ini")" = 600 ] || fail "others may read what is subscribed"
echo passed
