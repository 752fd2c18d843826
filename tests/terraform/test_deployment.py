"""What a deployment creates: settings, time limits, labels, and the commands in its outputs."""

import re
import subprocess

import pytest

from local.terraform_tables import blocks
from scanner_sync.settings import SETTINGS

from .deployment import State, resources, values

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

# The settings that the program reads in the cloud: all except the token, which is for laptops.
PROGRAM_SETTINGS = {name.upper() for name in SETTINGS} - {"ACCESS_TOKEN"}


COMMANDS = ("add_token", "run_now", "follow_run", "last_runs", "query_tables", "dead_letters")


@pytest.mark.parametrize("trigger", ["http", "pubsub"])
def test_environment_is_what_the_program_reads(deployments: dict[str, State], trigger: str) -> None:
    """The function gets every setting that the program reads in the cloud, and no other."""
    [config] = values(deployments[trigger], "google_cloudfunctions2_function.sync")[
        "service_config"
    ]
    assert set(config["environment_variables"]) == PROGRAM_SETTINGS
    assert not config["secret_environment_variables"]
    assert not config["secret_volumes"]


def test_a_setting_and_its_variable_have_one_name() -> None:
    """Each setting has a variable with its name in lowercase, or comes from another resource."""
    from_resources = {"ACCESS_TOKEN_SECRET", "GOOGLE_CLOUD_PROJECT"}
    named = {name.lower() for name in PROGRAM_SETTINGS - from_resources}
    assert named <= blocks("variables.tf", "variable").keys()


def test_a_setting_and_its_variable_have_one_default(deployments: dict[str, State]) -> None:
    """Where a setting has a default, the function gets the same one."""
    [config] = values(deployments["http"], "google_cloudfunctions2_function.sync")["service_config"]
    environment = config["environment_variables"]
    settings = [setting for setting in SETTINGS.values() if setting.default]
    assert {setting.name: setting.default for setting in settings} == {
        setting.name: setting.metadata["parse"](environment[setting.name.upper()])
        for setting in settings
    }


@pytest.mark.parametrize("name", ["api_base_url", "kev_url", "epss_url", "ssvc_url"])
@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://api.example.com/v1{}", True),
        ("https://A-1.example:8443/v_1/~x-/y.z/{}/", True),
        *((f"https://{rest}", False) for rest in ("/{}", "a..b/{}", "a/{}//", "a//{}", "a/./{}")),
        *((f"https://a/{rest}{{}}", False) for rest in ("%20", "a b/", "a@b/", "?a=", "#", "é")),
        *((f"{rest}/{{}}", False) for rest in ("http://a", "https://u:p@a", "https://a:", "a")),
    ],
)
def test_a_setting_and_its_variable_take_the_same_urls(name: str, url: str, is_taken: bool) -> None:
    """Otherwise an apply succeeds, and then each sync fails."""
    given = url.replace("{}", "{cve}" if name == "ssvc_url" else "x")
    variable = blocks("variables.tf", "variable")[name]
    [pattern] = re.findall(r'regex\("(\^https.*?)", ', variable)
    taken = re.search(pattern.replace(r"\\", "\\"), given.replace("{cve}", "CVE"), re.ASCII)
    try:
        SETTINGS[name].metadata["parse"](given)
    except ValueError:
        assert not taken
        assert not is_taken
    else:
        assert taken
        assert is_taken


def test_time_limits_are_in_order(deployments: dict[str, State]) -> None:
    """The program stops first, then the function times out, then its caller stops waiting."""
    longest = {"http": 1800, "pubsub": 600, "every_variable_given": 1800}
    for run, limit in longest.items():
        state = deployments[run]
        [config] = values(state, "google_cloudfunctions2_function.sync")["service_config"]
        if run == "pubsub":
            caller = values(state, "google_pubsub_subscription.runs[0]")["ack_deadline_seconds"]
        else:
            deadline = values(state, "google_cloud_scheduler_job.sync")["attempt_deadline"]
            caller = int(deadline.removesuffix("s"))
        program = int(config["environment_variables"]["SYNC_DEADLINE_SECONDS"])
        assert program < config["timeout_seconds"] < caller <= limit, run


def test_all_resources_with_labels_have_them(deployments: dict[str, State]) -> None:
    """Each resource that can have labels has the module's labels and the given ones."""
    expected = {"app": "acme-scanner", "managed-by": "terraform", "team": "security"}
    labeled = set()
    for resource in resources(deployments["every_variable_given"]):
        for argument in ("labels", "user_labels"):
            if argument in resource["values"] and resource["mode"] == "managed":
                assert resource["values"][argument] == expected, resource["address"]
                labeled.add(resource["type"])
    assert labeled == {
        "google_artifact_registry_repository",
        "google_bigquery_dataset",
        "google_cloudfunctions2_function",
        "google_monitoring_alert_policy",
        "google_secret_manager_secret",
        "google_storage_bucket",
    }
    for resource in resources(deployments["accounts"]):
        if resource.get("index") in ("acme", "globex") and "labels" in resource["values"]:
            assert resource["values"]["labels"]["app"] == "scanner-sync", resource["address"]
    for resource in resources(deployments["pubsub"]):
        if resource["type"] in ("google_pubsub_topic", "google_pubsub_subscription"):
            assert resource["values"]["labels"]["app"] == "scanner-sync", resource["address"]


def test_each_resource_is_in_the_project(deployments: dict[str, State]) -> None:
    """Each resource that has a project or a region has the variables' ones."""
    for run, region in {
        "http": "us-central1",
        "pubsub": "us-central1",
        "rules": "us-central1",
    }.items():
        for resource in resources(deployments[run]):
            found = resource["values"]
            if resource["mode"] == "managed":
                assert found.get("project", "my-project-1") == "my-project-1", resource["address"]
                assert found.get("region", region) == region, resource["address"]
            if "bigquery" not in resource["type"]:
                assert found.get("location", region) == region, resource["address"]


def test_commands_in_outputs_can_be_pasted(deployments: dict[str, State]) -> None:
    """The shell can parse each command in an output."""
    for run in ("http", "pubsub", "accounts", "accounts_by_pubsub"):
        outputs = deployments[run]["outputs"]
        for name in COMMANDS:
            if name in outputs and outputs[name]["value"] is not None:
                command = outputs[name]["value"]
                done = subprocess.run(
                    ["bash", "-n", "-c", command], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{name}: {done.stderr}"
