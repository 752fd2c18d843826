"""The guide's configuration in plain dlt: `python -m benchmarks.guide URL serial|parallelized`.

The four resources as a user declares them, and everything else as dlt has it by default. Given a
working directory too, it also loads, into the local BigQuery, four flat tables.
"""

import json
import os
import sys
import tempfile
import time

import dlt
from dlt.extract.source import DltSource
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource
from google.oauth2.credentials import Credentials

TABLES = ("issues", "occurrences_issues", "scans", "targets")


def guide_source(base_url: str, parallelized: bool, **options: int) -> DltSource:
    """The four listings; merged by `id`."""

    def resource(name: str, path: str) -> EndpointResource:
        return {"name": name, "endpoint": {"path": path}, "parallelized": parallelized}

    return rest_api_source(
        {
            "client": {
                "base_url": base_url,
                "auth": {"type": "bearer", "token": "t"},
                "paginator": {"type": "offset", "limit": 100, "total_path": "count"},
            },
            "resource_defaults": {
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {"data_selector": "results"},
            },
            "resources": [
                resource("issues", "issues/"),
                resource("occurrences_issues", "issues/{resources.issues.id}/occurrences/"),
                resource("scans", "scans/"),
                resource("targets", "targets/"),
            ],
        },
        name="guide",
        **options,  # type: ignore[arg-type] # one of its many
    )


def read(base_url: str, parallelized: bool) -> dict[str, object]:
    """Read and normalise; gives the rows, and how long each took."""
    with tempfile.TemporaryDirectory() as directory:
        pipeline = dlt.pipeline("guide", pipelines_dir=directory, destination="bigquery")
        started = time.perf_counter()
        pipeline.extract(guide_source(base_url, parallelized))
        read = time.perf_counter()
        rows = pipeline.normalize().row_counts
        normalised = time.perf_counter()
    counts = {table: rows.get(table, 0) for table in TABLES}
    return {"rows": counts, "read": read - started, "normalise": normalised - read}


def load(base_url: str, parallelized: bool, directory: str) -> dict[str, object]:
    """Run the pipeline, in a working directory that stays."""
    dlt.config["normalize.data_writer.disable_compression"] = True  # the local BigQuery reads none
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    credentials = Credentials(token="t", quota_project_id=project)  # type: ignore[no-untyped-call]
    destination = dlt.destinations.bigquery(credentials=credentials, project_id=project)  # type: ignore[arg-type]
    pipeline = dlt.pipeline(
        "guide", pipelines_dir=directory, destination=destination, dataset_name="guide"
    )
    pipeline.run(guide_source(base_url, parallelized, max_table_nesting=0))
    return {}


def main() -> None:
    """Read, or load too, and say how long it took."""
    base_url, mode, *directory = sys.argv[1:]
    parallelized = mode == "parallelized"
    done = load(base_url, parallelized, *directory) if directory else read(base_url, parallelized)
    print(json.dumps(done))


if __name__ == "__main__":
    main()
