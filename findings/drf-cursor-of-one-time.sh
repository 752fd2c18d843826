#!/bin/sh
# Library: djangorestframework 3.18.3 (PyPI), its CursorPagination
# Summary: Of 2,500 rows of one time, 1,100 are listed; after them the same page comes again, each with a next
#   one.
# Guess: a cursor that orders by a time lists all rows of a table that stays as it is, whether times are equal or
#   not.
# Behavior: a cursor says how many rows of its time to skip, and at most 1,000 are skipped. With pages of 100,
#   each page after the eleventh has the rows of the eleventh, and a `next` link. Rows after them never come.
# Output:
#     page 11: 1001 to 1100, 1100 rows so far, next: True
#     page 12: 1001 to 1100, 1100 rows so far, next: True
#     page 30: 1001 to 1100, 1100 rows so far, next: True
# Why it matters: a scan writes thousands of rows at one time. A reader that follows `next` until there is none
#   does not end, and sees no error; one that stops at a known count has lost rows. Notice when a page has come
#   before, and order by something unique.
set -eu
packages="djangorestframework==3.18.3 django==5.2.19"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
from datetime import datetime, timezone

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ALLOWED_HOSTS=["testserver"], INSTALLED_APPS=["rest_framework"], USE_TZ=True,
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []},
)
django.setup()

from django.db import connection, models  # noqa: E402
from rest_framework.pagination import CursorPagination  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.test import APIRequestFactory  # noqa: E402


class Finding(models.Model):
    seen = models.DateTimeField()

    class Meta:
        app_label = "findings"


class Pages(CursorPagination):
    page_size, ordering = 100, "seen"


with connection.schema_editor() as editor:
    editor.create_model(Finding)
instant = datetime(2026, 11, 30, tzinfo=timezone.utc)
Finding.objects.bulk_create(Finding(seen=instant) for _ in range(2500))
url, ids = "http://testserver/", []
for page in range(1, 31):
    pages = Pages()
    rows = pages.paginate_queryset(Finding.objects.all(), Request(APIRequestFactory().get(url)))
    ids += [row.id for row in rows]
    url = pages.get_next_link()
    if page in (11, 12, 30):
        print(f"page {page}: {rows[0].id} to {rows[-1].id}, {len(set(ids))} rows so far, next: {url is not None}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
