#!/bin/sh
# Library: soda-core 3.5.6 with soda-core-duckdb 3.5.6 and duckdb 1.0.0 (PyPI)
# Summary: "missing_percent(id) = 0" passes with 4 NULLs in 100,000 rows, as percentages are rounded to two decimals
#   before they are compared; so does "invalid_percent(score) = 0" with a score of 11.
# Guess: invalid_count leaves NULL out, duplicate_count counts rows or values without NULL, and a percentage is not
#   rounded to 0.
# Behavior: what is below 0.005% is 0 for the check as for the report. Counts are exact, and of NULL and duplicates as
#   guessed.
# Output:
#     missing_percent(id) = 0: pass, 0.0
#     missing_count(id) = 0: fail, 4
#     invalid_percent(score) = 0: pass, 0.0
#     invalid_count(score) = 0: fail, 1
# Why it matters: "no id is missing" and "all scores are valid" are written as percentages, and pass for tables whose
#   rows break the load that follows. The larger the table, the more rows. Compare counts with 0, not percentages.
set -eu
packages="soda-core==3.5.6 soda-core-duckdb==3.5.6 duckdb==1.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" 2>"$dir/log" <<'END'
import duckdb
from soda.scan import Scan

connection = duckdb.connect()
connection.execute("""
    CREATE TABLE issues AS
    SELECT CASE WHEN row > 4 THEN row END AS id, CASE WHEN row = 9 THEN 11 ELSE 7.5 END AS score
    FROM range(1, 100001) AS rows(row)""")
scan = Scan()
scan.set_data_source_name("duckdb")
scan.add_duckdb_connection(connection, "duckdb")
scan.add_sodacl_yaml_str("""
checks for issues:
  - missing_percent(id) = 0
  - missing_count(id) = 0
  - invalid_percent(score) = 0:
      valid max: 10
  - invalid_count(score) = 0:
      valid max: 10
""")
scan.execute()
for check in scan.get_scan_results()["checks"]:
    print(f"{check['name']}: {check['outcome']}, {check['diagnostics']['value']}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
