"""Run Terraform and its tests, and read the state of a deployment."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from local.processes import ROOT

State = dict[str, Any]
Resource = dict[str, Any]
Message = dict[str, Any]

PLUGINS = ROOT / ".pytest_cache/terraform"
"""Each provider is downloaded once, for all folders that are initialized."""


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run terraform in a folder, without the variables that the shell may set for it.

    It spends a third of its time on collecting garbage, unless it may use more memory.
    """
    PLUGINS.mkdir(parents=True, exist_ok=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TF_VAR_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE", "TF_LOG"))
    } | {
        "TF_PLUGIN_CACHE_DIR": str(PLUGINS),
        # A folder without a lock file would download them again.
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
        "GOGC": "off",
        "GOMEMLIMIT": "1200MiB",
    }
    return subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def run_tests(folder: Path, *options: str) -> list[Message]:
    """Run the tests of a folder, in one process, and return Terraform's messages."""
    done = terraform(folder, "test", "-json", *options)
    if not done.stdout:
        pytest.fail(f"terraform test failed:\n{done.stderr}", pytrace=False)
    # A plan comes with the schemas of all providers, which take long to parse.
    is_plan = '"type":"test_plan"}'
    return [json.loads(line) for line in done.stdout.splitlines() if not line.endswith(is_plan)]


def state_with(known: Mapping[str, Mapping[str, Any]]) -> State:
    """Return the content of a state file with Google's resources of these addresses and values."""
    listed = []
    for address, attributes in known.items():
        [(kind, name, index, key)] = re.findall(r'^(\w+)\.(\w+)(\["(\w*)"\])?$', address)
        instance = {"schema_version": 0, "attributes": attributes}
        instance |= {"index_key": key} if index else {}
        provider = 'provider["registry.terraform.io/hashicorp/google"]'
        of = {"mode": "managed", "type": kind, "name": name, "provider": provider}
        listed.append(of | {"instances": [instance]})
    return {"version": 4, "serial": 1, "lineage": "test", "resources": listed}


def planned_changes(module: Path, folder: Path, *options: str) -> list[Resource]:
    """Return what the plan of a state in `folder` does to each resource. Nobody asks Google."""
    file = str(folder / "plan")
    planned = terraform(
        module,
        "plan",
        *("-input=false", "-refresh=false", f"-state={folder / 'before.tfstate'}"),
        *("-var=project_id=my-project-1", "-var=api_base_url=https://api.intruder.io/v1"),
        f"-out={file}",
        *options,
    )
    assert planned.returncode == 0, planned.stderr
    changes = json.loads(terraform(module, "show", "-json", file).stdout)["resource_changes"]
    assert isinstance(changes, list)
    return changes


def states_of(messages: list[Message]) -> dict[str, State]:
    """Return the state after each run that applies, by the run's name."""
    return {
        message["@testrun"]: message["test_state"]
        for message in messages
        if message["type"] == "test_state"
    }


def assert_each_run_passed(messages: list[Message], *files: Path) -> None:
    """Check that every run in these files passed, and that there was no other run."""
    outcomes = {
        (Path(message["@testfile"]).name, message["@testrun"]): message["test_run"]["status"]
        for message in messages
        if message["type"] == "test_run" and message["test_run"]["progress"] == "complete"
    }
    faults = [
        f"{fault['summary']}: {fault['detail']}"
        for message in messages
        if message["type"] == "diagnostic" and (fault := message["diagnostic"])
    ]
    expected = {
        (path.name, run): "pass"
        for path in files
        for run in re.findall(r'^run "(\w+)"', path.read_text(), re.MULTILINE)
    }
    assert expected
    assert outcomes == expected, "\n".join(faults)


def skip(reason: str) -> NoReturn:
    """Skip tests that need Terraform; in CI, where everything has to run, fail instead."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def need_terraform() -> None:
    """Skip, or fail in CI, if Terraform is not installed."""
    if shutil.which("terraform") is None:
        skip("terraform is not on PATH")


def resources(state: State) -> Iterator[Resource]:
    """Yield every resource of a state. The deployment has no child modules."""
    assert "child_modules" not in state["root_module"]
    yield from state["root_module"]["resources"]


def values(state: State, address: str) -> dict[str, Any]:
    """Return the values of the resource with that address."""
    [found] = [r["values"] for r in resources(state) if r["address"] == address]
    assert isinstance(found, dict)
    return found


def copy_program(to: Path, copy: Callable[[str, str], object]) -> None:
    """Copy the files of the program, each with the function `copy`."""
    for name in ("main.py", "requirements.txt"):
        copy(str(ROOT / name), str(to / name))
    shutil.copytree(
        ROOT / "scanner_sync",
        to / "scanner_sync",
        ignore=shutil.ignore_patterns("__pycache__"),
        copy_function=copy,
        dirs_exist_ok=True,
    )


def plan_archive(checkout: Path) -> Path:
    """Make a plan of the archive, and return its file."""
    file = checkout / "plan"
    planned = terraform(
        checkout / "terraform",
        "plan",
        *("-input=false", f"-out={file}", "-target=data.archive_file.source"),
        *("-var=project_id=my-project-1", "-var=api_base_url=https://api.intruder.io/v1"),
    )
    assert planned.returncode == 0, planned.stderr
    return file


def changes(checkout: Path, file: Path) -> dict[str, dict[str, Any]]:
    """Return how a plan changes each resource."""
    shown = terraform(checkout / "terraform", "show", "-json", str(file))
    return {of["address"]: of["change"] for of in json.loads(shown.stdout)["resource_changes"]}


def files_of(archive: Mapping[str, Any]) -> dict[str, str]:
    """Return what an archive contains: the text of each file, by name."""
    assert not archive.get("source_dir"), "the files are listed one by one"
    assert not archive.get("source_file"), "the files are listed one by one"
    files = {source["filename"]: source["content"] for source in archive["source"]}
    assert len(files) == len(archive["source"])
    return files


def unpack(files: Mapping[str, str], folder: Path) -> None:
    """Write the files of an archive into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
