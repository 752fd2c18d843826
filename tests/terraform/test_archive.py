"""The source archive: what it contains, and that it runs without the rest of the repository."""

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from local.bigquery import bigquery as local_bigquery
from local.dist import checkout_digest, deployed_files
from local.processes import ROOT, serving
from sample_api import Account, create_app, serve
from tests.support.pythons import fresh_environment

from .deployment import State, files_of, unpack, values

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")


def test_archive_holds_the_program_and_nothing_else(archived: dict[str, str]) -> None:
    """It has main.py, requirements.txt, the package without its commands, and the digest of all."""
    expected = {name: (ROOT / name).read_text() for name in deployed_files()}
    left_out = {path.name.removesuffix(".py") for path in (ROOT / "scanner_sync").iterdir()} - {
        Path(name).parts[1].removesuffix(".py") for name in expected if "/" in name
    }
    # pyproject.toml says that what is deployed imports none of these.
    assert left_out - {"__pycache__"} == {"__main__", "check", "cli", "report"}
    assert archived == expected | {"scanner_sync/archive.sha256": checkout_digest()}


def test_each_deployment_has_the_same_archive(deployments: dict[str, State]) -> None:
    """No variable changes it. Here each file of the program has its name as its text."""
    sums = "".join(f"{sha256(of.encode()).hexdigest()}  {of}\n" for of in deployed_files())
    digest = {"scanner_sync/archive.sha256": sha256(sums.encode()).hexdigest()}
    for run, state in deployments.items():
        found = files_of(values(state, "data.archive_file.source"))
        assert found == {name: name for name in deployed_files()} | digest, run


@pytest.mark.network
def test_the_archive_alone_serves_the_function(archived: dict[str, str], tmp_path: Path) -> None:
    """The uploaded files serve a sync on a fresh Python 3.13, with requirements checked by hash."""
    unpack(archived, tmp_path / "function")
    fresh = str(fresh_environment("3.13", tmp_path / "venv"))
    install = [fresh, "-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes", "-r"]
    subprocess.run([*install, tmp_path / "function/requirements.txt"], check=True)
    account = Account(targets=[{"id": 1, "address": "a.example.com"}])
    # Not `python -m`, which would import the package from the current folder, a checkout.
    command = [
        *(str(Path(fresh).with_name("functions-framework")), "--target", "sync_http"),
        *("--source", str(tmp_path / "function/main.py"), "--host", "127.0.0.1", "--port", "0"),
    ]
    with (
        local_bigquery() as bigquery_url,
        serve(create_app(account, token="the-token")) as api_url,
    ):
        settings = {
            "API_BASE_URL": api_url,
            "ACCESS_TOKEN": "the-token",
            "GOOGLE_CLOUD_PROJECT": "test-project",
            "BIGQUERY_EMULATOR_HOST": bigquery_url,
            "GUNICORN_LOG_LEVEL": "info",
        }
        with serving(command, settings, r"Listening at: (http://\S+)") as url:
            answer = requests.post(url, json={"resources": ["targets"]}, timeout=120)
    assert (answer.status_code, answer.json()["tables"]) == (200, {"targets": {"rows": 1}})
    assert answer.json()["archive"] == checkout_digest()


def test_gcloudignore_agrees_with_the_archive(project: Path, archived: dict[str, str]) -> None:
    """`gcloud functions deploy` would upload the same files as Terraform, and no strays."""
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-from=.gcloudignore", "-z"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    uploaded = set(listed.stdout.split("\0")) - {""}
    assert uploaded == set(archived) - {"scanner_sync/archive.sha256"}
