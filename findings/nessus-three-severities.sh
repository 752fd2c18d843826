#!/bin/sh
# Library: nessus-file-reader 0.9.0, python-libnessus 1.0.0.10 (PyPI), @microsoft/sarif-multitool 5.7.0 (npm)
# Summary: Of a finding in a Nessus report they give its severity, its risk factor, or a level by its CVSS 3
#   score.
# Guess: each gives the `severity` of a finding, which Nessus shows and a rule of its user may have changed, and
#   all findings.
# Behavior: python-libnessus gives the severity. nessus-file-reader counts by the risk factor, which often is the
#   one of CVSS 2. SARIF Multitool takes the level from the CVSS 3 score if there is one, and has no result at all
#   for a severity of 0.
# Output:
#     finding: severity, python-libnessus, sarif-multitool
#     SWEET32, CVSS 2 of 5.0 and CVSS 3 of 7.5: 3, 3, error with rank 7.5
#     CVSS 4 of 8.7 and CVSS 3 of 6.5: 3, 3, warning with rank 6.5
#     accepted, lowered to 1 by a rule: 1, 1, error with rank 8.1
#     CVSS 2 of 7.5 alone: 3, 3, error with rank 8.0
#     an open port: 0, 0, none
#     by severity: 3 high, 0 medium, 1 low
#     nessus-file-reader: 2 high, 2 medium, 0 low
# Why it matters: the number of high findings is another one by each reader, and what was accepted in Nessus comes
#   back as an error. Count by the attribute `severity`.
set -eu
packages="nessus-file-reader==0.9.0 python-libnessus==1.0.0.10"
node_packages="@microsoft/sarif-multitool@5.7.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/report.py" <<'EOF'
FINDINGS = {  # title: plugin, severity, risk factor, scores of CVSS 2, 3 and 4
    "SWEET32, CVSS 2 of 5.0 and CVSS 3 of 7.5": ("42873", 3, "Medium", 5.0, 7.5, None),
    "CVSS 4 of 8.7 and CVSS 3 of 6.5": ("200001", 3, "Medium", 5.0, 6.5, 8.7),
    "accepted, lowered to 1 by a rule": ("200002", 1, "High", 7.6, 8.1, None),
    "CVSS 2 of 7.5 alone": ("200003", 3, "High", 7.5, None, None),
    "an open port": ("11219", 0, "None", None, None, None),
}


def item(title, plugin, severity, risk, *scores):
    names = ("cvss_base_score", "cvss3_base_score", "cvss4_base_score")
    return (
        f'<ReportItem port="443" svc_name="www" protocol="tcp" severity="{severity}" pluginID="{plugin}"'
        f' pluginName="{title}" pluginFamily="General"><risk_factor>{risk}</risk_factor><synopsis>s</synopsis>'
        + "".join(f"<{name}>{score}</{name}>" for name, score in zip(names, scores) if score is not None)
        + "<description>d</description><solution>s</solution><plugin_output>o</plugin_output></ReportItem>"
    )


with open("scan.nessus", "w") as file:
    file.write(
        '<?xml version="1.0" ?><NessusClientData_v2><Policy><policyName>Basic</policyName></Policy>'
        '<Report name="scan"><ReportHost name="10.0.0.1"><HostProperties><tag name="host-ip">10.0.0.1</tag>'
        '<tag name="HOST_START">Mon Nov  2 08:00:00 2026</tag><tag name="HOST_END">Mon Nov  2 08:10:00 2026</tag>'
        f"</HostProperties>{''.join(item(title, *of) for title, of in FINDINGS.items())}</ReportHost></Report>"
        "</NessusClientData_v2>"
    )
EOF
(cd "$dir" && bin/python report.py && DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 node_modules/.bin/sarif-multitool \
    convert scan.nessus --tool Nessus --output scan.sarif >/dev/null)
(cd "$dir" && bin/python -) >"$dir/output" <<'EOF'
import json
from collections import Counter

import nessus_file_reader as nfr
from libnessus.parser import NessusParser
from report import FINDINGS

[host] = NessusParser.parse_fromfile("scan.nessus").hosts
libnessus = {item.plugin_id: item.severity for item in host.get_report_items}
results = {result["ruleId"]: result for result in json.load(open("scan.sarif"))["runs"][0]["results"]}
print("finding: severity, python-libnessus, sarif-multitool")
for title, (plugin, severity, *_) in FINDINGS.items():
    result = results.get(plugin)
    # A result without a level has the level warning.
    sarif = f"{result.get('level', 'warning')} with rank {result['rank']}" if result else "none"
    print(f"{title}: {severity}, {libnessus[plugin]}, {sarif}")
count = Counter(severity for _, severity, *_ in FINDINGS.values())
print(f"by severity: {count[3]} high, {count[2]} medium, {count[1]} low")
[host] = nfr.scan.report_hosts(nfr.file.nessus_scan_file_root_element("scan.nessus"))
count = {risk: nfr.host.number_of_plugins_per_risk_factor(host, risk) for risk in ("High", "Medium", "Low")}
print(f"nessus-file-reader: {count['High']} high, {count['Medium']} medium, {count['Low']} low")
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
