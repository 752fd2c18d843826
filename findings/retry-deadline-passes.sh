#!/bin/sh
# Library: tenacity 9.2.1, stamina 26.1.0, retrying 1.4.2 and backoff 2.2.1 (PyPI)
# Summary: Told to stop after 2 s, with waits of 1.4 s, tenacity, stamina and retrying call once more at 2.8 s; backoff
#   cuts the wait and calls at 2 s. Only tenacity's stop_before_delay ends before.
# Guess: max_time/stop_after_delay of 10 s stops before a wait that would end after it.
# Behavior: the limit is looked at after a failure, before the wait, and says whether there is another wait, not when it
#   ends. The longer the last wait, the later is the last call.
# Output:
#     tenacity stop_after_delay: 3 calls, the last after the limit
#     tenacity stop_before_delay: 2 calls, the last before the limit
#     stamina timeout: 3 calls, the last after the limit
#     retrying stop_max_delay: 3 calls, the last after the limit
#     backoff max_time: 3 calls, the last at the limit
# Why it matters: who gives a function's timeout as the limit is ended by the platform in the middle of the last call,
#   instead of by an error of its own that says what failed; with waits of minutes, minutes later. Leave room for the
#   longest wait and a call, or stop before.
set -eu
packages="tenacity==9.2.1 stamina==26.1.0 retrying==1.4.2 backoff==2.2.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" 2>"$dir/log" <<'END'
import time

import backoff
import retrying
import stamina
import tenacity

LIMIT, WAIT = 2, 1.4
wait, seconds = tenacity.wait_fixed(WAIT), int(1000 * LIMIT)
constant = {"wait_initial": WAIT, "wait_jitter": 0, "wait_exp_base": 1}


def show(title, of):
    calls = []

    def fail():
        calls.append(time.monotonic())
        raise OSError

    try:
        of(fail)
    except (OSError, tenacity.RetryError):
        last = calls[-1] - calls[0]
    when = "before" if last < LIMIT - 0.2 else "at" if last < LIMIT + 0.4 else "after"
    print(f"{title}: {len(calls)} calls, the last {when} the limit")


for name in ("stop_after_delay", "stop_before_delay"):
    stop = getattr(tenacity, name)(LIMIT)
    show(f"tenacity {name}", tenacity.Retrying(stop=stop, wait=wait))
show("stamina timeout", lambda fail: stamina.retry(on=OSError, attempts=None, timeout=LIMIT, **constant)(fail)())
show("retrying stop_max_delay", retrying.Retrying(stop_max_delay=seconds, wait_fixed=int(1000 * WAIT)).call)
backed = backoff.on_exception(backoff.constant, OSError, max_time=LIMIT, interval=WAIT, jitter=None)
show("backoff max_time", lambda fail: backed(fail)())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
