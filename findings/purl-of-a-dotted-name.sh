#!/bin/sh
# Library: packageurl-python 0.17.6, packaging 26.4, cyclonedx-bom 7.5.0 (PyPI), packageurl-js 2.0.1 (npm)
# Summary: A name on PyPI with a dot or two separators has several canonical package URLs:
#   `pkg:pypi/zope.interface` and `pkg:pypi/zope-interface`.
# Guess: the canonical package URL of PyPI has the name as PyPI compares it, so all spellings of a name are one
#   URL.
# Behavior: as the type is defined, both libraries make small letters and hyphens of underscores, and leave dots
#   and repeated separators. PyPI takes all of them for one. Lists of components take the name as it was spelled,
#   so one release is several components.
# Output:
#     zope_interface, on PyPI zope-interface: Python zope-interface, JavaScript zope-interface
#     Zope.Interface, on PyPI zope-interface: Python zope.interface, JavaScript zope.interface
#     zope-interface, on PyPI zope-interface: Python zope-interface, JavaScript zope-interface
#     zope__interface, on PyPI zope-interface: Python zope--interface, JavaScript zope--interface
#     cyclonedx-py of zope.interface: pkg:pypi/zope.interface@7.2
#     cyclonedx-py of zope-interface: pkg:pypi/zope-interface@7.2
# Why it matters: advisories that name the other spelling are not found by package URL, and a package that two
#   requirements spell in two ways counts twice. Normalize the name as PyPI does before a URL is made of it.
set -eu
packages="packageurl-python==0.17.6 packaging==26.4 cyclonedx-bom==7.5.0"
node_packages="packageurl-js@2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
"$dir/bin/python" - >"$dir/python" <<'EOF'
from packageurl import PackageURL
from packaging.utils import canonicalize_name

for name in ("zope_interface", "Zope.Interface", "zope-interface", "zope__interface"):
    print(f"{name}, on PyPI {canonicalize_name(name)}: Python {PackageURL('pypi', None, name).name}")
EOF
(cd "$dir" && node -) >"$dir/javascript" <<'EOF'
const { PackageURL } = require('packageurl-js');
for (const name of ['zope_interface', 'Zope.Interface', 'zope-interface', 'zope__interface'])
  console.log(`, JavaScript ${new PackageURL('pypi', null, name).name}`);
EOF
paste -d '\0' "$dir/python" "$dir/javascript" >"$dir/output"
for name in zope.interface zope-interface; do
    printf 'cyclonedx-py of %s: ' $name
    echo "$name==7.2" | "$dir/bin/cyclonedx-py" requirements - | sed -n 's/.*"purl": "\(.*\)",*$/\1/p'
done >>"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
