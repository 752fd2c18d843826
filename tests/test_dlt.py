"""What this program leans on inside dlt: an upgrade that changes it fails here, by its name.

Look at what has changed, and whether the place still does what it says. Then write the new digest.
"""

import hashlib
import importlib
import inspect
from types import FunctionType
from typing import Any, Final

import pytest

from scanner_sync.warehouse.destination import BigQuery, _Client, _LoadJob

BIGQUERY: Final = "dlt.destinations.impl.bigquery"
CLIENT: Final = "dlt.destinations.job_client_impl"
INSIDE: Final = {
    "scanner_sync/warehouse/destination.py": {
        # Overridden: with each, another step of a load is as it should be for us.
        f"{BIGQUERY}.bigquery:BigQueryClient.create_load_job": "dba7eeec",
        f"{BIGQUERY}.bigquery:BigQueryClient.initialize_storage": "8317fa26",
        f"{BIGQUERY}.bigquery:BigQueryClient._create_load_job": "f6567320",
        f"{BIGQUERY}.bigquery:BigQueryClient._create_merge_followup_jobs": "64d05d9f",
        f"{CLIENT}:SqlJobClientBase.initialize_storage": "f217b6c2",
        f"{CLIENT}:SqlJobClientBase.update_stored_schema": "2d441a7b",
        f"{CLIENT}:SqlJobClientBase.get_stored_schema": "b4da0eb2",
        f"{CLIENT}:SqlJobClientBase.get_stored_schema_by_hash": "6dacd076",
        f"{CLIENT}:SqlJobClientBase.complete_load": "5fde25db",
        f"{BIGQUERY}.bigquery:_BigQueryLoadJobBase.run": "53532974",
        f"{BIGQUERY}.factory:bigquery.client_class": "c4ab70dd",
        # Called, or its client is changed.
        "dlt.destinations.sql_jobs:SqlFollowupJob.from_table_chain": "4df9a1c8",
        f"{BIGQUERY}.bigquery:BigQueryLoadJob.get_job_id_from_file_path": "05011afa",
        f"{BIGQUERY}.sql_client:BigQuerySqlClient.open_connection": "daf99ce9",
        f"{BIGQUERY}.sql_client:BigQuerySqlClient.execute_query": "a6ac2bc9",
    },
    "scanner_sync/warehouse/pipeline.py": {
        "dlt.common.runtime.collector_base:Collector": "41b598c6",
        "dlt.pipeline.pipeline:Pipeline.sync_schema": "10be1262",
    },
    "scanner_sync/warehouse/load_files.py": {
        "dlt.common.normalizers.naming.snake_case:NamingConvention": "8202c896",
        "dlt.common.utils:digest128b": "0fe17134",
    },
    "scanner_sync/dlt_config.py": {
        "dlt.common.runtime.run_context:RunContext": "e9f6df54",
        "dlt.common.configuration.specs.pluggable_run_context:PluggableRunContext": "fd845f20",
    },
    "scanner_sync/source/session.py": {
        "dlt.sources.helpers.rest_client.client:RESTClient._send_request": "1f0dc8eb",
    },
    "scanner_sync/source/__init__.py": {
        "dlt.common.jsonpath:compile_path": "4af89f32",
    },
}
"""By the place that leans on it: each object inside dlt, and a digest of its source."""


def inside(name: str) -> Any:
    """Return an object of dlt from its module and the names in it."""
    module, _, names = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in names.split("."):
        found = getattr(found, part)
    return found.fget if isinstance(found, property) else found


@pytest.mark.parametrize(
    ("place", "name", "digest"),
    [(place, name, of) for place, names in INSIDE.items() for name, of in names.items()],
    ids=lambda value: str(value).rpartition(":")[2],
)
def test_what_is_inside_dlt_has_not_moved(place: str, name: str, digest: str) -> None:
    """Its source is the one that was looked at."""
    source = inspect.getsource(inside(name))
    found = hashlib.sha256(source.encode()).hexdigest()[:8]
    assert found == digest, f"{place} leans on {name}, which has changed; look at it: {found}"


def test_each_override_is_looked_at() -> None:
    """What the destination replaces in dlt is in the list above, and dlt still has it."""
    overridden = {
        name
        for ours in (_Client, _LoadJob, BigQuery)
        for name, of in vars(ours).items()
        if isinstance(of, FunctionType | property) and name != "__enter__"
        if any(name in vars(base) for base in ours.__mro__[1:-1])
    }
    listed = {name.rpartition(".")[2] for name in INSIDE["scanner_sync/warehouse/destination.py"]}
    called = {"from_table_chain", "get_job_id_from_file_path", "open_connection", "execute_query"}
    assert overridden == listed - called
