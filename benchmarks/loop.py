"""Read the API with a loop of urllib3 and orjson, for comparison: `python -m benchmarks.loop URL`.

It reads the same listings over as many connections as this program, and neither checks nor keeps
anything.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import urllib3

from benchmarks.server import TABLES

AT_ONCE = 20


def _rows(get: Callable[[str], Any], path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = get(f"{path}?limit=100&offset={len(rows)}")
        rows += page["results"]
        if not page["next"]:
            return rows


def main() -> None:
    """Read, and print how many rows there were, and how long it took."""
    pool = urllib3.PoolManager(maxsize=AT_ONCE, headers={"Authorization": "Bearer t"})
    started = time.perf_counter()

    def get(path: str) -> Any:
        return orjson.loads(pool.request("GET", f"{sys.argv[1]}/{path}").data)

    issues = _rows(get, "issues/")
    with ThreadPoolExecutor(AT_ONCE) as threads:
        paths = [f"issues/{issue['id']}/occurrences/" for issue in issues]
        occurrences = sum(threads.map(lambda path: len(_rows(get, path)), paths))
    counts = (len(issues), occurrences, *(len(_rows(get, f"{name}/")) for name in TABLES[2:]))
    print(
        json.dumps(
            {
                "rows": dict(zip(TABLES, counts, strict=True)),
                "read": time.perf_counter() - started,
                "processor": time.process_time(),
            }
        )
    )


if __name__ == "__main__":
    main()
