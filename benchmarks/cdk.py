"""Read the API with Airbyte's CDK: `.venv-airbyte/bin/python benchmarks/cdk.py URL [CONCURRENCY]`.

It runs a connector's entry point, so a row counts when it is a line that a connector prints.
Without CONCURRENCY the manifest does not set it, nor does the connector for this API. If the read
fails, or is ended by SIGTERM, the rows until then are printed all the same. The CDK has no
setting of how long it waits before a retry; TIMES_FASTER in the environment divides its waits.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)


def main() -> None:
    """Read, and print how long it took."""
    faster, sleep = float(os.environ.get("TIMES_FASTER", "1")), time.sleep
    time.sleep = lambda seconds: sleep(float(seconds) / faster)
    config = {"base_url": sys.argv[1], "access_token": "t"}
    manifest = yaml.safe_load(Path(__file__).with_name("manifest.yaml").read_text())
    if sys.argv[2:]:
        level = {"type": "ConcurrencyLevel", "default_concurrency": int(sys.argv[2])}
        manifest["concurrency_level"] = level
    streams = [stream["name"] for stream in manifest["streams"]]
    catalog = {
        "streams": [
            {
                "stream": {
                    "name": name,
                    "json_schema": {},
                    "supported_sync_modes": ["full_refresh"],
                },
                "sync_mode": "full_refresh",
                "destination_sync_mode": "overwrite",
            }
            for name in streams
        ]
    }
    rows: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        files = {name: Path(directory, f"{name}.json") for name in ("config", "catalog")}
        files["config"].write_text(json.dumps(config))
        files["catalog"].write_text(json.dumps(catalog))
        arguments = ["--config", str(files["config"]), "--catalog", str(files["catalog"])]
        started = time.perf_counter()

        def report() -> None:
            seconds = time.perf_counter() - started
            counts = {name: rows[name] for name in streams}
            taken = time.process_time()
            print(json.dumps({"rows": counts, "read": seconds, "processor": taken}))
            sys.stdout.flush()

        def end(*_: object) -> None:
            report()
            os._exit(1)  # its threads would go on

        signal.signal(signal.SIGTERM, end)
        source = ConcurrentDeclarativeSource(
            catalog=ConfiguredAirbyteCatalogSerializer.load(catalog),
            config=config,
            state=[],
            source_config=manifest,
        )
        parsed = AirbyteEntrypoint.parse_args(["read", *arguments])
        try:
            for line in AirbyteEntrypoint(source).run(parsed):
                if line.startswith('{"type":"RECORD"'):
                    rows[line.partition('"stream":"')[2].partition('"')[0]] += 1
        finally:
            report()


if __name__ == "__main__":
    main()
