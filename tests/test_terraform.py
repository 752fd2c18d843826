"""What `terraform/` makes, read from terraform itself, with no account and no credentials."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import requests

from local.bigquery import bigquery as local_bigquery
from local.processes import serving
from sample_api import Account, create_app, serve
from scanner_sync import errors
from scanner_sync.settings import Settings

ROOT = Path(__file__).resolve().parent.parent

# The settings that the program reads in the cloud: all but the token itself, for a laptop.
PROGRAM_SETTINGS = {name.upper() for name in Settings.__dataclass_fields__} - {"ACCESS_TOKEN"}

# In one process, because its fixtures take long.
pytestmark = pytest.mark.xdist_group("terraform")

RUNTIME = "serviceAccount:runtime@my-project-1.iam.gserviceaccount.com"
BUILD = "serviceAccount:build@my-project-1.iam.gserviceaccount.com"
SCHEDULER = "serviceAccount:scheduler@my-project-1.iam.gserviceaccount.com"
PUBSUB = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
COPIED_SOURCE = 'resource.name.startsWith("projects/_/buckets/gcf-v2-sources-")'

# (kind of resource, the one resource, role, member, condition)
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
}

# Every kind of resource there is. A new one may let someone do something: say above what it does,
# then add it here.
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
    "google_project",
    "google_project_iam_member",
    "google_project_service",
    "google_pubsub_subscription",
    "google_pubsub_subscription_iam_member",
    "google_pubsub_topic",
    "google_pubsub_topic_iam_member",
    "google_secret_manager_secret",
    "google_secret_manager_secret_iam_member",
    "google_service_account",
    "google_storage_bucket",
    "google_storage_bucket_iam_member",
    "google_storage_bucket_object",
}

# Cloud Monitoring takes no longer text with an alert, in bytes.
MOST_DOCUMENTATION = 8192

# Where each kind of grant names its resource.
GRANTED_ON = {
    "artifact_registry_repository": "repository",
    "bigquery_dataset": "dataset_id",
    "cloud_run_v2_service": "name",
    "cloudfunctions2_function": "cloud_function",
    "project": "project",
    "pubsub_subscription": "subscription",
    "pubsub_topic": "topic",
    "secret_manager_secret": "secret_id",
    "storage_bucket": "bucket",
}

# Files that a working copy may hold and that no deployment may take along.
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

Resource = dict[str, Any]


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run terraform on a folder, with none of the variables that the shell may hold for it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TF_VAR_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE", "TF_LOG"))
    }
    return subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def skip(reason: str) -> NoReturn:
    """Skip what needs terraform; where everything has to run, that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is deployed, with strays about it, so that nothing is left in the tree."""
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
    """The initialised module; skips where terraform or its providers cannot be had."""
    if shutil.which("terraform") is None:
        skip("terraform is not on PATH")
    folder = project / "terraform"
    done = terraform(folder, "init", "-backend=false", "-input=false", "-no-color")
    if done.returncode:
        # A provider that cannot be fetched is no fault of the module; all else is.
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
def deployments(module: Path) -> dict[str, dict[str, Any]]:
    """The state after each run of deployment.tftest.hcl that applies, by the run's name."""
    done = terraform(module, "test", "-json", "-verbose", "-filter=tests/deployment.tftest.hcl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode:
        wrong = [line["diagnostic"] for line in lines if line["type"] == "diagnostic"]
        told = "\n".join(f"{one['summary']}: {one['detail']}" for one in wrong)
        pytest.fail(f"terraform test failed\n{told}\n{done.stderr}", pytrace=False)
    return {line["@testrun"]: line["test_state"] for line in lines if line["type"] == "test_state"}


def resources(state: dict[str, Any]) -> Iterator[Resource]:
    """Every resource of a state; there are no modules in it."""
    assert "child_modules" not in state["root_module"]
    yield from state["root_module"]["resources"]


def values(state: dict[str, Any], address: str) -> dict[str, Any]:
    """The values of the one resource of that address."""
    [found] = [r["values"] for r in resources(state) if r["address"] == address]
    assert isinstance(found, dict)
    return found


def grants(state: dict[str, Any]) -> list[Grant]:
    """Who may do what on which resource, of all resources that grant."""
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


def archive(state: dict[str, Any]) -> dict[str, str]:
    """What the archive holds: the text of each file by its name."""
    planned = values(state, "data.archive_file.source")
    assert not planned["source_dir"], "files are named one by one"
    assert not planned["source_file"], "files are named one by one"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for source in planned["source"]:
            out.writestr(source["filename"], source["content"])
    with zipfile.ZipFile(packed) as read:
        return {name: read.read(name).decode() for name in read.namelist()}


def blocks(file: str, kind: str) -> dict[str, str]:
    """The text of each `kind "name" { ... }` of a file of the module, by name."""
    text = (ROOT / "terraform" / file).read_text()
    return dict(re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL))


