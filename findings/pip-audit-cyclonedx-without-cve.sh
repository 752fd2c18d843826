#!/bin/sh
# Library: pip-audit 2.10.1 (PyPI), PyPA's own
# Summary: Its CycloneDX has neither the CVE of a vulnerability, nor its fixed version, nor the purl of a package; its
#   JSON has the first two.
# Guess: its CycloneDX has each vulnerability of its JSON, with the aliases (CVE) as references, and one entry for one
#   vulnerability of two packages.
# Behavior: the id is that of PyPI's database, and there is one entry for each package. It recommends "Upgrade" with
#   or without a version that has the fix.
# Output:
#     JSON: idna PYSEC-2026-1 CVE-2026-0001, fixed in 3.8; urllib3 PYSEC-2026-1 CVE-2026-0001, no fix
#     CycloneDX: idna PYSEC-2026-1, Upgrade; urllib3 PYSEC-2026-1, Upgrade
#     CycloneDX has CVE-2026-0001: False, 3.8: False, a purl: False
# Why it matters: KEV and EPSS have CVEs, so with this document nothing is known to be exploited, a tool that matches
#   by purl matches nothing, and what waits for a fix is not told from what has one. Take the JSON.
set -eu
packages="pip-audit==2.10.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/audit.py" <<'END'
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADVISORY = {
    "id": "PYSEC-2026-1", "aliases": ["CVE-2026-0001"], "summary": "s", "details": "d",
    "published": "2026-11-10T12:00:00Z", "modified": "2026-11-10T12:00:00Z",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.8"}]}],
        },
        {
            "package": {"name": "urllib3", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        },
    ],
}


class OSV(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"vulns": [ADVISORY]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def audit(form, port):
    command = ["bin/pip-audit", "--disable-pip", "--no-deps", "-r", "requirements.txt", "--format", form]
    command += ["--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{port}/v1/query"]
    return subprocess.run(command, capture_output=True, text=True).stdout


with open("requirements.txt", "w") as file:
    file.write("idna==3.7\nurllib3==2.0.0\n")
with ThreadingHTTPServer(("127.0.0.1", 0), OSV) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    by_json, by_cyclonedx = (audit(form, server.server_port) for form in ("json", "cyclonedx-json"))
    server.shutdown()
found = [
    f"{package['name']} {one['id']} {' '.join(one['aliases'])}, " +
    (f"fixed in {' '.join(one['fix_versions'])}" if one["fix_versions"] else "no fix")
    for package in json.loads(by_json)["dependencies"] for one in package["vulns"]
]
print("JSON:", "; ".join(found))
document = json.loads(by_cyclonedx)
names = {component["bom-ref"]: component["name"] for component in document["components"]}
found = [
    f"{names[affected['ref']]} {one['id']}, {one['recommendation']}"
    for one in document["vulnerabilities"] for affected in one["affects"]
]
print("CycloneDX:", "; ".join(sorted(found)))
has = {name: name in by_cyclonedx for name in ("CVE-2026-0001", '"3.8"', "purl")}
print("CycloneDX has CVE-2026-0001: {}, 3.8: {}, a purl: {}".format(*has.values()))
END
(cd "$dir" && bin/python audit.py >output)
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
