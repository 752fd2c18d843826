"""Commands in the documents run."""

import re
import shlex
import subprocess
from pathlib import Path

import flask.testing
import pytest
import requests

from local.processes import ROOT, serving
from sample_api import Account
from tests.conftest import FOUR
from tests.docs.markdown import Block, blocks, commands
from tests.support.commands import run

HERE = [
    (block.document, line) for block in blocks() if block.info == "sh" for line in commands(block)
]
CLOUD = [block for block in blocks() if block.info == "sh cloud"]
"""Commands that only a cloud can run, marked so in the document."""
TERRAFORM = "\n".join(path.read_text() for path in sorted((ROOT / "terraform").glob("*.tf")))
MAKEFILE = (ROOT / "Makefile").read_text()


def test_each_block_is_of_a_known_kind() -> None:
    """A block with another mark would be tried by no test."""
    assert {block.info for block in blocks()} == {
        "sh",
        "sh cloud",
        "sql",
        "mermaid",
        "json",
        "text",
    }


def answers(url: str) -> bool:
    """Tell whether a server answers; one with faults does now and then."""
    try:
        headers = {"Authorization": "Bearer sample-token"}
        return requests.get(url, headers=headers, timeout=10).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.usefixtures("api_url", "dataset")
@pytest.mark.parametrize(("document", "command"), HERE)
def test_a_command_runs(
    document: str,
    command: str,
    account: Account,
    http: flask.testing.FlaskClient,
    tmp_path: Path,
) -> None:
    """Each command that needs no cloud, as it is written; `.ci/run` runs what is make's."""
    account.targets = [{"id": 1, "address": "www.example.com"}]
    words = shlex.split(command)
    if words[0] == "make":
        assert f"{command}\n" in (ROOT / ".ci/run").read_text()
        return
    if words[:3] == [".venv/bin/python", "-m", "sample_api"]:
        with serving([*words, "--port", "0"], {}, r"(http://\S+/v1)") as url:
            assert any(answers(f"{url}/targets/") for _ in range(20))
        return
    showing = ("status", "report", "policy", "query")
    if words[0] == ".venv/bin/scanner-sync" and words[1] in showing:
        assert (
            http.post("/", json={"resources": FOUR}).status_code == 200
        )  # they show what a sync made
    if "--out" in words:
        words[-1] = str(tmp_path / words[-1])
    if words[0] == ".venv/bin/scanner-sync":
        done = run(*words[1:])
        assert done.status == 0, done.out + done.err
        return
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("block", CLOUD, ids=lambda block: f"{block.document}: {block.heading}")
def test_a_command_for_the_cloud_can_be_pasted(block: Block) -> None:
    """The shell can read it; the outputs, variables, resources and targets it names exist."""
    done = subprocess.run(
        ["bash", "-n", "-c", block.text], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    programs = {
        "cp",
        "make",
        "terraform",
        "gcloud",
        "bq",
        "curl",
        "docker",
        "export",
        "git",
        "for",
        "done",
        "read",
    }
    for command in commands(block):
        first = command.split()[0]
        assert first in programs or re.match(r"[A-Z_]+=", first), command
    for name in re.findall(r"output -raw (\w+)", block.text):
        assert f'\noutput "{name}" {{' in TERRAFORM, name
    for name in re.findall(r"-var (\w+)=", block.text):
        assert f'\nvariable "{name}" {{' in TERRAFORM, name
    for kind, name in re.findall(r"\b(google_\w+)\.(\w+)", block.text):
        assert f'\nresource "{kind}" "{name}" {{' in TERRAFORM, name
    for target in re.findall(r"\bmake (\w+)", block.text):
        assert re.search(rf"(?m)^{target}:.*## ", MAKEFILE), target
    for name in re.findall(r"\b[\w/.]+\.tfvars\.example\b", block.text):
        folder = Path(block.document).parent  # those in docs/ are run in the root
        assert (ROOT / ("." if folder.name == "docs" else folder) / name).exists(), name


@pytest.mark.parametrize(
    ("document", "target"),
    [
        (path.name, target)
        for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
        for target in sorted(set(re.findall(r"`make (\w+)`", path.read_text())))
    ],
)
def test_each_target_exists(document: str, target: str) -> None:
    """Each make target that a document names is one that `make help` lists."""
    assert re.search(rf"(?m)^{target}:.*## ", MAKEFILE)
