#!/bin/sh
# Library: Datasette 0.65.5 (PyPI)
# Summary: Of a table made with CREATE TABLE AS SELECT max(score), sorted by that column, the second page of the JSON
#   API is empty and there is no third, of 250 rows; descending, each next page is the first one again.
# Guess: next pages sorted by a column with NULLs and ties lose nothing. (After seeing a column of numbers and text: one
#   with numbers only has each row once, and a filter =2 finds them.)
# Behavior: SQLite gives such a column no type, so it does not turn the text 2.4 of the address into a number, and any
#   text is above any number. Filters with =, __in and __not compare with text, too; __gt and __lt make a number of it.
#   With REAL, NUMERIC or TEXT, and in a view, all pages are there.
# Output:
#     plain: 50 hosts on 2 pages, descending 50 hosts on 10 pages and more
#       worst=2 0, worst__in=2 0, worst__not=2 250, worst__gt=2 190
#     typed: 250 hosts on 5 pages, descending 250 hosts on 5 pages
#       worst=2 10, worst__in=2 10, worst__not=2 240, worst__gt=2 190
#     view: 250 hosts on 5 pages, descending 250 hosts on 5 pages
#       worst=2 0, worst__in=2 0, worst__not=2 250, worst__gt=2 190
# Why it matters: an export of "the worst score of each host" stops after its first page, with a status of 200 and an
#   empty next page. Declare the type, or CAST in the SELECT, and compare the number of rows with the count.
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
database.execute("CREATE TABLE scores (host INTEGER PRIMARY KEY, score REAL)")
database.executemany("INSERT INTO scores VALUES (?, ?)", [(host, host % 25 / 2.5) for host in range(250)])
database.execute("CREATE TABLE plain AS SELECT host, max(score) AS worst FROM scores GROUP BY host")
database.execute("CREATE TABLE typed AS SELECT host, CAST(max(score) AS REAL) AS worst FROM scores GROUP BY host")
database.execute("CREATE VIEW view AS SELECT host, max(score) AS worst FROM scores GROUP BY host")
database.commit()


async def main():
    client = Datasette([sys.argv[1]]).client

    async def read(address):
        return (await client.get(address.replace("http://localhost", ""))).json()

    for table in ("plain", "typed", "view"):
        counts = []
        for order in ("_sort", "_sort_desc"):
            address, hosts, pages = f"/scan/{table}.json?{order}=worst&_size=50&_shape=objects", set(), 0
            while address and pages < 10:
                page = await read(address)
                hosts.update(row["host"] for row in page["rows"])
                address, pages = page["next_url"], pages + 1
            counts.append(f"{len(hosts)} hosts on {pages} pages{' and more' if address else ''}")
        found = []
        for condition in ("worst=2", "worst__in=2", "worst__not=2", "worst__gt=2"):
            page = await read(f"/scan/{table}.json?{condition}")
            found.append(f"{condition} {page['filtered_table_rows_count']}")
        print(f"{table}: {counts[0]}, descending {counts[1]}")
        print(f"  {', '.join(found)}")


asyncio.run(main())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
