"""What the dataset keeps of CVEs between two syncs."""

from datetime import UTC, date, datetime

import pytest
from google.cloud import bigquery

from scanner_sync.schema.cve_intelligence import INTELLIGENCE, INTELLIGENCE_TABLE
from scanner_sync.warehouse.intelligence import read_intelligence, state_of, write_rows, write_state
from tests.conftest import PROJECT, Dataset

STATE = {"read_on": "2026-11-24", "feeds": {"kev": {"etag": 'W/"é-7"', "entries": 1700}}}


def test_rows_and_state_are_read_as_they_were_written(dataset: Dataset) -> None:
    """Rows are replaced as a whole, and columns keep their descriptions."""
    dataset.client.create_dataset(dataset.name)
    warehouse = dataset.warehouse
    assert read_intelligence(warehouse, {}) == ({}, set())
    warehouse.ensure_table(INTELLIGENCE, INTELLIGENCE_TABLE.columns, None)
    row = {
        "cve": "CVE-2026-1234",
        "in_kev": True,
        "kev_added_on": date(2026, 11, 2),
        "epss": 0.0431,
        "technical_impact": "total",
        "read_at": datetime(2026, 11, 24, 6, 0, 2, 5, UTC),
    }
    write_rows(warehouse, [{"cve": "CVE-2026-1"}, {"cve": "CVE-2026-2"}])
    write_rows(warehouse, [row])
    table = write_state(warehouse, STATE)
    assert state_of(table) == STATE
    assert state_of(dataset.client.get_table(table)) == STATE
    assert str(table.description).startswith(INTELLIGENCE_TABLE.description)
    described = {field.name: field.description for field in table.schema}
    columns = INTELLIGENCE_TABLE.columns
    assert described == {name: of.description for name, of in columns.items()}
    rows, seen = read_intelligence(warehouse, {INTELLIGENCE: table})
    assert (rows, seen) == ({row["cve"]: dict.fromkeys(columns) | row}, set())

    # CVEs of the history, with rows and without; a column that was dropped has none.
    history = f"{PROJECT}.{dataset.name}.occurrences_issues_history"
    for column, found in (("cves", {"CVE-2026-1234", "CVE-2026-9", "N/A"}), ("other", set())):
        dataset.query(
            f"CREATE OR REPLACE TABLE `{history}` AS"
            f""" SELECT JSON '["CVE-2026-9", "CVE-2026-1234", "N/A", null]' AS {column}"""
            f" UNION ALL SELECT JSON '[]' UNION ALL SELECT NULL"
        )
        existing = warehouse.find_tables([INTELLIGENCE, "occurrences_issues_history"])
        assert read_intelligence(warehouse, existing) == (rows, found)


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "Our list of CVEs.",
        "Last read: ",
        'Last read: {"read_on": ',
        "Last read: []",
        "Last read: 7",
        'Last read: {"read_on": "2026-11-24"}',
        'Last read: {"read_on": "2026-11-24", "feeds": []}',
        'Last read: {"read_on": "2026-11-24", "feeds": {"kev": 7}}',
    ],
)
def test_a_description_that_was_edited_is_no_state(description: str | None) -> None:
    """Then everything is read as if for the first time."""
    table = bigquery.Table("p.d.cve_intelligence")
    table.description = description
    assert state_of(table) == {}
    assert state_of(None) == {}
