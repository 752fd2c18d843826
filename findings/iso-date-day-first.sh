#!/bin/sh
# Library: python-dateutil 4.0.0, pandas 3.1.1, dateparser 1.5.0 (PyPI)
# Summary: With `dayfirst`, dateutil and pandas read the ISO date 2026-11-10 as 11 October; dateparser does not.
# Guess: `dayfirst` is for dates such as 10/11/2026; one that begins with its year has one meaning.
# Behavior: both take the second number for the day, unless that leaves no month, so the 13th comes out right beside a
#   wrong 10th. pandas goes by the first date of a column, without a format: all are swapped, or none, or it is an
#   error. dateparser keeps ISO dates whatever its DATE_ORDER.
# Output:
#     2026-11-10 2026-11-09
#       dateutil: 11 Oct, 11 Sep
#       pandas: 11 Oct, 11 Sep
#       pandas, mixed: 11 Oct, 11 Sep
#       dateparser: 10 Nov, 09 Nov
#     2026-11-10 2026-11-13
#       dateutil: 11 Oct, 13 Nov
#       pandas: error
#       pandas, mixed: 11 Oct, 13 Nov
#       dateparser: 10 Nov, 13 Nov
#     2026-11-13 2026-11-10
#       dateutil: 13 Nov, 11 Oct
#       pandas: 13 Nov, 10 Nov
#       pandas, mixed: 13 Nov, 11 Oct
#       dateparser: 13 Nov, 10 Nov
#     2026-11-10 10/11/2026
#       dateutil: 11 Oct, 10 Nov
#       pandas: error
#       pandas, mixed: 11 Oct, 10 Nov
#       dateparser: 10 Nov, 10 Nov
# Why it matters: exports mix both spellings, and a due date moves by up to eleven months, for the days up to the 12th
#   only. pandas 2.3.3 reads the last case right. Give a format for each column, or read ISO dates by
#   `date.fromisoformat`.
set -eu
packages="python-dateutil==4.0.0 pandas==3.1.1 dateparser==1.5.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import warnings

import dateparser
import pandas
from dateutil import parser

warnings.simplefilter("ignore")


def of_pandas(texts, **options):
    try:
        return ", ".join(pandas.to_datetime(texts, dayfirst=True, **options).strftime("%d %b"))
    except ValueError:
        return "error"


for texts in (
    ["2026-11-10", "2026-11-09"], ["2026-11-10", "2026-11-13"], ["2026-11-13", "2026-11-10"],
    ["2026-11-10", "10/11/2026"],
):
    print(*texts)
    print("  dateutil:", ", ".join(f"{parser.parse(text, dayfirst=True):%d %b}" for text in texts))
    print("  pandas:", of_pandas(texts))
    print("  pandas, mixed:", of_pandas(texts, format="mixed"))
    found = (dateparser.parse(text, settings={"DATE_ORDER": "DMY"}) for text in texts)
    print("  dateparser:", ", ".join(f"{date:%d %b}" for date in found))
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
