#!/bin/sh
# Library: pandera 0.35.0 with polars 2.1.0 (PyPI)
# Summary: Of a polars LazyFrame it checks names and types only: a score of 11, a NULL and a key twice are valid,
#   also once collected.
# Guess: what is lazy is validated when it is collected, or at once; a frame and a lazy one of the same rows are both
#   refused.
# Behavior: for a LazyFrame `validate` looks at the schema and not at values, without a warning, also if it is told
#   to collect all errors. The same rows as a DataFrame have three. PANDERA_VALIDATION_DEPTH=SCHEMA_AND_DATA, in the
#   environment or in a `config_context`, makes them equal.
# Output:
#     validation depth: not set
#       DataFrame: dataframe_check series_contains_duplicates series_contains_nulls
#       LazyFrame: 3 rows are valid
#     validation depth: SCHEMA_AND_DATA
#       DataFrame: dataframe_check series_contains_duplicates series_contains_nulls
#       LazyFrame: dataframe_check series_contains_duplicates series_contains_nulls
# Why it matters: `scan_parquet` in place of `read_parquet` for speed turns a pipeline's checks off, and its log says
#   that the rows are valid.
set -eu
packages="pandera[polars]==0.35.0 polars==2.1.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import pandera.polars as pandera
import polars
from pandera.config import ValidationDepth, config_context

schema = pandera.DataFrameSchema({
    "issue_id": pandera.Column(int, unique=True),
    "cvss": pandera.Column(float, pandera.Check.in_range(0, 10)),
})
found = polars.DataFrame({"issue_id": [1, 1, 2], "cvss": [11.0, 7.5, None]})
for depth in (None, ValidationDepth.SCHEMA_AND_DATA):
    print("validation depth:", depth.value if depth else "not set")
    for name, frame in (("DataFrame", found), ("LazyFrame", found.lazy())):
        with config_context(validation_depth=depth):
            try:
                print(f"  {name}: {schema.validate(frame, lazy=True).lazy().collect().height} rows are valid")
            except pandera.errors.SchemaErrors as error:
                print(f"  {name}:", *sorted({found.reason_code.value for found in error.schema_errors}))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
