#!/bin/sh
# Library: netexpand 0.9.0 (PyPI)
# Summary: Of the range 192.168.1.10-15 it lists four of six addresses, and of 10.0.0.1-254 234.
# Guess: 10.0.0.0/24 are 256 addresses and a /31 two, as ipaddress lists a network.
# Behavior: it takes a range apart into networks, and of each leaves out the first and the last address, which are
#   hosts like the others here. Of 192.168.1.10-15 those are .12 and .15, though its README lists all six.
# Output:
#     10.0.0.0/24: 254 of 256
#     10.0.0.0/31: 2 of 2
#     192.168.1.10-15: 4 of 6, without 192.168.1.12 192.168.1.15
#     10.0.0.1-10: 8 of 10, without 10.0.0.4 10.0.0.7
#     10.0.0.1-254: 234 of 254, without 10.0.0.4 10.0.0.7 ...
# Why it matters: a scanner whose targets it lists never asks these hosts, and a host that is not asked has no findings.
#   Compare the size of a range with the number of its lines.
set -eu
packages="netexpand==0.9.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/bin/netexpand" >"$dir/output" <<'END'
import ipaddress
import subprocess
import sys


def listed(text):
    return subprocess.run([sys.argv[1], text], check=True, capture_output=True, text=True).stdout.split()


for text in "10.0.0.0/24", "10.0.0.0/31":
    print(f"{text}: {len(listed(text))} of {ipaddress.ip_network(text).num_addresses}")
for text in "192.168.1.10-15", "10.0.0.1-10", "10.0.0.1-254":
    first, _, last = text.partition("-")
    prefix, _, number = first.rpartition(".")
    addresses = [f"{prefix}.{end}" for end in range(int(number), int(last) + 1)]
    found = listed(text)
    missing = [address for address in addresses if address not in found]
    more = " ..." if len(missing) > 2 else ""
    print(f"{text}: {len(found)} of {len(addresses)}, without {' '.join(missing[:2])}{more}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
