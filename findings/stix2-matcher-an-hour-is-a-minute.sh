#!/bin/sh
# Library: stix2-matcher 3.0.0 (PyPI), OASIS's own, of STIX patterns
# Summary: Five logins in 48 minutes match "five times within 60 seconds" if they are reported as one object, and one
#   object is followed by itself.
# Guess: REPEATS 5 TIMES WITHIN 60 SECONDS is matched by one observed-data with number_observed 5 as well as by five;
#   WITHIN counts from the first to the last; FOLLOWEDBY is strict.
# Behavior: the matcher takes each of an object's sightings for one that may have been at any time from its first to
#   its last, the one that suits the pattern. The same sightings in five objects do not match.
# Output:
#     5 times in 48 minutes, five objects: none
#     5 times in 48 minutes, one object: a match
#     twice at 12:00:00, 22 followed by 443: a match
#     twice at 12:00:00, 443 followed by 22: a match
#     22 from 12:00:50 on, 443 from 12:00:00 on, 22 followed by 443: a match
# Why it matters: sensors put equal events together, and the more they do, the more patterns of bursts and of
#   sequences match: a count of alerts rises with the time that a sensor waits. Match by WITHIN and FOLLOWEDBY only
#   what was seen once, or whose first and last time are one.
set -eu
packages="stix2-matcher==3.0.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import itertools

from stix2matcher.matcher import match

SSH, WEB = "[network-traffic:dst_port = 22]", "[network-traffic:dst_port = 443]"
number = itertools.count(1)


def observed(first, last, times, *ports):
    name = f"observed-data--{next(number):08d}-1111-4111-8111-111111111111"
    made = {"created": "2026-11-10T14:00:00.000Z", "modified": "2026-11-10T14:00:00.000Z"}
    first, last = (f"2026-11-10T{time}.000Z" for time in (first, last))
    traffic = {"type": "network-traffic", "dst_ref": "0", "protocols": ["tcp"]}
    objects = {"0": {"type": "ipv4-addr", "value": "192.0.2.1"}}
    objects |= {str(i): traffic | {"dst_port": port} for i, port in enumerate(ports, 1)}
    seen = {"first_observed": first, "last_observed": last, "number_observed": times}
    return {"type": "observed-data", "id": name} | made | seen | {"objects": objects}


def say(what, pattern, *objects):
    print(f"{what}: {'a match' if match(pattern, list(objects)) else 'none'}")


burst = f"{SSH} REPEATS 5 TIMES WITHIN 60 SECONDS"
times = [f"12:{minutes:02d}:00" for minutes in range(0, 60, 12)]
say("5 times in 48 minutes, five objects", burst, *(observed(t, t, 1, 22) for t in times))
say("5 times in 48 minutes, one object", burst, observed(times[0], times[-1], 5, 22))
both = observed("12:00:00", "12:00:00", 2, 22, 443)
say("twice at 12:00:00, 22 followed by 443", f"{SSH} FOLLOWEDBY {WEB}", both)
say("twice at 12:00:00, 443 followed by 22", f"{WEB} FOLLOWEDBY {SSH}", both)
late, early = observed("12:00:50", "12:01:40", 1, 22), observed("12:00:00", "12:01:00", 1, 443)
say("22 from 12:00:50 on, 443 from 12:00:00 on, 22 followed by 443", f"{SSH} FOLLOWEDBY {WEB}", late, early)
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
