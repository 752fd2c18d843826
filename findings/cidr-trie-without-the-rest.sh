#!/bin/sh
# Library: lib-cidr-trie 1.2.11 beside pytricia 1.3.0 (PyPI)
# Summary: Of a list of networks with 0.0.0.0/0 in it, an address that no other network has belongs to none.
# Guess: both give the longest prefix that has the address, also for a /32, 0.0.0.0/0 and two prefixes of one length.
# Behavior: each network but the one of all addresses is found; that one is in it for no question, not even for itself.
# Output:
#     10.1.2.3/32: lib-cidr-trie 10.1.2.3/32, pytricia 10.1.2.3/32
#     10.2.0.1/32: lib-cidr-trie 10.0.0.0/8, pytricia 10.0.0.0/8
#     192.0.2.1/32: lib-cidr-trie none, pytricia 0.0.0.0/0
#     0.0.0.0/0: lib-cidr-trie none, pytricia 0.0.0.0/0
# Why it matters: a rule for "all the rest", an owner, a zone or a route, is not applied, and those addresses have
#   none. Ask for 0.0.0.0/0 where nothing was found.
set -eu
packages="lib-cidr-trie==1.2.11 pytricia==1.3.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from ipaddress import ip_network

import pytricia
from lib_cidr_trie import IPv4CIDRTrie

trie, other = IPv4CIDRTrie(), pytricia.PyTricia()
for text in "0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32":
    trie.insert(ip_network(text))
    other[text] = text
for text in "10.1.2.3/32", "10.2.0.1/32", "192.0.2.1/32", "0.0.0.0/0":
    node = trie.get_most_specific_trie_supernet(ip_network(text))
    print(f"{text}: lib-cidr-trie {node.prefix if node else 'none'}, pytricia {other.get(text)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
