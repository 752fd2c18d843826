#!/bin/sh
# Library: url-normalize 3.1.0 and w3lib 2.5.0 (PyPI), normalize-url 10.0.0 (npm)
# Summary: Which URLs are one depends on the library: w3lib keeps `:443`, takes `id=2&id=1` for `id=1&id=2` and drops
#   what is after `#`; normalize-url drops `www.` and parameters such as utm_id.
# Guess: what RFC 3986 has as equivalent is one URL in each, a default port and `%7E` among it, and nothing else.
# Behavior: of ten pairs only the one with `%7E` is one URL for all. Two of them are for RFC 3986: w3lib has one of
#   these and three more, url-normalize both and two more, normalize-url both and five more.
# Output:
#     https://a.example:443/login https://a.example/login: url-normalize, normalize-url
#     https://a.example/%7Ebob https://a.example/~bob: url-normalize, w3lib, normalize-url
#     https://a.example/?id=2&id=1 https://a.example/?id=1&id=2: w3lib
#     https://a.example/x//y https://a.example/x/y: url-normalize, normalize-url
#     https://a.example/x/ https://a.example/x: normalize-url
#     https://a.example./x https://a.example/x: url-normalize, normalize-url
#     https://www.a.example/x https://a.example/x: normalize-url
#     https://a.example/app#/users https://a.example/app#/admin: w3lib
#     https://a.example/?q https://a.example/?q=: w3lib
#     https://a.example/?utm_id=7 https://a.example/: normalize-url
# Why it matters: findings of the pages of an application in a browser are one, or hosts of two teams are, and assets
#   that two programs have counted are not as many. Make URLs the same by one library, and with options that are
#   written down.
set -eu
packages="url-normalize==3.1.0 w3lib==2.5.0"
node_packages="normalize-url@10.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/pairs" <<'END'
https://a.example:443/login https://a.example/login
https://a.example/%7Ebob https://a.example/~bob
https://a.example/?id=2&id=1 https://a.example/?id=1&id=2
https://a.example/x//y https://a.example/x/y
https://a.example/x/ https://a.example/x
https://a.example./x https://a.example/x
https://www.a.example/x https://a.example/x
https://a.example/app#/users https://a.example/app#/admin
https://a.example/?q https://a.example/?q=
https://a.example/?utm_id=7 https://a.example/
END
cat >"$dir/read.py" <<'END'
from url_normalize import url_normalize
from w3lib.url import canonicalize_url

for line in open("pairs"):
    one, other = line.split()
    equal = {name: read(one) == read(other) for name, read in {
        "url-normalize": url_normalize, "w3lib": canonicalize_url,
    }.items()}
    print(*(name for name in equal if equal[name]))
END
cat >"$dir/read.mjs" <<'END'
import { readFileSync } from 'node:fs';
import normalize from 'normalize-url';

const byPython = readFileSync('by-python', 'utf8').split('\n');
readFileSync('pairs', 'utf8').trim().split('\n').forEach((line, number) => {
  const [one, other] = line.split(' ');
  const equal = byPython[number].split(' ').filter((name) => name);
  if (normalize(one) === normalize(other)) equal.push('normalize-url');
  console.log(`${line}: ${equal.join(', ') || 'none'}`);
});
END
(cd "$dir" && bin/python read.py >by-python && node read.mjs) >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
