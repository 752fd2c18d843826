#!/bin/sh
# Library: shandy-sqlfmt 0.32.0, known as sqlfmt, with duckdb 2.0.1 (PyPI)
# Summary: It writes a field `cveId` of JSON as `cveid`, which is NULL from then on: of two critical findings a
#   formatted query counts none.
# Guess: it does not change names that count: a JSON field after a dot keeps its case, and the result in DuckDB is the
#   same before and after.
# Behavior: all names without quotes are written in lower case, and those of fields of JSON are not case-insensitive as
#   those of columns are. Its check that the result has the same tokens passes. With quotes or in a path they stay.
# Output:
#     select payload.cveid from pages
#       before: "CVE-2026-0001" "CVE-2026-0002"
#       after: None None
#     select count(*) from pages where payload.cvss.basescore::double >= 9
#       before: 2
#       after: 0
#     select payload."cveId" from pages
#       before: "CVE-2026-0001" "CVE-2026-0002"
#       after: "CVE-2026-0001" "CVE-2026-0002"
#     select payload ->> '$.cveId' from pages
#       before: CVE-2026-0001 CVE-2026-0002
#       after: CVE-2026-0001 CVE-2026-0002
# Why it matters: BigQuery and Snowflake read such fields by the letter, too, and give NULL for what is not there. A
#   commit that formats empties the columns of a model, and nothing fails. Quote the names, or use JSON_VALUE.
set -eu
packages="shandy-sqlfmt==0.32.0 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import duckdb
from sqlfmt.api import format_string
from sqlfmt.mode import Mode

connection = duckdb.connect()
connection.execute("""CREATE TABLE pages AS SELECT unnest([
    '{"cveId": "CVE-2026-0001", "cvss": {"baseScore": 9.8}}', '{"cveId": "CVE-2026-0002", "cvss": {"baseScore": 9.1}}'
])::JSON AS payload""")
for query in (
    "SELECT payload.cveId FROM pages",
    "SELECT COUNT(*) FROM pages WHERE payload.cvss.baseScore::DOUBLE >= 9",
    'SELECT payload."cveId" FROM pages',
    "SELECT payload ->> '$.cveId' FROM pages",
):
    formatted = format_string(query, Mode()).strip()
    print(formatted)
    for name, text in ("before", query), ("after", formatted):
        print(f"  {name}:", *[value for (value,) in connection.execute(text).fetchall()])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
