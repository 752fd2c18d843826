#!/bin/sh
# Library: datacompy 1.1.0 with pandas 2.3.3 and polars 1.44.2 (PyPI)
# Summary: Two tables whose ids or decimals differ are reported as equal if these are beyond 53 bits, and two that are
#   equal as different if a key comes twice and its rows in another order.
# Guess: columns of Decimal are compared exactly with the default tolerance of 0, and a key that comes twice on each
#   side, with its values in another order, is matched by its values.
# Behavior: numbers are compared as floats, also with a tolerance of 0: integers above 2 to the 53rd and decimals
#   with more than 15 digits differ only where their floats do. A key that comes twice is matched by place.
# Output:
#     ids: pandas equal, polars equal
#     ids as text: pandas different, polars different
#     nanoseconds: pandas equal, polars equal
#     decimals: pandas equal, polars equal
#     small ids: pandas different, polars different
#     a key twice: pandas equal, polars equal
#     a key twice, in another order: pandas different, polars different
# Why it matters: it is used to show that a new pipeline gives what the old one gave. Row ids and times in nanoseconds
#   are beyond 53 bits, so a pipeline that rounds them passes. Compare such columns as text.
set -eu
packages="datacompy==1.1.0 pandas==2.3.3 polars==1.44.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from decimal import Decimal

import datacompy
import pandas
import polars

for name, old, new in (
    ("ids", [1152921504606846976], [1152921504606846977]),
    ("ids as text", ["1152921504606846976"], ["1152921504606846977"]),
    ("nanoseconds", [1796032800123456700], [1796032800123456789]),
    ("decimals", [Decimal("1234567890123456.01")], [Decimal("1234567890123456.02")]),
    ("small ids", [9007199254740990], [9007199254740991]),
    ("a key twice", ["open", "fixed"], ["open", "fixed"]),
    ("a key twice, in another order", ["open", "fixed"], ["fixed", "open"]),
):
    old, new = ({"key": [1] * len(values), "value": values} for values in (old, new))
    a = datacompy.PandasCompare(pandas.DataFrame(old), pandas.DataFrame(new), join_columns="key")
    b = datacompy.PolarsCompare(polars.DataFrame(old), polars.DataFrame(new), join_columns="key")
    print(f"{name}: pandas {'equal' if a.matches() else 'different'}, polars {'equal' if b.matches() else 'different'}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
