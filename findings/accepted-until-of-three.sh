#!/bin/sh
# Library: audit-ci 7.1.0, better-npm-audit 3.11.0 and snyk-policy 5.0.0, Snyk's own (npm)
# Summary: A risk that is accepted until 2026-11-30 is reported from the beginning of that day on, in UTC or in the
#   machine's time zone; of a time with an offset, one of the three ignores the offset.
# Guess: an accepted risk with an expiry of a date is accepted until the end of that day, in each.
# Behavior: the date is its first moment: of UTC in audit-ci and snyk-policy, of the local zone in better-npm-audit.
#   snyk-policy compares text that is quoted with the time in UTC, letter by letter.
# Output:
#     until 2026-12-31, at 2026-11-30T12:00:00Z in UTC:
#       audit-ci accepted, better-npm-audit accepted, snyk-policy accepted
#     until 2026-11-30, at 2026-11-30T12:00:00Z in UTC:
#       audit-ci reported, better-npm-audit reported, snyk-policy reported
#     until 2026-11-30, at 2026-11-29T20:00:00-05:00 in America/New_York:
#       audit-ci reported, better-npm-audit accepted, snyk-policy reported
#     until 2026-11-30T18:00:00-05:00, at 2026-11-30T17:30:00-05:00 in America/New_York:
#       audit-ci accepted, better-npm-audit accepted, snyk-policy reported
#     until 2026-11-30T18:00:00+09:00, at 2026-11-30T21:00:00+09:00 in Asia/Tokyo:
#       audit-ci reported, better-npm-audit reported, snyk-policy accepted
# Why it matters: one list of accepted risks is used by several tools. On the last day, and in the Americas on the
#   evening before, a build fails for one and passes for the other, and for Snyk a risk of New York ends five hours
#   early and one of Tokyo nine hours late. Write the time in UTC: "2026-12-01T00:00:00.000Z".
set -eu
packages="audit-ci@7.1.0 better-npm-audit@3.11.0 snyk-policy@5.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
npm install --prefix "$dir" --silent --no-audit --no-fund $packages
# What `npm audit --json` says of one package, as no registry is asked.
mkdir "$dir/bin"
cat >"$dir/audit.json" <<'END'
{"auditReportVersion": 2, "vulnerabilities": {"lib": {"name": "lib", "severity": "high", "isDirect": true, "via": [
  {"source": 1100001, "name": "lib", "dependency": "lib", "title": "Denial of service", "severity": "high",
   "url": "https://github.com/advisories/GHSA-2345-6789-cfgh", "range": "<2.0.0", "cwe": [], "cvss": {"score": 7.5}}],
  "effects": [], "range": "<2.0.0", "nodes": ["node_modules/lib"], "fixAvailable": true}},
 "metadata": {"vulnerabilities": {"info": 0, "low": 0, "moderate": 0, "high": 1, "critical": 0, "total": 1},
  "dependencies": {"prod": 1, "dev": 0, "optional": 0, "peer": 0, "peerOptional": 0, "total": 1}}}
END
printf '#!/bin/sh\ncase "$*" in *audit*) cat "%s/audit.json";; *) echo 11.0.0;; esac\n' "$dir" >"$dir/bin/npm"
chmod +x "$dir/bin/npm"
cat >"$dir/clock.cjs" <<'END'
const now = new Date(process.env.NOW).getTime();
globalThis.Date = class extends Date {
  constructor(...parts) {
    super(...(parts.length ? parts : [now]));
  }
  static now() {
    return now;
  }
};
END
cat >"$dir/snyk.cjs" <<'END'
const policy = require('snyk-policy');

const text = `version: v1.25.0\nignore:\n  GHSA-2345-6789-cfgh:\n    - '*':\n        expires: '${process.argv[2]}'\n`;
const report = { ok: false, vulnerabilities: [{ id: 'GHSA-2345-6789-cfgh', from: ['app@1.0.0', 'lib@1.0.0'] }] };
policy.loadFromText(text).then((rules) => {
  process.exitCode = rules.filter(report).vulnerabilities.length;
});
END
say() {
    echo "until $1, at $2 in $3:"
    results=""
    mkdir -p "$dir/app"
    echo '{"name": "app", "version": "1.0.0", "dependencies": {"lib": "1.0.0"}}' >"$dir/app/package.json"
    echo '{}' >"$dir/app/package-lock.json"
    echo "{\"GHSA-2345-6789-cfgh\": {\"active\": true, \"notes\": \"\", \"expiry\": \"$1\"}}" >"$dir/app/.nsprc"
    allowlist=$(cat "$dir/app/.nsprc")
    echo "{\"high\": true, \"package-manager\": \"npm\", \"allowlist\": [$allowlist]}" >"$dir/app/audit-ci.json"
    export NOW="$2" TZ="$3" NODE_OPTIONS="--require $dir/clock.cjs"
    for command in "audit-ci" "better-npm-audit audit" "snyk-policy"; do
        run="$dir/node_modules/.bin/$command"
        [ "$command" = audit-ci ] && run="$run --config audit-ci.json"
        [ "$command" = snyk-policy ] && run="node $dir/snyk.cjs $1"
        result=accepted
        (cd "$dir/app" && PATH="$dir/bin:$PATH" NODE_PATH="$dir/node_modules" $run >"$dir/log" 2>&1) || result=reported
        results="${results:+$results, }${command%% *} $result"
    done
    echo "  $results"
}
{
    say 2026-12-31 2026-11-30T12:00:00Z UTC
    say 2026-11-30 2026-11-30T12:00:00Z UTC
    say 2026-11-30 2026-11-29T20:00:00-05:00 America/New_York
    say 2026-11-30T18:00:00-05:00 2026-11-30T17:30:00-05:00 America/New_York
    say 2026-11-30T18:00:00+09:00 2026-11-30T21:00:00+09:00 Asia/Tokyo
} >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
