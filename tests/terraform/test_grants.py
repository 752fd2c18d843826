"""Who may do what in a deployment, and that no other grant exists."""

import json

import pytest

from local.terraform_tables import blocks

from .deployment import State, resources

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

RUNTIME = "serviceAccount:runtime@my-project-1.iam.gserviceaccount.com"
BUILD = "serviceAccount:build@my-project-1.iam.gserviceaccount.com"
SCHEDULER = "serviceAccount:scheduler@my-project-1.iam.gserviceaccount.com"
SCHEDULER_NAME = (
    "projects/my-project-1/serviceAccounts/scheduler@my-project-1.iam.gserviceaccount.com"
)
PUBSUB = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
COPIED_SOURCE = 'resource.name.startsWith("projects/_/buckets/gcf-v2-sources-")'

# (kind of resource, name of the resource, role, member, condition)
Grant = tuple[str, str, str, str, str]

GRANTS: set[Grant] = {
    (
        "secret_manager_secret",
        "scanner-sync-token",
        "roles/secretmanager.secretAccessor",
        RUNTIME,
        "",
    ),
    ("bigquery_dataset", "scanner", "roles/bigquery.dataEditor", RUNTIME, ""),
    ("bigquery_dataset", "scanner_staging", "roles/bigquery.dataEditor", RUNTIME, ""),
    ("project", "my-project-1", "roles/bigquery.jobUser", RUNTIME, ""),
    ("storage_bucket", "my-project-1-scanner-sync-source", "roles/storage.objectViewer", BUILD, ""),
    ("project", "my-project-1", "roles/storage.objectViewer", BUILD, COPIED_SOURCE),
    ("artifact_registry_repository", "scanner-sync", "roles/artifactregistry.writer", BUILD, ""),
    ("project", "my-project-1", "roles/logging.logWriter", BUILD, ""),
    ("cloud_run_v2_service", "scanner-sync", "roles/run.invoker", SCHEDULER, ""),
}

PUBSUB_GRANTS: set[Grant] = {
    ("pubsub_topic", "scanner-sync-dead-letters", "roles/pubsub.publisher", PUBSUB, ""),
    ("pubsub_subscription", "scanner-sync-runs", "roles/pubsub.subscriber", PUBSUB, ""),
    ("service_account", SCHEDULER_NAME, "roles/iam.serviceAccountTokenCreator", PUBSUB, ""),
}

# Every type of resource in a deployment. Before you add one, check whether it grants anything, and
# list that above.
KINDS = {
    "archive_file",
    "google_artifact_registry_repository",
    "google_artifact_registry_repository_iam_member",
    "google_bigquery_dataset",
    "google_bigquery_dataset_iam_member",
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
    "time_sleep",
}

# The argument in which each kind of grant names its resource.
GRANTED_ON = {
    "artifact_registry_repository": "repository",
    "bigquery_dataset": "dataset_id",
    "cloud_run_v2_service": "name",
    "cloudfunctions2_function": "cloud_function",
    "project": "project",
    "pubsub_subscription": "subscription",
    "pubsub_topic": "topic",
    "secret_manager_secret": "secret_id",
    "service_account": "service_account_id",
    "storage_bucket": "bucket",
}


def grants(state: State) -> list[Grant]:
    """Return the grants of a state, from all resources that grant something."""
    found = []
    for resource in resources(state):
        if "_iam_" not in resource["type"]:
            continue
        granted = resource["values"]
        kind = resource["type"].removeprefix("google_").removesuffix("_iam_member")
        condition = granted.get("condition") or [{"expression": ""}]
        found.append(
            (
                kind,
                granted[GRANTED_ON[kind]],
                granted["role"],
                granted["member"],
                condition[0]["expression"],
            )
        )
    return found


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
