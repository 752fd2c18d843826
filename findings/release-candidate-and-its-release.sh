#!/bin/sh
# Library: packaging 26.4, univers 32.0.1, semver 3.1.2, semantic-version 2.10.0 (PyPI)
# Summary: For packaging, 2.0rc1 is not in `<2.0` and 1.0.post1 not in `>1.0`, although they compare so; univers
#   follows the comparison.
# Guess: 2.0rc1 comes before 2.0, all say so, and therefore it is in `<2.0`, at least when pre-releases are asked for.
# Behavior: the specifiers of Python packages exclude the pre-releases of their upper bound and the post-releases of
#   their lower one, whatever `prereleases` says, and the plain specifiers of semantic-version do likewise. univers,
#   semver and npm's specifiers in semantic-version compare. OSV's ranges are defined by comparing.
# Output:
#     PyPI, 2.0rc1 < 2.0: compared True, packaging False, univers True
#     PyPI, 1.0.post1 > 1.0: compared True, packaging False, univers True
#     PyPI, 1.0+fix.1 <= 1.0: compared False, packaging True, univers False
#     semantic, 2.0.0-rc.1 < 2.0.0: compared True, semver True, SimpleSpec False, NpmSpec True, univers True
# Why it matters: an advisory says "affected before 2.0". Read as a specifier, which has the same characters, it
#   clears the release candidate that somebody runs in production. Compare with `Version(...) < Version(fixed)`
#   instead.
set -eu
packages="packaging==26.4 univers==32.0.1 semver==3.1.2 semantic-version==2.10.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import semantic_version
import semver
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from univers.version_range import VersionRange
from univers.versions import PypiVersion, SemverVersion

for sign, bound, version in (("<", "2.0", "2.0rc1"), (">", "1.0", "1.0.post1"), ("<=", "1.0", "1.0+fix.1")):
    compared = {"<": Version.__lt__, ">": Version.__gt__, "<=": Version.__le__}[sign](Version(version), Version(bound))
    print(
        f"PyPI, {version} {sign} {bound}: compared {compared}, packaging "
        f"{SpecifierSet(sign + bound).contains(version, prereleases=True)}, univers "
        f"{PypiVersion(version) in VersionRange.from_string(f'vers:pypi/{sign}{bound}')}"
    )
version = "2.0.0-rc.1"
parsed = semantic_version.Version(version)
print(
    f"semantic, {version} < 2.0.0: compared {parsed < semantic_version.Version('2.0.0')}, semver "
    f"{semver.Version.parse(version).match('<2.0.0')}, SimpleSpec "
    f"{semantic_version.SimpleSpec('<2.0.0').match(parsed)}, NpmSpec "
    f"{semantic_version.NpmSpec('<2.0.0').match(parsed)}, univers "
    f"{SemverVersion(version) in VersionRange.from_string('vers:npm/<2.0.0')}"
)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
