"""Each commit and each push is checked."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from local.processes import ROOT


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
    """Each hook refuses what it is there for; nothing that is committed holds a secret.

    `make lint` runs the other checks on what is committed.
    """
    assert failed_hooks(checkout, "no-secrets", "--all-files") == set()
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


def test_the_workflows_are_pinned_and_read_only() -> None:
    """Each action by its commit, no right but to read, both Pythons, and all that .ci/run runs.

    What writes a release and its provenance runs none of our code, nor any package.
    """
    rights = {}
    for path in (ROOT / ".github/workflows").iterdir():
        text = path.read_text()
        uses = re.findall(r"uses: (.*)", text)
        assert uses
        assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", use) for use in uses)
        assert text.count("actions/checkout@") == text.count("persist-credentials: false")
        workflow = yaml.safe_load(text)
        for name, job in workflow["jobs"].items():
            assert "timeout-minutes" in job
            rights[path.stem, name] = job.get("permissions", workflow["permissions"])
            if rights[path.stem, name] != {"contents": "read"}:
                assert "checkout" not in str(job)
    assert rights == {
        ("test", "test"): {"contents": "read"},
        ("release", "build"): {"contents": "read"},
        ("release", "release"): dict.fromkeys(("contents", "id-token", "attestations"), "write"),
    }
    text = (ROOT / ".github/workflows/test.yml").read_text()
    assert re.findall(r'python: "([\d.]+)"', text) == ["3.11", "3.13"]
    made = re.findall(r"(?m)\bmake ([\w-]+)$", (ROOT / ".ci/run").read_text())
    assert re.findall(r"(?m)run: make ([\w-]+) PYTHON=python$", text) == made
