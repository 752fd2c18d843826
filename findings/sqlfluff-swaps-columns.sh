#!/bin/sh
# Library: sqlfluff 4.5.0 with duckdb 2.0.1 (PyPI)
# Summary: Its fix exchanges two columns that are read by their place: titles become severities in a UNION, and
#   a NOT IN of two columns no longer leaves out what is accepted.
# Guess: a fix does not change what a query returns: ST06 does not reorder the columns of a SELECT whose order counts.
# Behavior: ST06, one of the default rules, puts columns before expressions. It leaves a SELECT alone that is itself in
#   a UNION or an INSERT, or is named there directly; two steps away, and in a subquery of IN, it does not.
# Output:
#     UNION of a CTE
#       bigquery: the same
#       duckdb: the same
#     UNION of a CTE of a CTE
#       bigquery: [('HIGH', 'xss'), ('LOW', 'ssh')] becomes [('xss', 'HIGH'), ('LOW', 'ssh')]
#       duckdb: [('HIGH', 'xss'), ('LOW', 'ssh')] becomes [('xss', 'HIGH'), ('LOW', 'ssh')]
#     NOT IN
#       bigquery: [] becomes [('xss',)]
#       duckdb: [] becomes [('xss',)]
# Why it matters: both columns are text, so no database objects. The change is one of many in a commit that formats.
#   Exclude ST06 where there is UNION ALL, and name columns in place of `*`.
set -eu
packages="sqlfluff==4.5.0 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import duckdb
import sqlfluff

connection = duckdb.connect()
connection.execute("CREATE TABLE web AS SELECT 'high' AS severity, 'xss' AS title, 'a' AS host")
connection.execute("CREATE TABLE network AS SELECT 'LOW' AS severity, 'ssh' AS title, 'b' AS host")
connection.execute("CREATE TABLE accepted AS SELECT 'A' AS host, 'xss' AS title")
QUERIES = {
    "UNION of a CTE": """WITH found AS (
    SELECT
        UPPER(severity) AS severity,
        title
    FROM web
)

SELECT * FROM found
UNION ALL
SELECT
    severity,
    title
FROM network
""",
    "UNION of a CTE of a CTE": """WITH found AS (
    SELECT
        UPPER(severity) AS severity,
        title
    FROM web
),

recent AS (
    SELECT * FROM found
)

SELECT * FROM recent
UNION ALL
SELECT
    severity,
    title
FROM network
""",
    "NOT IN": """SELECT title
FROM web
WHERE (host, title) NOT IN (
    SELECT
        LOWER(host),
        title
    FROM accepted
)
""",
}
for name, query in QUERIES.items():
    print(name)
    for dialect in "bigquery", "duckdb":
        fixed = sqlfluff.fix(query, dialect=dialect)
        rows = [connection.execute(text).fetchall() for text in (query, fixed)]
        print(f"  {dialect}:", "the same" if rows[0] == rows[1] else f"{rows[0]} becomes {rows[1]}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
