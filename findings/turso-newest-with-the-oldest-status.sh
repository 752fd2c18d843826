#!/bin/sh
# Library: pyturso 0.8.3 (PyPI; Turso, the rewrite of SQLite in Rust) beside apsw 3.54.1.0 (SQLite 3.54.1)
# Summary: `SELECT cve, status, max(updated) ... GROUP BY cve`, the short form for the newest row of each, has the newest
#   time beside the status of the group's first row; in SQLite it is the status of that time.
# Guess: it gives the rows that SQLite gives: min and max of texts, comparisons of text with numbers, NULL in joins and
#   NOT IN, windows, dates; or says that it does not know it. (Of GROUP BY, after seeing min without it: as in SQLite.)
# Behavior: SQLite documents that columns beside one min() or max() come from the row that has it, and programs use it.
#   Turso takes the first row, without an error. A condition on such a column (HAVING, an outer WHERE) goes wrong, too.
#   More than 80 other queries of the same run agree, row_number() among them.
# Output:
#     SELECT cve, status, max(updated) FROM findings GROUP BY cve
#       SQLite: CVE-1 fixed 11-03, CVE-2 accepted 11-06
#       Turso: CVE-1 open 11-03, CVE-2 open 11-06
#     SELECT cve, score, max(score) FROM findings GROUP BY cve
#       SQLite: CVE-1 9.8 9.8, CVE-2 7.5 7.5
#       Turso: CVE-1 5.0 9.8, CVE-2 7.5 7.5
#     SELECT cve FROM (SELECT cve, status, max(updated) FROM findings GROUP BY cve) WHERE status = 'open'
#       SQLite: none
#       Turso: CVE-1, CVE-2
#     SELECT cve, status FROM (SELECT *, row_number() OVER (PARTITION BY cve ORDER BY updated DESC) AS n FROM findings) WHERE n = 1
#       SQLite: CVE-1 fixed, CVE-2 accepted
#       Turso: CVE-1 fixed, CVE-2 accepted
# Why it matters: a program that moves to Turso, which reads the same file, reports what was fixed or accepted as open,
#   with the date of the fix beside it. Write row_number(), which both read alike.
set -eu
packages="pyturso==0.8.3 apsw==3.54.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import apsw
import turso

connections = {"SQLite": apsw.Connection(":memory:"), "Turso": turso.connect(":memory:")}
for connection in connections.values():
    connection.cursor().execute("CREATE TABLE findings (cve TEXT, status TEXT, score REAL, updated TEXT)")
    connection.cursor().execute(
        "INSERT INTO findings VALUES ('CVE-1', 'open', 5.0, '11-01'), ('CVE-1', 'fixed', 9.8, '11-03'), "
        "('CVE-1', 'open', 7.1, '11-02'), ('CVE-2', 'open', 7.5, '11-05'), ('CVE-2', 'accepted', 7.2, '11-06')"
    )
newest = "SELECT *, row_number() OVER (PARTITION BY cve ORDER BY updated DESC) AS n FROM findings"
for query in (
    "SELECT cve, status, max(updated) FROM findings GROUP BY cve",
    "SELECT cve, score, max(score) FROM findings GROUP BY cve",
    "SELECT cve FROM (SELECT cve, status, max(updated) FROM findings GROUP BY cve) WHERE status = 'open'",
    f"SELECT cve, status FROM ({newest}) WHERE n = 1",
):
    print(query)
    for name, connection in connections.items():
        cursor = connection.cursor()
        cursor.execute(query)
        rows = sorted(cursor.fetchall())
        print(f"  {name}: {', '.join(' '.join(map(str, row)) for row in rows) or 'none'}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
