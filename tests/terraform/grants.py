"""The grants of a deployment, and those that it should have."""

from .deployment import State, resources

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


def grants_of(account: str) -> set[Grant]:
    """Return the grants on an account's resources."""
    token, dataset = f"scanner-sync-{account}-token", f"scanner_{account}"
    editor = "roles/bigquery.dataEditor"
    return {
        ("secret_manager_secret", token, "roles/secretmanager.secretAccessor", RUNTIME, ""),
        ("bigquery_dataset", dataset, editor, RUNTIME, ""),
        ("bigquery_dataset", f"{dataset}_staging", editor, RUNTIME, ""),
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
