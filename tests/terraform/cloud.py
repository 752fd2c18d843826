"""Cloud Scheduler, Logging and Monitoring on this machine, as far as `local.smoke` asks them.

Scheduler's job calls the real function, whose log lines become entries. Metrics are taken from
these entries as Terraform's state says, and PromQL is evaluated for the shapes that are used.
"""

import base64
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

import requests

from local.processes import answering

from .deployment import State, resources

Entry = dict[str, Any]


class LocalCloud:
    """What the APIs answer from. A test may change it between two questions."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.function = ""
        """The URL that Scheduler's job calls."""
        self.entries: list[Entry] = []
        self.tokens: dict[str, list[str]] = {}
        """What was added to each secret, in order."""
        self.uncounted: set[str] = set()
        """Names of metrics that have counted nothing yet."""
        self.policies: dict[str, dict[str, Any]] = {
            alert["name"]: {
                "enabled": alert["enabled"] is not False,
                "conditions": [
                    {"conditionPrometheusQueryLanguage": {"query": promql["query"]}}
                    for condition in alert["conditions"]
                    for promql in condition["condition_prometheus_query_language"]
                ],
            }
            for alert in self.of("google_monitoring_alert_policy")
        }

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the values of the resources of a type."""
        return [of["values"] for of in resources(self.state) if of["type"] == kind]

    def log(self, line: str) -> None:
        """Take a line of the function's log, as Cloud Logging does."""
        entry: Entry = {"timestamp": datetime.now(UTC).isoformat()}
        try:
            fields = json.loads(line)
        except ValueError:
            self.entries.append({**entry, "textPayload": line})
            return
        severity = fields.pop("severity")
        if trace := fields.pop("logging.googleapis.com/trace", None):
            entry["trace"] = trace
        self.entries.append({**entry, "severity": severity, "jsonPayload": fields})

    def call_function(self) -> None:
        """Call the function, with a trace, as Cloud Run's front end gives each request one."""
        trace = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
        requests.post(self.function, headers={"traceparent": trace}, timeout=600)

    def list_entries(self, query: dict[str, Any]) -> dict[str, Any]:
        """Answer entries:list, two entries a page."""
        [(service, since, ends, account)] = re.findall(
            r'^resource\.type="cloud_run_revision" AND resource\.labels\.service_name="(.*?)"'
            r' AND timestamp>="(.*?)"( AND jsonPayload\.message='
            r'\("sync_finished" OR "sync_failed"\)(?: AND jsonPayload\.account="(\w+)")?)?$',
            query["filter"],
        )
        [function] = self.of("google_cloudfunctions2_function")
        assert service == function["name"]
        found = [entry for entry in self.entries if entry["timestamp"] >= since]
        if ends:
            fields = [(entry, entry.get("jsonPayload", {})) for entry in found]
            found = [
                entry
                for entry, of in fields
                if of.get("message") in ("sync_finished", "sync_failed")
                and of.get("account") in (None, account or None)
            ]
        found.sort(key=lambda entry: entry["timestamp"], reverse="desc" in query["orderBy"])
        start = int(query.get("pageToken", 0))
        more = {"nextPageToken": str(start + 2)} if len(found) > start + 2 else {}
        return {"entries": found[start : start + 2], **more}

    def samples(self, name: str, query: str) -> list[float]:
        """Return what a log-based metric took from the entries; a 1 for each run."""
        [metric] = [
            metric
            for metric in self.of("google_logging_metric")
            if metric["name"].split("/")[1] == name
        ]
        _, _, named = metric["filter"].partition("jsonPayload.message=")
        events = set(re.findall(r'"(\w+)"', named))
        if 'outcome="finished"' in query:
            events = {"sync_finished"}
        fields = [entry.get("jsonPayload", {}) for entry in self.entries]
        accounts = re.findall(r'account="(\w+)"', query) or [None]
        matching = [
            of for of in fields if of.get("message") in events and of.get("account") in accounts
        ]
        if name in self.uncounted:
            return []
        path = (metric["value_extractor"] or "").removeprefix("EXTRACT(jsonPayload.").strip(")")
        return [_field(of, path) for of in matching] if path else [1.0] * len(matching)

    def evaluate(self, query: str) -> list[dict[str, Any]]:
        """Return the series of a query."""
        used = [
            (self.samples(name, query), suffix)
            for name, suffix in re.findall(r":user_scanner_sync_(\w+?)(_sum|_count)?{", query)
        ]
        values = [len(of) if suffix == "_count" else sum(of) for of, suffix in used]
        if query.endswith("or vector(0)) < 0.5"):
            [count] = values
            found = [count] if count < 0.5 else []
        elif not used:
            assert "container_memory_utilizations" in query
            found = [0.4] if self.entries else []
        elif " / " in query:
            total, count = values
            found = [total / count] if count else []
        else:
            found = values if used[0][0] else []
        return [{"metric": {}, "value": [0, str(value)]} for value in found]


def _field(entry: Entry, path: str) -> float:
    found: Any = entry
    for name in path.split("."):
        found = found[name]
    return float(found)


@contextmanager
def serve(cloud: LocalCloud) -> Iterator[str]:
    """Serve the APIs; yields their common base URL."""
    calls: list[threading.Thread] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self, body: Any, status: int = 200) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def do_GET(self) -> None:
            self.answer(cloud.policies[self.path.removeprefix("/v3/")])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            [function] = cloud.of("google_cloudfunctions2_function")
            [service] = function["service_config"]
            project = f"projects/{service['environment_variables']['GOOGLE_CLOUD_PROJECT']}"
            jobs = [
                f"/{project}/locations/{job['region']}/jobs/{job['name']}:run"
                for job in cloud.of("google_cloud_scheduler_job")
            ]
            if self.path in jobs:
                call = threading.Thread(target=cloud.call_function)
                calls.append(call)
                # The instant of the answer, which is rounded down, is before the run begins.
                self.answer({})
                call.start()
            elif self.path.endswith(":addVersion"):
                secret = self.path.removesuffix(":addVersion").strip("/")
                versions = cloud.tokens.setdefault(secret, [])
                versions.append(base64.b64decode(json.loads(body)["payload"]["data"]).decode())
                self.answer({"name": f"{secret}/versions/{len(versions)}"})
            elif self.path == "/entries:list":
                self.answer(cloud.list_entries(json.loads(body)))
            elif self.path == f"/v1/{project}/location/global/prometheus/api/v1/query":
                [query] = parse_qs(body)["query"]
                self.answer({"data": {"result": cloud.evaluate(query)}})
            else:
                self.answer({}, 404)

        def log_message(self, *_: Any) -> None:
            pass

    with answering(Handler) as url:
        try:
            yield url
        finally:
            for call in calls:
                call.join()
