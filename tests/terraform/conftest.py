"""The initialized module, and the outcome of its own tests, which run once."""

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from local.processes import ROOT, function
from local.secret_manager import SecretManager, Version
from local.secret_manager import serve as serve_secrets
from local.smoke import Cloud, Deployment
from sample_api import create_app, generate
from sample_api import serve as serve_api
from tests.conftest import TOKEN

from .cloud import LocalCloud, serve
from .deployment import (
    Message,
    State,
    changes,
    copy_program,
    files_of,
    need_terraform,
    plan_archive,
    run_tests,
    skip,
    states_of,
    terraform,
    unpack,
)

Here = tuple[LocalCloud, Cloud, Deployment, SecretManager]
ANONYMOUS = Credentials(token="anonymous")  # type: ignore[no-untyped-call]

WITH_STATES = {"accounts.tftest.hcl", "company.tftest.hcl", "deployment.tftest.hcl"}
"""The tests of the module after whose runs other tests look at what is deployed."""

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


def name_as_text(source: str, copy: str) -> None:
    """Write a file whose text is the name of another one."""
    Path(copy).write_text(Path(source).relative_to(ROOT).as_posix())


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what is deployed and add strays, so that the tests leave nothing in the repository.

    Each file of the program says only which one it is. Terraform sorts the files of the archive by
    their text several times in each run, for which it took two thirds of its time.
    """
    copy = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / ".gcloudignore", copy)
    copy_program(copy, name_as_text)
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
def archived(module: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what the archive holds of the program itself: the text of each file, by name."""
    copy = tmp_path_factory.mktemp("archived") / "project"
    shutil.copytree(module.parent, copy, symlinks=True)
    copy_program(copy, shutil.copy)
    planned = changes(copy, plan_archive(copy))["data.archive_file.source"]["after"]
    return files_of(planned)


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
    """Run the tests in terraform/tests once, with the states of the files in `WITH_STATES`.

    With each state Terraform writes the schemas of all its providers, which takes a third of its
    time.
    """
    files = sorted(path.name for path in (module / "tests").glob("*.tftest.hcl"))
    assert set(files) > WITH_STATES
    chosen = [f"-filter=tests/{name}" for name in WITH_STATES]
    others = [f"-filter=tests/{name}" for name in files if name not in WITH_STATES]
    return run_tests(module, "-verbose", *chosen) + run_tests(module, *others)


@pytest.fixture(scope="session")
def deployments(module_tests: list[Message]) -> dict[str, State]:
    """Return the state after each run of the module's tests that applies, by the run's name."""
    return states_of(module_tests)


@pytest.fixture
def here(
    deployments: dict[str, State], archived: dict[str, str], bigquery_url: str, tmp_path: Path
) -> Iterator[Here]:
    """A deployment, with the settings and files that it is given, and what is asked about it."""
    state = deployments["http"]
    local = LocalCloud(state)
    deployment = Deployment(state)
    settings = deployment.settings
    secrets = SecretManager({settings["ACCESS_TOKEN_SECRET"]: [Version(TOKEN.encode())]})
    project = settings["GOOGLE_CLOUD_PROJECT"]
    options = {"api_endpoint": bigquery_url}
    client = bigquery.Client(project, ANONYMOUS, client_options=options)
    for name in ("scanner", "scanner_staging"):  # of another test
        client.delete_dataset(name, delete_contents=True, not_found_ok=True)
    api = create_app(generate(seed=4, issues=6, targets=5, scans=5), token=TOKEN)
    unpack(archived, tmp_path)
    with ExitStack() as parts:
        environment = {
            **settings,
            # Before this checkout, which is the working directory.
            "PYTHONPATH": str(tmp_path),
            "PYTHONSAFEPATH": "1",
            "API_BASE_URL": parts.enter_context(serve_api(api)),
            "BIGQUERY_EMULATOR_HOST": bigquery_url,
            "SECRET_MANAGER_EMULATOR_HOST": parts.enter_context(serve_secrets(secrets)),
        }
        local.function = parts.enter_context(function(environment, on_line=local.log))
        # It ends before the function does, and waits for its calls.
        url = parts.enter_context(serve(local))
        apis = dict.fromkeys(("scheduler", "secrets", "logging", "monitoring"), url)
        yield local, Cloud(requests.Session(), client, apis, pause=0.1), deployment, secrets
