#!/bin/sh
# Library: djangorestframework 3.18.3 (PyPI), its LimitOffsetPagination
# Summary: A limit of 0, of text or beyond the maximum is no error: 25 rows come, or the maximum.
# Guess: a limit of 0 gives no rows, one that is no number is answered with 400, and one beyond the maximum with
#   400, too.
# Behavior: none of them is an error. Zero, a negative number and text give the default of 25 rows, and too many
#   give the maximum. So does the `next` that comes with them.
# Output:
#     limit=10: 10 rows
#     limit=0: 25 rows
#     limit=-5: 25 rows
#     limit=abc: 25 rows
#     limit=10.0: 25 rows
#     limit=1000: 100 rows
#     offset=abc: 25 rows
#     offset=999: 0 rows
# Why it matters: a client that asks for 1000 rows and steps by 1000 reads every tenth page, and one that asks for
#   the count alone, with limit=0, gets rows. This program moves on by as many rows as came, and reads pages that
#   overlap.
# Used in: scanner_sync/source/pagination.py, tests/source/test_reading.py::test_short_pages_lose_no_row
set -eu
packages="djangorestframework==3.18.3 django==5.2.19"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import django
from django.conf import settings

settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None)
django.setup()

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory


class Pages(LimitOffsetPagination):
    default_limit = 25
    max_limit = 100


for query in (
    *("limit=10", "limit=0", "limit=-5", "limit=abc", "limit=10.0", "limit=1000"),
    *("offset=abc", "offset=999"),
):
    request = Request(APIRequestFactory().get(f"/?{query}"))
    print(f"{query}:", len(Pages().paginate_queryset(list(range(200)), request)), "rows")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
