#!/bin/sh
# Library: pyarrow 26.0.1 beside pandas 3.1.1, polars 2.1.0 and duckdb 2.0.1 (PyPI)
# Summary: By a format, pyarrow reads 2026-02-31 as 3 March, in `strptime` and in `read_csv` with `timestamp_parsers`,
#   and the 31st of April and June as the first of the next month.
# Guess: of 2026-02-30, 2026-02-31, 2026-04-31 and 2027-02-29, `read_csv` with `timestamp_parsers` leaves text, and all
#   four libraries refuse them. (That `strptime` makes 3 March of 2026-02-31 was seen before.)
# Behavior: a day up to 31 is taken in each month, and what is too much goes on into the next one. 32 is refused. A cast
#   without a format, and `read_csv` without one or into date32, refuse or leave text; the other libraries refuse.
# Output:
#     2026-02-30: pyarrow strptime 2026-03-02, read_csv with it 2026-03-02 00:00:00,
#       read_csv '2026-02-30', cast an error, pandas an error, polars an error, duckdb an error
#     2026-02-31: pyarrow strptime 2026-03-03, read_csv with it 2026-03-03 00:00:00,
#       read_csv '2026-02-31', cast an error, pandas an error, polars an error, duckdb an error
#     2026-04-31: pyarrow strptime 2026-05-01, read_csv with it 2026-05-01 00:00:00,
#       read_csv '2026-04-31', cast an error, pandas an error, polars an error, duckdb an error
#     2027-02-29: pyarrow strptime 2027-03-01, read_csv with it 2027-03-01 00:00:00,
#       read_csv '2027-02-29', cast an error, pandas an error, polars an error, duckdb an error
#     2026-02-32: pyarrow strptime an error, read_csv with it '2026-02-32',
#       read_csv '2026-02-32', cast an error, pandas an error, polars an error, duckdb an error
# Why it matters: due dates that were typed, or made by adding one to the month, are such days. They pass as others, and
#   which day was written is no longer known. ISO dates need no format; check others by writing them again.
set -eu
packages="pyarrow==26.0.1 pandas==3.1.1 polars==2.1.0 duckdb==2.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import io

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute
from pyarrow import csv

FORMAT = "%Y-%m-%d"
READERS = {
    "pyarrow strptime": lambda day: pyarrow.compute.strptime([day], format=FORMAT, unit="s")[0].as_py().date(),
    "read_csv with it": lambda day: csv.read_csv(
        io.BytesIO(f"due\n{day}\n".encode()),
        convert_options=csv.ConvertOptions(timestamp_parsers=[FORMAT]),
    )["due"][0].as_py(),
    "read_csv": lambda day: csv.read_csv(io.BytesIO(f"due\n{day}\n".encode()))["due"][0].as_py(),
    "cast": lambda day: pyarrow.array([day]).cast(pyarrow.date32())[0].as_py(),
    "pandas": lambda day: pandas.to_datetime(day, format=FORMAT),
    "polars": lambda day: polars.Series([day]).str.to_date(FORMAT)[0],
    "duckdb": lambda day: duckdb.execute("SELECT strptime(?, ?)", [day, FORMAT]).fetchone()[0],
}
for day in ("2026-02-30", "2026-02-31", "2026-04-31", "2027-02-29", "2026-02-32"):
    found = []
    for name, read in READERS.items():
        try:
            value = read(day)
        except Exception:
            value = "an error"
        found.append(f"{name} {value!r}" if value == day else f"{name} {value}")
    print(f"{day}: {found[0]}, {found[1]},")
    print(f"  {', '.join(found[2:])}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
