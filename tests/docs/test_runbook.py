"""The runbook covers each alert and error, and what it says to copy is all there is."""

import re

import flask.testing
import pytest

from local.processes import ROOT
from sample_api import Account
from scanner_sync import errors
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import Dataset
from tests.docs.markdown import section

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
ALERTS = (ROOT / "terraform/alerts.tf").read_text()


def entries(heading: str) -> dict[str, str]:
    """Get the sections of the runbook below a heading."""
    found = re.findall(
        r"(?ms)^### ([^\n]*)\n(.*?)(?=^### |\Z)", section("docs/runbook.md", heading)
    )
    return dict(found)


def test_each_alert_has_its_section() -> None:
    alerts = re.findall(r'(?m)^  display_name += "\$\{var\.name\}: (.*)"$', ALERTS)
    assert alerts
    assert {name[0].lower() + name[1:] for name in entries("Alerts")} == set(alerts)


def test_each_error_has_its_section() -> None:
    assert list(entries("Errors")) == list(errors.TYPES)


@pytest.mark.parametrize("name", [*entries("Alerts"), *entries("Errors")])
def test_each_section_says_what_to_do(name: str) -> None:
    text = {**entries("Alerts"), **entries("Errors")}[name]
    assert re.findall(r"(?m)^- \*\*(.*?):\*\* ", text) == ["Means", "Look at", "Do"]


@pytest.mark.usefixtures("api_url")
def test_a_moved_dataset_goes_on(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tables that the runbook copies are all there are, and the histories go on in the copy."""
    [listed] = re.findall(r"(?s)for table in (.*?); do", RUNBOOK)
    names = listed.replace("\\\n", " ").split()
    account.issues, account.occurrences = [{"id": 1, "severity": "high"}], {1: []}
    assert http.post("/").status_code == 200
    made = dataset.client.list_tables(dataset.name)
    kept = {table.table_id for table in made if table.table_type == "TABLE"} - {LEASE_TABLE}
    assert kept == set(names)
    moved = Dataset(f"{dataset.name}moved", dataset.client)
    dataset.client.create_dataset(moved.name)
    for name in names:
        dataset.client.copy_table(f"{dataset.name}.{name}", f"{moved.name}.{name}").result()
    monkeypatch.setenv("DATASET", moved.name)
    account.issues = [{"id": 1, "severity": "low"}]
    history = http.post("/").get_json()["history"]
    assert history["issues"] == {"opened": 0, "closed": 0, "changed": 1}
    [old] = dataset.query("SELECT opened_at FROM {d}.issue_lifecycle")
    [new] = moved.query("SELECT opened_at, severity FROM {d}.issue_lifecycle")
    assert new == {**old, "severity": "low"}
