#!/bin/sh
# Library: fastavro 1.13.1 beside avro 1.12.2 (PyPI)
# Summary: A datetime without a zone is one of the machine that writes the file, so two machines store two instants;
#   avro refuses it.
# Guess: a datetime without a zone in timestamp-micros is UTC or is refused.
# Behavior: fastavro takes the time zone of the process, with its daylight saving, and reads all times as UTC. avro
#   raises an error, also where that is UTC.
# Output:
#     UTC
#       2026-11-10T12:00:00: fastavro 10 Nov 12:00 UTC, avro refuses it
#       2026-06-10T12:00:00: fastavro 10 Jun 12:00 UTC, avro refuses it
#       2026-11-10T12:00:00+00:00: fastavro 10 Nov 12:00 UTC, avro takes it
#     America/New_York
#       2026-11-10T12:00:00: fastavro 10 Nov 17:00 UTC, avro refuses it
#       2026-06-10T12:00:00: fastavro 10 Jun 16:00 UTC, avro refuses it
#       2026-11-10T12:00:00+00:00: fastavro 10 Nov 12:00 UTC, avro takes it
# Why it matters: what is parsed from an API without its Z is right in a container, which is in UTC, and hours off once
#   loaded from a laptop. The file has no trace of it. Give each time its zone before it is written.
set -eu
packages="fastavro==1.13.1 avro==1.12.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/write.py" <<'END'
import datetime
import io
import json

import avro.datafile
import avro.errors
import avro.io
import avro.schema
import fastavro

SCHEMA = {
    "type": "record",
    "name": "issue",
    "fields": [{"name": "seen", "type": {"type": "long", "logicalType": "timestamp-micros"}}],
}
for time in ("2026-11-10T12:00:00", "2026-06-10T12:00:00", "2026-11-10T12:00:00+00:00"):
    row = {"seen": datetime.datetime.fromisoformat(time)}
    file = io.BytesIO()
    fastavro.writer(file, SCHEMA, [row])
    file.seek(0)
    [found] = fastavro.reader(file)
    try:
        schema = avro.schema.parse(json.dumps(SCHEMA))
        avro.datafile.DataFileWriter(io.BytesIO(), avro.io.DatumWriter(), schema).append(row)
        by_avro = "takes it"
    except avro.errors.AvroTypeException:
        by_avro = "refuses it"
    print(f"  {time}: fastavro {found['seen']:%d %b %H:%M} UTC, avro {by_avro}")
END
for zone in UTC America/New_York; do
    echo "$zone"
    TZ=$zone "$dir/bin/python" "$dir/write.py"
done >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
