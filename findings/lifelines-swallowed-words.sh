#!/bin/sh
# Library: lifelines 0.30.0 (PyPI)
# Summary: `logrank_test` takes misspelled arguments and ignores them.
# Guess: a misspelled or unknown argument of `logrank_test` is a TypeError.
# Behavior: it is taken without a word. With one letter wrong, findings that are still open count as fixed;
#   `entry`, which the fitters take, changes nothing.
# Output:
#     as meant    0.019
#     misspelled  1.0
#     no argument 1.0
#     with entry  0.019
# Why it matters: the p-value says that two teams do not differ, or that they do, from data that nobody has.
#   Pass the arguments by position, or check them against the signature.
set -eu
packages="lifelines==0.30.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
from lifelines.statistics import logrank_test

a, b, fixed = [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8], [1, 0, 0, 0, 0, 0, 0, 0]
print("as meant   ", round(logrank_test(a, b, event_observed_A=fixed).p_value, 3))
print("misspelled ", round(logrank_test(a, b, event_obserbed_A=fixed).p_value, 3))
print("no argument", round(logrank_test(a, b).p_value, 3))
print("with entry ", round(logrank_test(a, b, event_observed_A=fixed, entry_A=[0, 1, 2, 3, 4, 5, 6, 7]).p_value, 3))
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