def described(block: str) -> str:
    """The description of a variable or an output."""
    [text] = re.findall(r'^  description = "(.*)"$', block, re.MULTILINE)
    return str(json.loads(f'"{text}"'))


def table_under(heading: str) -> list[str]:
    """The lines of the README's table under a heading, without its head."""
    text = (ROOT / "terraform" / "README.md").read_text()
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return [line for line in section.splitlines() if line.startswith("|")][2:]


def test_is_formatted() -> None:
    """Every file is as `terraform fmt` writes it."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not on PATH")
    done = terraform(ROOT / "terraform", "fmt", "-check", "-diff", "-recursive", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_is_valid(module: Path) -> None:
    """Each argument is one that its resource has, and each required one is there."""
    done = terraform(module, "validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_own_tests_pass(module: Path) -> None:
    """What the tests in terraform/tests say of refusals and of the alert on missing runs holds."""
    done = terraform(
        module,
        "test",
        "-no-color",
        "-filter=tests/missing_runs.tftest.hcl",
        "-filter=tests/refusals.tftest.hcl",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_test_file_is_forgotten() -> None:
    """Each test file of the module is run by a test here: a filter names it."""
    files = {path.name for path in (ROOT / "terraform" / "tests").glob("*.tftest.hcl")}
    named = set(re.findall(r"-filter=tests/([\w.]+)", Path(__file__).read_text()))
    assert files == named


def test_each_validation_refuses_something() -> None:
    """For each validation of a variable there is a run, at least, with a value that it refuses."""
    text = (ROOT / "terraform" / "tests" / "refusals.tftest.hcl").read_text()
    runs = re.findall(
        r'^run "(\w+)__\w+" {\n.*?expect_failures = \[var\.(\w+)\]', text, re.M | re.S
    )
    assert runs
    assert all(name == expected for name, expected in runs)
    refusals = [name for name, _ in runs]
    for name, block in blocks("variables.tf", "variable").items():
        assert refusals.count(name) >= block.count("  validation {"), name


def test_variables_are_typed_described_and_validated() -> None:
    """Each variable has a type and a description; all but switches are validated; two required."""
    variables = blocks("variables.tf", "variable")
    for name, block in variables.items():
        assert re.search(r"^  type +=", block, re.MULTILINE), name
        assert described(block).endswith("."), name
        assert "  validation {" in block or re.search(r"^  type +=? bool", block, re.M), name
    required = {name for name, block in variables.items() if "  default" not in block}
    assert required == {"project_id", "api_base_url"}


@pytest.mark.parametrize(
    ("trigger", "expected"), [("http", GRANTS), ("pubsub", GRANTS | PUBSUB_GRANTS)]
)
def test_who_may_do_what(
    deployments: dict[str, dict[str, Any]], trigger: str, expected: set[Grant]
) -> None:
    """The grants are these and no other: an added member, a wider role, a lost condition fail."""
    found = grants(deployments[trigger])
    assert set(found) == expected
    assert len(found) == len(expected)


def test_invokers_may_call_the_function_and_no_more(
    deployments: dict[str, dict[str, Any]],
) -> None:
    """Each invoker named may look up and call the one function."""
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


def test_nothing_else_grants(deployments: dict[str, dict[str, Any]]) -> None:
    """No resource of another kind, no access list on a dataset, no key, no value of a secret."""
    kinds = set()
    for state in deployments.values():
        for resource in resources(state):
            kinds.add(resource["type"])
            assert (
                not resource["values"].get("access")
                or resource["type"] != "google_bigquery_dataset"
            )
    assert kinds == KINDS


def test_accounts_are_three(deployments: dict[str, dict[str, Any]]) -> None:
    """There is an account to run, one to build and one to call; nothing names another."""
    accounts = {
        resource["values"]["account_id"]
        for resource in resources(deployments["http"])
        if resource["type"] == "google_service_account"
    }
    assert accounts == {"scanner-sync-runtime", "scanner-sync-build", "scanner-sync-scheduler"}
    made = json.dumps([state["root_module"] for state in deployments.values()])
    for stranger in ("-compute@developer", "@appspot", "allUsers", "allAuthenticatedUsers"):
        assert stranger not in made


@pytest.mark.parametrize("trigger", ["http", "pubsub"])
def test_environment_is_what_the_program_reads(
    deployments: dict[str, dict[str, Any]], trigger: str
) -> None:
    """Each setting that the program reads in the cloud is given, and none that it does not read."""
    [config] = values(deployments[trigger], "google_cloudfunctions2_function.sync")[
        "service_config"
    ]
    assert set(config["environment_variables"]) == PROGRAM_SETTINGS
    assert not config["secret_environment_variables"]
    assert not config["secret_volumes"]


def test_no_secret_enters_the_state(deployments: dict[str, dict[str, Any]]) -> None:
    """The module makes the secret's container: no version of it, and no variable for the token."""
    for state in deployments.values():
        types = [resource["type"] for resource in resources(state)]
        assert types.count("google_secret_manager_secret") == 1
        assert "google_secret_manager_secret_version" not in types
        assert '"secret_data' not in json.dumps(state["root_module"])
    assert not [name for name in blocks("variables.tf", "variable") if "token" in name]


