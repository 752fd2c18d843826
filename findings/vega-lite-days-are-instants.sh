#!/bin/sh
# Library: vl-convert-python 1.9.0.post1 (PyPI), which runs Vega-Lite
# Summary: A day without a time is drawn as the day before, where the machine's time zone is west of Greenwich.
# Guess: a day such as 2026-11-30 is drawn as that day, because it has no time that a zone could move.
# Behavior: it is midnight in UTC, and the axis and labels are in the machine's zone: with TZ=America/New_York it
#   is 2026-11-29. With a time and without a zone, the same text is local, and stays.
# Output:
#     UTC 2026-11-30 is drawn as 2026-11-30
#     UTC 2026-11-30T00:00:00 is drawn as 2026-11-30
#     America/New_York 2026-11-30 is drawn as 2026-11-29
#     America/New_York 2026-11-30T00:00:00 is drawn as 2026-11-30
# Why it matters: a chart that was right on a server in UTC is a day off on a laptop, and the figures beside it
#   are not. Set the scale's type to `utc`, as this program does.
# Used in: scanner_sync/report/charts.py
set -eu
packages="vl-convert-python==1.9.0.post1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import os
import re
import subprocess
import sys

DRAW = "import json, sys, vl_convert; print(vl_convert.vegalite_to_svg(json.loads(sys.argv[1])))"
for zone in ("UTC", "America/New_York"):
    for day in ("2026-11-30", "2026-11-30T00:00:00"):
        label = {"field": "day", "type": "temporal", "format": "%Y-%m-%d"}
        chart = {
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "data": {"values": [{"day": day}]},
            "mark": "text", "encoding": {"text": label},
        }
        svg = subprocess.run(
            [sys.executable, "-c", DRAW, json.dumps(chart)], env=os.environ | {"TZ": zone}, capture_output=True, text=True
        ).stdout
        print(zone, day, "is drawn as", *re.findall(r">(\d{4}-\d\d-\d\d)<", svg))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
