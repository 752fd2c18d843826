"""The programs that are compared. Each runs in its own process, on its own core."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.server import Sizes
from local.processes import ROOT, serving

OURS, CDK, CDK_20 = "this program", "Airbyte CDK", "Airbyte CDK, 20 at once"
SAME_TABLES = "this program, the guide's tables"
UNCHANGED = "this program, nothing changed"
QUIET = "this program, nothing changed, account known as quiet"
ASKED = "this program, nothing changed since a change, account known as quiet"
SCANNED = "this program, a scan ended"
LOOP = "a loop of urllib3 and orjson"
GUIDE, GUIDE_PARALLEL = "dlt, the guide's", "dlt, parallelized"
_AIRBYTE = str(ROOT / ".venv-airbyte/bin/python")
COMMANDS = {
    OURS: [sys.executable, "-m", "benchmarks.ours", "{url}"],
    LOOP: [sys.executable, "-m", "benchmarks.loop", "{url}"],
    CDK: [_AIRBYTE, str(ROOT / "benchmarks/cdk.py"), "{url}"],
    CDK_20: [_AIRBYTE, str(ROOT / "benchmarks/cdk.py"), "{url}", "20"],
    GUIDE: [sys.executable, "-m", "benchmarks.guide", "{url}", "serial"],
    GUIDE_PARALLEL: [sys.executable, "-m", "benchmarks.guide", "{url}", "parallelized"],
}
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
TIMEOUT = 900.0
"""Seconds after which a candidate is killed and counts as failed."""


@dataclass
class Run:
    """One run of a candidate, and its requests as the API counted them."""

    figures: dict[str, Any]
    """What the candidate printed; empty if it failed."""
    api: dict[str, Any]
    lost: int
    """Rows that the API has and the candidate has not, or the other way around."""
    peak: int = 0
    """Peak of the bytes in memory and in the working directory together."""

    @property
    def read(self) -> float:
        """Return the seconds until everything was read."""
        return float(self.figures.get("read", float("nan")))

    @property
    def prepared(self) -> float:
        """Return the seconds until everything was read and, except with Airbyte, normalized."""
        return self.read + float(self.figures.get("normalize", 0))


@dataclass
class Api:
    """Options of the server."""

    latency_ms: float = 0
    rate: int = 0
    rates: str = ""
    retry_after: str = ""
    refuse: str = ""
    evidence: int = 0
    burst: int | str = ""
    status: int = 429
    in_turn: str = ""
    sizes: Sizes = field(default_factory=Sizes)


@contextmanager
def api(options: Api) -> Iterator[str]:
    """Run the server on its core; yields its base URL."""
    command = [sys.executable, "-m", "benchmarks.server", "--cpu", str(SERVER_CORE)]
    flags = {**vars(options), **vars(options.sizes)}
    del flags["sizes"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    with serving(command, {}, r"(http://\S+)") as url:
        yield url


def settings_of_a_sync(url: str, bigquery_url: str) -> dict[str, str]:
    """Return the environment of a complete sync from the server into a local BigQuery."""
    return {
        "API_BASE_URL": url,
        "ACCESS_TOKEN": "t",
        "GOOGLE_CLOUD_PROJECT": "benchmark",
        "BIGQUERY_EMULATOR_HOST": bigquery_url,
        "LOG_LEVEL": "ERROR",
        "RUNTIME__DLTHUB_TELEMETRY": "false",  # otherwise dlt would send it
    }


def seen_by(url: str) -> dict[str, Any]:
    """Return what the server counted since the last call."""
    with urlopen(url.removesuffix("/v1") + "/control") as answer:  # noqa: S310 - our own server
        return dict(json.load(answer))


def run(candidate: str, options: Api, watch_memory: bool = False) -> Run:
    """Run a candidate against a new server."""
    with api(options) as url, tempfile.TemporaryDirectory() as directory:
        environment = {
            "TMPDIR": directory,
            "RUNTIME__DLTHUB_TELEMETRY": "false",  # otherwise dlt would send it
        }
        command = [part.format(url=url) for part in COMMANDS[candidate]]
        output, peak = run_process(command, environment, directory if watch_memory else None)
        seen = seen_by(url)
    figures = json.loads(output) if output else {}
    rows = figures.get("rows", {})
    truth = options.sizes.rows()
    lost = sum(abs(count - rows.get(table, 0)) for table, count in truth.items())
    return Run(figures, seen, lost, peak)


def run_process(
    command: Sequence[str], environment: Mapping[str, str], watched: str | None = None
) -> tuple[str, int]:
    """Run a process on the client's core. Return its last line of output, and its peak of bytes.

    The line is empty if it failed.
    """
    with on_core(CLIENT_CORE):
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    peaks = [0]
    sampler = threading.Thread(target=_sample, args=(process, watched, peaks))
    if watched:
        sampler.start()
    try:
        output, errors = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
    if watched:
        sampler.join()
    if process.returncode:
        print("\n".join(errors.splitlines()[-5:]), file=sys.stderr)
        return "", peaks[0]
    return output.strip().splitlines()[-1], peaks[0]


def _sample(process: subprocess.Popen[str], directory: str, peaks: list[int]) -> None:
    while process.poll() is None:
        peaks[0] = max(peaks[0], resident(process.pid) + size_of(directory))
        time.sleep(0.05)


def resident(pid: int) -> int:
    """Return the bytes in memory of a process and of all that it started."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = int(status.partition("VmRSS:")[2].split()[0]) * 1024 if "VmRSS:" in status else 0
    return own + sum(resident(int(child)) for child in children)


def size_of(directory: str) -> int:
    """Return the bytes on disk of a directory; hard links count once."""
    found = {}
    for path, _, names in os.walk(directory):
        for name in names:
            try:
                status = os.stat(os.path.join(path, name))
            except OSError:
                continue  # removed in the meantime
            found[status.st_ino] = status.st_blocks * 512
    return sum(found.values())


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Start processes on one core while inside; they stay there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median, with minimum and maximum."""
    if any(value != value for value in values):  # noqa: PLR0124 - not a number
        return "failed"
    middle = statistics.median(values)
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
