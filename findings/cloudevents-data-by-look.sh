#!/bin/sh
# Library: functions-framework 3.10.2 with cloudevents 1.12.0 (PyPI)
# Summary: The type of an event's data follows from its bytes and not from its content type: text "10" is a
#   number, broken JSON is bytes.
# Guess: an event's data follows its content type: text/plain is text or bytes, application/json is parsed, and
#   what does not parse is a 400.
# Behavior: the content type is not asked. What parses as JSON is parsed, everything else is bytes, and both are
#   answered with 200: text "10" is a number, text "007" is bytes, and broken JSON is bytes, too.
# Output:
#     text/plain 10
#     text/plain b'007'
#     application/octet-stream 100000.0
#     application/json b'{broken'
# Why it matters: `event.data["name"]` is right in every test and a TypeError for one message, which is then
#   delivered again and again. Look at the type of the data first, as this program does.
# Used in: scanner_sync/function.py, tests/test_request.py::test_a_malformed_message_is_acknowledged
set -eu
packages="functions-framework==3.10.2 cloudevents==1.12.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
cat >"$dir/main.py" <<'EOF'
import functions_framework


@functions_framework.cloud_event
def show(event):
    print(event["datacontenttype"], repr(event.data))
EOF
"$dir/bin/python" - "$dir/main.py" >"$dir/output" <<'EOF'
import sys

from functions_framework import create_app

client = create_app("show", sys.argv[1]).test_client()
headers = {"ce-id": "1", "ce-source": "s", "ce-type": "t", "ce-specversion": "1.0"}
for kind, body in (
    ("text/plain", b"10"),
    ("text/plain", b"007"),
    ("application/octet-stream", b"1e5"),
    ("application/json", b"{broken"),
):
    assert client.post("/", data=body, headers=headers, content_type=kind).status_code == 200
EOF
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
