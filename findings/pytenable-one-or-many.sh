#!/bin/sh
# Library: pytenable 26.10.1 (PyPI), Tenable's own
# Summary: In a Nessus report a finding's one CVE is text and several are a list, and `exploit_available` is the text
#   "false".
# Guess: what may come several times is always a list, and scores and flags have types, as ports, severities and dates
#   have.
# Behavior: an element becomes a list when it comes a second time. Ports, severities and identifiers are numbers,
#   dates are datetimes without a zone, and scores and flags stay text.
# Output:
#     1: cve 'CVE-2026-0001', first of them C, exploit True, score '7.0', port 443
#     2: cve ['CVE-2026-0001', 'CVE-2026-0002'], first of them CVE-2026-0001, exploit True, score '7.0', port 443
#     3: cve None, first of them none, exploit True, score '7.0', port 443
# Why it matters: a loop over `cve` goes through the letters of most findings, a column of it is text in one load and
#   an array in the next, and `if finding["exploit_available"]` is true for all that have it.
set -eu
packages="pytenable==26.10.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import io

from tenable.reports.nessusv2 import NessusReportv2

ITEM = (
    '<ReportItem port="443" svc_name="www" protocol="tcp" severity="2" pluginID="{plugin}" pluginName="Example" '
    'pluginFamily="Web">{cves}<cvss3_base_score>7.0</cvss3_base_score>'
    "<exploit_available>false</exploit_available></ReportItem>"
)
report = (
    '<?xml version="1.0" ?><NessusClientData_v2><Report name="example"><ReportHost name="web.example">'
    '<HostProperties><tag name="HOST_START">Mon Nov 30 09:00:00 2026</tag></HostProperties>'
    + ITEM.format(plugin=1, cves="<cve>CVE-2026-0001</cve>")
    + ITEM.format(plugin=2, cves="<cve>CVE-2026-0001</cve><cve>CVE-2026-0002</cve>")
    + ITEM.format(plugin=3, cves="")
    + "</ReportHost></Report></NessusClientData_v2>"
)
for finding in NessusReportv2(io.BytesIO(report.encode())):
    first = next(iter(finding["cve"])) if "cve" in finding else "none"
    print(f"{finding['pluginID']}: cve {finding.get('cve')!r}, first of them {first}, exploit "
          f"{bool(finding['exploit_available'])}, score {finding['cvss3_base_score']!r}, port {finding['port']!r}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