def test_time_limits_are_in_order(deployments: dict[str, dict[str, Any]]) -> None:
    """The program gives up, then the function times out, then its caller stops waiting."""
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


def test_labels_stand_on_all_that_takes_them(deployments: dict[str, dict[str, Any]]) -> None:
    """Whatever can be labelled has the module's labels and those given."""
    expected = {"app": "acme-scanner", "managed-by": "terraform", "team": "security"}
    labelled = set()
    for resource in resources(deployments["every_variable_given"]):
        for argument in ("labels", "user_labels"):
            if argument in resource["values"] and resource["mode"] == "managed":
                assert resource["values"][argument] == expected, resource["address"]
                labelled.add(resource["type"])
    assert labelled == {
        "google_artifact_registry_repository",
        "google_bigquery_dataset",
        "google_cloudfunctions2_function",
        "google_monitoring_alert_policy",
        "google_secret_manager_secret",
        "google_storage_bucket",
    }
    for resource in resources(deployments["pubsub"]):
        if resource["type"] in ("google_pubsub_topic", "google_pubsub_subscription"):
            assert resource["values"]["labels"]["app"] == "scanner-sync", resource["address"]


def test_archive_holds_the_program_and_nothing_else(
    deployments: dict[str, dict[str, Any]],
) -> None:
    """main.py, requirements.txt and the program's Python, as they are; no page's template."""
    program = [ROOT / "main.py", ROOT / "requirements.txt"]
    program += [
        path
        for path in (ROOT / "scanner_sync").rglob("*")
        if path.suffix in (".py", ".typed") and "__pycache__" not in path.parts
    ]
    expected = {path.relative_to(ROOT).as_posix(): path.read_text() for path in program}
    for run, state in deployments.items():
        assert archive(state) == expected, run


def python_3_13() -> str | None:
    """A Python of the deployed version, if this machine has one."""
    versions = Path.home().glob(".pyenv/versions/3.13*/bin/python")
    candidates = [shutil.which("python3.13"), sys.executable, *map(str, versions)]
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if done.stdout.startswith("Python 3.13."):
            return candidate
    return None


