#!/bin/sh
# Library: unified-range 0.1.1 (PyPI), Snyk's own, between npm's ranges and Maven's
# Summary: npm's `^1.2.3` and `~1.2` become a single version of that name, and `1.2.3 - 2.0.0` becomes 2.0.0 alone.
# Guess: each range of npm becomes the interval that it means, `^1.2.3` being `[1.2.3,2.0.0)`, or is refused.
# Behavior: it knows `<`, `<=`, `>`, `>=`, `=` and `||`. Of any other text it makes brackets around its last word.
# Output:
#     >=1.2.3 <2.0.0: [1.2.3,2.0.0)
#     <1.0.0 || >=1.2.0 <1.3.0: (,1.0.0),[1.2.0,1.3.0)
#     ^1.2.3: [^1.2.3]
#     ~1.2: [~1.2]
#     1.x: [1.x]
#     1.2.3 - 2.0.0: [2.0.0]
#     back from [2.0.0]: 2.0.0
# Why it matters: an advisory on `1.2.3 - 2.0.0` is one on 2.0.0, and one on `^1.2.3` is on a version that nobody has,
#   without an error. Write ranges out with `<` and `>=` beforehand.
set -eu
packages="unified-range==0.1.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from unified_range import api

for text in ">=1.2.3 <2.0.0", "<1.0.0 || >=1.2.0 <1.3.0", "^1.2.3", "~1.2", "1.x", "1.2.3 - 2.0.0":
    print(f"{text}: {api.from_semver(text)}")
print("back from [2.0.0]:", api.to_semver(api.from_semver("1.2.3 - 2.0.0")))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
