#!/bin/sh
# Library: netaddr 1.3.0 (PyPI), beside ipaddress of Python
# Summary: 10.0.0.5/24 and 10.0.0.6/24 are equal and have one hash, so of the addresses of three hosts a set or a dict
#   keeps one.
# Guess: an IPNetwork that keeps its address, as `.ip` says, is another one than that of the neighbor, as of Python's
#   ip_interface.
# Behavior: equality and hash are those of the network, from its first address to its last. The address that was
#   written first stays, with the value that was written last.
# Output:
#     addresses: 10.0.0.5, 10.0.0.6, 10.0.0.9
#     netaddr: equal True, 1: {'10.0.0.5/24': 'dns'}
#     ipaddress: equal False, 3: {'10.0.0.5/24': 'web', '10.0.0.6/24': 'db', '10.0.0.9/24': 'dns'}
#     netaddr, by .ip: 3 of 3
# Why it matters: interfaces are written so in configurations and inventories. Findings that are joined by them belong
#   to the first host of each network, and the others have none. Take `.ip` as the key.
set -eu
packages="netaddr==1.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import ipaddress

import netaddr

HOSTS = {"10.0.0.5/24": "web", "10.0.0.6/24": "db", "10.0.0.9/24": "dns"}
print("addresses:", ", ".join(str(netaddr.IPNetwork(text).ip) for text in HOSTS))
for name, read in {"netaddr": netaddr.IPNetwork, "ipaddress": ipaddress.ip_interface}.items():
    by_address = {read(text): host for text, host in HOSTS.items()}
    kept = {str(address): host for address, host in by_address.items()}
    equal = read("10.0.0.5/24") == read("10.0.0.6/24")
    print(f"{name}: equal {equal}, {len(kept)}: {kept}")
by_address = {netaddr.IPNetwork(text).ip: host for text, host in HOSTS.items()}
print(f"netaddr, by .ip: {len(by_address)} of {len(HOSTS)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
