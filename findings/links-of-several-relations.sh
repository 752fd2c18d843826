#!/bin/sh
# Library: requests 2.34.2 and httpx 0.28.1 (PyPI) beside parse-link-header 2.0.0 and http-link-header 1.1.4 (npm)
# Summary: Of a Link header with `rel="next last"`, `rel="NEXT"` or `Rel=` neither requests nor httpx has a next page,
#   and of a URL with a semicolon they have the part before it.
# Guess: they find the next page of rel="next last", of Rel=, and of a URL with a semicolon or a comma in its query.
# Behavior: `links` has the text of `rel` as its key, as it stands, and takes names of parameters as they stand, where
#   RFC 8288 has a list of relations, and neither's case counts. A semicolon ends the URL also within its brackets.
#   parse-link-header has the last link of a relation, and so the feed in place of the next page.
# Output:
#     </findings?page=9>; rel="next last"
#       requests none, httpx none,
#       parse-link-header /findings?page=9, http-link-header /findings?page=9
#     </findings?page=9>; rel="NEXT"
#       requests none, httpx none,
#       parse-link-header none, http-link-header /findings?page=9
#     </findings?page=9>; Rel="next"
#       requests none, httpx none,
#       parse-link-header none, http-link-header /findings?page=9
#     </findings?tags=a;b&page=9>; rel="next"
#       requests /findings?tags=a, httpx /findings?tags=a,
#       parse-link-header /findings?tags=a;b&page=9, http-link-header /findings?tags=a;b&page=9
#     </findings?tags=a,b&page=9>; rel="next"
#       requests /findings?tags=a,b&page=9, httpx /findings?tags=a,b&page=9,
#       parse-link-header /findings?tags=a,b&page=9, http-link-header /findings?tags=a,b&page=9
#     </findings?page=9>; rel="next", </feed>; rel="alternate next"
#       requests /findings?page=9, httpx /findings?page=9,
#       parse-link-header /feed, http-link-header /findings?page=9
# Why it matters: the page before the last is where next and last are one, so a reader that has no next one stops there,
#   and the last page's rows are never read. A URL that ends at a semicolon asks for other rows than the API meant.
set -eu
packages="requests==2.34.2 httpx==0.28.1"
node_packages="parse-link-header@2.0.0 http-link-header@1.1.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/headers" <<'END'
<https://api.example/findings?page=9>; rel="next last"
<https://api.example/findings?page=9>; rel="NEXT"
<https://api.example/findings?page=9>; Rel="next"
<https://api.example/findings?tags=a;b&page=9>; rel="next"
<https://api.example/findings?tags=a,b&page=9>; rel="next"
<https://api.example/findings?page=9>; rel="next", <https://api.example/feed>; rel="alternate next"
END
cat >"$dir/read.py" <<'END'
import json
import sys

import httpx
import requests

for header in sys.stdin.read().splitlines():
    by_requests = requests.Response()
    by_requests.headers["Link"] = header
    answers = by_requests, httpx.Response(200, headers={"Link": header})
    print(json.dumps([answer.links.get("next", {}).get("url") for answer in answers]))
END
cat >"$dir/read.mjs" <<'END'
import fs from 'node:fs';
import links from 'http-link-header';
import parse from 'parse-link-header';

const lines = (file) => fs.readFileSync(file, 'utf8').trim().split('\n');
const [headers, found] = process.argv.slice(2).map(lines);
const short = (url) => (url ? url.replace('https://api.example', '') : 'none');
headers.forEach((header, i) => {
  const [byRequests, byHttpx] = JSON.parse(found[i]).map(short);
  const [byParse, byLinks] = [parse(header).next?.url, links.parse(header).rel('next')[0]?.uri].map(short);
  console.log(header.replaceAll('https://api.example', ''));
  console.log(`  requests ${byRequests}, httpx ${byHttpx},`);
  console.log(`  parse-link-header ${byParse}, http-link-header ${byLinks}`);
});
END
"$dir/bin/python" "$dir/read.py" <"$dir/headers" >"$dir/found"
node "$dir/read.mjs" "$dir/headers" "$dir/found" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
