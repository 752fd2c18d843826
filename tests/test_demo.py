"""What the demo prints, and how it says what it lacks. Other tests run and interrupt all of it."""

import io
import os
import re
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
