#!/bin/sh
# Library: python-nmap 0.7.1 beside python-libnmap 0.7.3 (PyPI)
# Summary: Of a service's CPE names it keeps the last one: the operating system in place of the program.
# Guess: a service of which nmap names two CPEs, the program and the operating system, has both, or the first one.
# Behavior: python-nmap keeps the last, so OpenSSH on port 22 is the Linux kernel. python-libnmap has both, in
#   nmap's order.
# Output:
#     python-nmap  OpenSSH cpe:/o:linux:linux_kernel
#     libnmap      OpenSSH cpe:/a:openbsd:openssh:9.6p1 cpe:/o:linux:linux_kernel
# Why it matters: a search for CVEs by that name finds those of the kernel, and none of the program that answers
#   on the port. Read the XML, or take the other package.
set -eu
packages="python-nmap==0.7.1 python-libnmap==0.7.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import nmap
from libnmap.parser import NmapParser

REPORT = """<?xml version="1.0"?>
<nmaprun scanner="nmap" args="nmap -sV -oX - 192.0.2.10" start="1795996800" version="7.95" xmloutputversion="1.05">
<host starttime="1795996800" endtime="1795996801"><status state="up" reason="syn-ack" reason_ttl="0"/>
<address addr="192.0.2.10" addrtype="ipv4"/>
<ports><port protocol="tcp" portid="22"><state state="open" reason="syn-ack" reason_ttl="0"/>
<service name="ssh" product="OpenSSH" version="9.6p1" extrainfo="protocol 2.0" ostype="Linux" method="probed" conf="10">
<cpe>cpe:/a:openbsd:openssh:9.6p1</cpe><cpe>cpe:/o:linux:linux_kernel</cpe></service></port></ports></host>
<runstats><finished time="1795996801" exit="success" elapsed="1"/><hosts up="1" down="0" total="1"/></runstats>
</nmaprun>"""

# The constructor looks for the program nmap, which reading a report does not need.
scanner = nmap.PortScanner.__new__(nmap.PortScanner)
scanner.analyse_nmap_xml_scan(REPORT)
print("python-nmap ", scanner["192.0.2.10"].tcp(22)["product"], scanner["192.0.2.10"].tcp(22)["cpe"])
[service] = NmapParser.parse_fromstring(REPORT).hosts[0].services
print("libnmap     ", service.service_dict["product"], *(cpe.cpestring for cpe in service.cpelist))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
