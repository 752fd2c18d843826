#!/bin/sh
# Library: mitreattack-python 6.3.1 (PyPI), MITRE's own
# Summary: When layers of ATT&CK are combined, a technique that a layer does not have counts with a score of 1, and
#   the result is cut to an integer.
# Guess: a technique that is scored in one layer only keeps its score in a mean, or counts as 0 for the others.
# Behavior: each function gets a value for each layer; what has no score, or is not there, has the default 1. The
#   score of a result is an int, so a mean of 2.67 is 2.
# Output:
#     sum: T1190 22, T1059 2, T1110 8
#     highest: T1190 9, T1059 1, T1110 6
#     layers that have it: T1190 3, T1059 3, T1110 3
#     mean: T1190 7, T1059 0, T1110 2
#     sum, default 0: T1190 22, T1059 0, T1110 6
# Why it matters: a technique that one of ten teams has seen gets nine points from those that have not, and what was
#   scored 0 by all who looked has a score. Give `default_values={"score": 0}`, and means as tenths.
set -eu
packages="mitreattack-python==6.3.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import contextlib
import io
import statistics

from mitreattack.navlayers import Layer, LayerOps

TEAMS = {"web": {"T1190": 4, "T1059": 0}, "network": {"T1190": 9, "T1110": 6}, "cloud": {"T1190": 9}}
layers = [
    Layer({
        "name": team, "domain": "enterprise-attack",
        "versions": {"attack": "17", "navigator": "5.1.0", "layer": "4.5"},
        "techniques": [{"techniqueID": technique, "score": score} for technique, score in scores.items()],
    })
    for team, scores in TEAMS.items()
]
for name, function, defaults in (
    ("sum", sum, None), ("highest", max, None), ("layers that have it", len, None),
    ("mean", statistics.mean, None), ("sum, default 0", sum, {"score": 0}),
):
    with contextlib.redirect_stdout(io.StringIO()):
        combined = LayerOps(score=function).process(layers, default_values=defaults).to_dict()
    print(f"{name}:", ", ".join(f"{found['techniqueID']} {found['score']}" for found in combined["techniques"]))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
