"""The documents say what is so: each command, query, link and table in them is tried."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import flask.testing
import pytest
import requests

from local import tables
from local.processes import ROOT, serving
from sample_api import Account
from scanner_sync import errors
from scanner_sync.tables import DLT_COLUMNS, TABLES
from scanner_sync.warehouse.history import HISTORY_COLUMNS
from scanner_sync.warehouse.lease import LEASE_TABLE
from scanner_sync.warehouse.views import VIEW_TABLES
from tests.conftest import Dataset

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "terraform/README.md",
]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
TERRAFORM = "\n".join(path.read_text() for path in sorted((ROOT / "terraform").glob("*.tf")))


class Block(NamedTuple):
    """A fenced block of a document."""

    document: str
    info: str
    text: str


def blocks() -> Iterator[Block]:
    for path in DOCUMENTS:
        fences = re.findall(r"(?ms)^( *)```([^\n]*)\n(.*?)^\1```$", path.read_text())
        for _, info, text in fences:
            yield Block(path.relative_to(ROOT).as_posix(), info, textwrap.dedent(text))


def commands(block: Block) -> list[str]:
    """The commands of a block, each in one line and without its comment."""
    lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.strip()]


HERE = [
    (block.document, line) for block in blocks() if block.info == "sh" for line in commands(block)
]
CLOUD = [block for block in blocks() if block.info == "sh cloud"]
"""Commands that only a cloud can run, marked so in the document."""


def test_each_block_is_of_a_known_kind() -> None:
    """A block with another mark would be tried by no test."""
    kinds = {block.info for block in blocks()}
    assert kinds == {"sh", "sh cloud", "sql", "mermaid", "json", ""}
    # What bears no mark is a drawing.
    assert [block.document for block in blocks() if block.info == ""] == ["README.md"]


def answers(url: str) -> bool:
    """Whether a server answers, which one with faults does now and then."""
    try:
        headers = {"Authorization": "Bearer sample-token"}
        return requests.get(url, headers=headers, timeout=10).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.usefixtures("api_url")
@pytest.mark.parametrize(("document", "command"), HERE)
def test_a_command_runs(
    document: str,
    command: str,
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    tmp_path: Path,
) -> None:
    """Each command that needs no cloud, as it stands; two are run by `.ci/run`."""
    account.targets = [{"id": 1, "address": "www.example.com"}]
    if command in ("make demo", "make test"):
        assert f"{command}\n" in (ROOT / ".ci/run").read_text()
        return
    words = shlex.split(command)
    if words[:3] == [".venv/bin/python", "-m", "sample_api"]:
        with serving([*words, "--port", "0"], {}, r"(http://\S+/v1)") as url:
            assert any(answers(f"{url}/targets/") for _ in range(20))
        return
    if "scanner_sync" in words:
        assert http.post("/").status_code == 200  # some of them show what a sync made
    if "--out" in words:
        words[-1] = str(tmp_path / words[-1])
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", CLOUD)
def test_a_command_for_the_cloud_can_be_pasted(block: Block) -> None:
    """The shell can read it; the outputs, variables, resources and targets it names are there."""
    done = subprocess.run(
        ["bash", "-n", "-c", block.text], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    programs = {"cp", "make", "terraform", "gcloud", "bq", "curl", "eval", "for", "done", "read"}
    for command in commands(block):
        first = command.split()[0]
        assert first in programs or re.match(r"[A-Z]+=", first), command
    for name in re.findall(r"output -raw (\w+)", block.text):
        assert f'\noutput "{name}" {{' in TERRAFORM, name
    for name in re.findall(r"-var (\w+)=", block.text):
        assert f'\nvariable "{name}" {{' in TERRAFORM, name
    for kind, name in re.findall(r"\b(google_\w+)\.(\w+)", block.text):
        assert f'\nresource "{kind}" "{name}" {{' in TERRAFORM, name
    for target in re.findall(r"\bmake (\w+)", block.text):
        assert re.search(rf"(?m)^{target}:.*## ", (ROOT / "Makefile").read_text()), target
    for name in re.findall(r"\b[\w/.]+\.tfvars\.example\b", block.text):
        assert (ROOT / Path(block.document).parent / name).exists(), name


def test_queries_run(
    account: Account, dataset: Dataset, api_url: str, http: flask.testing.FlaskClient
) -> None:
    """Each query of a document is one that BigQuery takes, on what a sync makes."""
    account.issues = [{"id": 1, "severity": "critical", "snoozed": False}]
    account.occurrences = {1: [{"id": 1, "target": "www.example.com"}]}
    assert http.post("/").status_code == 200
    queries = [block.text for block in blocks() if block.info == "sql"]
    assert queries
    for query in queries:
        dataset.query(query.replace("scanner.", f"{dataset.name}."))
    [block] = [block for block in blocks() if block.info == "sql" and "_dlt_loads" in block.text]
    [row] = dataset.query(block.text.replace("scanner.", f"{dataset.name}."))
    assert row["last_load"] is not None


def slugs(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    text = re.sub(r"(?ms)^( *)```.*?^\1```$", "", path.read_text())
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file of the repository, and to a heading in it."""
    text = re.sub(r"(?ms)^( *)```.*?^\1```$", "", path.read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?://", link):
            name, _, anchor = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.exists(), link
            assert not anchor or anchor in slugs(target), link


def test_tables_are_as_declared() -> None:
    """docs/tables.md is what `make docs` writes, and each column has an example."""
    assert (ROOT / "docs/tables.md").read_text() == tables.document()
    declared = [DLT_COLUMNS, HISTORY_COLUMNS]
    declared += [table.columns for table in (*TABLES.values(), *VIEW_TABLES.values())]
    assert all(c.example is not None and c.description for d in declared for c in d.values())


def test_tables_are_what_a_sync_makes(
    account: Account, dataset: Dataset, api_url: str, http: flask.testing.FlaskClient
) -> None:
    """Every table and view of the dataset, and every column of it with its type, is in the page."""
    assert http.post("/").status_code == 200
    page = tables.document()
    bookkeeping = page.partition("\n## Bookkeeping\n")[2]
    shown = {
        name: dict(re.findall(r"^\| \**`(\w+)`\** \| (\w+) \|", section, re.MULTILINE))
        for name, section in re.findall(r"(?ms)^### (\w+)\n(.*?)(?=^##|\Z)", page)
    }
    names = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}  # of the API's old types
    made = {
        row["table_name"]: {
            column: names.get(kind, kind)
            for column, kind in dataset.columns(row["table_name"]).items()
        }
        for row in dataset.query("SELECT table_name FROM {d}.INFORMATION_SCHEMA.TABLES")
    }
    assert {name: made[name] for name in made if not name.startswith("_")} == shown
    # The lease is there while a run is under way.
    kept = {name for name in made if name.startswith("_")} | {LEASE_TABLE}
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", bookkeeping)) == kept


