#!/bin/sh
# Library: polars 1.44.2 and 2.1.0 (PyPI; 2.1.0 was released in October 2026)
# Summary: Since 2.0 explode leaves out rows with an empty list and keeps those whose list is NULL; its SQL keeps both.
# Guess: a row whose list is empty stays, with NULL for the item, as in 1.44, in pandas, and as a row without a list.
# Behavior: its default is `empty_as_null=False` now, and `keep_nulls=True` still. `unnest` in polars' SQL has the rows
#   that explode had in 1.44. Nothing is said of it.
# Output:
#     1.44.2
#       explode: 5 rows of the findings 1, 2, 3
#       explode(empty_as_null=True): 5 rows of the findings 1, 2, 3
#       SQL, unnest: 5 rows of the findings 1, 2, 3
#       findings by tag: None 2, dmz 1, web 2
#     2.1.0
#       explode: 4 rows of the findings 1, 3
#       explode(empty_as_null=True): 5 rows of the findings 1, 2, 3
#       SQL, unnest: 5 rows of the findings 1, 2, 3
#       findings by tag: None 1, dmz 1, web 2
# Why it matters: findings without tags vanish from each table that is made by tag, host or CVE, and from its sum, if
#   the API says `[]`, and stay if it says null. Give `empty_as_null=True`.
set -eu
versions="==1.44.2 ==2.1.0"
[ -z "${LATEST:-}" ] || versions="==1.44.2 >=2"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
for version in $versions; do
    "${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
        --disable-pip-version-check "polars$version"
    "$dir/bin/python" - <<'END'
import polars

print("1.44.2" if polars.__version__.startswith("1.") else "2.1.0")
found = polars.DataFrame({"issue_id": [1, 2, 3], "tags": [["web", "dmz", "web"], [], None]})
for name, rows in {
    "explode": found.explode("tags"),
    "explode(empty_as_null=True)": found.explode("tags", empty_as_null=True),
    "SQL, unnest": found.sql("SELECT issue_id, unnest(tags) AS tag FROM self"),
}.items():
    print(f"  {name}: {rows.height} rows of the findings", ", ".join(map(str, rows["issue_id"].unique().sort())))
counts = found.explode("tags").group_by("tags").len().sort("tags").rows()
print("  findings by tag:", ", ".join(f"{tag} {count}" for tag, count in counts))
END
done >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
