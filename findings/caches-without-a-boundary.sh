#!/bin/sh
# Library: dogpile.cache 1.5.0, beaker 1.14.1, cashews 7.6.0 beside aiocache 0.12.3 (PyPI)
# Summary: A cached function that is called with ("web", "db prod") gives what it gave for ("web db", "prod"), and for
#   "1" what it gave for 1.
# Guess: other arguments have an entry of their own in a cache, as by functools.
# Behavior: dogpile.cache and beaker join the arguments as text by blanks, so None is "None", too. In cashews each has
#   its name before it, but 1 is "1" and None is "". aiocache's key is the text of the whole tuple.
# Output:
#     ('web', 'db prod') is answered with ('web db', 'prod') by dogpile beaker
#     ('1', 'x') is answered with (1, 'x') by dogpile beaker cashews
#     ('None', 'y') is answered with (None, 'y') by dogpile beaker
#     ('', 'z') is answered with (None, 'z') by cashews
# Why it matters: hosts with the tags `web` and `db prod` are those of `web db` and `prod`, and a host named "None" is
#   the one without a name. Give a function for the key that writes the arguments as JSON.
set -eu
packages="dogpile.cache==1.5.0 beaker==1.14.1 cashews==7.6.0 aiocache==0.12.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import asyncio

import aiocache
import beaker.cache
import cashews
import dogpile.cache

region = dogpile.cache.make_region().configure("dogpile.cache.memory")
manager = beaker.cache.CacheManager(type="memory")
cashews.cache.setup("mem://")


@region.cache_on_arguments()
def by_dogpile(a, b):
    return a, b


@manager.cache("answers", expire=60)
def by_beaker(a, b):
    return a, b


@cashews.cache(ttl="1m")
async def by_cashews(a, b):
    return a, b


@aiocache.cached(ttl=60)
async def by_aiocache(a, b):
    return a, b


async def main():
    for first, second in (
        (("web db", "prod"), ("web", "db prod")), ((1, "x"), ("1", "x")), ((None, "y"), ("None", "y")),
        ((None, "z"), ("", "z")),
    ):
        by_dogpile(*first)
        by_beaker(*first)
        await by_cashews(*first)
        await by_aiocache(*first)
        found = {
            "dogpile": by_dogpile(*second), "beaker": by_beaker(*second), "cashews": await by_cashews(*second),
            "aiocache": await by_aiocache(*second),
        }
        print(f"{second} is answered with {first} by", *(name for name, answer in found.items() if answer != second))


asyncio.run(main())
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
