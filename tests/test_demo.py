"""What the demo prints, and how it says what it lacks. Other tests run and interrupt all of it."""

import io
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local import bigquery, demo, pictures
from local.processes import ROOT, NotStarted, function, serving
from sample_api import create_app, generate, serve
from tests.conftest import PROJECT, TOKEN, Dataset


def test_it_prints_what_a_person_reads(
    dataset: Dataset, bigquery_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for each answer, what changed, and why a table has more rows than issues are open."""
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(demo, "console", console)
    monkeypatch.setattr(demo, "DATASET", dataset.name)
    monkeypatch.setattr(demo, "PROJECT", PROJECT)
    api = create_app(generate(7, issues=40, targets=20, scans=10), token=TOKEN)
    with serve(api) as api_url:
        settings = demo.settings_of(api_url, bigquery_url) | {"ACCESS_TOKEN": TOKEN}
        with function(settings) as url:
            here = demo.Cloud(settings, url, dataset.client, demo.Log())
            demo.sync(here)
            changes = here.next_day()
            demo.sync(here)
            demo.show_changes(here.query, changes)
    check_dates(dataset, changes)
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\r", "", out.getvalue())
    said = re.findall(r"(?m)^(?:POST|Loaded).*$", shown)
    loaded = rf"Loaded [\d,]+ rows into {dataset.name} in [\d.]+ seconds, with [\d,]+ requests\."
    posted = re.escape(f"POST {url} {{}} → 200")
    assert re.fullmatch("\n".join([posted, loaded] * 2), "\n".join(said)), shown
    assert "{" not in shown.replace("{}", "")
    fixed = len(changes["fixed"])
    assert fixed > 0
    assert shown.splitlines()[-1] == (
        f"40 issues are open. The merged table has {40 + fixed}: a sync deletes no row, so it keeps"
        f" the {fixed} that were fixed."
    )


def check_dates(dataset: Dataset, changes: dict[str, list[int]]) -> None:
    """Check that all that happened between the two syncs is dated so, and happened once."""
    first, second = (
        row["synced_at"] for row in dataset.query("SELECT * FROM {d}.syncs ORDER BY synced_at")
    )
    found = dataset.query("SELECT * FROM {d}.findings WHERE detected_at IS NOT NULL")
    closed = [row for row in found if row["closed_at"]]
    assert len({row["entity_key"] for row in found}) == len(found)
    assert {row["occurrence_id"] for row in closed} - {None} == {*changes["fixed_occurrences"]}
    assert all(first < row["closed_at"] <= second for row in closed)
    assert {row["close_reason"] for row in closed if row["closed_at"] < second} == {"fixed"}
    opened = [row for row in found if row["issue_id"] in changes["opened"]]
    assert opened
    assert all(first < row["opened_at"] <= second for row in opened)


IN_A_TERMINAL = """
import contextlib, fcntl, sys, termios
from local import demo
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it
bigquery_url = sys.argv.pop()
@contextlib.contextmanager
def cloud(accounts):
    yield demo.Cloud(demo.settings_of("http://127.0.0.1:9/v1", bigquery_url), "", None, None)
demo.cloud, demo.show_two_syncs = cloud, lambda here: None
demo.show_settings = lambda here, *names: print("addresses of", *names)
sys.exit(demo.main())
"""
"""The demo with nothing to show but a local BigQuery, which its last argument names."""


@pytest.mark.parametrize("end", ["\x03", "\x04"])
def test_it_asks_for_sql_until_its_user_ends_it(
    bigquery_url: str, tmp_path: Path, end: str
) -> None:
    """A statement may have several lines. An error is said, and asking goes on."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, "--keep", bigquery_url],
        cwd=tmp_path,  # where the page would be written
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "200"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    shown = ""

    def wait_for(text: str, key: bytes = b"") -> None:
        nonlocal shown
        presses = 10
        os.write(ours, key)
        while text not in shown:
            if select.select([ours], [], [], 30 if key else 300)[0]:
                shown += os.read(ours, 4096).decode()
                continue
            # Python misses a signal that comes just before it waits for input. People press again.
            presses -= 1
            assert key, shown
            assert presses, shown
            os.write(ours, key)
        shown = shown.partition(text)[2]

    wait_for("addresses of API_BASE_URL")
    wait_for("Ctrl-C ends everything")
    wait_for("sql> ")
    os.write(ours, b"SELECT 6 *\n")
    wait_for("...> ")
    os.write(ours, b"7 AS n;\n")
    wait_for("\r\n42\r\n1 row.\r\nsql> ")
    os.write(ours, b"DELETE FROM findings WHERE TRUE\n\n")
    wait_for("RequestError: Only SELECT is run here, and this is DELETE.")
    wait_for("sql> ")
    wait_for("Done; nothing is left running.", end.encode())
    assert process.wait(timeout=60) == 0
    os.close(ours)


@pytest.mark.parametrize("redirection", ["</dev/null", "<&-"])
def test_without_a_terminal_there_is_nobody_to_ask(tmp_path: Path, redirection: str) -> None:
    """Which is said at once, before anything is started."""
    done = subprocess.run(
        [
            "sh",
            "-c",
            f'exec "$@" {redirection}',
            "sh",
            sys.executable,
            "-m",
            "local.demo",
            "--keep",
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "KEEP=1 asks for SQL, which needs a terminal, and standard input is none. Nothing was"
        " started. Run it in a terminal, or without KEEP.\n",
    )


def test_its_picture_has_its_last_line() -> None:
    """The picture in the README is of the same text; `make pictures` draws it."""
    lines = re.findall(r">([^<]+)</text>", (ROOT / "docs/pictures/demo.svg").read_text())
    text = " ".join(line.replace("&#160;", " ").strip() for line in lines)
    assert re.search(
        r"400 issues are open\. The merged table has 408: a sync deletes no row, so it keeps the 8"
        r" that were fixed\.$",
        " ".join(text.split()),
    )


def test_it_says_in_a_line_what_it_lacks(tmp_path: Path) -> None:
    """Before anything is started, with exit status 1."""
    (tmp_path / "scanner-report.html").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "local.demo"],
        cwd=tmp_path,  # where the page is written
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f"The report cannot be written to {tmp_path / 'scanner-report.html'}: Is a directory.\n",
    )


