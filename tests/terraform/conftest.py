"""The initialized module, and the outcome of its own tests, which run once."""

import re
import shutil
from pathlib import Path

import pytest

from local.processes import ROOT

from .deployment import Message, State, need_terraform, run_tests, skip, states_of, terraform

# Files that a working copy may contain and that must not be deployed.
STRAYS = (
    ".env",
    "scanner_sync/.env",
    "scanner_sync/__pycache__/settings.cpython-313.pyc",
    "scanner_sync/notes.txt",
    "scanner_sync/deep/er/token.json",
    ".dlt/secrets.toml",
    "tests/test_stray.py",
    "sample_api/main.py",
    "sample_api/requirements.txt",
    "other.py",
    "terraform/terraform.tfvars.old",
)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what is deployed and add strays, so that the tests leave nothing in the repository."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("main.py", "requirements.txt", ".gcloudignore"):
        shutil.copy(ROOT / name, copy / name)
    shutil.copytree(
        ROOT / "scanner_sync", copy / "scanner_sync", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(
        ROOT / "terraform",
        copy / "terraform",
        ignore=shutil.ignore_patterns(
            ".terraform*", "*.tfstate*", "*.tfvars", "*.tfvars.json", "backend.tf"
        ),
    )
    for stray in STRAYS:
        path = copy / stray
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("stray")
    return copy


@pytest.fixture(scope="session")
def module(project: Path) -> Path:
    """Initialize the module; skip if Terraform or its providers are not available."""
    need_terraform()
    folder = project / "terraform"
    done = terraform(folder, "init", "-backend=false", "-input=false", "-no-color")
    if done.returncode:
        # Only a provider that cannot be downloaded is a reason to skip.
        reason = re.search(
            r"Failed to (?:query available provider packages|install provider).*?(?=\n\n|\Z)",
            done.stdout + done.stderr,
            re.DOTALL,
        )
        if reason is None:
            pytest.fail(f"terraform init failed:\n{done.stdout}{done.stderr}")
        skip(f"terraform cannot reach its providers: {' '.join(reason.group().split())}")
    return folder


@pytest.fixture(scope="session")
def module_tests(module: Path) -> list[Message]:
    """Run the tests in terraform/tests once."""
    return run_tests(module)


@pytest.fixture(scope="session")
def deployments(module_tests: list[Message]) -> dict[str, State]:
    """Return the state after each run of the module's tests that applies, by the run's name."""
    return states_of(module_tests)
