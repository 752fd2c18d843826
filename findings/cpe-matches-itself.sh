#!/bin/sh
# Library: cpe 1.3.1 (PyPI)
# Summary: A CPE name with a star matches nothing, not even itself.
# Guess: a CPE name matches itself, and `log4j:*` matches `log4j:2.0`.
# Behavior: `name_match` of a set with formatted strings is False for both as soon as one of them has a star,
#   which nearly every name in NVD's feeds has.
# Output:
#     False True
#     False False
# Why it matters: an inventory that is matched with it has no vulnerabilities, and no error. `==` of the names
#   works.
set -eu
packages="cpe==1.3.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from cpe import CPE
from cpe.cpeset2_3 import CPESet2_3

any_version = "cpe:2.3:a:apache:log4j:*:*:*:*:*:*:*:*"
version = "cpe:2.3:a:apache:log4j:2.0:*:*:*:*:*:*:*"
for known, asked in ((version, version), (any_version, version)):
    names = CPESet2_3()
    names.append(CPE(known))
    print(names.name_match(CPE(asked)), CPE(known) == CPE(asked))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
