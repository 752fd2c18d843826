#!/bin/sh
# Library: jmespath 1.1.0 beside jq 1.13.0, python-jsonpath 2.2.2 (PyPI)
# Summary: A list of a field's values has none for null, so two such lists are out of line: the score of one finding
#   stands beside the name of the one before.
# Guess: `findings[].cvss` has one value for each finding, with null where it is null, as jq's `.findings[].cvss`.
# Behavior: a projection leaves out what is null, also where the field is there and says null. `length` counts fewer,
#   and a mean is one of what is scored. A JSONPath leaves out what is missing and keeps null; jq keeps both.
# Output:
#     jmespath: cvss [9.8]
#       zipped: {'outdated TLS': 9.8}
#     jsonpath: cvss [None, 9.8]
#       zipped: {'outdated TLS': None, 'open port': 9.8}
#     jq: cvss [None, None, 9.8]
#       zipped: {'outdated TLS': None, 'open port': None, 'SQL injection': 9.8}
#     jmespath, mean: 9.8
#     jmespath, together: [['outdated TLS', None], ['open port', None], ['SQL injection', 9.8]]
# Why it matters: lists that are made for columns and zipped give each finding after the first null the score of a
#   later one. Take the fields together: `findings[].[name, cvss]` keeps null.
set -eu
packages="jmespath==1.1.0 jq==1.13.0 python-jsonpath==2.2.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import jmespath
import jq
import jsonpath

answer = {"findings": [
    {"name": "outdated TLS", "cvss": None}, {"name": "open port"}, {"name": "SQL injection", "cvss": 9.8},
]}
ways = {
    "jmespath": lambda field: jmespath.search(f"findings[].{field}", answer),
    "jsonpath": lambda field: jsonpath.findall(f"$.findings[*].{field}", answer),
    "jq": lambda field: jq.compile(f".findings[].{field}").input_value(answer).all(),
}
for name, values in ways.items():
    print(f"{name}: cvss {values('cvss')}")
    print("  zipped:", dict(zip(values("name"), values("cvss"))))
print("jmespath, mean:", jmespath.search("avg(findings[].cvss)", answer))
print("jmespath, together:", jmespath.search("findings[].[name, cvss]", answer))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
