#!/bin/sh
# Library: bogons 1.4.1, netaddr 1.3.0 (PyPI) and Python's ipaddress
# Summary: Of ten addresses with a purpose of their own, the three agree on four; a documentation prefix of 2024 is
#   public for two.
# Guess: they agree which addresses are global by IANA's registry of special purposes.
# Behavior: bogons is a filter of routes, and has private also NAT64, the old relays of 6to4, and multicast,
#   of which the registry says otherwise or nothing. netaddr has ::ffff:8.8.8.8 private, and neither knows 3fff::/20.
# Output:
#     100.64.0.1: bogons False, netaddr False, ipaddress False
#     192.0.0.9: bogons False, netaddr True, ipaddress True
#     192.31.196.1: bogons False, netaddr True, ipaddress True
#     192.88.99.1: bogons False, netaddr True, ipaddress True
#     198.18.0.1: bogons False, netaddr False, ipaddress False
#     224.0.0.251: bogons False, netaddr True, ipaddress True
#     240.0.0.1: bogons False, netaddr False, ipaddress False
#     64:ff9b::808:808: bogons False, netaddr True, ipaddress True
#     2001:db8::1: bogons False, netaddr False, ipaddress False
#     ff02::fb: bogons False, netaddr True, ipaddress True
#     ::ffff:8.8.8.8: bogons True, netaddr False
#     3fff::1: bogons True, netaddr True
# Why it matters: whether a finding can be reached from the Internet is part of its priority, and two programs that ask
#   "is it public" count other assets, a link's multicast among them. Hold a list of your own networks.
set -eu
packages="bogons==1.4.1 netaddr==1.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import ipaddress

import bogons
import netaddr

ALL = """
    100.64.0.1 192.0.0.9 192.31.196.1 192.88.99.1 198.18.0.1 224.0.0.251 240.0.0.1 64:ff9b::808:808 2001:db8::1 ff02::fb
"""
for text in ALL.split():
    print(
        f"{text}: bogons {bogons.is_public_ip(text)}, netaddr {netaddr.IPAddress(text).is_global()},",
        f"ipaddress {ipaddress.ip_address(text).is_global}",
    )
for text in "::ffff:8.8.8.8", "3fff::1":  # Of these, ipaddress says another thing from release to release.
    print(f"{text}: bogons {bogons.is_public_ip(text)}, netaddr {netaddr.IPAddress(text).is_global()}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