def test_a_moved_dataset_goes_on(
    account: Account,
    dataset: Dataset,
    api_url: str,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tables that the runbook copies are all there are, and the histories go on in the copy."""
    [listed] = re.findall(r"(?s)for table in (.*?); do", RUNBOOK)
    names = listed.replace("\\\n", " ").split()
    account.issues, account.occurrences = [{"id": 1, "severity": "high"}], {1: []}
    assert http.post("/").status_code == 200
    made = dataset.client.list_tables(dataset.name)
    kept = {table.table_id for table in made if table.table_type == "TABLE"} - {LEASE_TABLE}
    assert kept == set(names)
    moved = Dataset(f"{dataset.name}moved", dataset.client)
    dataset.client.create_dataset(moved.name)
    for name in names:
        dataset.client.copy_table(f"{dataset.name}.{name}", f"{moved.name}.{name}").result()
    monkeypatch.setenv("DATASET", moved.name)
    account.issues = [{"id": 1, "severity": "low"}]
    assert http.post("/").get_json()["history"]["issues"] == {
        "opened": 0,
        "closed": 0,
        "changed": 1,
    }
    [old] = dataset.query("SELECT opened FROM {d}.remediation")
    [new] = moved.query("SELECT opened, severity FROM {d}.remediation")
    assert new == {**old, "severity": "low"}


def sections(heading: str) -> dict[str, str]:
    """The sections of the runbook below a heading."""
    text = RUNBOOK.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"(?ms)^### ([^\n]*)\n(.*?)(?=^### |\Z)", text))


def test_the_runbook_is_complete() -> None:
    """Each alert and each error has its section: what it means, what to look at, what to do."""
    alerts = re.findall(r'^  display_name += "\$\{var\.name\}: (.*)"$', TERRAFORM, re.MULTILINE)
    alerts = [name for name in alerts if f'subject   = "${{var.name}}: {name}"' in TERRAFORM]
    assert [name[0].lower() + name[1:] for name in sections("Alerts")] == alerts
    kinds = [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.SyncError)
    ]
    assert ["SyncError", *sections("Errors")] == kinds
    for name, text in (sections("Alerts") | sections("Errors")).items():
        labels = re.findall(r"(?m)^- \*\*(.*?):\*\* ", text)
        assert labels == ["Means", "Look at", "Do"], name


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that git has, in a repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    copy = tmp_path / "checkout"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    (copy / ".git/info").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    (copy / ".git/info/exclude").write_text(".venv\n")
    subprocess.run(["git", "add", "--all"], cwd=copy, check=True)
    return copy


def failed_hooks(checkout: Path, *arguments: str) -> set[str]:
    """Which hooks refuse, without mypy's, which is slow and the same as `make lint`'s."""
    skipped = {"mypy"} if shutil.which("terraform") else {"mypy", "terraform-fmt"}
    done = subprocess.run(
        [ROOT / ".venv/bin/pre-commit", "run", *arguments],
        cwd=checkout,
        env=os.environ | {"SKIP": ",".join(skipped), "PRE_COMMIT_HOME": str(checkout / ".cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    found = set(re.findall(r"\.Failed\n- hook id: (\S+)", done.stdout))
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return found


WORKFLOW = """\
on: pull_request
permissions: {}
jobs:
  planted:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "${{ github.event.pull_request.title }}"
"""
"""A workflow that lets the title of a pull request run commands."""


def test_each_commit_is_checked(checkout: Path) -> None:
    """What is committed passes, and each hook refuses what it is there for."""
    assert failed_hooks(checkout, "--all-files") == set()
    secret = hashlib.sha1(b"planted", usedforsecurity=False).hexdigest()
    planted = {
        "ruff-format": ("local/planted.py", '"""Planted."""\nx=1\n'),
        "ruff-check": ("local/planted_too.py", '"""Planted."""\nimport os\n'),
        "terraform-fmt": ("terraform/planted.tf", 'locals {\n  a="b"\n}\n'),
        "no-secrets": ("local/planted.toml", f'access_token = "{secret}"\n'),
        "codespell": ("docs/planted.md", "A seperate line.\n"),  # codespell:ignore
        "zizmor": (".github/workflows/planted.yml", WORKFLOW),
    }
    if shutil.which("terraform") is None:
        del planted["terraform-fmt"]
    for name, text in planted.values():
        (checkout / name).write_text(text)
    subprocess.run(["git", "add", "--all"], cwd=checkout, check=True)
    files = [name for name, _ in planted.values()]
    assert failed_hooks(checkout, "--files", *files) == set(planted)
    hooks = re.findall(r"(?m)^      - id: (\S+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert set(hooks) - {"terraform-fmt"} == planted.keys() - {"terraform-fmt"} | {"mypy"}


def test_the_workflow_is_pinned_and_may_do_little() -> None:
    """Each action by its commit, no right but to read, both Pythons, and all that .ci/run runs."""
    for path in (ROOT / ".github/workflows").iterdir():
        text = path.read_text()
        uses = re.findall(r"uses: (.*)", text)
        assert uses
        assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", use) for use in uses)
        assert re.findall(r"(?m)^ *permissions:\n((?: +\S.*\n)+)", text) == ["  contents: read\n"]
        assert text.count("actions/checkout@") == text.count("persist-credentials: false")
        assert "timeout-minutes:" in text
    text = (ROOT / ".github/workflows/test.yml").read_text()
    assert 'python: ["3.11", "3.13"]' in text
    made = re.findall(r"(?m)\bmake ([\w-]+)$", (ROOT / ".ci/run").read_text())
    assert re.findall(r"(?m)run: make ([\w-]+) PYTHON=python$", text) == made
