#!/bin/sh
# Library: djangorestframework 3.18.3 (PyPI)
# Summary: A request that one throttle refuses is counted by the other; OPTIONS, 400 and 405 count, 401, 403 and
#   406 do not.
# Guess: a request counts against a quota if it is served. One that a throttle refuses counts for none of them,
#   and OPTIONS, a method that is not allowed and a malformed request do not count either.
# Behavior: each throttle counts what another one refuses. OPTIONS, HEAD, 405 and 400 count. 401, 403 and 406 do
#   not, because credentials, permissions and the accepted format are looked at first.
# Output:
#     GET 200 counts
#     HEAD 200 counts
#     OPTIONS 200 counts
#     GET 400 counts
#     DELETE 405 counts
#     GET 401 does not count
#     GET 403 does not count
#     GET 406 does not count
#     refused by the throttle of a second, counted by that of an hour: 2 of 3
# Why it matters: a client that sends faster than a second allows uses up its hour with refusals. This program
#   counts each request that it sends against MAX_REQUESTS_PER_SYNC, whatever its answer.
# Used in: scanner_sync/source/session.py, tests/source/test_stopping.py::test_a_refused_request_counts
set -eu
packages="djangorestframework==3.18.3 django==5.2.19"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import django
from django.conf import settings

rest = {"UNAUTHENTICATED_USER": None}
settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, REST_FRAMEWORK=rest)
django.setup()

from django.core.cache import cache
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class Token(BaseAuthentication):
    def authenticate(self, request):
        if request.headers["Authorization"] == "wrong":
            raise AuthenticationFailed
        return "somebody", None

    def authenticate_header(self, request):
        return "Bearer"


class Allowed(BasePermission):
    def has_permission(self, request, view):
        return "denied" not in request.query_params


class Throttle(SimpleRateThrottle):
    rate = "100/hour"

    def get_cache_key(self, request, view):
        return type(self).__name__


class Second(Throttle):
    rate = "1/second"


class Things(APIView):
    authentication_classes = [Token]
    permission_classes = [Allowed]
    renderer_classes = [JSONRenderer]
    throttle_classes = [Throttle]

    def get(self, request):
        if "malformed" in request.query_params:
            raise ParseError
        return Response([])

    head = get


def send(view, method, path="/things/", token="right", accept="application/json"):
    make = getattr(APIRequestFactory(), method.lower())
    return view(make(path, HTTP_AUTHORIZATION=token, HTTP_ACCEPT=accept)).status_code


things = Things.as_view()
for request in (
    {"method": "GET"},
    {"method": "HEAD"},
    {"method": "OPTIONS"},
    {"method": "GET", "path": "/things/?malformed"},
    {"method": "DELETE"},
    {"method": "GET", "token": "wrong"},
    {"method": "GET", "path": "/things/?denied"},
    {"method": "GET", "accept": "text/csv"},
):
    cache.clear()
    status = send(things, **request)
    print(request["method"], status, "counts" if cache.get("Throttle") else "does not count")

cache.clear()
Second.timer = staticmethod(lambda: 1000.0)  # all in one second
both = Things.as_view(throttle_classes=[Second, Throttle])
statuses = [send(both, "GET") for _ in range(3)]
refused, counted = statuses.count(429), len(cache.get("Throttle"))
assert counted == 3
print(f"refused by the throttle of a second, counted by that of an hour: {refused} of {counted}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
