"""Measure memory, the time of imports, and cold starts of the function."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import requests

from benchmarks.candidates import OURS, Api, api, resident, run, run_process, settings_of_a_sync
from benchmarks.server import Sizes
from local import bigquery
from local.processes import ROOT, function

MIB = 2**20
OCCURRENCES = (10_000, 100_000, 1_000_000)


class Shape(NamedTuple):
    """How the occurrences of an account are spread over its issues."""

    issues: int
    each: int
    """Occurrences of an issue."""
    evidence: int = 0
    """Bytes that each quotes; 0 for 128 bytes in half of them."""
    most: int = 160
    """The target, in MiB."""


EVEN, ONE = Shape(100, 1000), Shape(1, 100_000)
SHAPES = (
    EVEN,
    Shape(2000, 100),
    Shape(40, 5000),
    Shape(10, 10_000),
    Shape(1, 50_000),
    ONE,
    Shape(12, 100, evidence=200_000, most=300),
)
Peaks = dict[Shape, list[float]]
"""Peaks of MiB in memory and temporary files, by shape."""
_IMPORT = """
import sys, time
before, started = set(sys.modules), time.perf_counter()
import {module}
seconds = time.perf_counter() - started
import json
names = {{name.partition(".")[0] for name in set(sys.modules) - before}}
status = open("/proc/self/status").read()
print(json.dumps({{
    "seconds": seconds,
    "bytes": int(status.partition("VmRSS:")[2].split()[0]) * 1024,
    "packages": sorted(names - sys.stdlib_module_names),
}}))
"""


def memory(repetitions: int, advance: Callable[[str], None]) -> dict[int, list[float]]:
    """Measure the peak of MiB in memory and temporary files, by number of occurrences."""
    found: dict[int, list[float]] = {number: [] for number in OCCURRENCES}
    for _ in range(repetitions):
        for number, peaks in found.items():
            advance(f"memory at {number:,} occurrences")
            options = Api(sizes=Sizes(issues=2000, occurrences=number))
            measured = run(OURS, options, watch_memory=True)
            peaks.append(measured.peak / MIB if not measured.lost else float("nan"))
    return found


def memory_by_shape(repetitions: int, advance: Callable[[str], None]) -> Peaks:
    """Measure the same for accounts of these shapes."""
    found: Peaks = {shape: [] for shape in SHAPES}
    for _ in range(repetitions):
        for shape, peaks in found.items():
            advance(f"memory of {shape.issues:,} issues x {shape.each:,} occurrences")
            sizes = Sizes(issues=shape.issues, occurrences=shape.issues * shape.each)
            measured = run(OURS, Api(sizes=sizes, evidence=shape.evidence), watch_memory=True)
            peaks.append(measured.peak / MIB if not measured.lost else float("nan"))
    return found


def memory_of_syncs(advance: Callable[[str], None]) -> dict[int, float]:
    """Measure the same for complete syncs, as far as a local BigQuery can load them.

    It does not read gzip, so the files are larger than BigQuery's would be.
    """
    found = {}
    for number in OCCURRENCES[:2]:
        advance(f"memory of a whole sync of {number:,} occurrences")
        options = Api(sizes=Sizes(issues=2000, occurrences=number))
        with (
            api(options) as url,
            bigquery.bigquery() as host,
            tempfile.TemporaryDirectory() as directory,
        ):
            settings = settings_of_a_sync(url, host) | {"TMPDIR": directory}
            done, peak = run_process(
                [sys.executable, "-m", "scanner_sync", "sync", "--json"], settings, directory
            )
        found[number] = peak / MIB if done else float("nan")
    return found


def imports(module: str, repetitions: int) -> list[dict[str, Any]]:
    """Measure seconds, bytes in memory, and packages of an import in a new process."""
    command = [sys.executable, "-c", _IMPORT.format(module=module)]
    return [
        json.loads(subprocess.check_output(command, cwd=ROOT, text=True))
        for _ in range(repetitions)
    ]


def cold_starts(repetitions: int, advance: Callable[[str], None]) -> list[dict[str, float]]:
    """Measure a new function: seconds to its first response and to a small sync, and MiB."""
    found = []
    sizes = Sizes(issues=20, occurrences=60, scans=20, targets=20)
    with api(Api(latency_ms=50, sizes=sizes)) as url, bigquery.bigquery() as host:
        settings = settings_of_a_sync(url, host)
        for _ in range(repetitions):
            advance("cold start")
            started = time.monotonic()
            with function(settings) as url_of_it:
                status = requests.get(url_of_it, timeout=60).status_code
                answered = time.monotonic() - started
                server = resident(child("functions_framework")) / MIB
                synced = requests.post(url_of_it, timeout=120)
                ended = time.monotonic() - started
            if status != 405 or synced.status_code != 200:
                raise RuntimeError(f"The function answered {status} and {synced.status_code}.")
            found.append({"answered": answered, "synced": ended, "server": server})
    return found


def child(word: str) -> int:
    """Return the process with this word in its command that this one has started."""
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            if word in Path(f"/proc/{pid}/cmdline").read_text():
                return int(pid)
    raise RuntimeError(f"No process of {word}.")