@pytest.mark.network
def test_the_archive_alone_serves_the_function(
    deployments: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """What is uploaded, alone in a folder, with its requirements by hash on a fresh Python 3.13."""
    python = python_3_13()
    if python is None:
        skip("there is no Python 3.13 on this machine")
    for name, text in archive(deployments["http"]).items():
        path = tmp_path / "function" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    fresh = str(tmp_path / "venv/bin/python")
    install = [fresh, "-m", "pip", "install", "--quiet", "--require-hashes", "-r"]
    subprocess.run([*install, tmp_path / "function/requirements.txt"], check=True)
    account = Account(targets=[{"id": 1, "address": "a.example.com"}])
    command = [
        *(fresh, "-m", "functions_framework", "--target", "sync_http"),
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


def test_gcloudignore_agrees_with_the_archive(
    project: Path, deployments: dict[str, dict[str, Any]]
) -> None:
    """`gcloud functions deploy` by hand would upload what Terraform does, whatever lies about."""
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-from=.gcloudignore", "-z"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    uploaded = set(listed.stdout.split("\0")) - {""}
    assert uploaded == set(archive(deployments["http"]))


def test_alerts_say_what_to_do(deployments: dict[str, dict[str, Any]]) -> None:
    """There are three alerts; each has steps to take, with the commands of this deployment."""
    alerts = {
        resource["values"]["display_name"]: resource["values"]
        for resource in resources(deployments["http"])
        if resource["type"] == "google_monitoring_alert_policy"
    }
    assert set(alerts) == {
        "scanner-sync: a run failed",
        "scanner-sync: the token was refused",
        "scanner-sync: no run succeeded",
    }
    for name, alert in alerts.items():
        [documentation] = alert["documentation"]
        assert re.search(r"^1\. ", documentation["content"], re.MULTILINE), name
        assert deployments["http"]["outputs"]["run_now"]["value"] in documentation["content"], name
        assert len(documentation["content"]) < MOST_DOCUMENTATION, name


def test_alerts_watch_the_events_that_the_program_logs(
    deployments: dict[str, dict[str, Any]],
) -> None:
    """Each failure reaches one alert: a refused token its own, all else that on failed runs."""
    state = deployments["http"]
    [failed] = values(state, "google_monitoring_alert_policy.run_failed")["conditions"]
    [refused] = values(state, "google_monitoring_alert_policy.token_refused")["conditions"]
    of_function = (
        'resource.type="cloud_run_revision" AND resource.labels.service_name="scanner-sync"'
    )
    assert " ".join(failed["condition_matched_log"][0]["filter"].split()) == (
        f'{of_function} AND ( (jsonPayload.message="sync_failed" '
        'AND NOT jsonPayload.error_type="ApiRefused") '
        'OR (logName="projects/my-project-1/logs/run.googleapis.com%2Fvarlog%2Fsystem" '
        "AND severity>=ERROR) )"
    )
    assert refused["condition_matched_log"][0]["filter"] == (
        f'{of_function} AND jsonPayload.message="sync_failed" '
        'AND jsonPayload.error_type="ApiRefused"'
    )


def test_the_alert_on_failed_runs_names_each_type_of_error(
    deployments: dict[str, dict[str, Any]],
) -> None:
    """What a run may fail with has an entry that says what to do; nothing else has one."""
    alert = values(deployments["http"], "google_monitoring_alert_policy.run_failed")
    named = re.findall(r"^   - (.*?): ", alert["documentation"][0]["content"], re.MULTILINE)
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.SyncError)
    }
    # These are answered to a caller before a run starts; a refused token has an alert of its own.
    before = {"SyncError", "RequestError", "MethodNotAllowed", "ApiRefused"}
    assert set(re.findall(r"`([A-Z]\w+)`", " ".join(named))) == kinds - before


