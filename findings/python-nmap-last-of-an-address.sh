#!/bin/sh
# Library: python-nmap 0.7.1 beside python-libnmap 0.7.3 and nmap2json 2610.1 (PyPI)
# Summary: Of an address that was scanned under two names, or twice in one file, only the ports of the last scan are
#   left: one open port of three.
# Guess: of one XML with a host twice, with tcp/53 and udp/53, and with "open|filtered", the three have the same
#   number of open ports.
# Behavior: python-nmap has a dictionary by address, in which the later host takes the earlier one's place, with its
#   names. Its `csv()` is made of that. The other two have a list.
# Output:
#     python-nmap: hosts 1, open ports tcp/443
#     python-libnmap: hosts 2, open ports tcp/443, tcp/53, udp/53
#     nmap2json: hosts 2, open ports tcp/443, tcp/53, udp/53
# Why it matters: a list of targets by name, as a web server with two names, is scanned name by name, and so is what
#   two files were merged into: what is open is missing, and the host is there. Read the XML with one of the others,
#   or scan with --unique.
set -eu
packages="python-nmap==0.7.1 python-libnmap==0.7.3 nmap2json==2610.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/scan.xml" <<'END'
<?xml version="1.0"?>
<!DOCTYPE nmaprun>
<nmaprun scanner="nmap" args="nmap -sS -sU a.example.com b.example.com" start="1794312000" version="7.95"
  xmloutputversion="1.05">
<host starttime="1794312000" endtime="1794312010"><status state="up" reason="echo-reply"/>
<address addr="192.0.2.1" addrtype="ipv4"/><hostnames><hostname name="a.example.com" type="user"/></hostnames>
<ports><port protocol="tcp" portid="53"><state state="open" reason="syn-ack"/><service name="domain"/></port>
<port protocol="udp" portid="53"><state state="open" reason="udp-response"/><service name="domain"/></port>
<port protocol="udp" portid="161"><state state="open|filtered" reason="no-response"/><service name="snmp"/></port>
</ports></host>
<host starttime="1794312020" endtime="1794312030"><status state="up" reason="echo-reply"/>
<address addr="192.0.2.1" addrtype="ipv4"/><hostnames><hostname name="b.example.com" type="user"/></hostnames>
<ports><port protocol="tcp" portid="443"><state state="open" reason="syn-ack"/><service name="https"/></port></ports>
</host>
<runstats><finished time="1794312040" elapsed="40" exit="success"/><hosts up="2" down="0" total="2"/></runstats>
</nmaprun>
END
# python-nmap looks for the program before it reads a file. This one only says which version it is.
printf '#!/bin/sh\necho "Nmap version 7.95 ( https://nmap.org )"\n' >"$dir/bin/nmap"
chmod +x "$dir/bin/nmap"
PATH="$dir/bin:$PATH" "$dir/bin/python" - "$dir/scan.xml" >"$dir/output" <<'END'
import sys

import nmap
from libnmap.parser import NmapParser
from nmap2json import nmap_file_to_json

file = sys.argv[1]
scanner = nmap.PortScanner()
scanner.analyse_nmap_xml_scan(open(file).read())


def say(name, hosts, ports):
    opened = sorted(f"{protocol}/{number}" for protocol, number, state in ports if state == "open")
    print(f"{name}: hosts {hosts}, open ports {', '.join(opened)}")


rows = [line.split(";") for line in scanner.csv().splitlines()[1:]]
say("python-nmap", len(scanner.all_hosts()), [(row[3], row[4], row[6]) for row in rows])
hosts = NmapParser.parse_fromfile(file).hosts
services = [service for host in hosts for service in host.services]
say("python-libnmap", len(hosts), [(s.protocol, s.port, s.state) for s in services])
hosts = nmap_file_to_json(file)
ports = [port for host in hosts for port in host["ports"]]
say("nmap2json", len(hosts), [(p["protocol"], p["portid"], p["state"]["state"]) for p in ports])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
