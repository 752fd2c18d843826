#!/bin/sh
# Library: djangorestframework 3.18.3 (PyPI)
# Summary: A throttle of "5000/month" allows 5000 a minute.
# Guess: a throttle of "5000/month" is 5000 a month, or refused because only second, minute, hour and day are
#   documented.
# Behavior: it is 5000 a minute. Only the first letter of the period is read, so a month and a millisecond are
#   minutes, and "week" is a KeyError at the first request.
# Output:
#     5000/hour 5000 3600
#     5000/month 5000 60
#     5000/ms 5000 60
#     5000/week KeyError 'w'
# Why it matters: a quota that was meant for a month is used up in no time, or never. The answers of the API
#   that this program reads look like this framework's; it takes no quota for granted and finds it by trying.
# Used in: scanner_sync/source/rate_limit.py,
#   tests/source/test_rate_limit.py::test_requests_are_unlimited_until_one_is_refused
set -eu
packages="djangorestframework==3.18.3 django==5.2.19"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import django
from django.conf import settings

settings.configure()
django.setup()

from rest_framework.throttling import SimpleRateThrottle


class Throttle(SimpleRateThrottle):
    rate = "1/day"


for rate in ("5000/hour", "5000/month", "5000/ms"):
    print(rate, *Throttle().parse_rate(rate))
try:
    Throttle().parse_rate("5000/week")
except KeyError as error:
    print("5000/week KeyError", error)
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
