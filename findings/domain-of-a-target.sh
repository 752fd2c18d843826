#!/bin/sh
# Library: psl 1.15.0, tldts 7.6.0 (npm), publicsuffixlist 1.1.2.20261023, tldextract 5.4.0 (PyPI), all of the
#   Public Suffix List
# Summary: The domain of shop.azurewebsites.net, of an internal name and of an address depends on the package: of
#   10.0.0.1 it is "0.1" or none.
# Guess: the registrable domain of a host is defined by the Public Suffix List, so readers of that list agree on
#   it.
# Behavior: psl and publicsuffixlist use the list's private part, so each site at a cloud has its own domain;
#   tldts and tldextract do not, so all of them have one. What is not in the list at all is a domain for some,
#   also when it is an address.
# Output:
#     host: psl, tldts, publicsuffixlist, tldextract
#     www.example.co.uk: example.co.uk, example.co.uk, example.co.uk, example.co.uk
#     shop.azurewebsites.net: shop.azurewebsites.net, azurewebsites.net, shop.azurewebsites.net, azurewebsites.net
#     blogspot.com: none, blogspot.com, none, blogspot.com
#     db.corp.local: none, corp.local, corp.local, none
#     db.internal: db.internal, db.internal, db.internal, none
#     10.0.0.1: 0.1, none, 0.1, none
# Why it matters: findings that are counted by domain put all sites at a cloud together or keep them apart, lose
#   internal hosts, or put addresses together by their last two numbers. Say in a count which package made its
#   domains.
set -eu
packages="publicsuffixlist==1.1.2.20261023 tldextract==5.4.0"
node_packages="psl@1.15.0 tldts@7.6.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
[ -z "${LATEST:-}" ] || node_packages=$(echo "$node_packages" | sed 's/\([^ ]\)@[^ ]*/\1/g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
npm install --prefix "$dir" --silent --no-audit --no-fund $node_packages
cat >"$dir/hosts" <<'EOF'
www.example.co.uk
shop.azurewebsites.net
blogspot.com
db.corp.local
db.internal
10.0.0.1
EOF
(cd "$dir" && node -) >"$dir/javascript" <<'EOF'
const psl = require('psl');
const tldts = require('tldts');
for (const host of require('fs').readFileSync('hosts', 'utf8').trim().split('\n'))
  console.log(`${host}: ${psl.get(host) ?? 'none'}, ${tldts.getDomain(host) ?? 'none'}`);
EOF
"$dir/bin/python" - "$dir/hosts" >"$dir/python" <<'EOF'
import sys

from publicsuffixlist import PublicSuffixList
from tldextract import TLDExtract

# The list that the package brings, without asking for a newer one.
extract = TLDExtract(suffix_list_urls=(), cache_dir=None)
for host in open(sys.argv[1]).read().split():
    read = PublicSuffixList().privatesuffix(host)
    extracted = extract(host).top_domain_under_public_suffix
    print(f", {read or 'none'}, {extracted or 'none'}")
EOF
echo "host: psl, tldts, publicsuffixlist, tldextract" >"$dir/output"
paste -d '\0' "$dir/javascript" "$dir/python" >>"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
