#!/bin/sh
# Library: sqlalchemy-bigquery 1.17.3 with sqlalchemy 2.1.9 (PyPI)
# Summary: `//` becomes BigQuery's `/`, which has fractions, and a time with a zone becomes a DATETIME, which has none.
# Guess: `//` becomes DIV, `DateTime(timezone=True)` TIMESTAMP, and `as_integer()` a conversion, as for PostgreSQL.
# Behavior: `n // 7` and `n / 7` are both `/`, and BigQuery's `/` on two INT64 is a FLOAT64. DateTime is DATETIME with
#   and without a zone, as a column and in a cast, and so is Interval. What is taken from JSON stays JSON, whatever is
#   asked for.
# Output:
#     postgresql
#       DateTime(timezone=True): TIMESTAMP WITH TIME ZONE
#       DateTime(): TIMESTAMP WITHOUT TIME ZONE
#       Interval(): INTERVAL
#       days // 7: days / 7
#       days / 7: days / CAST(7 AS NUMERIC)
#       cast of seen: CAST(seen AS TIMESTAMP WITH TIME ZONE)
#       raw['port'].as_integer(): CAST(raw ->> 'port' AS INTEGER)
#     bigquery
#       DateTime(timezone=True): DATETIME
#       DateTime(): DATETIME
#       Interval(): DATETIME
#       days // 7: `days` / 7
#       days / 7: `days` / CAST(7 AS NUMERIC)
#       cast of seen: CAST(`seen` AS DATETIME)
#       raw['port'].as_integer(): `raw`.port
# Why it matters: weeks counted by `days // 7` are fractions, and a table that is created from a model compares a UTC
#   time with a local one. Use `func.div` and the type TIMESTAMP.
set -eu
packages="sqlalchemy-bigquery==1.17.3 sqlalchemy==2.1.9"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import sqlalchemy
from sqlalchemy.dialects import postgresql
from sqlalchemy_bigquery import BigQueryDialect

days = sqlalchemy.column("days", sqlalchemy.BigInteger)
seen = sqlalchemy.column("seen", sqlalchemy.DateTime(timezone=True))
raw = sqlalchemy.column("raw", sqlalchemy.JSON)
zoned = sqlalchemy.DateTime(timezone=True)
for dialect in (postgresql.dialect(), BigQueryDialect()):
    print(dialect.name)
    for type_ in (zoned, sqlalchemy.DateTime(), sqlalchemy.Interval()):
        print(f"  {type_!r}:", dialect.type_compiler_instance.process(type_))
    for name, expression in {
        "days // 7": days // 7, "days / 7": days / 7, "cast of seen": sqlalchemy.cast(seen, zoned),
        "raw['port'].as_integer()": raw["port"].as_integer(),
    }.items():
        print(f"  {name}:", expression.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
