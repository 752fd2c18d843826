#!/bin/sh
# Library: dask 2026.8.0 beside pandas 2.3.3 (PyPI)
# Summary: Of each host's highest score, `groupby().idxmax()` gives the row that is highest in the first part of the
#   table that has the host, and the variance of times of a group is that of what floats leave over.
# Guess: dask's values over several parts are those of pandas.
# Behavior: idxmax and idxmin of a group are right with one part only; without a group they are right. The variance is
#   taken from sums of squares, so with values in seconds since 1970 it is off or 0. max and nunique are right.
# Output:
#     pandas: max {'db': 8.8, 'web': 9.8}, idxmax {'db': 5, 'web': 2}, var {'db': 7.0, 'web': 9.0}
#     dask, 1 parts: max {'db': 8.8, 'web': 9.8}, idxmax {'db': 5, 'web': 2}, var {'db': 0.0, 'web': 0.0}
#     dask, 2 parts: max {'db': 8.8, 'web': 9.8}, idxmax {'db': 1, 'web': 2}, var {'db': 0.0, 'web': 0.0}
#     dask, 3 parts: max {'db': 8.8, 'web': 9.8}, idxmax {'db': 1, 'web': 0}, var {'db': 0.0, 'web': 0.0}
# Why it matters: the worst finding of a host is not the worst, and the number of parts follows from the size of the
#   files, so small tests pass. Sort and drop duplicates in place of idxmax, and subtract the first time.
set -eu
packages="dask[dataframe]==2026.8.0 pandas==2.3.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import dask.dataframe
import pandas

rows = pandas.DataFrame({
    "host": ["web", "db", "web", "db", "web", "db"],
    "score": [3.1, 4.0, 9.8, 2.0, 5.0, 8.8],
    "seen": [1796032800, 1796032800, 1796032803, 1796032801, 1796032806, 1796032805],
})
tables = {f"dask, {parts} parts": dask.dataframe.from_pandas(rows, npartitions=parts) for parts in (1, 2, 3)}
for name, table in {"pandas": rows, **tables}.items():
    groups = table.groupby("host")
    found = {"max": groups["score"].max(), "idxmax": groups["score"].idxmax(), "var": groups["seen"].var()}
    print(f"{name}:", ", ".join(
        f"{function} {dict(sorted((values if name == 'pandas' else values.compute()).to_dict().items()))}"
        for function, values in found.items()
    ))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
