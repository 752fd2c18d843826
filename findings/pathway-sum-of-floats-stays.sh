#!/bin/sh
# Library: pathway 0.33.0 (PyPI)
# Summary: When a score in a stream changes from 100.0 to 4.0, the sum and the mean of its group stay as they were, and
#   all later ones are too high by the difference; of integers they are right.
# Guess: the sum of floats after a row is taken back is what the rows that are left sum to.
# Behavior: `sum` and `avg` of floats do not change where as many rows are added to a group as are taken from it at one
#   time, which is what the change of a row is. Taken back at one time and added at a later one, the sum is right. `max`
#   and `count` are right.
# Output:
#     floats 3 and 100: sum 103, mean 51.5, max 100, count 2
#       100 becomes 4: sum 103, mean 51.5, max 4, count 2
#       100 becomes 4, then 5 is added: sum 108, mean 36, max 5, count 3
#       100 is taken back, then 4 is added: sum 7, mean 3.5, max 4, count 2
#     ints 3 and 100: sum 103, mean 51.5, max 100, count 2
#       100 becomes 4: sum 7, mean 3.5, max 4, count 2
#       100 becomes 4, then 5 is added: sum 12, mean 4, max 5, count 3
#       100 is taken back, then 4 is added: sum 7, mean 3.5, max 4, count 2
# Why it matters: changes are what such a stream is for: a score is rated anew, a finding is replaced by another one.
#   The sum is off by all of them from then on, without an error. Add up integers, such as tenths.
set -eu
packages="pathway==0.33.0"
needed="aiohttp==3.14.5 aiohttp-cors==0.8.1 async-lru==2.4.0 beartype==0.22.9 cloudpickle==3.1.3 diskcache==5.6.3 \
    google-cloud-bigquery==3.47.0 google-cloud-pubsub==2.44.0 jmespath==1.1.0 \
    opentelemetry-exporter-otlp-proto-grpc==1.45.2 pandas==3.1.1 psutil==7.2.2 pyarrow==25.0.1 python-sat==1.9.dev24 \
    PyYAML==6.0.4 rich==15.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $needed
# It requires some 130 packages, most of which are for connectors.
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check --no-deps $packages
"$dir/bin/python" - >"$dir/output" 2>"$dir/log" <<'END'
import pathway


def show(said, kind, rows):
    schema = pathway.schema_builder({
        "id": pathway.column_definition(dtype=int, primary_key=True),
        "host": pathway.column_definition(dtype=str),
        "score": pathway.column_definition(dtype=kind),
    })
    rows = [(id, "web", kind(score), time, change) for id, score, time, change in rows]
    table = pathway.debug.table_from_rows(schema, rows, is_stream=True)
    sums = table.groupby(table.host).reduce(
        sum=pathway.reducers.sum(table.score),
        mean=pathway.reducers.avg(table.score),
        max=pathway.reducers.max(table.score),
        count=pathway.reducers.count(),
    )
    [row] = pathway.debug.table_to_pandas(sums).to_dict("records")
    print(f"{said}: {', '.join(f'{name} {value:g}' for name, value in row.items())}")


first = [(1, 3, 0, 1), (2, 100, 2, 1)]
for kind in (float, int):
    show(f"{kind.__name__}s 3 and 100", kind, first)
    show("  100 becomes 4", kind, [*first, (2, 100, 4, -1), (2, 4, 4, 1)])
    show("  100 becomes 4, then 5 is added", kind, [*first, (2, 100, 4, -1), (2, 4, 4, 1), (3, 5, 6, 1)])
    show("  100 is taken back, then 4 is added", kind, [*first, (2, 100, 4, -1), (2, 4, 6, 1)])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
