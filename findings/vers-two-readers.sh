#!/bin/sh
# Library: appthreat-vulnerability-db 7.0.3 and univers 32.0.1 (PyPI), readers of `vers:`
# Summary: Whether a version is in a range of PyPI or Maven depends on the reader: one has no post-releases, the
#   other takes 2.2.6.RELEASE for newer than 2.2.6.
# Guess: `vers:` is one notation with each ecosystem's order, so its readers agree, on PyPI with packaging.
# Behavior: AppThreat's compares PyPI's versions as semantic ones: 1.0.post1 and 1.0.dev1 are not below 1.0.1, rc9
#   follows rc10, and an epoch is ignored. univers has no `RELEASE` of Maven, which is 2.2.6 itself by Maven's
#   rules.
# Output:
#     vers:pypi/<1.0.1 1.0.post1: AppThreat False, univers True, packaging True
#     vers:pypi/<1.0.1 1.0.dev1: AppThreat False, univers True, packaging True
#     vers:pypi/<1.0rc10 1.0rc9: AppThreat False, univers True, packaging True
#     vers:pypi/<2.0 1!0.5: AppThreat True, univers False, packaging False
#     vers:pypi/<1.0.1 1.0: AppThreat True, univers True, packaging True
#     vers:maven/<=2.2.6 2.2.6.RELEASE: AppThreat True, univers False
# Why it matters: an installed version that an advisory means is safe for one of them, without an error. Spring's
#   releases end in `.RELEASE` for years, and post-releases are what is uploaded in a hurry.
set -eu
packages="appthreat-vulnerability-db==7.0.3 univers==32.0.1 packaging==26.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
VDB_HOME="$dir/vdb" "$dir/bin/python" - >"$dir/output" <<'EOF'
from packaging.specifiers import SpecifierSet
from univers.version_range import VersionRange
from univers.versions import MavenVersion, PypiVersion
from vdb.lib.vers import contains

for version_range, version in (
    ("vers:pypi/<1.0.1", "1.0.post1"),
    ("vers:pypi/<1.0.1", "1.0.dev1"),
    ("vers:pypi/<1.0rc10", "1.0rc9"),
    ("vers:pypi/<2.0", "1!0.5"),
    ("vers:pypi/<1.0.1", "1.0"),
    ("vers:maven/<=2.2.6", "2.2.6.RELEASE"),
):
    kind, native = version_range.removeprefix("vers:").split("/")
    read = (MavenVersion if kind == "maven" else PypiVersion)(version) in VersionRange.from_string(version_range)
    line = f"{version_range} {version}: AppThreat {contains(version_range, version)}, univers {read}"
    if kind == "pypi":
        line += f", packaging {SpecifierSet(native).contains(version, prereleases=True)}"
    print(line)
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
