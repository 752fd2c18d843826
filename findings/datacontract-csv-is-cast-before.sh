#!/bin/sh
# Library: datacontract-cli 1.2.8 with duckdb, by the Open Data Contract Standard (PyPI)
# Summary: Of a CSV file, 7.5 and 0443 are integers for `datacontract test`, "no" is a boolean and a score of 10.4 is at
#   most 10; of JSON lines, none of them is.
# Guess: 7.5 in a column that is declared as integer fails, of CSV and of JSON; a date that is no date fails; "no" is no
#   boolean.
# Behavior: DuckDB reads the CSV with the types of the contract, which rounds 7.5 and cuts the time off a date, and the
#   checks see what was read. JSON is validated against a JSON schema before.
# Output:
#     integer of 7.5: csv passed, json failed
#     integer {'maximum': 10} of 10.4: csv passed, json failed
#     integer of 0443: csv passed, json failed
#     boolean of no: csv passed, json failed
#     date of 2026-11-10T23:30:00Z: csv passed, json failed
#     date of 2026-02-30: csv failed, json failed
# Why it matters: the contract is there to tell the team that exports the file, and passes for what the next reader, who
#   has other rules, will refuse or read otherwise. Declare such columns as string with a pattern.
set -eu
packages="datacontract-cli[duckdb]==1.2.8"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" -W ignore - "$dir" >"$dir/output" 2>"$dir/log" <<'END'
import json
import logging
import sys

import yaml
from datacontract.data_contract import DataContract

logging.disable()
[_, directory] = sys.argv
for kind, value, options in (
    ("integer", 7.5, {}),
    ("integer", 10.4, {"maximum": 10}),
    ("integer", "0443", {}),
    ("boolean", "no", {}),
    ("date", "2026-11-10T23:30:00Z", {}),
    ("date", "2026-02-30", {}),
):
    results = []
    for form in ("csv", "json"):
        path = f"{directory}/rows.{form}"
        rows = {"csv": f"id,v\n1,{value}\n", "json": json.dumps({"id": 1, "v": value}) + "\n"}
        with open(path, "w") as file:
            file.write(rows[form])
        columns = [
            {"name": "id", "logicalType": "integer", "physicalType": "integer"},
            {"name": "v", "logicalType": kind, "physicalType": kind, "logicalTypeOptions": options},
        ]
        server = {"server": "local", "type": "local", "path": path, "format": form}
        server |= {"delimiter": "new_line" if form == "json" else ","}
        contract = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "rows", "version": "1.0.0"}
        table = {"name": "rows", "physicalType": "table", "properties": columns}
        contract |= {"status": "active", "servers": [server], "schema": [table]}
        run = DataContract(data_contract_str=yaml.safe_dump(contract), server="local").test()
        results.append(f"{form} {run.result.value}")
    print(f"{kind} {options or ''}".rstrip(), f"of {value}: {', '.join(results)}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
