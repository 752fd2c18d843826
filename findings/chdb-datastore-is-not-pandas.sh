#!/bin/sh
# Library: chdb 4.4.0 beside pandas 2.3.3 (PyPI)
# Summary: In its replacement of pandas, `shift` gives NULL where the row's own value is NULL, a row without a status is
#   not `!= "fixed"`, and "Zoé" has four letters.
# Guess: the values are pandas', as its documentation says that existing code is kept unchanged.
# Behavior: it writes SQL of ClickHouse, with ClickHouse's meaning: a comparison with NULL is NULL, texts are bytes, and
#   only ASCII has capitals. `isin` is pandas'.
# Output:
#     ids with status != 'fixed'
#       pandas: 1 2 4 5
#       chdb: 1 4
#     ids with a status not in ['fixed']
#       pandas: 1 2 4 5
#       chdb: 1 2 4 5
#     score of the row before
#       pandas: NULL 9.8 7.5 NULL 4.0
#       chdb: NULL 9.8 NULL NULL NULL
#     length of the owner
#       pandas: 3.0 3.0 3.0 2.0 NULL
#       chdb: 4.0 3.0 4.0 2.0 NULL
#     owner in capitals
#       pandas: ZOÉ ANA ÉVA BO NULL
#       chdb: ZOé ANA éVA BO NULL
# Why it matters: a line that imports it in place of pandas leaves out findings without a status, and the previous score
#   of each finding that has none now, so falls to NULL are never seen. Fill NULL before, and compare both once.
set -eu
packages="chdb==4.4.0 pandas==2.3.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import pandas
from chdb.datastore import DataStore

rows = pandas.DataFrame({
    "id": [1, 2, 3, 4, 5], "status": ["open", None, "fixed", "open", None], "score": [9.8, 7.5, None, 4.0, None],
    "owner": ["Zoé", "Ana", "éva", "Bo", None],
})
for name, expression in {
    "ids with status != 'fixed'": lambda table: table[table["status"] != "fixed"]["id"],
    "ids with a status not in ['fixed']": lambda table: table[~table["status"].isin(["fixed"])]["id"],
    "score of the row before": lambda table: table["score"].shift(1),
    "length of the owner": lambda table: table["owner"].str.len(),
    "owner in capitals": lambda table: table["owner"].str.upper(),
}.items():
    print(name)
    for library, table in (("pandas", rows), ("chdb", DataStore(rows))):
        found = expression(table)
        found = found if isinstance(found, pandas.Series) else found.to_pandas()
        print(f"  {library}:", *("NULL" if pandas.isna(value) else value for value in found))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
