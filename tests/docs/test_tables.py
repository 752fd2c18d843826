"""docs/tables.md has every table that a sync makes."""

import re

import flask.testing
import pytest

from local.processes import ROOT
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.cve_intelligence import INTELLIGENCE_TABLE
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.histories import HISTORY_COLUMNS
from scanner_sync.schema.occurrence_reads import READS_TABLE
from scanner_sync.schema.sla_policy import SLA_TABLE
from scanner_sync.schema.tables import TABLES
from scanner_sync.schema.views import VIEW_TABLES
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import Dataset
from tests.docs.markdown import table


def test_each_column_is_described() -> None:
    """With its meaning and an example."""
    declared = [DLT_COLUMNS, HISTORY_COLUMNS]
    tables = (*TABLES.values(), READS_TABLE, SLA_TABLE, INTELLIGENCE_TABLE)
    tables += (*CONCLUSIONS.values(), *VIEW_TABLES.values())
    declared += [table.columns for table in tables]
    assert all(c.example is not None and c.description for d in declared for c in d.values())


@pytest.mark.usefixtures("api_url")
def test_tables_are_what_a_sync_makes(dataset: Dataset, http: flask.testing.FlaskClient) -> None:
    """Each table and view of the dataset is in the page, and each column of it with its type."""
    assert http.post("/").status_code == 200
    page = (ROOT / "docs/tables.md").read_text()
    shown = {
        name: dict(re.findall(r"^\| \**`(\w+)`\** \| ([\w<>]+) \|", section, re.MULTILINE))
        for name, section in re.findall(r"(?ms)^### (\w+)\n(.*?)(?=^##|\Z)", page)
    }
    names = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}  # of the API's old types
    made = {
        row["table_name"]: {
            column: re.sub(r"\w+", lambda name: names.get(name[0], name[0]), kind)
            for column, kind in dataset.columns(row["table_name"]).items()
        }
        for row in dataset.query("SELECT table_name FROM {d}.INFORMATION_SCHEMA.TABLES")
    }
    assert {name: made[name] for name in made if not name.startswith("_")} == shown
    # The lease is there during a sync.
    kept = {name for name in made if name.startswith("_")} | {LEASE_TABLE}
    assert {row[0].strip("`") for row in table("docs/tables.md", "Bookkeeping")} == kept