STARTS: list[tuple[Callable[[], AbstractContextManager[Any]], str]] = [
    (bigquery.emulator, r"^The local BigQuery needs \.venv-bigquery, which `make demo` makes\.$"),
    (
        lambda: serving([sys.executable, "-c", "print('no such port')"], {}, "listening"),
        r"did not start:\nno such port\n$",
    ),
    (
        lambda: serving(["/no/such/program"], {}, "listening"),
        r"^/no/such/program cannot be started: No such file or directory\.$",
    ),
]


@pytest.mark.parametrize(("start", "said"), STARTS)
def test_a_server_that_does_not_start_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    start: Callable[[], AbstractContextManager[Any]],
    said: str,
) -> None:
    """With what it said last. The demo ends with this, and without a traceback."""
    monkeypatch.setattr(bigquery, "ROOT", tmp_path)
    with pytest.raises(NotStarted, match=said):
        start().__enter__()


def test_pictures_need_chromium_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The demo is not run for a picture that cannot be drawn afterwards."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pictures, "draw_demo", pytest.fail)
    with pytest.raises(SystemExit, match="needs Chromium"):
        pictures.main()


def test_a_wrong_python_is_named_in_a_line(tmp_path: Path) -> None:
    """By `make`, which makes the environments with it."""
    python = tmp_path / "python"
    program = "import sys; sys.version_info = (3, 10); exec(sys.argv[1])"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{program}' \"$2\"\n")
    python.chmod(0o755)
    done = subprocess.run(
        ["make", f"PYTHON={python}", f"VENV={tmp_path}/environment", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert (done.returncode, said) == (
        2,
        ["Python 3.11 to 3.13 is needed: make PYTHON=python3.13"],
    )
