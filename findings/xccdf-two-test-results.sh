#!/bin/sh
# Library: openscap-report 1.0.0 (PyPI), OpenSCAP's own, and @mitre/hdf-converters 2.12.6 (npm), readers of XCCDF
# Summary: Of a file with two test results, one gives the oldest with its host and score, and for the other each rule
#   has the status error.
# Guess: XCCDF allows any number of test results, so the last one is shown, or both are, or the file is refused.
# Behavior: openscap-report takes the first TestResult and its rule results, and says nothing of the second.
#   hdf-converters makes one control of each rule, whose status is `error` and not that of any of the two.
# Output:
#     openscap-report, one scan: host1, score 25.0, a fail, b pass
#     hdf-converters, one scan: a failed, b passed
#     openscap-report, two scans: host1, score 25.0, a fail, b pass
#     hdf-converters, two scans: a error, b error
# Why it matters: a scan that is added to the file of the one before changes nothing in the report, so what was mended
#   goes on to fail, or all rules are errors. Take one file for each scan.
set -eu
packages="openscap-report==1.0.0"
node_packages="@mitre/hdf-converters@2.12.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/write.py" <<'END'
import sys

RULE = '<Rule id="xccdf_org.example_rule_{0}" selected="true" severity="high"><title>{0}</title>' \
    '<description>{0}</description></Rule>'
FOUND = '<rule-result idref="xccdf_org.example_rule_{}" severity="high" weight="1" time="{}">' \
    '<result>{}</result></rule-result>'
SCAN = '''<TestResult id="xccdf_org.example_testresult_{number}" start-time="{time}" end-time="{time}" version="1.0">
<benchmark href="#b" id="xccdf_org.example_benchmark_b"/><title>Scan</title>
<profile idref="xccdf_org.example_profile_p"/><target>host{number}</target>{found}
<score system="urn:xccdf:scoring:default" maximum="100">{score}</score></TestResult>'''
SCANS = ("2026-11-01T12:00:00Z", "25.0", ("fail", "pass")), ("2026-11-10T12:00:00Z", "100.0", ("pass", "pass"))

scans = "".join(
    SCAN.format(number=number, time=time, score=score, found="".join(
        FOUND.format(rule, time, result) for rule, result in zip("ab", results)
    ))
    for number, (time, score, results) in enumerate(SCANS[:int(sys.argv[1])], 1)
)
print(f'''<?xml version="1.0" encoding="UTF-8"?>
<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_org.example_benchmark_b" xml:lang="en">
<status date="2026-01-01">accepted</status><title>Benchmark</title><description>Benchmark</description>
<version>1.0</version><Profile id="xccdf_org.example_profile_p"><title>Profile</title></Profile>
<Group id="xccdf_org.example_group_g"><title>Group</title>{"".join(map(RULE.format, "ab"))}</Group>{scans}
</Benchmark>''')
END
cat >"$dir/read.py" <<'END'
import json
import sys

report = json.load(sys.stdin)
scan = report["scan_result"]
rules = ", ".join(f"{rule['title']} {rule['result']}" for rule in report["rules"].values())
print(f"openscap-report, {sys.argv[1]}: {scan['target']}, score {scan['score']}, {rules}")
END
cat >"$dir/read.js" <<'END'
const { XCCDFResultsMapper } = require('@mitre/hdf-converters');
const { controls } = new XCCDFResultsMapper(require('fs').readFileSync(0, 'utf8')).toHdf().profiles[0];
const rules = controls.map((control) => `${control.title} ${control.results.map((result) => result.status).join(' ')}`);
console.log(`hdf-converters, ${process.argv[2]}: ${rules.join(', ')}`);
END
for name in "1 one scan" "2 two scans"; do
    "$dir/bin/python" "$dir/write.py" "${name%% *}" >"$dir/scan.xml"
    "$dir/bin/oscap-report" --format JSON <"$dir/scan.xml" 2>/dev/null | "$dir/bin/python" "$dir/read.py" "${name#* }"
    node "$dir/read.js" "${name#* }" <"$dir/scan.xml"
done >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
