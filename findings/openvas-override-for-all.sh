#!/bin/sh
# Library: openvas-reporting 1.5.2 (PyPI), of Greenbone's XML
# Summary: An override of the severity for one host, from critical to low, is that of all hosts, if that host
#   comes first in the report.
# Guess: an override is for its host: the vulnerability stays critical on the other one, whatever their order.
# Behavior: in a report by vulnerability, severity and threat of the first result are those of all results of the
#   same test. The order of the hosts decides.
# Output:
#     10.0.0.1 low, 10.0.0.2 critical: level low, severity 2.0, hosts 10.0.0.1 10.0.0.2
#     10.0.0.2 critical, 10.0.0.1 low: level critical, severity 9.8, hosts 10.0.0.2 10.0.0.1
# Why it matters: a critical finding is listed as low, or not at all with a lowest level, because of what was
#   decided for another host. A report by host keeps the two apart.
set -eu
# It imports the last two, and does not name them as what it needs.
packages="openvas-reporting==1.5.2 pyyaml==6.0.4 defusedxml==0.7.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/report.xml" >"$dir/output" <<'EOF'
import sys

from openvasreporting.libs.config import Config
from openvasreporting.libs.parser import openvas_parser_by_vuln


def result(host, severity, threat):
    return f"""<result id="{host}"><name>Old software</name><host>{host}<hostname>{host}</hostname></host>
<port>443/tcp</port><nvt oid="1.3.6.1.4.1.25623.1.0.100001"><type>nvt</type><name>Old software</name>
<family>General</family><cvss_base>9.8</cvss_base><tags>summary=Old|solution=Update</tags>
<refs><ref type="cve" id="CVE-2026-1234"/></refs></nvt><threat>{threat}</threat><severity>{severity}</severity>
<qod><value>98</value></qod><description>d</description></result>"""


override, critical = result("10.0.0.1", "2.0", "Low"), result("10.0.0.2", "9.8", "Critical")
for name, results in {
    "10.0.0.1 low, 10.0.0.2 critical": override + critical,
    "10.0.0.2 critical, 10.0.0.1 low": critical + override,
}.items():
    with open(sys.argv[1], "w") as file:
        file.write(
            '<report id="1" format_id="a994b278-1f62-11e1-96ac-406186ea4fc5" extension="xml" content_type="text/xml">'
            f'<report id="1"><results start="1" max="2">{results}</results></report></report>'
        )
    [read] = openvas_parser_by_vuln(Config([sys.argv[1]], min_level="n"))
    hosts = " ".join(host.ip for host, _ in read.hosts)
    print(f"{name}: level {read.level}, severity {read.cvss}, hosts {hosts}")
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
