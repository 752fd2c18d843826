#!/bin/sh
# Library: functions-framework 3.10.2 with gunicorn 27.0.1 (PyPI)
# Summary: A request that takes longer than CLOUD_RUN_TIMEOUT_SECONDS is answered with 200 all the same.
# Guess: with CLOUD_RUN_TIMEOUT_SECONDS=1, a request that takes three seconds is ended after one, as its
#   documentation of the variable suggests.
# Behavior: it is answered with 200 after three seconds. The time-out ends threads only if
#   THREADED_TIMEOUT_ENABLED is set, and then the answer is 500, but no sooner: a thread that sleeps is not
#   interrupted.
# Output:
#     by default: 200 after 3 seconds or more
#     THREADED_TIMEOUT_ENABLED=true: 500 after 3 seconds or more
# Why it matters: past its time the platform has answered with 504 already, while the function goes on and may
#   meet the retry. This program has a deadline of its own, which ends the process of a sync.
# Used in: scanner_sync/deadline.py, tests/test_function.py::test_nothing_runs_after_the_deadline
set -eu
packages="functions-framework==3.10.2 gunicorn==27.0.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

directory = sys.argv[1]
with open(f"{directory}/main.py", "w") as file:
    file.write(
        "import time\n\nimport functions_framework\n\n\n@functions_framework.http\n"
        "def slow(request):\n    time.sleep(3)\n    return 'done'\n"
    )
for name, more in (
    ("by default", {}),
    ("THREADED_TIMEOUT_ENABLED=true", {"THREADED_TIMEOUT_ENABLED": "true"}),
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [f"{directory}/bin/functions-framework", "--target", "slow", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--source", f"{directory}/main.py"],
        env=os.environ | {"CLOUD_RUN_TIMEOUT_SECONDS": "1"} | more,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while True:  # until it listens
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    started = time.monotonic()
    try:
        status = urllib.request.urlopen(f"http://127.0.0.1:{port}/").status
    except urllib.error.HTTPError as error:
        status = error.code
    took = "3 seconds or more" if time.monotonic() - started >= 3 else "less than 3 seconds"
    print(f"{name}: {status} after {took}")
    server.terminate()
    server.wait()
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