def test_metrics_read_the_events_that_the_program_logs(
    deployments: dict[str, dict[str, Any]],
) -> None:
    """Runs are counted by outcome; rows by table, seconds, requests and 429s come from fields."""
    metrics = {
        resource["values"]["name"]: resource["values"]
        for resource in resources(deployments["http"])
        if resource["type"] == "google_logging_metric"
    }
    read = {
        name: (
            re.findall(r"sync_finished|sync_failed|table_synced", metric["filter"]),
            metric["value_extractor"],
            metric["label_extractors"],
        )
        for name, metric in metrics.items()
    }
    finished, none = ["sync_finished"], dict[str, str]()
    assert read == {
        "scanner-sync/runs": (
            ["sync_finished", "sync_failed"],
            None,
            {
                "outcome": 'REGEXP_EXTRACT(jsonPayload.message, "sync_(finished|failed)")',
                "error_type": "EXTRACT(jsonPayload.error_type)",
            },
        ),
        "scanner-sync/rows": (
            ["table_synced"],
            "EXTRACT(jsonPayload.rows)",
            {"table": "EXTRACT(jsonPayload.table)"},
        ),
        "scanner-sync/seconds": (finished, "EXTRACT(jsonPayload.seconds)", none),
        "scanner-sync/requests": (finished, "EXTRACT(jsonPayload.requests)", none),
        "scanner-sync/throttled": (finished, "EXTRACT(jsonPayload.throttled)", none),
    }


def test_dashboard_shows_each_metric(deployments: dict[str, dict[str, Any]]) -> None:
    """Runs, duration, rows by table, requests and 429s, memory; each from a metric there is."""
    state = deployments["http"]
    dashboard = json.loads(values(state, "google_monitoring_dashboard.sync")["dashboard_json"])
    titles, queries = [], ""
    for tile in dashboard["mosaicLayout"]["tiles"]:
        titles.append(tile["widget"]["title"])
        assert tile["xPos"] + tile["width"] <= dashboard["mosaicLayout"]["columns"]
        for data in tile["widget"]["xyChart"]["dataSets"]:
            queries += data["timeSeriesQuery"]["prometheusQuery"] + "\n"
    assert titles == [
        "Runs and failures",
        "Duration of a run",
        "Rows by table",
        "Requests and 429s",
        "Memory, share of 1Gi",
    ]
    shown = set(re.findall(r"logging_googleapis_com:user_scanner_sync_([a-z]+)", queries))
    made = {
        resource["values"]["name"].removeprefix("scanner-sync/")
        for resource in resources(state)
        if resource["type"] == "google_logging_metric"
    }
    assert shown == made
    assert "run_googleapis_com:container_memory_utilizations_bucket" in queries


def test_commands_in_outputs_are_shell(deployments: dict[str, dict[str, Any]]) -> None:
    """Each command that an output gives can be pasted: the shell can read it."""
    for run in ("http", "pubsub"):
        outputs = deployments[run]["outputs"]
        for name in ("add_token", "run_now", "last_runs", "query_tables", "dead_letters"):
            if name in outputs and outputs[name]["value"] is not None:
                command = outputs[name]["value"]
                done = subprocess.run(
                    ["bash", "-n", "-c", command], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{name}: {done.stderr}"


def test_readme_has_every_variable() -> None:
    """The README's table of variables is the code's: name, meaning, default, in the same order."""
    expected = []
    for name, block in blocks("variables.tf", "variable").items():
        default = re.search(r"^  default +=? (.*)$", block, re.MULTILINE)
        default = default or re.search(r"^  default += (.*)$", block, re.MULTILINE)
        shown = f"`{default.group(1).lstrip('= ')}`" if default else "required"
        expected.append(f"| `{name}` | {described(block)} | {shown} |")
    assert table_under("Variables") == expected


def test_readme_has_every_output() -> None:
    """The README's table of outputs is the code's: name and meaning, in the same order."""
    expected = [
        f"| `{name}` | {described(block)} |"
        for name, block in blocks("outputs.tf", "output").items()
    ]
    assert table_under("Outputs") == expected


def test_example_of_variables_names_real_ones() -> None:
    """terraform.tfvars.example sets the required variables, and no variable that does not exist."""
    text = (ROOT / "terraform" / "terraform.tfvars.example").read_text()
    variables = blocks("variables.tf", "variable")
    assert set(re.findall(r"^#? ?(\w+) +=", text, re.MULTILINE)) <= set(variables)
    assert set(re.findall(r"^(\w+) +=", text, re.MULTILINE)) == {"project_id", "api_base_url"}
