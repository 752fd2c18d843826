"""Run the configuration of dlt's guide: `python -m benchmarks.guide URL serial|parallelized`.

It declares the four resources as a user would, with dlt's defaults. With a working directory as
third argument, it also loads four flat tables into the local BigQuery.
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
    """Return the source of the four listings, merged by `id`."""

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
    """Read and normalize; return the rows, and how long each step took."""
    with tempfile.TemporaryDirectory() as directory:
        pipeline = dlt.pipeline("guide", pipelines_dir=directory, destination="bigquery")
        started = time.perf_counter()
        pipeline.extract(guide_source(base_url, parallelized))
        read = time.perf_counter()
        rows = pipeline.normalize().row_counts
        normalized = time.perf_counter()
    counts = {table: rows.get(table, 0) for table in TABLES}
    return {
        "rows": counts,
        "read": read - started,
        "normalize": normalized - read,
        "processor": time.process_time(),
    }


def load(base_url: str, parallelized: bool, directory: str) -> dict[str, object]:
    """Run the pipeline in a persistent working directory."""
    # The local BigQuery does not read gzip.
    dlt.config["normalize.data_writer.disable_compression"] = True
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    credentials = Credentials(token="t", quota_project_id=project)  # type: ignore[no-untyped-call]
    destination = dlt.destinations.bigquery(credentials=credentials, project_id=project)  # type: ignore[arg-type]
    pipeline = dlt.pipeline(
        "guide", pipelines_dir=directory, destination=destination, dataset_name="guide"
    )
    pipeline.run(guide_source(base_url, parallelized, max_table_nesting=0))
    return {}


def main() -> None:
    """Read, or also load, and print how long it took."""
    base_url, mode, *directory = sys.argv[1:]
    parallelized = mode == "parallelized"
    done = load(base_url, parallelized, *directory) if directory else read(base_url, parallelized)
    print(json.dumps(done))


if __name__ == "__main__":
    main()
