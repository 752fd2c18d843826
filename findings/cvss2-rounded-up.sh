#!/bin/sh
# Library: cvss-calculator 4.1 beside cvss 3.6 (PyPI)
# Summary: Of the 729 base scores of CVSS 2 it has 326 too high by 0.1, three of them in the next class of severity.
# Guess: both have one base score for each vector of CVSS 3.1, and of 3.0 and 2.0, too.
# Behavior: it rounds up, which is the rule of CVSS 3; CVSS 2 has the nearest tenth. Each score of CVSS 3 is right.
# Output:
#     CVSS 2.0, 729 vectors: 326 higher by 0.1
#     CVSS 2.0, 3 high in place of medium: AV:A/AC:L/Au:M/C:P/I:C/A:C 7.0, not 6.9
#     CVSS 3.0, 2592 vectors: all the same
#     CVSS 3.1, 2592 vectors: all the same
# Why it matters: old findings have CVSS 2 alone, and their scores differ from NVD's, so they are updated with each run
#   that compares the two, and a limit of 7.0 has others above it. Take the score of the record.
set -eu
packages="cvss-calculator==4.1 cvss==3.6"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import collections
import itertools

from cvss import CVSS2, CVSS3
from cvss_calculator.cvss2 import CVSS2 as Other2
from cvss_calculator.cvss3 import CVSS3 as Other3


def vectors(prefix, metrics):
    for values in itertools.product(*metrics.values()):
        yield prefix + "/".join(f"{name}:{value}" for name, value in zip(metrics, values))


def band(score):
    return "high" if score >= 7 else "medium" if score >= 4 else "low"


TWO = {"AV": "NAL", "AC": "LMH", "Au": "NSM", "C": "NPC", "I": "NPC", "A": "NPC"}
THREE = {"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "NLH", "I": "NLH", "A": "NLH"}
for version, prefix, metrics, one, other in [
    ("2.0", "", TWO, CVSS2, Other2()), ("3.0", "CVSS:3.0/", THREE, CVSS3, Other3()),
    ("3.1", "CVSS:3.1/", THREE, CVSS3, Other3()),
]:
    scores = {vector: (float(one(vector).scores()[0]), other.calc(vector).score) for vector in vectors(prefix, metrics)}
    higher = collections.Counter(round(y - x, 1) for x, y in scores.values() if x != y)
    said = ", ".join(f"{count} higher by {difference}" for difference, count in higher.items()) or "all the same"
    print(f"CVSS {version}, {len(scores)} vectors: {said}")
    bands = collections.Counter((band(x), band(y)) for x, y in scores.values() if band(x) != band(y))
    for (x, y), count in bands.items():
        example = next(vector for vector, pair in scores.items() if (band(pair[0]), band(pair[1])) == (x, y))
        print(f"CVSS {version}, {count} {y} in place of {x}: {example} {scores[example][1]}, not {scores[example][0]}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
