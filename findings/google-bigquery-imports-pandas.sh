#!/bin/sh
# Library: google-cloud-bigquery 3.47.0 with pandas 3.1.1 (PyPI)
# Summary: Importing the client imports pandas wherever it is installed.
# Guess: pandas is imported when a result is asked for as a DataFrame, and not by a program that never does.
# Behavior: `import google.cloud.bigquery` imports pandas wherever it is installed.
# Output:
#     pandas is imported: True
# Why it matters: a command that does not need it takes more than a second and tens of megabytes longer to start,
#   because another package of the environment brings them. This project keeps pandas out of the environments in
#   which its commands run.
# Used in: docs/decisions.md#environments-by-uv-the-function-by-pip, pyproject.toml
set -eu
packages="google-cloud-bigquery==3.47.0 pandas==3.1.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import sys

import google.cloud.bigquery  # noqa: F401

print("pandas is imported:", "pandas" in sys.modules)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
