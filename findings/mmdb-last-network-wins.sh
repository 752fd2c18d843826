#!/bin/sh
# Library: mmdb-writer 0.2.7, read by maxminddb 3.2.0 (PyPI), the format of MaxMind's databases
# Summary: A network that is written after one within it takes its place: whose address it is depends on the order.
# Guess: the more specific network wins, in whichever order the networks are inserted.
# Behavior: the last one inserted wins. A larger network takes away all that is within it, also a single address.
# Output:
#     10.0.0.0/8, 10.1.0.0/16, 10.1.2.3/32: 10.1.2.3 host, 10.1.2.4 team, 10.2.0.1 company
#     10.1.2.3/32, 10.1.0.0/16, 10.0.0.0/8: 10.1.2.3 company, 10.1.2.4 company, 10.2.0.1 company
#     10.1.0.0/16, 10.0.0.0/8, 10.1.2.3/32: 10.1.2.3 host, 10.1.2.4 company, 10.2.0.1 company
# Why it matters: a list of networks with their owners, zones or AS numbers has no order of its own, and findings go to
#   another team, or all to one, without an error. Insert networks in the order of their prefix length.
set -eu
packages="mmdb-writer==0.2.7 maxminddb==3.2.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/owners.mmdb" >"$dir/output" <<'END'
import sys

import maxminddb
from mmdb_writer import MMDBWriter
from netaddr import IPSet

COMPANY, TEAM, HOST = ("10.0.0.0/8", "company"), ("10.1.0.0/16", "team"), ("10.1.2.3/32", "host")
for networks in (COMPANY, TEAM, HOST), (HOST, TEAM, COMPANY), (TEAM, COMPANY, HOST):
    writer = MMDBWriter()
    for network, owner in networks:
        writer.insert_network(IPSet([network]), {"owner": owner})
    writer.to_db_file(sys.argv[1])
    with maxminddb.open_database(sys.argv[1]) as reader:
        owners = [f"{address} {reader.get(address)['owner']}" for address in ("10.1.2.3", "10.1.2.4", "10.2.0.1")]
    print(f"{', '.join(network for network, _ in networks)}: {', '.join(owners)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
