"""Apply the Terraform configuration, and say what to do about what that leaves unfinished.

`make deploy` runs it after `terraform init`. It exits with 1 if the apply failed, and also if it
succeeded but the function is not active, because its last build or update failed.
"""

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Final

IMPORTED_AS: Final = {
    "google_artifact_registry_repository": (
        "projects/{project}/locations/{location}/repositories/{repository_id}"
    ),
    "google_bigquery_dataset": "projects/{project}/datasets/{dataset_id}",
    "google_cloud_quotas_quota_preference": "{parent}/locations/global/quotaPreferences/{name}",
    "google_cloud_scheduler_job": "projects/{project}/locations/{region}/jobs/{name}",
    "google_cloudfunctions2_function": "projects/{project}/locations/{location}/functions/{name}",
    "google_logging_metric": "{project} {name}",
    "google_pubsub_subscription": "projects/{project}/subscriptions/{name}",
    "google_pubsub_topic": "projects/{project}/topics/{name}",
    "google_secret_manager_secret": "projects/{project}/secrets/{secret_id}",
    "google_service_account": (
        "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com"
    ),
    "google_storage_bucket": "{project}/{name}",
}
"""What Terraform imports, by type: each is named by us, so that it can be there already."""

NAMED_BY_GOOGLE: Final = {"google_monitoring_alert_policy", "google_monitoring_dashboard"}
"""What can be there twice, because Google gives each its name."""


def main(terraform: Sequence[str]) -> None:
    """Apply with the command `terraform`, and exit with 1 if the function does not run it."""
    status, errors = _apply(terraform)
    if status:
        _advise(terraform, errors)
        sys.exit(1)
    shown = subprocess.run(
        [*terraform, "output", "-raw", "function_state"], capture_output=True, text=True, check=True
    )
    if shown.stdout != "ACTIVE":
        sys.exit(
            f"The function is {shown.stdout}, not ACTIVE: its last build or update failed, and"
            ' older code may be running. docs/runbook.md says what to do under "A build failed".'
        )


def _apply(terraform: Sequence[str]) -> tuple[int, str]:
    """Run `terraform apply`, and return its exit status and the errors that it printed."""
    # Ctrl-C interrupts Terraform, which finishes what it has begun and writes its state.
    handler = signal.signal(signal.SIGINT, lambda *_: None)
    errors = []
    with subprocess.Popen([*terraform, "apply"], stderr=subprocess.PIPE, text=True) as apply:
        assert apply.stderr is not None
        for line in apply.stderr:
            sys.stderr.write(line)
            errors.append(line)
    signal.signal(signal.SIGINT, handler)
    return apply.returncode, "".join(errors)


def _advise(terraform: Sequence[str], errors: str) -> None:
    """Print what mends an apply that found something there already, or may have left it twice."""
    failed = list(failures(errors))
    if existing := [address for address, text in failed if "Error 409" in text]:
        planned = _planned(terraform)
        commands = [
            import_command(terraform, planned[address])
            for address in existing
            if address in planned and planned[address]["type"] in IMPORTED_AS
        ]
        if commands:
            print(
                "\nIt is there already, but not in Terraform's state. If it belongs to this"
                " deployment, import it, and then run `make deploy` again:\n"
            )
            print("\n".join(commands))
    twice = [address for address, _ in failed if address.split(".")[0] in NAMED_BY_GOOGLE]
    if twice:
        print(
            f"\n{', '.join(twice)} may be there although Terraform was not told so. Delete it in"
            " the console, or the next apply makes a second one. docs/runbook.md says more under"
            ' "An apply stopped halfway".'
        )


def failures(errors: str) -> Iterator[tuple[str, str]]:
    """Yield the address of the resource that each error is about, and the error in one line."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", errors)
    for block in plain.split("╵"):
        text = re.sub(r"(?m)^[╷│] ?", "", block)
        if found := re.search(r"(?m)^ +with (.+),$", text):
            yield found[1], " ".join(text.split())


def _planned(terraform: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the type, address and values of each resource that a plan would create."""
    with tempfile.TemporaryDirectory() as directory:
        plan = str(Path(directory) / "plan")
        options = ["-input=false", "-lock=false", f"-out={plan}"]
        made = subprocess.run([*terraform, "plan", *options], capture_output=True, check=False)
        if made.returncode:
            return {}
        shown = subprocess.run([*terraform, "show", "-json", plan], capture_output=True, check=True)
    return {
        change["address"]: {**change, "values": change["change"]["after"]}
        for change in json.loads(shown.stdout)["resource_changes"]
        if "create" in change["change"]["actions"]
    }


def import_command(terraform: Sequence[str], resource: Mapping[str, Any]) -> str:
    """Return the command that imports a resource, from its type, its address and its values."""
    name = IMPORTED_AS[resource["type"]].format_map(resource["values"])
    return " ".join([*terraform, "import", quote(resource["address"]), quote(name)])


if __name__ == "__main__":
    main(sys.argv[1:])
