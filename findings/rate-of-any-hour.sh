#!/bin/sh
# Library: aiolimiter 1.3.0 and ratelimit 2.2.1 beside asynciolimiter 1.2.0 (PyPI)
# Summary: Told to make at most 5,000 requests in an hour, aiolimiter lets 9,999 through in the first one, and
#   ratelimit 10,000 in two seconds.
# Guess: in any hour there are 5,000 at most, as the limit is worded, and as an API counts that looks back an hour at
#   each request.
# Behavior: aiolimiter has a bucket of 5,000 that is empty at the start and drains by 5,000 an hour, so a first hour
#   has both. ratelimit begins to count anew each hour after it was made, so the end of one hour and the start of the
#   next have 5,000 each. asynciolimiter spreads them from the start.
# Output:
#     aiolimiter: at most 9999 requests in an hour
#     aiolimiter, 50 in 36 s: at most 5049 requests in an hour
#     asynciolimiter: at most 5000 requests in an hour
#     ratelimit: at most 10000 requests in an hour
# Why it matters: a backfill is refused halfway through its first hour, by an API whose limit it was told, and each
#   refused request may count again. Give aiolimiter half of the limit, or a small bucket: 50 in 36 seconds.
set -eu
packages="aiolimiter==1.3.0 ratelimit==2.2.1 asynciolimiter==1.2.0"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import asyncio
import bisect
import selectors

import aiolimiter
import asynciolimiter
import ratelimit

LIMIT, HOUR = 5_000, 3_600


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer, and a microsecond further, so an hour takes no time."""

    def __init__(self):
        self.now = 0.0
        selector = selectors.DefaultSelector()
        select, selector.select = selector.select, lambda timeout=None: self.jump(timeout) or select(0)
        super().__init__(selector)

    def jump(self, seconds):
        self.now += (seconds or 0) + 1e-6

    def time(self):
        return self.now


def by_loop(make, wait):
    async def ask():
        limiter = make()
        for _ in range(2 * LIMIT + 1):
            await wait(limiter)
            times.append(loop.time())

    times, loop = [], Loop()
    loop.run_until_complete(ask())
    loop.close()
    return times


def by_ratelimit():
    now, times = [0.0], []
    limited = ratelimit.limits(calls=LIMIT, period=HOUR, clock=lambda: now[0], raise_on_limit=False)
    ask = limited(lambda: times.append(now[0]))
    for now[0] in (HOUR - 1.0, HOUR + 1.0):
        for _ in range(2 * LIMIT):
            ask()
    return times


for name, times in {
    "aiolimiter": by_loop(lambda: aiolimiter.AsyncLimiter(LIMIT, HOUR), aiolimiter.AsyncLimiter.acquire),
    "aiolimiter, 50 in 36 s": by_loop(lambda: aiolimiter.AsyncLimiter(50, 36), aiolimiter.AsyncLimiter.acquire),
    "asynciolimiter": by_loop(lambda: asynciolimiter.Limiter(LIMIT / HOUR), asynciolimiter.Limiter.wait),
    "ratelimit": by_ratelimit(),
}.items():
    most = max(bisect.bisect_left(times, start + HOUR - 0.1) - index for index, start in enumerate(times))
    print(f"{name}: at most {most} requests in an hour")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
