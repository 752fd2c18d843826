#!/bin/sh
# Library: pytest 9.2.0 with pytest-xdist 3.8.0 (PyPI)
# Summary: `xdist_group` is ignored.
# Guess: with `--dist loadgroup`, tests of one `xdist_group` run in one process, in every version of pytest that
#   pytest-xdist accepts.
# Behavior: with pytest 9.2 the mark is ignored: the tests are spread over the processes, and pass. With 9.1
#   they run in one.
# Output:
#     pytest, processes: 2
#     pytest<9.2, processes: 1
# Why it matters: tests that share a port or a file begin to fail at times, after an upgrade that changed
#   nothing else. This project keeps pytest below 9.2.
# Used in: pyproject.toml, tests/conftest.py
set -eu
packages="pytest==9.2.0 pytest-xdist==3.8.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/test_group.py" <<'EOF'
import os

import pytest


@pytest.mark.parametrize("number", range(40))
@pytest.mark.xdist_group("one")
def test_worker(number):
    with open("workers", "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + "\n")
EOF
for version in "" "<9.2"; do
    [ -z "$version" ] || "${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet \
        --disable-pip-version-check "pytest$version"
    (cd "$dir" && bin/python -m pytest --quiet -n 2 --dist loadgroup test_group.py >log)
    sort -u "$dir/workers" >"$dir/all"
    rm "$dir/workers"
    echo "pytest$version, processes: $(grep -c . "$dir/all")"
done >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
