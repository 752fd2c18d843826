"""`make deploy` and `make destroy`: what they say and what they leave, with the real Terraform."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from local.deploy import IMPORTED_AS, NAMED_BY_GOOGLE, failures, import_command, main
from local.processes import ROOT
from tests.docs.markdown import blocks

from .deployment import State, need_terraform, resources, terraform
from .test_grants import KINDS

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

MADE_AGAIN = {
    # Written over, or read only.
    *("archive_file", "google_storage_bucket_object", "terraform_data", "time_sleep"),
    # Enabling what is enabled, and granting what is granted, changes nothing.
    *("google_project_service", "google_project_service_identity"),
    *(kind for kind in KINDS if "_iam_" in kind),
}
"""What an apply can make once more although it is there."""


def make(target: str, folder: Path, command: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a target of the Makefile with the configuration in a folder, and say yes."""
    command = command or f"terraform -chdir={folder}"
    # Without what a make that runs the tests says to those below it.
    left_out = ("TF_CLI_ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    return subprocess.run(
        ["make", "--no-print-directory", target, f"TERRAFORM={command}"],
        cwd=ROOT,
        input="yes\n",
        env={of: value for of, value in os.environ.items() if not of.startswith(left_out)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("state", "status"), [("ACTIVE", 0), ("FAILED", 2), ("DEPLOYING", 2)])
def test_a_deployment_is_done_when_its_function_is_active(
    tmp_path: Path, state: str, status: int
) -> None:
    """An apply with no changes does not hide that the build before it failed."""
    need_terraform()
    (tmp_path / "main.tf").write_text(f"""
        resource "terraform_data" "function" {{ input = "{state}" }}
        output "function_state" {{ value = terraform_data.function.output }}
    """)
    for _ in range(2):
        done = make("deploy", tmp_path)
        assert done.returncode == status, done.stdout + done.stderr
        said = f"The function is {state}, not ACTIVE"
        assert (said in done.stderr) is (status != 0)
    assert "No changes." in done.stdout


def test_an_apply_that_fails_is_not_done(tmp_path: Path) -> None:
    """The resource of each error is found in what Terraform prints, and its error with it."""
    need_terraform()
    (tmp_path / "main.tf").write_text("""
        resource "terraform_data" "made" {
          for_each = toset(["acme", "globex"])
          provisioner "local-exec" {
            command = "echo 'googleapi: Error 409: Already Exists: ${each.key}, duplicate'; false"
          }
        }
    """)
    done = make("deploy", tmp_path)
    assert done.returncode == 2
    found = dict(failures(done.stderr))
    assert found.keys() == {f'terraform_data.made["{name}"]' for name in ("acme", "globex")}
    assert all("Error 409" in text for text in found.values())
    assert "import" not in done.stdout


def test_what_is_there_already_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """After a 409, and no other error, a command is printed that a new plan has the name for."""
    need_terraform()
    # A type that needs no cloud, in the place of Google's.
    monkeypatch.setitem(IMPORTED_AS, "terraform_data", "projects/p/things/{input}")
    monkeypatch.setenv("TF_CLI_ARGS_apply", "-auto-approve")
    (tmp_path / "main.tf").write_text("""
        resource "terraform_data" "made" {
          for_each = { acme = "Error 409: Already Exists.", globex = "Error 403: Denied." }
          input    = each.key
          provisioner "local-exec" { command = "echo '${each.value}'; false" }
        }
    """)
    command = ["terraform", f"-chdir={tmp_path}"]
    with pytest.raises(SystemExit, match=r"^1$"):
        main(command)
    said = capfd.readouterr()
    assert "Error 403: Denied." in said.err
    assert [line for line in said.out.splitlines() if line.startswith("terraform ")] == [
        f"terraform -chdir={tmp_path} import 'terraform_data.made[\"acme\"]' projects/p/things/acme"
    ]


@pytest.mark.parametrize("run", ["http", "accounts", "accounts_by_pubsub"])
def test_destroy_leaves_the_data(
    deployments: dict[str, State], module: Path, tmp_path: Path, run: str
) -> None:
    """Neither a dataset, a secret or an API is destroyed, nor anything that one of them needs."""
    listed = []
    for resource in resources(deployments[run]):
        provider = 'provider["registry.terraform.io/hashicorp/google"]'
        index = {"index_key": resource["index"]} if "index" in resource else {}
        instance = {"schema_version": 0, "attributes": resource["values"], **index}
        named = {key: resource[key] for key in ("mode", "type", "name")}
        listed.append({**named, "provider": provider, "instances": [instance]})
    state = {"version": 4, "serial": 1, "lineage": "test", "resources": listed}
    (tmp_path / "terraform.tfstate").write_text(json.dumps(state))
    # The real Terraform lists what there is. What it is asked to destroy is written down.
    command = tmp_path / "command"
    written = 'test "$1" != destroy || exec echo "$@"'
    command.write_text(f'#!/bin/sh\n{written}\nexec terraform -chdir={tmp_path} "$@"\n')
    command.chmod(0o700)
    done = make("destroy", tmp_path, command=str(command))
    assert done.returncode == 0, done.stderr
    destroyed = set(re.findall(r"-target=(\S+)", done.stdout))
    # Terraform destroys with each target all that depends on it.
    edges = re.findall(r'"(\S+)" -> "(\S+)"', terraform(module, "graph").stdout)
    while more := {user for user, used in edges if used in destroyed} - destroyed:
        destroyed |= more
    there = {f"{of['type']}.{of['name']}" for of in listed if of["mode"] == "managed"}
    kept = {address for address in there if address not in destroyed}
    assert kept == {
        "google_bigquery_dataset.staging",
        "google_bigquery_dataset.tables",
        "google_project_service.required",
        "google_secret_manager_secret.token",
        "time_sleep.until_apis_work",
    } | {
        address
        for address in (
            "google_bigquery_dataset.account_staging",
            "google_bigquery_dataset.account_tables",
        )
        if run != "http"
    }


@pytest.mark.parametrize("run", ["http", "accounts"])
def test_removing_it_all_removes_each_dataset(deployments: dict[str, State], run: str) -> None:
    """What the runbook says to paste deletes the tables before Terraform destroys the datasets."""
    [block] = [of for of in blocks() if of.heading == "Removing it all"]
    [named] = re.findall(r'ACCOUNTS="(.*)"', block.text)
    text = block.text if run == "accounts" else block.text.replace(named, "")
    script = f"""
        bq() {{ echo bq "${{@: -1}}"; }}
        terraform() {{ echo terraform "$2"; }}
        DATASET=scanner PROJECT=my-project-1
        {text}
    """
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    first, *removed, last = done.stdout.splitlines()
    assert (first, last) == ("terraform apply", "terraform destroy")
    assert sorted(removed) == sorted(
        f"bq {of['values']['dataset_id']}"
        for of in resources(deployments[run])
        if of["type"] == "google_bigquery_dataset"
    )


def test_whatever_is_there_already_can_be_imported(deployments: dict[str, State]) -> None:
    """A lost answer leaves only what a second creation changes nothing of, or what is named."""
    assert IMPORTED_AS.keys() | NAMED_BY_GOOGLE | MADE_AGAIN == KINDS
    commands = {
        resource["address"]: import_command(["terraform", "-chdir=terraform"], resource)
        for run in ("rules", "accounts_by_pubsub", "accounts")
        for resource in resources(deployments[run])
        if resource["type"] in IMPORTED_AS
    }
    ids = {
        address: re.fullmatch(r"terraform -chdir=terraform import (\S+) (.*)", command)
        for address, command in commands.items()
    }
    project = "projects/my-project-1"
    assert {address: found[2] for address, found in ids.items() if found} == {
        "google_artifact_registry_repository.images": (
            f"{project}/locations/us-central1/repositories/scanner-sync"
        ),
        "google_bigquery_dataset.tables": f"{project}/datasets/scanner",
        "google_bigquery_dataset.staging": f"{project}/datasets/scanner_staging",
        "google_cloud_quotas_quota_preference.queries[0]": (
            "projects/my-billing/locations/global/quotaPreferences/scanner-sync-queries"
        ),
        "google_cloud_scheduler_job.sync": f"{project}/locations/us-central1/jobs/scanner-sync",
        "google_cloudfunctions2_function.sync": (
            f"{project}/locations/us-central1/functions/scanner-sync"
        ),
        "google_logging_metric.runs": "'my-project-1 scanner-sync/runs'",
        **{
            f'google_logging_metric.measurement["{name}"]': f"'my-project-1 scanner-sync/{name}'"
            for name in (
                *("rows", "seconds", "requests", "throttled"),
                *("issues_listed", "issues_read", "issues_waiting", "oldest_hours"),
                "disappeared",
            )
        },
        **{
            f"google_pubsub_{kind}.{name}[0]": f"{project}/{kind}s/scanner-sync-{named}"
            for kind in ("topic", "subscription")
            for name, named in {"runs": "runs", "dead_letters": "dead-letters"}.items()
        },
        'google_secret_manager_secret.token[""]': f"{project}/secrets/scanner-sync-token",
        **{
            f"google_service_account.{name}[0]": (
                f"{project}/serviceAccounts/scanner-sync-{name}@my-project-1.iam.gserviceaccount.com"
            )
            for name in ("runtime", "build", "scheduler")
        },
        "google_storage_bucket.source": "my-project-1/my-project-1-scanner-sync-source",
        **{
            f'{kind}["{account}"]': named.format(account)
            for account in ("acme", "globex")
            for kind, named in {
                "google_bigquery_dataset.account_tables": f"{project}/datasets/scanner_{{}}",
                "google_bigquery_dataset.account_staging": (
                    f"{project}/datasets/scanner_{{}}_staging"
                ),
                "google_secret_manager_secret.token": (
                    f"{project}/secrets/scanner-sync-{{}}-token"
                ),
                "google_cloud_scheduler_job.account": (
                    f"{project}/locations/us-central1/jobs/scanner-sync-{{}}"
                ),
            }.items()
        },
    }
    # The shell takes the address as one word, with its quotation marks.
    of_acme = commands['google_bigquery_dataset.account_tables["acme"]']
    assert "'google_bigquery_dataset.account_tables[\"acme\"]'" in of_acme
