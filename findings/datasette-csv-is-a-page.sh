#!/bin/sh
# Library: Datasette 0.65.5 (PyPI)
# Summary: findings.csv of a table of 1,500 rows has 100 rows, the CSV of a query 1,000, also with _stream=1, and the
#   facet of a column counts 1,000 of 1,500, as NULL is no value of it.
# Guess: findings.csv of a table with 1,500 rows has 1,500; a facet's counts add up to the rows, NULL among them.
# Behavior: a CSV is one page as HTML and JSON are, but has no place for "next"; the link on the table's own page has
#   _size=max. _stream=1 gives all rows of a table; a query ends at max_returned_rows.
# Output:
#     scan/findings.csv: status 200, 100 rows
#     scan/findings.csv?_size=max: status 200, 1000 rows
#     scan/findings.csv?_stream=1: status 200, 1500 rows
#     scan.csv?sql=select+*+from+findings: status 200, 1000 rows
#     scan.csv?sql=select+*+from+findings&_stream=1: status 200, 1000 rows
#     facet of severity: high 500, low 500; rows 1500
# Why it matters: a script or a spreadsheet takes a round number of rows, without an error, for the whole, and a facet's
#   sum for the total. Ask with _stream=1 for a table, and compare with count(*).
set -eu
packages="datasette==0.65.5"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir/scan.db" >"$dir/output" <<'END'
import asyncio
import sqlite3
import sys

from datasette.app import Datasette

database = sqlite3.connect(sys.argv[1])
database.execute("CREATE TABLE findings (id INTEGER PRIMARY KEY, severity TEXT)")
severities = [("high", "low", None)[number % 3] for number in range(1500)]
database.executemany("INSERT INTO findings (severity) VALUES (?)", [(severity,) for severity in severities])
database.commit()


async def main():
    client = Datasette([sys.argv[1]]).client
    query = "scan.csv?sql=select+*+from+findings"
    table = "scan/findings.csv"
    for path in (table, f"{table}?_size=max", f"{table}?_stream=1", query, f"{query}&_stream=1"):
        answer = await client.get(f"/{path}")
        print(f"{path}: status {answer.status_code}, {len(answer.text.splitlines()) - 1} rows")
    page = (await client.get("/scan/findings.json?_facet=severity")).json()
    values = ", ".join(f"{value['value']} {value['count']}" for value in page["facet_results"]["severity"]["results"])
    print(f"facet of severity: {values}; rows {page['filtered_table_rows_count']}")


asyncio.run(main())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
