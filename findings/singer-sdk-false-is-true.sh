#!/bin/sh
# Library: singer-sdk 0.54.9 (PyPI), of Meltano
# Summary: In a property of booleans the texts "false", "no" and "0" are written as true.
# Guess: text in a property of booleans is read as one or handed on as it is, so that the target refuses it, as with
#   text in a property of numbers.
# Behavior: whatever is not equal to 0 is true, so each text is, also an empty one. The other types are not
#   converted: "7.5" stays text in a property of numbers. Nothing is logged.
# Output:
#     True is written as True; "7.5" as '7.5'
#     False is written as False; "7.5" as '7.5'
#     None is written as None; "7.5" as '7.5'
#     0 is written as False; "7.5" as '7.5'
#     1 is written as True; "7.5" as '7.5'
#     'true' is written as True; "7.5" as '7.5'
#     'false' is written as True; "7.5" as '7.5'
#     'no' is written as True; "7.5" as '7.5'
#     '0' is written as True; "7.5" as '7.5'
#     '' is written as True; "7.5" as '7.5'
# Why it matters: an API or a CSV that writes false as text, as Nessus does, has findings that are all exploitable,
#   and no step behind the tap can tell. Convert in `post_process`.
set -eu
packages="singer-sdk==0.54.9"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import contextlib
import io
import json
import logging

from singer_sdk import Stream, Tap
from singer_sdk import typing as th

VALUES = (True, False, None, 0, 1, "true", "false", "no", "0", "")


class Findings(Stream):
    name = "findings"
    primary_keys = ("id",)
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType),
        th.Property("exploitable", th.BooleanType),
        th.Property("score", th.NumberType),
    ).to_dict()

    def get_records(self, context):
        for number, value in enumerate(VALUES):
            yield {"id": number, "exploitable": value, "score": "7.5"}


class TapScanner(Tap):
    name = "tap-scanner"
    config_jsonschema = th.PropertiesList().to_dict()

    def discover_streams(self):
        return [Findings(self)]


output = io.TextIOWrapper(io.BytesIO())
with contextlib.redirect_stdout(output):
    tap = TapScanner(config={})
    logging.disable()
    tap.sync_all()
output.seek(0)
for message in map(json.loads, output):
    if message["type"] == "RECORD":
        record = message["record"]
        print(f"{VALUES[record['id']]!r} is written as {record['exploitable']!r}; \"7.5\" as {record['score']!r}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
