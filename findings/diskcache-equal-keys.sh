#!/bin/sh
# Library: diskcache 5.6.3 (PyPI)
# Summary: A tuple that has one text twice is not found under an equal tuple that comes from JSON, and is stored a
#   second time.
# Guess: keys that are equal are one key, as in a dict.
# Behavior: a tuple is stored as its pickle, and a pickle refers back to a string that is the same object as one
#   before it. With two equal strings that are two objects the bytes differ, so the key is another. `memoize` makes
#   such keys of arguments.
# Output:
#     the same literal: dict seen, diskcache seen
#     from JSON: dict seen, diskcache None
#     from JSON, two names: dict seen, diskcache seen
#     from JSON, as one text: dict seen, diskcache seen
#     keys: 4, of which differ 3
#     memoize
#       the function is called
#       the function is called
# Why it matters: an index of what was seen, by host and target or by package and fixed package, misses pairs whose
#   parts are equal and holds them twice; as long as the parts differ it works. Use one text as the key, or a hash of
#   it.
set -eu
packages="diskcache==5.6.3"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import tempfile

import diskcache

asked = {
    "the same literal": ("db-1", "db-1"),
    "from JSON": tuple(json.loads('["db-1", "db-1"]')),
    "from JSON, two names": tuple(json.loads('["db-1", "db-2"]')),
    "from JSON, as one text": json.dumps(json.loads('["db-1", "db-1"]')),
}
with tempfile.TemporaryDirectory() as folder, diskcache.Cache(folder) as cache:
    stored = [("db-1", "db-1"), ("db-1", "db-2"), '["db-1", "db-1"]']
    for key in stored:
        cache[key] = "seen"
    for name, key in asked.items():
        print(f"{name}: dict {dict.fromkeys(stored, 'seen').get(key)}, diskcache {cache.get(key)}")
    cache[asked["from JSON"]] = "seen"
    print(f"keys: {len(cache)}, of which differ {len(set(cache))}")

    @cache.memoize()
    def distance(first, second):
        print("  the function is called")
        return 0

    print("memoize")
    distance("db-1", "db-1")
    distance(*asked["from JSON"])
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
