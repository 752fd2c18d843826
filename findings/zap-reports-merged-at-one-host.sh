#!/bin/sh
# Library: zreprt 0.4 (PyPI), which merges reports of ZAP
# Summary: The alerts of two reports are, once merged, all of the first report's site, and of a report with two sites
#   those of the last remain.
# Guess: a report with two sites and several instances is read with all its alerts, and risk 3 is high.
# Behavior: a report has one site for it, the last one, and a merged one the name of the first.
#   An alert's count is that of the examples in the report, in place of how often ZAP met it.
# Output:
#     a.example + b.example: a.example has risk 3, met 2 times, and risk 1, met 1 times
#     b.example + a.example: b.example has risk 3, met 2 times, and risk 1, met 1 times
#     one report of both: b.example has risk 1, met 1 times
#     read by its own classes: a.example has risk 3, met 40 times; b.example has risk 1, met 1 times
# Why it matters: findings stand at a host that does not have them, or at none, the high one among them, and a
#   weakness of 40 pages is one of two. Convert each site's report by itself.
set -eu
packages="zreprt==0.4"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/read.py" <<'END'
import json
import subprocess
import sys

from zreprt import ZapReport


def site(name, risk, count, examples):
    instances = [
        {"uri": f"https://{name}/{number}", "method": "GET", "param": "", "attack": "", "evidence": "", "otherinfo": ""}
        for number in range(examples)
    ]
    alert = {
        "pluginid": "40018", "alertRef": "40018", "alert": "SQL Injection", "name": "SQL Injection",
        "riskcode": str(risk), "confidence": "2", "riskdesc": "", "desc": "<p>d</p>", "instances": instances,
        "count": str(count), "solution": "", "otherinfo": "", "reference": "", "cweid": "89", "wascid": "19",
        "sourceid": "1",
    }
    return {"@name": f"https://{name}", "@host": name, "@port": "443", "@ssl": "true", "alerts": [alert]}


def write(path, *sites):
    with open(path, "w") as file:
        head = {"@programName": "ZAP", "@version": "2.16.1", "@generated": "Tue, 10 Nov 2026 12:00:00"}
        json.dump({**head, "site": sites}, file)


def said(sites):
    return "; ".join(
        f"{site.host} has " + ", and ".join(f"risk {alert.riskcode}, met {alert.count} times" for alert in site.alerts)
        for site in sites
    )


A, B = site("a.example", 3, 40, 2), site("b.example", 1, 1, 1)
write("a.json", A)
write("b.json", B)
write("both.json", A, B)
for name, paths in {
    "a.example + b.example": ["a.json", "b.json"], "b.example + a.example": ["b.json", "a.json"],
    "one report of both": ["both.json"],
}.items():
    subprocess.run([sys.executable, "-m", "zreprt", *paths, "-o", "merged.json"], check=True)
    print(f"{name}: {said(ZapReport.from_json_file('merged.json').site)}")
print(f"read by its own classes: {said(ZapReport.from_json_file('both.json').site)}")
END
(cd "$dir" && bin/python read.py >output)
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
