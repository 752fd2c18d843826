#!/bin/sh
# Library: google-api-core 2.44.0 (PyPI), which all of Google's clients for Python import
# Summary: The same pinned packages on the same Python begin to warn when they are imported after a certain day.
# Guess: with pinned packages and one Python, what an import prints today it prints in five years.
# Behavior: on import it compares the system's clock with the end of support of the Python that runs, and from that
#   day on gives a `FutureWarning`, which Python shows by default.
# Output:
#     this year: none
#     in 2032: FutureWarning
# Why it matters: a program that has not changed prints to its standard error from that day on, and where warnings
#   are errors, as with pytest's `-W error`, its tests fail. What asserts the whole of a program's output fails, too.
set -eu
packages="google-api-core==2.44.0 time-machine==3.6.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/imported.py" <<'END'
import sys
import warnings

import time_machine

with time_machine.travel(sys.argv[1]), warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("default")
    import google.api_core
print(", ".join(sorted({w.category.__name__ for w in caught if "google.api_core" in str(w.message)})) or "none")
END
{
    echo "this year: $("$dir/bin/python" "$dir/imported.py" 2026-11-30)"
    echo "in 2032: $("$dir/bin/python" "$dir/imported.py" 2032-01-01)"
} >"$dir/output"
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
