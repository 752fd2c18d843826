#!/bin/sh
# Library: packageurl-python 0.17.6 (PyPI), packageurl-js 2.0.1 (npm), both of package-url
# Summary: They disagree on pluses, escaped slashes, and the canonical form.
# Guess: both write one canonical form, so purls of two tools can be joined as text.
# Behavior: they disagree on what a purl says. A plus in a qualifier is a plus in Python and a space in
#   JavaScript, which breaks every `vcs_url=git+https:`. An escaped slash in a name starts a namespace in
#   Python. Slashes in qualifiers, pluses in versions and capitals in Debian's names are written in two ways.
# Output:
#     Python     pkg:pypi/foo@1.0?vcs_url=git%2Bhttps://example.org/foo.git
#     JavaScript pkg:pypi/foo@1.0?vcs_url=git%20https%3A%2F%2Fexample.org%2Ffoo.git
#     Python     pkg:generic/a/b@1.0
#     JavaScript pkg:generic/a%2Fb@1.0
#     Python     pkg:oci/debian@sha256:244f?repository_url=docker.io/library/debian
#     JavaScript pkg:oci/debian@sha256:244f?repository_url=docker.io%2Flibrary%2Fdebian
#     Python     pkg:generic/foo@1.0%2Bbuild
#     JavaScript pkg:generic/foo@1.0+build
#     Python     pkg:deb/debian/Foo@1:2.3
#     JavaScript pkg:deb/debian/foo@1:2.3
# Why it matters: an inventory from one tool and advisories from another lose their matches without an error.
#   Parse both sides with one library before joining.
set -eu
packages="packageurl-python==0.17.6"
node_packages="packageurl-js@2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/purls" <<'EOF'
pkg:pypi/foo@1.0?vcs_url=git+https://example.org/foo.git
pkg:generic/a%2Fb@1.0
pkg:oci/debian@sha256%3A244f?repository_url=docker.io/library/debian
pkg:generic/foo@1.0%2Bbuild
pkg:deb/debian/Foo@1:2.3
EOF
"$dir/bin/python" - "$dir/purls" >"$dir/python" <<'EOF'
import sys

from packageurl import PackageURL

for line in open(sys.argv[1]):
    print("Python    ", PackageURL.from_string(line.strip()).to_string())
EOF
(cd "$dir" && node -) >"$dir/javascript" <<'EOF'
const { PackageURL } = require('packageurl-js');
for (const line of require('fs').readFileSync('purls', 'utf8').trim().split('\n'))
  console.log('JavaScript', PackageURL.fromString(line).toString());
EOF
paste -d '\n' "$dir/python" "$dir/javascript" >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
