#!/bin/sh
# Library: google-cloud-secret-manager 2.32.0 with google-api-core 2.44.0 (PyPI)
# Summary: `timeout=2` does not end a call that is tried again: each later attempt gets two seconds.
# Guess: `timeout=2` ends the call after two seconds, whatever the service answers.
# Behavior: while the service is unavailable the call goes on for the time of its retry, here six seconds and by
#   default 60. The timeout counts down over the first attempts; when less than a second of it is left, each
#   attempt gets all of it again. So `timeout` ends nothing.
# Output:
#     Timeout of 6.0s exceeded
#     asked again after its two seconds: True with two seconds more each: True
# Why it matters: a function that allows ten seconds for its secret waits a minute. This program passes a retry
#   of its own, with the same limit as the timeout.
# Used in: scanner_sync/secret.py, tests/test_secret.py::test_an_unavailable_secret_manager_is_retryable
set -eu
packages="google-cloud-secret-manager==2.32.0 google-api-core==2.44.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'EOF'
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.api_core.exceptions import RetryError, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service import transports

calls = []


class Unavailable(grpc.GenericRpcHandler):
    def service(self, details):
        def answer(request, context):
            calls.append((time.monotonic(), context.time_remaining()))
            context.abort(grpc.StatusCode.UNAVAILABLE, "busy")

        return grpc.unary_unary_rpc_method_handler(answer)


server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Unavailable(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
transport = transports.SecretManagerServiceGrpcTransport(channel=channel)
retry = Retry(if_exception_type(ServiceUnavailable), initial=0.25, maximum=0.25, timeout=6)
try:
    with SecretManagerServiceClient(transport=transport) as client:
        client.access_secret_version(name="projects/p/secrets/s/versions/1", timeout=2, retry=retry)
except RetryError as error:
    print(error.message.split(",")[0])
first = calls[0][0]
late = [left for at, left in calls if at - first > 2.5]
print("asked again after its two seconds:", bool(late), "with two seconds more each:", all(left > 1 for left in late))
server.stop(None)
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
