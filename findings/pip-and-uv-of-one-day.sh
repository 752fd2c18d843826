#!/bin/sh
# Library: pip 26.3 and uv 0.13.9 (PyPI)
# Summary: Of one date, pip takes what was uploaded before the day and uv what was uploaded until its end, each in the
#   local time zone.
# Guess: `--uploaded-prior-to 2026-11-10` and `--exclude-newer 2026-11-10` name one instant, so both choose the same
#   releases, on every machine.
# Behavior: for pip the date is the beginning of the day, for uv its end. Both take the day of the machine's time zone,
#   so a release moves in or out with it. With a time and an offset they agree, also on a release of that very second: it
#   is out.
# Output:
#     2026-11-10 in UTC: pip 1.0, uv 2.0
#     2026-11-10 in Pacific/Auckland: pip none, uv 1.0
#     2026-11-10T12:00:00Z in UTC: pip 1.0, uv 1.0
#     2026-11-10T12:00:00Z in Pacific/Auckland: pip 1.0, uv 1.0
# Why it matters: a lock that is made by one tool and checked by the other differs on the day of the limit, and so does
#   one that is made again on another continent. Give a time with an offset.
set -eu
packages="pip==26.3 uv==0.13.9"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

UPLOADED = {"1.0": "2026-11-09T12:00:00Z", "2.0": "2026-11-10T12:00:00Z", "3.0": "2026-11-11T12:00:00Z"}


def wheel(version):
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = f"example_package-{version}.dist-info/"
        archive.writestr(info + "METADATA", f"Metadata-Version: 2.1\nName: example-package\nVersion: {version}\n")
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(info + "RECORD", "")
    return file.getvalue()


WHEELS = {f"example_package-{version}-py3-none-any.whl": wheel(version) for version in UPLOADED}
INDEX = {
    "meta": {"api-version": "1.1"}, "name": "example-package", "versions": list(UPLOADED),
    "files": [
        {
            "filename": name, "url": f"/{name}", "upload-time": time,
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
        }
        for (name, content), time in zip(WHEELS.items(), UPLOADED.values())
    ],
}


class Registry(BaseHTTPRequestHandler):
    """An index with one package, of three releases, at noon of three days."""

    def answer(self):
        content = WHEELS.get(self.path[1:])
        body = content or json.dumps(INDEX).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/zip" if content else "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_GET = do_HEAD = answer

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
threading.Thread(target=server.serve_forever, daemon=True).start()
index = f"http://127.0.0.1:{server.server_port}/simple"
uv = os.path.join(os.path.dirname(sys.executable), "uv")
plain = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
plain |= {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
for date in ("2026-11-10", "2026-11-10T12:00:00Z"):
    for zone in ("UTC", "Pacific/Auckland"):
        chosen = []
        for command in (
            [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-cache-dir",
             "--index-url", index, "--uploaded-prior-to", date, "example-package"],
            [uv, "pip", "compile", "--quiet", "--no-cache", "--no-header",
             "--default-index", index, "--exclude-newer", date, "-"],
        ):
            run = subprocess.run(
                command, input="example-package\n", env=plain | {"TZ": zone}, capture_output=True, text=True
            )
            found = re.search(r"example-package(?:-|==)([\d.]+)", run.stdout)
            chosen.append(found[1] if found else "none")
        print(f"{date} in {zone}: pip {chosen[0]}, uv {chosen[1]}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
