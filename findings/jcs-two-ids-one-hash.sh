#!/bin/sh
# Library: jcs 0.2.1 beside rfc8785 0.1.4, canonicaljson 2.0.0 (PyPI)
# Summary: Two documents whose ids differ have one canonical form, and so one hash, where an id has more than 53
#   bits.
# Guess: an integer keeps its digits, or is an error, because the hash is there to tell documents apart.
# Behavior: it is written as the nearest float, as a parser of JavaScript would read it. rfc8785, of the same RFC
#   8785, refuses it. canonicaljson keeps the digits, and has two forms for 7 and 7.0.
# Output:
#     ids 9007199254740992 9007199254740993
#       jcs: hashes 1, of {"id":9007199254740992} {"id":9007199254740992}
#       rfc8785: IntegerDomainError
#       canonicaljson: hashes 2, of {"id":9007199254740992} {"id":9007199254740993}
#     ids 1000000000000000 1000000000000001
#       jcs: hashes 2, of {"id":1000000000000000} {"id":1000000000000001}
#       rfc8785: hashes 2, of {"id":1000000000000000} {"id":1000000000000001}
#       canonicaljson: hashes 2, of {"id":1000000000000000} {"id":1000000000000001}
#     ids 7 7.0
#       jcs: hashes 1, of {"id":7} {"id":7}
#       rfc8785: hashes 1, of {"id":7} {"id":7}
#       canonicaljson: hashes 2, of {"id":7} {"id":7.0}
# Why it matters: rows are deduplicated by the hash of their canonical JSON, and of two findings with large ids one
#   is taken for the other. Write such ids as text.
set -eu
packages="jcs==0.2.1 rfc8785==0.1.4 canonicaljson==2.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import hashlib

import canonicaljson
import jcs
import rfc8785

WAYS = {"jcs": jcs.canonicalize, "rfc8785": rfc8785.dumps, "canonicaljson": canonicaljson.encode_canonical_json}
for pair in ((2**53, 2**53 + 1), (10**15, 10**15 + 1), (7, 7.0)):
    print("ids", *pair)
    for name, encode in WAYS.items():
        try:
            texts = [encode({"id": value}) for value in pair]
            hashes = {hashlib.sha256(text).hexdigest() for text in texts}
            print(f"  {name}: hashes {len(hashes)}, of", *map(bytes.decode, texts))
        except ValueError as error:
            print(f"  {name}:", type(error).__name__)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
