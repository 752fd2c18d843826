#!/bin/sh
# Library: stamina 26.1.0 (PyPI; released in April 2026) beside tenacity 9.2.1, backoff 2.2.1
# Summary: A generator that is retried after its second page yields the first page again, so its rows come twice; with
#   tenacity and backoff it is not retried at all.
# Guess: an error while iterating over a generator function is retried, or to decorate one is refused.
# Behavior: stamina starts the generator anew and hands on what it yields, with what was handed on before. The other two
#   only call the function, which runs none of its code, so the error reaches the caller at once.
# Output:
#     stamina: page 1, page 2, page 1, page 2, page 1, page 2, page 3, the end
#     tenacity: page 1, page 2, 503 on page 3
#     backoff: page 1, page 2, 503 on page 3
# Why it matters: reading pages is the usual generator, and one that fails on page 900 adds 899 pages twice, each time.
#   tenacity's and backoff's decorators look as if a page was tried again. Retry the request, not the generator.
set -eu
packages="stamina==26.1.0 tenacity==9.2.1 backoff==2.2.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - 2>"$dir/log" >"$dir/output" <<'END'
import backoff
import stamina
import tenacity

DECORATORS = {
    "stamina": stamina.retry(on=OSError, attempts=3, wait_initial=0, wait_max=0),
    "tenacity": tenacity.retry(retry=tenacity.retry_if_exception_type(OSError), stop=tenacity.stop_after_attempt(3)),
    "backoff": backoff.on_exception(backoff.constant, OSError, interval=0, jitter=None, max_tries=3),
}
for name, decorate in DECORATORS.items():
    failures = [OSError("503 on page 3"), OSError("503 on page 3")]

    @decorate
    def pages():
        yield from ("page 1", "page 2")
        if failures:
            raise failures.pop()
        yield "page 3"

    read, end = [], "the end"
    try:
        for page in pages():
            read.append(page)
    except OSError as error:
        end = error
    print(f"{name}: {', '.join(read)}, {end}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
