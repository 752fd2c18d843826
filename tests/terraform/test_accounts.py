"""Many accounts in one deployment: what each gets, and that none changes what was there."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.grants import GRANTS, PUBSUB_GRANTS, grants, grants_of

from .deployment import State, planned_changes, resources, state_with, values

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

NAMES = ("account_id", "dataset_id", "secret_id", "repository_id", "service", "name")
"""The arguments that name a resource in Google Cloud."""

RELEASED = {
    "google_artifact_registry_repository.images": "scanner-sync",
    "google_artifact_registry_repository_iam_member.build_writes_images": None,
    "google_bigquery_dataset.staging": "scanner_staging",
    "google_bigquery_dataset.tables": "scanner",
    "google_bigquery_dataset_iam_member.runtime_writes_staging": "scanner_staging",
    "google_bigquery_dataset_iam_member.runtime_writes_tables": "scanner",
    "google_cloud_run_v2_service_iam_member.scheduler_calls_function": "scanner-sync",
    "google_cloud_scheduler_job.sync": "scanner-sync",
    "google_cloudfunctions2_function.sync": "scanner-sync",
    'google_logging_metric.measurement["requests"]': "scanner-sync/requests",
    'google_logging_metric.measurement["rows"]': "scanner-sync/rows",
    'google_logging_metric.measurement["seconds"]': "scanner-sync/seconds",
    'google_logging_metric.measurement["throttled"]': "scanner-sync/throttled",
    "google_logging_metric.runs": "scanner-sync/runs",
    "google_monitoring_alert_policy.no_success[0]": None,
    "google_monitoring_alert_policy.run_failed": None,
    "google_monitoring_alert_policy.token_refused": None,
    "google_monitoring_dashboard.sync": None,
    "google_project_iam_member.build_reads_copied_source[0]": None,
    "google_project_iam_member.build_writes_logs[0]": None,
    "google_project_iam_member.runtime_runs_jobs[0]": None,
    'google_secret_manager_secret.token[""]': "scanner-sync-token",
    'google_secret_manager_secret_iam_member.runtime_reads_tokens[""]': "scanner-sync-token",
    "google_service_account.build[0]": "scanner-sync-build",
    "google_service_account.runtime[0]": "scanner-sync-runtime",
    "google_service_account.scheduler[0]": "scanner-sync-scheduler",
    "google_storage_bucket.source": "my-project-1-scanner-sync-source",
    "google_storage_bucket_iam_member.build_reads_source": None,
    "time_sleep.until_build_may_start": None,
}
"""What was deployed before there were accounts: addresses, and names where Google gives none.

Of what has a count by now, Terraform moves the only instance to `[0]` by itself. `moved` blocks
move the secrets, see `test_secrets_stay_what_they_were`."""

RELEASED_PUBSUB = {
    "google_project_service_identity.pubsub[0]": "pubsub.googleapis.com",
    "google_pubsub_subscription.dead_letters[0]": "scanner-sync-dead-letters",
    "google_pubsub_subscription.runs[0]": "scanner-sync-runs",
    "google_pubsub_subscription_iam_member.pubsub_takes_undelivered[0]": None,
    "google_pubsub_topic.dead_letters[0]": "scanner-sync-dead-letters",
    "google_pubsub_topic.runs[0]": "scanner-sync-runs",
    "google_pubsub_topic_iam_member.pubsub_publishes_dead_letters[0]": None,
    "google_service_account_iam_member.pubsub_calls_as_scheduler[0]": None,
}


def ids(state: State) -> dict[str, Any]:
    """Return what Google Cloud calls each resource, by its address; a new one has another id."""
    return {
        resource["address"]: resource["values"]["id"]
        for resource in resources(state)
        if resource["mode"] == "managed" and "source" not in resource["address"]
    }


def of_account(account: str) -> set[str]:
    """Return the addresses of an account's resources."""
    return {
        f'{resource}["{account}"]'
        for resource in (
            "google_bigquery_dataset.account_staging",
            "google_bigquery_dataset.account_tables",
            "google_bigquery_dataset_iam_member.runtime_writes_account_staging",
            "google_bigquery_dataset_iam_member.runtime_writes_account_tables",
            "google_cloud_scheduler_job.account",
            "google_secret_manager_secret.token",
            "google_secret_manager_secret_iam_member.runtime_reads_tokens",
        )
    }


