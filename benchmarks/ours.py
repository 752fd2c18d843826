"""Read the API with this program and its defaults: `python -m benchmarks.ours URL`.

It reads the tables that all candidates read, prepares the rows for loading, as `scanner_sync.sync`
does, and prints a line of JSON. The settings come from the environment.
"""

import json
import os
import sys
import time

from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from benchmarks.server import TABLES
from scanner_sync.deadline import Deadline
from scanner_sync.dlt_config import configure_dlt
from scanner_sync.progress import Progress
from scanner_sync.settings import read_settings
from scanner_sync.source import scanner_source
from scanner_sync.source.api import Api
from scanner_sync.source.session import ApiSession
from scanner_sync.warehouse import Warehouse


def main() -> None:
    """Read, normalize, and print how long each took."""
    os.environ |= {
        "API_BASE_URL": sys.argv[1],
        "ACCESS_TOKEN": "t",
        "GOOGLE_CLOUD_PROJECT": "benchmark",
    }
    settings = read_settings()
    configure_dlt(settings)
    progress = Progress(TABLES)
    session = ApiSession(
        Api(settings.api_base_url, "t", settings.token_source, settings.page_size),
        max_concurrent=settings.max_concurrent_requests,
        deadline=Deadline(settings.sync_deadline_seconds),
        on_page=progress.count_page,
    )
    # BigQuery receives no request.
    credentials = Credentials(token="none")  # type: ignore[no-untyped-call]
    warehouse = Warehouse(bigquery.Client("benchmark", credentials), settings.dataset)
    with session, warehouse.load(progress) as load:
        started = time.perf_counter()
        source = scanner_source(session, progress.resources, keep=load.keep)
        load.extract(source)
        read = time.perf_counter()
        load.pipeline.normalize()
        normalized = time.perf_counter()
    print(
        json.dumps(
            {
                "rows": progress.rows_read,
                "read": read - started,
                "normalize": normalized - read,
                "processor": time.process_time(),
            }
        )
    )


if __name__ == "__main__":
    main()
