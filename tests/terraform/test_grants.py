"""Who may do what in a deployment, and that no other grant exists."""

import json

import pytest

from local.terraform_tables import blocks
from tests.terraform.grants import (
    BUILD,
    GRANTS,
    PUBSUB_GRANTS,
    RUNTIME,
    SCHEDULER,
    SCHEDULER_NAME,
    Grant,
    grants,
    grants_of,
)

from .deployment import State, resources

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")


# Every type of resource in a deployment. Before you add one, check whether it grants anything, and
# list that above.
KINDS = {
    "archive_file",
    "google_artifact_registry_repository",
    "google_artifact_registry_repository_iam_member",
    "google_bigquery_dataset",
    "google_bigquery_dataset_iam_member",
    "google_cloud_quotas_quota_preference",
    "google_cloud_run_v2_service_iam_member",
    "google_cloud_scheduler_job",
    "google_cloudfunctions2_function",
    "google_cloudfunctions2_function_iam_member",
    "google_logging_metric",
    "google_monitoring_alert_policy",
    "google_monitoring_dashboard",
    "google_project_iam_member",
    "google_project_service",
    "google_project_service_identity",
    "google_pubsub_subscription",
    "google_pubsub_subscription_iam_member",
    "google_pubsub_topic",
    "google_pubsub_topic_iam_member",
    "google_secret_manager_secret",
    "google_secret_manager_secret_iam_member",
    "google_service_account",
    "google_service_account_iam_member",
    "google_storage_bucket",
    "google_storage_bucket_iam_member",
    "google_storage_bucket_object",
    "terraform_data",
    "time_sleep",
}


@pytest.mark.parametrize(
    ("trigger", "expected"), [("http", GRANTS), ("pubsub", GRANTS | PUBSUB_GRANTS)]
)
def test_who_may_do_what(deployments: dict[str, State], trigger: str, expected: set[Grant]) -> None:
    """The grants are exactly these: a new member, a wider role or a lost condition fails."""
    found = grants(deployments[trigger])
    assert set(found) == expected
    assert len(found) == len(expected)


def test_invokers_may_only_call_the_function(deployments: dict[str, State]) -> None:
    """Each member in `invokers` may look up and call the function, and nothing else."""
    named = {"user:ada@example.com", "group:security@example.com"}
    found = {grant for grant in grants(deployments["every_variable_given"]) if grant[3] in named}
    assert found == {
        grant
        for member in named
        for grant in (
            ("cloud_run_v2_service", "acme-scanner", "roles/run.invoker", member, ""),
            ("cloudfunctions2_function", "acme-scanner", "roles/cloudfunctions.viewer", member, ""),
        )
    }
    others = {grant[2:4] for grant in grants(deployments["every_variable_given"])} - {
        grant[2:4] for grant in found
    }
    assert others == {grant[2:4] for grant in GRANTS}


def test_a_company_grants_what_it_wants(deployments: dict[str, State]) -> None:
    """Its own accounts get its own roles, and nothing is granted on the project."""
    instead = {
        "roles/bigquery.dataEditor": "organizations/123/roles/scannerWriter",
        "roles/run.invoker": "projects/my-project-1/roles/caller",
        RUNTIME: "serviceAccount:sync@my-accounts.iam.gserviceaccount.com",
        BUILD: "serviceAccount:build@my-accounts.iam.gserviceaccount.com",
        SCHEDULER: "serviceAccount:call@my-accounts.iam.gserviceaccount.com",
        SCHEDULER_NAME: (
            "projects/my-accounts/serviceAccounts/call@my-accounts.iam.gserviceaccount.com"
        ),
    }
    usual = GRANTS | PUBSUB_GRANTS | grants_of("acme") | grants_of("globex")
    found = grants(deployments["rules"])
    assert set(found) == {
        tuple(instead.get(part, part) for part in grant) for grant in usual if grant[0] != "project"
    }
    made = [of["address"] for of in resources(deployments["rules"])]
    assert not [address for address in made if address.startswith("google_service_account.")]


def test_nothing_else_grants(deployments: dict[str, State]) -> None:
    """No other type of resource exists, and no dataset has an access list."""
    kinds = set()
    for state in deployments.values():
        for resource in resources(state):
            kinds.add(resource["type"])
            assert (
                not resource["values"].get("access")
                or resource["type"] != "google_bigquery_dataset"
            )
    assert kinds == KINDS


def test_there_are_three_accounts(deployments: dict[str, State]) -> None:
    """One account runs, one builds and one calls the function; no resource names another."""
    accounts = {
        resource["values"]["account_id"]
        for resource in resources(deployments["http"])
        if resource["type"] == "google_service_account"
    }
    assert accounts == {"scanner-sync-runtime", "scanner-sync-build", "scanner-sync-scheduler"}
    made = json.dumps([state["root_module"] for state in deployments.values()])
    for stranger in ("-compute@developer", "@appspot", "allUsers", "allAuthenticatedUsers"):
        assert stranger not in made


def test_no_secret_enters_the_state(deployments: dict[str, State]) -> None:
    """The module creates the secret without a version, and has no variable for the token."""
    for state in deployments.values():
        types = [resource["type"] for resource in resources(state)]
        assert "google_secret_manager_secret" in types
        assert "google_secret_manager_secret_version" not in types
        assert '"secret_data' not in json.dumps(state["root_module"])
    assert not [name for name in blocks("variables.tf", "variable") if "token" in name]
