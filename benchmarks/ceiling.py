"""Measure how fast the benchmark's API is: `python -m benchmarks.ceiling URL ISSUES`.

This client reads the occurrences of each issue over 20 connections and parses nothing. It may be
slower than the server, whose ceiling is therefore at least what it measures.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.server import FIRST_ISSUE

CONNECTIONS = 20


async def _ask(port: int, issues: Iterator[int]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    for issue in issues:
        path = f"/v1/issues/{issue}/occurrences/?limit=100&offset=0"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        count += 1
    writer.close()
    return count


async def _measure(port: int, issues: int) -> float:
    started = time.perf_counter()
    numbers = iter(range(FIRST_ISSUE, FIRST_ISSUE + issues))
    counts = await asyncio.gather(*(_ask(port, numbers) for _ in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - started)


def main() -> None:
    """Print the number of responses in a second."""
    port = urlsplit(sys.argv[1]).port
    assert port is not None
    print(json.dumps(asyncio.run(_measure(port, int(sys.argv[2])))))


if __name__ == "__main__":
    main()
