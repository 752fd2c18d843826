#!/bin/sh
# Library: faraday-plugins 1.31.0 (PyPI), which reads reports of scanners for Faraday; here of Nuclei
# Summary: What Nuclei found in Redis at port 6379, in SSH and in TLS at 8443 is of a web server at port 80, and TLS
#   1.0 and TLS 1.1 are one vulnerability.
# Guess: (that a finding of TLS at 443 is put on port 80 was seen before) findings of tcp at 6379, of ssl at 8443 and
#   of https at 8443 have the port of the report, and two matchers of one template, tls10 and tls11, are two
#   vulnerabilities.
# Behavior: the port is read from `host` alone, which has one in URLs only. The fields `port` and `type` are not read,
#   and `matcher-name` is neither, so of findings that differ in it the first is left.
# Output:
#     Nuclei: Redis without a password, tcp, port 6379
#     Nuclei: Weak keys of SSH, tcp, port 22
#     Nuclei: Old TLS tls10, ssl, port 8443
#     Nuclei: Old TLS tls11, ssl, port 8443
#     Nuclei: Git folder, http, port 8443
#     Faraday: Redis without a password, http, port 80, http://192.0.2.1
#     Faraday: Weak keys of SSH, http, port 80, http://192.0.2.1
#     Faraday: Old TLS, http, port 80, http://192.0.2.1
#     Faraday: Git folder, https, port 8443, https://192.0.2.1:8443
# Why it matters: an inventory gets a web server that is not there, and an open Redis is missing by its port. What is
#   fixed at 8443 is looked for at 80 by the next scan. Read `port`, `type` and `matcher-name` from Nuclei's JSON.
set -eu
packages="faraday-plugins==1.31.0"
# Of what it requires, what is imported here: pandas is left out.
required="beautifulsoup4==4.15.0 click==8.5.1 colorama==0.4.6 html2text==2025.4.15 lxml==6.1.3 markdown==3.11.3"
required="$required packaging==26.4 python-dateutil==4.0.0 pytz==2026.6 requests==2.34.2 simplejson==4.3.0"
required="$required tabulate==0.10.0 tldextract==5.4.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check --no-deps $packages
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $required
"$dir/bin/python" - >"$dir/nuclei.jsonl" <<'END'
import json


def found(template, name, kind, host, port, **fields):
    info = {"name": name, "author": ["a"], "severity": "medium"}
    where = {"type": kind, "host": host, "port": str(port), "ip": "192.0.2.1", "matched-at": f"192.0.2.1:{port}"}
    rest = {"timestamp": "2026-11-10T12:00:00Z", "matcher-status": True} | fields
    print(json.dumps({"template-id": template, "info": info} | where | rest))


found("redis-unauth", "Redis without a password", "tcp", "192.0.2.1", 6379)
found("ssh-weak", "Weak keys of SSH", "tcp", "192.0.2.1", 22)
for matcher in ("tls10", "tls11"):
    found("tls-old", "Old TLS", "ssl", "192.0.2.1", 8443, **{"matcher-name": matcher})
found("git", "Git folder", "http", "https://192.0.2.1:8443", 8443, scheme="https")
END
(cd "$dir" && bin/faraday-plugins process-report nuclei.jsonl --plugin_id nuclei --output-file read.json >log 2>&1)
"$dir/bin/python" - "$dir/nuclei.jsonl" "$dir/read.json" >"$dir/output" <<'END'
import json
import sys

report, read = sys.argv[1:]
for line in open(report):
    finding = json.loads(line)
    name = " ".join([finding["info"]["name"], finding.get("matcher-name", "")]).strip()
    print(f"Nuclei: {name}, {finding['type']}, port {finding['port']}")
for host in json.load(open(read))["hosts"]:
    for service in host["services"]:
        for found in service["vulnerabilities"]:
            print(f"Faraday: {found['name']}, {service['name']}, port {service['port']}, {found['website']}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