@pytest.mark.parametrize(
    ("trigger", "released"), [("http", RELEASED), ("pubsub", RELEASED | RELEASED_PUBSUB)]
)
def test_an_upgrade_changes_no_address_and_no_name(
    deployments: dict[str, State], trigger: str, released: dict[str, str | None]
) -> None:
    """Without accounts all is where it was, under its name, and nothing is an account's."""
    found = {
        resource["address"]: resource["values"] for resource in resources(deployments[trigger])
    }
    named = {
        address: next((found[address][name] for name in NAMES if found[address].get(name)), None)
        for address in released
        if address in found
    }
    assert {of: named[of] for of in named if released[of]} == {
        of: name for of, name in released.items() if name
    }
    assert named.keys() == released.keys()
    assert not [address for address in found if "account_" in address.split(".")[1]]


def test_the_first_accounts_replace_nothing(deployments: dict[str, State]) -> None:
    """A deployment that gets accounts keeps each resource, its only dataset and secret too."""
    before, after = ids(deployments["without_accounts"]), ids(deployments["accounts"])
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {
        *of_account("acme"),
        *of_account("globex"),
        "google_monitoring_alert_policy.account_no_success[0]",
    }


def test_secrets_stay_what_they_were(module: Path, tmp_path: Path) -> None:
    """Each moves to its place among the others, and so do the grants on it. None is replaced."""
    secret, grant = "google_secret_manager_secret", "google_secret_manager_secret_iam_member"
    moves = {
        f"{secret}.access_token": f'{secret}.token[""]',
        f'{secret}.account_token["acme"]': f'{secret}.token["acme"]',
        f"{grant}.runtime_reads_token": f'{grant}.runtime_reads_tokens[""]',
        f'{grant}.runtime_reads_account_token["acme"]': f'{grant}.runtime_reads_tokens["acme"]',
    }
    (tmp_path / "before.tfstate").write_text(json.dumps(state_with({of: {} for of in moves})))
    targets = {address.partition("[")[0] for move in moves.items() for address in move}
    planned = planned_changes(
        module,
        tmp_path,
        "-var=accounts={ acme = {} }",
        *(f"-target={target}" for target in targets),
    )
    assert {
        change["previous_address"]: change["address"]
        for change in planned
        if "previous_address" in change
    } == moves
    assert not [change for change in planned if "delete" in change["change"]["actions"]]


def changed(before: State, after: State) -> dict[str, set[str]]:
    """Return the arguments that differ between two states, by the address of their resource."""
    was = {of["address"]: of["values"] for of in resources(before) if of["mode"] == "managed"}
    now = {of["address"]: of["values"] for of in resources(after)}
    return {
        address: names
        for address, values in was.items()
        if address in now
        if (names := {name for name in values if values[name] != now[address][name]})
    }


def test_accounts_come_and_go_in_place(deployments: dict[str, State]) -> None:
    """What Google cannot change in place stays: names, locations, and the labels of the metrics."""
    alerts = {"conditions", "documentation"}
    assert changed(deployments["without_accounts"], deployments["accounts"]) == {
        "google_cloud_scheduler_job.sync": {"paused"},
        "google_cloudfunctions2_function.sync": {"service_config"},
        "google_monitoring_alert_policy.mass_disappearance": alerts,
        "google_monitoring_alert_policy.no_success[0]": {"documentation"},
        "google_monitoring_alert_policy.occurrences_old[0]": alerts,
        "google_monitoring_alert_policy.run_failed": alerts,
        "google_monitoring_alert_policy.token_refused": alerts,
    }
    # In between were two accounts, one, and one with Pub/Sub.
    assert changed(deployments["without_accounts"], deployments["without_accounts_again"]) == {}
    assert changed(deployments["without_accounts_again"], deployments["new_schedule"]) == {
        "google_cloud_scheduler_job.sync": {"schedule"}
    }


