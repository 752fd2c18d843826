#!/bin/sh
# Library: functions-framework 3.10.2 with cloudevents 1.12.0 (PyPI)
# Summary: A Pub/Sub message without data is answered with 400 and never reaches the function.
# Guess: a Pub/Sub message that has attributes and no data reaches a function for CloudEvents, with the data
#   missing or empty.
# Behavior: the push is answered with 400 and the function is not called. The framework knows a Pub/Sub body by
#   `message.data`, and otherwise looks for an event of the old kind.
# Output:
#     called with {'account': 'a'}
#     True 200
#     False 400
# Why it matters: such messages are valid, and "start" needs no data. Pub/Sub delivers one that was refused
#   again, until it expires or goes to the dead-letter topic. This program's function takes HTTP and events;
#   start it with a message that has data, such as `{}`.
# Used in: docs/reference.md, tests/test_request.py::test_a_message_without_data_asks_for_everything
set -eu
packages="functions-framework==3.10.2 cloudevents==1.12.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
mkdir "$dir/function"
cat >"$dir/function/main.py" <<'EOF'
import functions_framework


@functions_framework.cloud_event
def start(event):
    print("called with", {**event.data["message"]}.get("attributes"))
EOF
"$dir/bin/python" - "$dir/function/main.py" >"$dir/output" <<'EOF'
import sys

from functions_framework import create_app

client = create_app("start", sys.argv[1]).test_client()
message = {"messageId": "1", "publishTime": "2026-11-29T10:00:00Z", "attributes": {"account": "a"}}
for body in ({**message, "data": "e30="}, message):
    push = {"message": body, "subscription": "projects/p/subscriptions/s"}
    print("data" in body, client.post("/", json=push).status_code, flush=True)
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
