#!/bin/sh
# Library: functions-framework 3.10.2 (PyPI)
# Summary: A function imports its packages from the folder in which `python -m` was called, if there is one of the name.
# Guess: the folder of `--source` comes first when a function imports, so that a deployed `main.py` runs with the package
#   beside it, wherever the server was started.
# Behavior: the folder of the source is appended to the search path. With `python -m functions_framework` the current
#   folder comes first: `main.py` is the one of the source, and its package is another. With the command
#   `functions-framework`, the current folder is not searched.
# Output:
#     python -m: main of deployed, helper of checkout
#     command: main of deployed, helper of deployed
# Why it matters: a test that serves what is deployed, and runs in a checkout, tests the checkout. Here it did, until
#   the function named the digest of its own files.
# Used in: tests/terraform/test_archive.py::test_the_archive_alone_serves_the_function
set -eu
packages="functions-framework==3.10.2"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir/venv"
"${PYTHON:-python3}" -m pip --python "$dir/venv/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
for folder in deployed checkout; do
    mkdir -p "$dir/$folder/helper"
    echo "WHOSE = '$folder'" >"$dir/$folder/helper/__init__.py"
    cat >"$dir/$folder/main.py" <<PYTHON
import os

import helper

print("main of $folder, helper of", helper.WHOSE, flush=True)
os._exit(0)  # before the server starts


def run(request):
    return ""
PYTHON
done
cd "$dir/checkout"
{
    printf 'python -m: '
    "$dir/venv/bin/python" -m functions_framework --target run --source "$dir/deployed/main.py" --port 0
    printf 'command: '
    "$dir/venv/bin/functions-framework" --target run --source "$dir/deployed/main.py" --port 0
} >"$dir/output"
cd - >/dev/null
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
