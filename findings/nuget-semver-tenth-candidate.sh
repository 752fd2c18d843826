#!/bin/sh
# Library: @snyk/nuget-semver 1.6.1 beside semver 7.7.3 (npm)
# Summary: 1.0.0-rc.10 is older than 1.0.0-rc.2, so a range that ends before rc.10 leaves rc.2 out, and the newest of
#   both is rc.2.
# Guess: numbers between the dots of a pre-release compare as numbers, as NuGet does since it has SemVer 2, and as
#   npm's semver, after which its functions are named.
# Behavior: what is after the hyphen is compared as text, all of it.
# Output:
#     1.0.0-rc.2 and 1.0.0-rc.10: newer than, semver older than
#     1.0.0-beta.9 and 1.0.0-beta.11: newer than, semver older than
#     1.0.0-beta9 and 1.0.0-beta11: newer than, semver newer than
#     1.0.0-rc.2 in (,1.0.0-rc.10): false
#     1.0.0-rc.9 in [1.0.0-rc.2,1.0.0-rc.10): false
#     newest of 1.0.0-rc.2, 1.0.0-rc.10: 1.0.0-rc.2
# Why it matters: packages of NuGet have many previews. An advisory that ends with the tenth leaves out the eight
#   before it, and an update to the newest goes back by eight. Compare a release candidate with a tenth one before a
#   library of versions is taken.
set -eu
packages="@snyk/nuget-semver@1.6.1 semver@7.7.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
(cd "$dir" && node -) >"$dir/output" <<'END'
const nuget = require('@snyk/nuget-semver');
const npm = require('semver');

const sign = (number) => (number < 0 ? 'older than' : number > 0 ? 'newer than' : 'same as');
for (const [one, other] of [
  ['1.0.0-rc.2', '1.0.0-rc.10'], ['1.0.0-beta.9', '1.0.0-beta.11'], ['1.0.0-beta9', '1.0.0-beta11'],
])
  console.log(`${one} and ${other}: ${sign(nuget.compare(one, other))}, semver`, sign(npm.compare(one, other)));
for (const [version, range] of [['1.0.0-rc.2', '(,1.0.0-rc.10)'], ['1.0.0-rc.9', '[1.0.0-rc.2,1.0.0-rc.10)']])
  console.log(`${version} in ${range}: ${nuget.satisfies(version, range)}`);
const versions = ['1.0.0-rc.2', '1.0.0-rc.10'];
console.log(`newest of ${versions.join(', ')}: ${nuget.maxSatisfying(versions, '[1.0.0-rc.1,1.0.0]')}`);
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
