#!/bin/sh
# Library: cidrize 3.1.0 with netaddr 1.3.0 (PyPI)
# Summary: The range 10.0.0.250-10.0.1.5, of 12 addresses, is read as a network of 512, and three hosts as eight.
# Guess: a range becomes the networks that have its addresses and no others, as netaddr's iprange_to_cidrs makes them.
# Behavior: by default it takes the smallest network that has both ends, with all that is around them, and says
#   nothing. `strict=True` gives the range itself. A list with commas is exact in both ways, unless a range is in it.
# Output:
#     10.0.0.250-10.0.1.5: 512 addresses, strict 12, netaddr 12
#     10.0.0.1-10.0.0.130: 256 addresses, strict 130, netaddr 130
#     10.0.0.11-10.0.0.13: 8 addresses, strict 3, netaddr 3
#     10.0.0.1[1-3]: 8 addresses, strict 3
#     10.0.0.1,10.0.0.9: 2 addresses, strict 2
# Why it matters: a list of targets that is read so asks a scanner for addresses that belong to somebody else, and the
#   share of a range that was scanned is too low. Give `strict=True`, and compare the sizes.
set -eu
packages="cidrize==3.1.0 netaddr==1.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import cidrize
import netaddr


def addresses(networks):
    return sum(network.size for network in networks)


for text in "10.0.0.250-10.0.1.5", "10.0.0.1-10.0.0.130", "10.0.0.11-10.0.0.13", "10.0.0.1[1-3]", "10.0.0.1,10.0.0.9":
    loose, strict = addresses(cidrize.cidrize(text)), addresses(cidrize.cidrize(text, strict=True))
    first, _, last = text.partition("-")
    by_netaddr = f", netaddr {addresses(netaddr.iprange_to_cidrs(first, last))}" if last.startswith("10.") else ""
    print(f"{text}: {loose} addresses, strict {strict}{by_netaddr}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
