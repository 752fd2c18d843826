#!/bin/sh
# Library: python-libnmap 0.7.3 (PyPI)
# Summary: Two reports are equal, and their `diff` is empty, where a script says VULNERABLE in one only, or the
#   operating system is another.
# Guess: two reports with other script results are not equal, and `diff` names the host.
# Behavior: it reads what scripts say, and compares addresses, ports, states and the banners of services only. What a
#   script found and which operating system was detected are left out, of `==` as of `diff`. A newer banner is seen.
# Output:
#     a script says VULNERABLE: equal True changed set()
#     another operating system: equal True changed set()
#     another version of nginx: equal False changed {'NmapHost::10.0.0.1'}
# Why it matters: scans with `--script vuln` that are compared night by night report no change on the night on which a
#   host becomes vulnerable.
set -eu
packages="python-libnmap==0.7.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from libnmap.parser import NmapParser


def report(found="NOT VULNERABLE", system="Linux 5.4", version="1.28"):
    read = NmapParser.parse(f"""<?xml version="1.0"?>
<nmaprun scanner="nmap" args="nmap -O -sV --script vuln 10.0.0.1" start="1793606400" version="7.98"
 xmloutputversion="1.05">
<scaninfo type="syn" protocol="tcp" numservices="1" services="443"/>
<host starttime="1793606400" endtime="1793606450"><status state="up" reason="syn-ack" reason_ttl="64"/>
<address addr="10.0.0.1" addrtype="ipv4"/><hostnames/>
<ports><port protocol="tcp" portid="443"><state state="open" reason="syn-ack" reason_ttl="64"/>
<service name="https" product="nginx" version="{version}" method="probed" conf="10"/>
<script id="ssl-heartbleed" output="{found}"/></port></ports>
<os><osmatch name="{system}" accuracy="100" line="1"/></os></host>
<runstats><finished time="1793606450" timestr="Mon Nov  2 08:00:50 2026" elapsed="50" summary="" exit="success"/>
<hosts up="1" down="0" total="1"/></runstats></nmaprun>""")
    assert [script["output"] for script in read.hosts[0].services[0].scripts_results] == [found]
    return read


before = report()
for change, after in {
    "a script says VULNERABLE:": report(found="VULNERABLE"),
    "another operating system:": report(system="Windows 11"),
    "another version of nginx:": report(version="1.30"),
}.items():
    print(change, "equal", before == after, "changed", before.diff(after).changed())
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
