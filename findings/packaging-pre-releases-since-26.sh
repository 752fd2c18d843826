#!/bin/sh
# Library: packaging 26.4 beside 25.0 (PyPI) and @renovatebot/pep440 4.2.4 (npm)
# Summary: 1.5rc1 is in `>=1.0,<2.0` for packaging 26, and not for 25 and for Renovate's pep440.
# Guess: a specifier that names no pre-release contains none, unless `prereleases=True` is said, in each release.
# Behavior: since 26, `in` and `contains` take a pre-release wherever the comparison does, and `filter` does if
#   nothing else matches. Code that did not change answers otherwise after an upgrade.
# Output:
#     <2.0 has 2.0rc1: 25.0 False, 26 False, pep440 false
#     <2.0.1 has 2.0rc1: 25.0 False, 26 True, pep440 false
#     >=1.0,<2.0 has 1.5rc1: 25.0 False, 26 True, pep440 false
#     ==1.* has 1.5.dev1: 25.0 False, 26 True, pep440 false
#     filter alone: 25.0 [], 26 ['1.5rc1']
#     filter with 1.4: 25.0 ['1.4'], 26 ['1.4']
# Why it matters: whether an installed pre-release is affected by an advisory depends on which packaging the
#   scanner finds in its environment. Say `prereleases=True` where versions are matched with advisories: all
#   releases agree on that.
set -eu
packages="packaging==26.4"
node_packages="@renovatebot/pep440@4.2.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check --target "$dir/before" packaging==25.0
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/cases" <<'EOF'
<2.0 2.0rc1
<2.0.1 2.0rc1
>=1.0,<2.0 1.5rc1
==1.* 1.5.dev1
EOF
cat >"$dir/contains.py" <<'EOF'
import sys

from packaging.specifiers import SpecifierSet

for line in open(sys.argv[1]):
    versions, version = line.split()
    assert SpecifierSet(versions).contains(version, prereleases=True) == (version != "2.0rc1" or versions != "<2.0")
    print(version in SpecifierSet(versions))
for versions in (["1.5rc1"], ["1.4", "1.5rc1"]):
    print(list(SpecifierSet(">=1.0,<2.0").filter(versions)))
EOF
PYTHONPATH="$dir/before" "$dir/bin/python" "$dir/contains.py" "$dir/cases" >"$dir/25"
"$dir/bin/python" "$dir/contains.py" "$dir/cases" >"$dir/26"
(cd "$dir" && node -) >"$dir/pep440" <<'EOF'
const { satisfies } = require('@renovatebot/pep440');
for (const line of require('fs').readFileSync('cases', 'utf8').trim().split('\n')) {
  const [versions, version] = line.split(' ');
  console.log(`, pep440 ${satisfies(version, versions)}`);
}
EOF
{
    sed 's/ / has /' "$dir/cases"
    echo "filter alone"
    echo "filter with 1.4"
} | paste -d '\n' - "$dir/25" "$dir/26" | paste -d '|' - - - |
    sed 's/|/: 25.0 /; s/|/, 26 /' | paste -d '\0' - "$dir/pep440" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
