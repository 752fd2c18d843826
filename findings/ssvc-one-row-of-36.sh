#!/bin/sh
# Library: certcc-ssvc 2026.10.0 and ssvc 1.2.3 (PyPI)
# Summary: Of the 36 rows of CISA's SSVC table they decide one differently, and one cannot read the other's vector.
# Guess: both have CISA's table, so they agree in all rows, and a vector of the specification is read by both.
# Behavior: without exploitation, not automatable, with partial impact and high mission impact, ssvc says Track*
#   and CERT/CC's own package Track. A vector that begins with SSVCv2, as in CERT/CC's documents and in CVE records,
#   is a ValueError for ssvc: it has a form of its own.
# Output:
#     36 rows, 1 differs: none no partial high: ssvc track_star, certcc-ssvc Track
#     SSVCv2 ValueError
#     its own CISAv1/E:A/A:Y/T:T/M:H
# Why it matters: which findings are looked at first depends on the package. This project takes its deadlines from
#   a table that a test compares with CERT/CC's.
# Used in: scanner_sync/rules.py, tests/test_rules.py::test_bod_26_04_is_as_cert_cc_has_it
set -eu
packages="certcc-ssvc==2026.10.0 ssvc==1.2.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
python=${PYTHON:-python3}
for other in python3.13 python3.12; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' && break
    "$other" -c '' 2>/dev/null && python=$other
done
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' || {
    echo "skipped: certcc-ssvc needs Python 3.12 or later"
    exit 0
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for package in $packages; do
    "$python" -m venv --without-pip "$dir/${package%%=*}"
    "$python" -m pip --python "$dir/${package%%=*}/bin/python" install --quiet --no-compile \
        --disable-pip-version-check "$package"
done
"$dir/certcc-ssvc/bin/python" - >"$dir/rows" <<'END'
from ssvc.decision_tables.cisa.cisa_coordinate_dt import LATEST

names = {
    id: {value.key: value.name for value in point.values} for id, point in LATEST.decision_points.items()
}
for row in LATEST.mapping:
    print(*(names[id][key].lower().replace("public ", "") for id, key in row.items()))
END
"$dir/ssvc/bin/python" - "$dir/rows" >"$dir/output" <<'END'
import sys

from ssvc import Decision

rows = [line.split() for line in open(sys.argv[1])]
differ = []
for exploitation, automatable, impact, mission, expected in rows:
    decision = Decision(
        "cisa", exploitation=exploitation, automatable=automatable, technical_impact=impact,
        mission_wellbeing_impact=mission,
    )
    found = decision.outcome.action.value
    if found.replace("_star", "*") != expected:
        differ.append(f"{exploitation} {automatable} {impact} {mission}: ssvc {found}, certcc-ssvc {expected.title()}")
print(len(rows), "rows,", len(differ), "differs:", *differ)
try:
    Decision.from_vector("SSVCv2/E:A/A:Y/T:T/M:H/D:C/2026-11-30T00:00:00Z/")
except ValueError as error:
    print("SSVCv2", type(error).__name__)
decision = Decision(
    "cisa", exploitation="active", automatable="yes", technical_impact="total", mission_wellbeing_impact="high"
)
print("its own", decision.to_vector().rpartition("/20")[0])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
