"""The reading of this program, with its defaults: `python -m benchmarks.ours URL`.

Reads the API and normalises the rows, as `scanner_sync.pipeline.sync` does before it loads, and
prints a line of JSON. The settings are taken from the environment.
"""

import json
import os
import sys
import time

from scanner_sync.deadline import Deadline
from scanner_sync.dlt_config import configure_dlt
from scanner_sync.pipeline import fresh_pipeline, source_of
from scanner_sync.progress import Progress
from scanner_sync.settings import read_settings
from scanner_sync.tables import TABLES


def main() -> None:
    """Read, normalise, and say how long each took."""
    os.environ |= {
        "API_BASE_URL": sys.argv[1],
        "ACCESS_TOKEN": "t",
        "GOOGLE_CLOUD_PROJECT": "benchmark",
    }
    settings = read_settings()
    configure_dlt(settings)
    progress = Progress(tuple(TABLES), Deadline(settings.sync_deadline_seconds))
    with fresh_pipeline(settings, "benchmark", None, progress) as pipeline:
        started = time.perf_counter()
        source = source_of(settings, "t", progress, pipeline)
        pipeline.extract(source)
        read = time.perf_counter()
        pipeline.normalize()
        normalised = time.perf_counter()
    print(
        json.dumps(
            {
                "rows": progress.rows_read,
                "read": read - started,
                "normalise": normalised - read,
            }
        )
    )


if __name__ == "__main__":
    main()
