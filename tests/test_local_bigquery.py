"""The local BigQuery gives the values that BigQuery documents, or refuses what BigQuery refuses."""

import pytest
from google.api_core.exceptions import BadRequest

from tests.conftest import Dataset
from tests.warehouse.loads import make_tables


@pytest.mark.parametrize("table", ["{d}.scans", "(SELECT * FROM {d}.scans WHERE id < 9)"])
def test_a_merge_takes_no_key_twice(dataset: Dataset, table: str) -> None:
    """BigQuery stops such a MERGE when it runs, unless it only inserts; the analyzer takes it."""
    make_tables(dataset)
    dataset.query(
        "INSERT INTO {d}.scans (id, status, _dlt_load_id, _dlt_id) VALUES (1, 'a', '1', '1'),"
        " (2, 'b', '1', '2')"
    )
    merge = (
        f"MERGE {{d}}.targets AS past USING {table} AS present ON past.id = present.id"
        " WHEN MATCHED THEN UPDATE SET address = present.status WHEN NOT MATCHED THEN"
        " INSERT (id, address, _dlt_load_id, _dlt_id) VALUES (id, status, '1', '1')"
    )
    for _ in range(2):
        dataset.query(merge)
    dataset.query(
        "INSERT INTO {d}.scans (id, status, _dlt_load_id, _dlt_id) VALUES (2, 'c', '1', '3')"
    )
    with pytest.raises(BadRequest, match="must match at most one source row for each target row"):
        dataset.query(merge)
    found = dataset.query("SELECT id, address FROM {d}.targets ORDER BY id")
    assert found == [{"id": 1, "address": "a"}, {"id": 2, "address": "b"}]
