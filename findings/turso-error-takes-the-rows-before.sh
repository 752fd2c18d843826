#!/bin/sh
# Library: pyturso 0.8.3 (PyPI; Turso, the rewrite of SQLite in Rust) beside Python's sqlite3
# Summary: A SELECT that fails, for a value that is no JSON or a sum that overflows, takes back all that its transaction
#   has inserted; commit() raises nothing, and what is inserted after the error is kept.
# Guess: it gives the rows that sqlite3 gives, or an error. (After seeing that an error ends the transaction: commit()
#   raises, or ON CONFLICT and constraints do not end it.)
# Behavior: an error while a query runs ends the transaction; one of a constraint or of a name does not. In SQLite each
#   of these takes back its own statement only. in_transaction is then False, which is the one sign.
# Output:
#     SELECT json_extract(report, '$.id') FROM findings
#       sqlite3: OperationalError, in a transaction: True; after commit 1, 2, 3
#       turso: DatabaseError, in a transaction: False; after commit 3
#     SELECT sum(hits) FROM findings
#       sqlite3: OperationalError, in a transaction: True; after commit 1, 2, 3
#       turso: DatabaseError, in a transaction: False; after commit 3
#     SELECT title FROM findings
#       sqlite3: OperationalError, in a transaction: True; after commit 1, 2, 3
#       turso: DatabaseError, in a transaction: True; after commit 1, 2, 3
#     INSERT INTO findings VALUES (1, 1, '{}')
#       sqlite3: IntegrityError, in a transaction: True; after commit 1, 2, 3
#       turso: IntegrityError, in a transaction: True; after commit 1, 2, 3
# Why it matters: a loader that inserts rows, logs a failed check and goes on commits the rows after the error alone. Do
#   not catch errors within a transaction, or look at in_transaction before the commit.
set -eu
packages="pyturso==0.8.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import sqlite3

import turso

for failing in (
    "SELECT json_extract(report, '$.id') FROM findings",
    "SELECT sum(hits) FROM findings",
    "SELECT title FROM findings",
    "INSERT INTO findings VALUES (1, 1, '{}')",
):
    print(failing)
    for module in (sqlite3, turso):
        connection = module.connect(":memory:")
        connection.execute("CREATE TABLE findings (id INTEGER PRIMARY KEY, hits INTEGER, report TEXT)")
        connection.commit()
        connection.execute("INSERT INTO findings VALUES (1, 9223372036854775807, '{}'), (2, 1, 'none')")
        try:
            connection.execute(failing).fetchall()
            error = "no error"
        except Exception as raised:
            error = type(raised).__name__
        open_after = connection.in_transaction
        connection.execute("INSERT INTO findings VALUES (3, 1, '{}')")
        connection.commit()
        kept = ", ".join(str(row[0]) for row in connection.execute("SELECT id FROM findings ORDER BY id").fetchall())
        print(f"  {module.__name__}: {error}, in a transaction: {open_after}; after commit {kept}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
