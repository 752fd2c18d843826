#!/bin/sh
# Library: diskcache 5.6.3 beside aiocache 0.12.3 (PyPI)
# Summary: A worker whose Lock(expire=...) has run out, and which then releases it, frees the lock that another worker
#   holds by now, so a third comes in beside the second. aiocache's RedLock leaves it alone.
# Guess: who releases a lock that has run out and that another has taken since does not free it, as redis-py's Lock, or
#   gets an error.
# Behavior: the lock is a key without an owner, and release deletes it. Its RLock, whose key has an owner, raises; Lock
#   does not tell the first worker that its time was up.
# Output:
#     diskcache.Lock
#       the first has run out, the second took it, the first releases: no error
#       held for the second: False
#     diskcache.RLock
#       the first has run out, the second took it, the first releases: AssertionError
#       held for the second: True
#     aiocache.RedLock
#       the first has run out, the second took it, the first releases: no error
#       held for the second: True
# Why it matters: expire= is there for workers that die; one that is only slow opens the lock for all, and two runs
#   merge into one table at a time. Use a lock that compares its owner, and make the write one that can be repeated.
set -eu
packages="diskcache==5.6.3 aiocache==0.12.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - "$dir" >"$dir/output" <<'END'
import asyncio
import sys
import threading

import aiocache
import aiocache.lock
import diskcache


def release(action):
    try:
        action()
        error = "no error"
    except Exception as raised:
        error = type(raised).__name__
    print(f"  the first has run out, the second took it, the first releases: {error}")


def in_thread(action):
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


cache = diskcache.Cache(f"{sys.argv[1]}/cache")
for kind in (diskcache.Lock, diskcache.RLock):
    print(f"diskcache.{kind.__name__}")
    first = kind(cache, kind.__name__, expire=0)
    second = kind(cache, kind.__name__, expire=600)
    first.acquire()
    in_thread(second.acquire)
    release(first.release)
    print(f"  held for the second: {cache.get(kind.__name__, default='free') not in ('free', (None, 0))}")


async def main():
    memory = aiocache.SimpleMemoryCache()
    first = aiocache.lock.RedLock(memory, "job", lease=0)
    second = aiocache.lock.RedLock(memory, "job", lease=600)
    await first.__aenter__()
    await memory.delete("job-lock")  # what the end of its lease does
    await second.__aenter__()
    await first.__aexit__(None, None, None)
    return await memory.exists("job-lock")


print("aiocache.RedLock")
held = []
release(lambda: held.append(asyncio.run(main())))
print(f"  held for the second: {held[0]}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
