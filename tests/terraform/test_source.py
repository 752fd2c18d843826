"""The archive is written by the apply that uploads it, from the files that were planned."""

import json
import shutil
from pathlib import Path

import pytest

from .deployment import (
    changes,
    need_terraform,
    plan_archive,
    planned_changes,
    state_with,
    terraform,
)

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")


@pytest.fixture
def checkout(module: Path, tmp_path: Path) -> Path:
    """Copy the initialized module and the program, as another checkout of the same commit."""
    shutil.copytree(module.parent, tmp_path / "one", symlinks=True)
    return tmp_path / "one"


def actions(checkout: Path, file: Path) -> dict[str, list[str]]:
    """Return what a plan does to each resource."""
    return {address: change["actions"] for address, change in changes(checkout, file).items()}


def test_a_saved_plan_is_applied_in_another_checkout(checkout: Path, tmp_path: Path) -> None:
    """The plan writes no archive; the apply does, where it runs. The next plan changes nothing."""
    need_terraform()
    file = plan_archive(checkout)
    assert actions(checkout, file) == {
        "data.archive_file.source": ["read"],
        "terraform_data.source": ["create"],
    }
    assert not list((checkout / "terraform/.terraform").glob("*.zip"))
    other = tmp_path / "another"
    shutil.copytree(checkout, other, symlinks=True)
    applied = terraform(other / "terraform", "apply", "-input=false", str(file))
    assert applied.returncode == 0, applied.stderr
    assert actions(other, plan_archive(other)) == {"terraform_data.source": ["no-op"]}


def test_a_saved_plan_of_other_files_is_refused(checkout: Path) -> None:
    """After another change, also one that was planned itself, the older plan uploads nothing."""
    need_terraform()
    older = plan_archive(checkout).rename(checkout / "older")
    (checkout / "main.py").write_text("# changed\n")
    plan_archive(checkout)
    applied = terraform(checkout / "terraform", "apply", "-input=false", "-no-color", str(older))
    assert applied.returncode == 1
    assert "expanding the plan for terraform_data.source" in applied.stderr


def test_the_archive_is_given_nothing_that_its_provider_ignores(checkout: Path) -> None:
    """It gives the files of `source` blocks no mode, whatever `output_file_mode` says."""
    need_terraform()
    planned = changes(checkout, plan_archive(checkout))["data.archive_file.source"]["after"]
    given = {name for name, value in planned.items() if value is not None}
    assert given == {"type", "output_path", "source"}


def test_the_new_archive_comes_before_the_old_one_goes(module: Path, tmp_path: Path) -> None:
    """A failed upload leaves the archive from which the function can be built again."""
    address = "google_storage_bucket_object.source"
    state = {address: {"name": "source-1.zip", "bucket": "b"}}
    (tmp_path / "before.tfstate").write_text(json.dumps(state_with(state)))
    # The providers' schemas alone do not say that another name is another object.
    planned = planned_changes(module, tmp_path, f"-replace={address}", f"-target={address}")
    [replaced] = [change for change in planned if change["address"] == address]
    assert replaced["change"]["actions"] == ["create", "delete"]


def test_what_the_archive_does_not_hold_changes_nothing(checkout: Path) -> None:
    """Another file, and another mode of a file, is the same source."""
    need_terraform()
    applied = terraform(
        checkout / "terraform", "apply", "-input=false", str(plan_archive(checkout))
    )
    assert applied.returncode == 0, applied.stderr
    (checkout / "notes.txt").write_text("other")
    (checkout / "main.py").chmod(0o600)
    assert actions(checkout, plan_archive(checkout)) == {"terraform_data.source": ["no-op"]}
