#!/bin/sh
# Library: pysigma 1.5.1 with its backends sqlite 2.0.0, splunk 2.1.0 and elasticsearch 2.1.1 (PyPI)
# Summary: Of a Sigma rule "five in ten minutes", ten requests in ten minutes are six alerts in SQLite's SQL, and a
#   row for each ten minutes of the clock in Splunk and ES|QL.
# Guess: one rule has one meaning: an alert where any ten minutes have five events, and one alert for what goes on.
# Behavior: SQLite's query looks back ten minutes from each event, and has an alert for each that is the fifth or a
#   later one. Splunk's and ES|QL's count by ten minutes of the clock, EQL's is a sequence of five events.
# Output:
#     sqlite, 5 from 12:00 on: 1 alerts, of 5 events
#     sqlite, 5 from 12:08 on: 1 alerts, of 5 events
#     sqlite, 10 from 12:00 on: 6 alerts, of 5 6 7 8 9 10 events
#     splunk: bin _time span=10m | stats count as event_count by _time host
#     ES|QL: eval timebucket=date_trunc(10minutes, @timestamp) | stats event_count=count() by timebucket, host
#     EQL: sequence by host with maxspan=10m | with runs=5
# Why it matters: the number of alerts is no measure across two systems, also where the rules come from one
#   repository: it is six, one or two for the same ten requests. Compare the events that a rule has found.
set -eu
packages="pysigma==1.5.1 pysigma-backend-sqlite==2.0.0 pysigma-backend-splunk==2.1.0"
packages="$packages pysigma-backend-elasticsearch==2.1.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import sqlite3

from sigma.backends.elasticsearch import EqlBackend, ESQLBackend
from sigma.backends.splunk import SplunkBackend
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

RULE = """
title: Not found
name: not_found
logsource: {category: webserver}
detection: {selection: {status: 404}, condition: selection}
---
title: Often not found
correlation: {type: event_count, rules: [not_found], group-by: [host], timespan: 10m, condition: {gte: 5}}
"""


def query(backend):
    return backend().convert(SigmaCollection.from_yaml(RULE))[0]


for number, minute in ((5, 0), (5, 8), (10, 0)):
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute("CREATE TABLE logs (timestamp TEXT, host TEXT, status INTEGER)")
    rows = [(f"2026-11-10 12:{minute + index:02}:00", "web", 404) for index in range(number)]
    connection.executemany("INSERT INTO logs VALUES (?, ?, ?)", rows)
    counts = [str(alert["event_count"]) for alert in connection.execute(query(sqliteBackend))]
    print(f"sqlite, {number} from 12:{minute:02} on: {len(counts)} alerts, of {' '.join(counts)} events")
for name, backend in {"splunk": SplunkBackend, "ES|QL": ESQLBackend, "EQL": EqlBackend}.items():
    steps = [step.strip() for line in query(backend).splitlines() for step in line.split(" | ")]
    steps = [step.removeprefix("| ") for step in steps if "10m" in step or "stats" in step]
    steps += ["with runs=5"] if "with runs=5" in query(backend) else []
    print(f"{name}:", " | ".join(steps))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