def test_an_account_comes_and_goes_alone(deployments: dict[str, State]) -> None:
    """One account less takes its own resources from the state, and changes no other."""
    before, after = ids(deployments["accounts"]), ids(deployments["one_account_less"])
    assert after.items() <= before.items()
    assert before.keys() - after.keys() == of_account("acme")


def test_the_runtime_has_each_account_and_no_more(deployments: dict[str, State]) -> None:
    """An account adds three grants, all on resources of its own."""
    for run, expected in {
        "accounts": GRANTS | grants_of("acme") | grants_of("globex"),
        "one_account_less": GRANTS | grants_of("globex"),
        "accounts_by_pubsub": GRANTS | PUBSUB_GRANTS | grants_of("acme"),
    }.items():
        found = grants(deployments[run])
        assert set(found) == expected, run
        assert len(found) == len(expected), run


def test_metrics_and_alerts_tell_the_accounts_apart(deployments: dict[str, State]) -> None:
    """Each has the label `account`, which the alerts on log entries put into their commands."""
    account = "EXTRACT(jsonPayload.account)"
    for resource in resources(deployments["accounts"]):
        if resource["type"] == "google_logging_metric":
            metric = resource["values"]
            labels = {label["key"] for label in metric["metric_descriptor"][0]["labels"]}
            assert metric["label_extractors"]["account"] == account, metric["name"]
            assert metric["label_extractors"].keys() == labels, metric["name"]
    alerts = {
        name: values(deployments["accounts"], f"google_monitoring_alert_policy.{name}")
        for name in ("run_failed", "token_refused")
    }
    for name, alert in alerts.items():
        [condition] = alert["conditions"][0]["condition_matched_log"]
        assert condition["label_extractors"]["account"] == account, name
        [documentation] = alert["documentation"]
        assert "`ACCOUNT=${log.extracted_label.account}`" in documentation["content"], name


def run_command(command: str, account: str) -> list[str]:
    """Run a command with programs that print their arguments; return the last one's."""
    script = f"""
        gcloud() {{ printf '%s\\0' gcloud "$@" >&3; echo done; }}
        bq() {{ printf '%s\\0' bq "$@" >&3; }}
        {command}
    """
    done = subprocess.run(
        ["bash", "-c", f"{{ {script}\n}} 3>&1 >/dev/null"],
        input="token\n",
        env={"ACCOUNT": account, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\0")[:-1]


def test_commands_take_the_account_from_the_shell(deployments: dict[str, State]) -> None:
    """The shell puts the name into the secret, the job, the dataset and the filter of the log."""
    outputs = deployments["accounts"]["outputs"]
    ran = {
        name: run_command(outputs[name]["value"], "globex")
        for name in ("add_token", "run_now", "follow_run", "last_runs", "query_tables")
    }
    assert ran["add_token"][:5] == [
        "gcloud",
        "secrets",
        "versions",
        "add",
        "scanner-sync-globex-token",
    ]
    assert ran["run_now"][:5] == ["gcloud", "scheduler", "jobs", "run", "scanner-sync-globex"]
    for name in ("follow_run", "last_runs"):
        assert ran[name][:3] == ["gcloud", "logging", "read"]
        assert ran[name][3] == (
            'resource.type="cloud_run_revision" AND resource.labels.service_name="scanner-sync"'
            ' AND jsonPayload.message=("sync_finished" OR "sync_failed")'
            ' AND jsonPayload.account="globex"'
        )
    assert ran["query_tables"][:3] == ["bq", "--project_id=my-project-1", "query"]
    assert "FROM `my-project-1.scanner_globex.__TABLES__` ORDER" in ran["query_tables"][-1]
