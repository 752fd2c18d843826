"""The configuration of the source agrees with the declared tables."""

from scanner_sync.deadline import Deadline
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.tables import TABLES
from scanner_sync.source import scanner_source
from scanner_sync.source.api import Api
from scanner_sync.source.session import ApiSession
from tests.support.reading import Kept


def test_resources_are_the_declared_tables() -> None:
    """Each with the declared primary key and columns; all are upserted, and read in parallel."""
    url = "http://127.0.0.1:9/"
    session = ApiSession(Api(url, ""), max_concurrent=1, deadline=Deadline(1))
    source = scanner_source(session, list(TABLES), keep=Kept())
    schemas = {
        name: resource.compute_table_schema()
        for name, resource in source.selected_resources.items()
    }
    keys = {
        name: {column for column, hints in schema["columns"].items() if hints.get("primary_key")}
        for name, schema in schemas.items()
    }
    assert keys == {name: set(table.key) for name, table in TABLES.items()}
    assert {name: set(schema["columns"]) for name, schema in schemas.items()} == {
        name: {*table.columns, *DLT_COLUMNS} for name, table in TABLES.items()
    }
    for name, schema in schemas.items():
        assert schema["write_disposition"] == "merge", name
        assert schema["x-merge-strategy"] == "upsert", name  # type: ignore[typeddict-item]
