#!/bin/sh
# Library: airbyte-cdk 7.39.1 (PyPI), its OffsetIncrement and PageIncrement
# Summary: A page of 100 rows where 1,000 were asked for is the last one: of 250 rows 100 are read, and the stream is
#   complete.
# Guess: it reads on until a page is empty, or until the number of rows that the answer states.
# Behavior: a page with fewer rows than `page_size` ends the reading, also when an API gives less than is asked for,
#   as Django REST framework does beyond its `max_limit`. The count in the answer is not looked at. Without
#   `page_size` it reads until an empty page, in steps of what came.
# Output:
#     OffsetIncrement, page_size 100: 250 of 250 rows in 3 requests, COMPLETE
#     OffsetIncrement, page_size 101: 100 of 250 rows in 1 requests, COMPLETE
#     OffsetIncrement, page_size 1000: 100 of 250 rows in 1 requests, COMPLETE
#     OffsetIncrement, page_size None: 250 of 250 rows in 4 requests, COMPLETE
#     PageIncrement, page_size 100: 250 of 250 rows in 3 requests, COMPLETE
#     PageIncrement, page_size 101: 100 of 250 rows in 1 requests, COMPLETE
#     PageIncrement, page_size 1000: 100 of 250 rows in 1 requests, COMPLETE
#     PageIncrement, page_size None: 250 of 250 rows in 4 requests, COMPLETE
# Why it matters: a page size that is set high for speed, or a limit that the API lowers later, loses all rows but
#   the first page, with the status COMPLETE. Ask for no more than the API gives, or leave `page_size` out.
set -eu
packages="airbyte-cdk==7.39.1"
[ -z "${LATEST:-}" ] || packages=$(echo "$packages" | sed 's/==[^ ]*//g')
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" -m venv --without-pip "$dir"
"${PYTHON:-python3}" -m pip --python "$dir/bin/python" install --quiet --no-compile \
    --disable-pip-version-check $packages
"$dir/bin/python" - >"$dir/output" <<'END'
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from airbyte_cdk.models import (
    AirbyteStream, ConfiguredAirbyteCatalog, ConfiguredAirbyteStream, DestinationSyncMode, SyncMode, Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

requested = []


class Scanner(BaseHTTPRequestHandler):
    """Lists 250 rows, at most 100 a page."""

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        limit = min(int(query.get("limit", ["100"])[0]), 100)
        start = int(query["offset"][0]) if "offset" in query else (int(query.get("page", ["1"])[0]) - 1) * limit
        body = json.dumps({"count": 250, "results": [{"id": row} for row in range(250)][start:start + limit]}).encode()
        requested.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def parameter(name):
    return {"type": "RequestOption", "inject_into": "request_parameter", "field_name": name}


def read(strategy, page_size):
    sized = {"page_size": page_size} if page_size else {}
    paginator = {
        "type": "DefaultPaginator", "pagination_strategy": {"type": strategy, **sized},
        "page_token_option": parameter("offset" if strategy == "OffsetIncrement" else "page"),
        **({"page_size_option": parameter("limit")} if page_size else {}),
    }
    if strategy == "PageIncrement":
        paginator["pagination_strategy"]["start_from_page"] = 1
    stream = {
        "type": "DeclarativeStream", "name": "issues", "primary_key": ["id"],
        "schema_loader": {"type": "InlineSchemaLoader", "schema": {"properties": {"id": {"type": "integer"}}}},
        "retriever": {
            "type": "SimpleRetriever", "paginator": paginator,
            "requester": {
                "type": "HttpRequester", "url_base": f"http://127.0.0.1:{server.server_port}", "path": "/issues/",
            },
            "record_selector": {
                "type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["results"]},
            },
        },
    }
    manifest = {
        "version": "7.0.0", "type": "DeclarativeSource", "streams": [stream],
        "check": {"type": "CheckStream", "stream_names": ["issues"]},
    }
    configured = ConfiguredAirbyteStream(
        stream=AirbyteStream(name="issues", json_schema={}, supported_sync_modes=[SyncMode.full_refresh]),
        sync_mode=SyncMode.full_refresh, destination_sync_mode=DestinationSyncMode.overwrite,
    )
    catalog = ConfiguredAirbyteCatalog(streams=[configured])
    source = ConcurrentDeclarativeSource(catalog=catalog, config={}, state=[], source_config=manifest)
    messages = list(source.read(logging.getLogger("sync"), {}, catalog, []))
    status = [message.trace.stream_status.status.value for message in messages if message.type == Type.TRACE][-1]
    return sum(message.type == Type.RECORD for message in messages), status


server = ThreadingHTTPServer(("127.0.0.1", 0), Scanner)
threading.Thread(target=server.serve_forever, daemon=True).start()
logging.disable()
for strategy in ("OffsetIncrement", "PageIncrement"):
    for page_size in (100, 101, 1_000, None):
        requested.clear()
        rows, status = read(strategy, page_size)
        print(f"{strategy}, page_size {page_size}: {rows} of 250 rows in {len(requested)} requests, {status}")
END
sed -n 's/^#     //p' "$0" | diff - "$dir/output"
