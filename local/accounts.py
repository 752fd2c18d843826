"""Many accounts with one deployment: processes of the function behind Pub/Sub.

Each account has an API with a token of its own, a secret, and a dataset in one local BigQuery. A
dispatcher stands for Cloud Run: each process gets one request at a time, further requests wait, and
a process that ends is started again. Pub/Sub is Google's emulator or, where that is not installed,
a loop that pushes each message until it is acknowledged.
"""

import json
import queue
import re
import threading
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from time import monotonic
from typing import Any

import requests
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from local import bigquery, pubsub, secret_manager
from local.processes import answering, function
from local.secret_manager import SecretManager, Version
from sample_api import Account, create_app
from sample_api import serve as serve_api

PROJECT = "many-accounts"
TOPICS = 3
"""The emulator pushes two messages of each at a time, so that some always wait."""


_LABELS = re.compile(rb'"scanner_sync_(dataset|holder)": ?"(\w+)"')


@dataclass(frozen=True)
class Customer:
    """An account of the scanner, and what its message asks for."""

    name: str
    account: Account
    resources: Sequence[str] = ()
    """Empty for all."""
    latency_seconds: float = 0.0
    """How long each answer of its API takes."""
    is_refused: bool = False
    """Whether its API refuses the token that is in the secret."""

    @property
    def dataset(self) -> str:
        """Return the name of its dataset."""
        return f"scanner_{self.name}"

    @property
    def message(self) -> bytes:
        """Return the message that asks for its sync."""
        asked = {"resources": list(self.resources)} if self.resources else {}
        return json.dumps({"account": self.name, **asked}).encode()

    def api(self) -> Starlette:
        """Return its API, which accepts its own token only."""
        token = "replaced" if self.is_refused else f"token-of-{self.name}"
        return create_app(self.account, token=token, latency_seconds=self.latency_seconds)


@dataclass(frozen=True)
class Delivery:
    """One push of a message, and how it was answered."""

    account: str
    status: int
    """503 if the process ended before it answered."""


@dataclass
class Round:
    """All accounts, from the publication of their messages until each was acknowledged."""

    api_url: str
    """The base URL of an account's API, without the account."""
    bigquery_url: str
    deliveries: list[Delivery] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    """The lines of all logs, in order."""
    jobs: list[tuple[str, str]] = field(default_factory=list)
    """The dataset and the holder of the lease of each job, in the order of their arrival."""
    seconds: float = 0.0

    def statuses(self, account: str) -> list[int]:
        """Return how the pushes of an account's message were answered, in order."""
        return [of.status for of in self.deliveries if of.account == account]

    def mixed(self) -> list[str]:
        """Return the datasets into which two syncs loaded at the same time."""
        holders: dict[str, list[str]] = {}
        for dataset, holder in self.jobs:
            seen = holders.setdefault(dataset, [])
            if seen[-1:] != [holder]:
                seen.append(holder)
        # One sync after another: a holder that comes back was not alone.
        return [dataset for dataset, seen in holders.items() if len(seen) > len(set(seen))]

    def events(self, message: str) -> list[dict[str, Any]]:
        """Return the entries of an event."""
        return [entry for entry in self.entries if entry["message"] == message]


@dataclass
class _ByAccount:
    """Serve the API of each account below its name."""

    app: ASGIApp
    apis: Mapping[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, account, path = scope["path"].split("/", 2)
        await self.apis[account]({**scope, "path": f"/{path}"}, receive, send)


class _Instance:
    """One process of the function, which is started again when it ended."""

    def __init__(self, environment: Mapping[str, str], on_line: Callable[[str], None]) -> None:
        self._environment, self._on_line = environment, on_line
        self._running = ExitStack()
        self.start()

    def start(self) -> None:
        running = function(self._environment, "sync_event", self._on_line)
        self._url = self._running.enter_context(running)

    def end(self) -> None:
        self._running.close()

    def answer(self, body: bytes) -> int:
        """Pass a request on, and return the status of the answer."""
        try:
            headers = {"Content-Type": "application/json"}
            # The function has a deadline of its own.
            return requests.post(self._url, body, headers=headers, timeout=600).status_code
        except requests.RequestException:  # the connection was lost
            self.end()
            self.start()
            return 503


@contextmanager
def _dispatcher(
    instances: int,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    on_answer: Callable[[Delivery], None],
) -> Iterator[str]:
    """Run the processes; yields the URL at which they share the requests."""
    free: queue.SimpleQueue[_Instance] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = json.loads(b64decode(json.loads(body)["message"]["data"]))
            instance = free.get()
            try:
                status = instance.answer(body)
            finally:
                free.put(instance)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            on_answer(Delivery(message["account"], status))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ExitStack() as running:
        for _ in range(instances):
            instance = _Instance(environment, on_line)
            running.callback(instance.end)
            free.put(instance)
        yield running.enter_context(answering(Handler))


@contextmanager
def _published(url: str, messages: Sequence[bytes], done: threading.Event) -> Iterator[None]:
    """Have messages pushed to a URL, each until it is acknowledged, or `done` is set."""
    if jar := pubsub.emulator_jar():
        with pubsub.emulator(jar, PROJECT) as project:
            for number in range(min(TOPICS, len(messages))):
                topic = f"runs-{number}"
                pubsub.subscribe(project, topic, url)
                pubsub.publish(project, topic, messages[number::TOPICS])
            yield
        return

    def push(message: bytes) -> None:
        body = {
            "message": {"data": b64encode(message).decode(), "messageId": "1"},
            "subscription": f"projects/{PROJECT}/subscriptions/runs",
        }
        while not done.is_set() and not requests.post(url, json=body, timeout=600).ok:
            pass

    with ThreadPoolExecutor(TOPICS * pubsub.PUSHES_AT_ONCE) as executor:
        for message in messages:
            executor.submit(push, message)
        yield


@contextmanager
def sync_all(
    customers: Sequence[Customer],
    instances: int,
    watch: bigquery.Fault = lambda method, path, body: None,
    timeout: float = 3600,
) -> Iterator[Round]:
    """Publish a message for each account, and yield what was seen until all were acknowledged.

    `instances` is the number of processes of the function. The local BigQuery still runs when all
    were acknowledged; `watch` sees each call to it. Raises `TimeoutError` if that takes too long.
    """
    tokens = {
        f"projects/{PROJECT}/secrets/sync-{of.name}-token": f"token-of-{of.name}"
        for of in customers
    }
    secrets = SecretManager({name: [Version(token.encode())] for name, token in tokens.items()})
    apis = Middleware(_ByAccount, apis={of.name: of.api() for of in customers})
    waiting, done = Counter(of.name for of in customers), threading.Event()

    def see_job(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        labels = dict(_LABELS.findall(body))
        if labels:
            found.jobs.append((labels[b"dataset"].decode(), labels[b"holder"].decode()))
        return watch(method, path, body)

    def see_line(line: str) -> None:
        if line.startswith("{") and line.endswith("}"):  # not cut short by the end of its process
            found.entries.append(json.loads(line))

    def see_answer(delivery: Delivery) -> None:
        found.deliveries.append(delivery)
        if delivery.status < 300:
            waiting[delivery.account] -= 1
        if not +waiting:
            done.set()

    with (
        serve_api(Starlette(middleware=[apis])) as api_url,
        secret_manager.serve(secrets) as secret_manager_host,
        bigquery.emulator() as port,
        bigquery.proxy(port, see_job) as bigquery_url,
    ):
        found = Round(api_url, bigquery_url)
        environment = {
            "API_BASE_URL": api_url.replace("/v1", "/{account}/v1"),
            "ACCESS_TOKEN_SECRET": f"projects/{PROJECT}/secrets/sync-{{account}}-token",
            "DATASET": "scanner_{account}",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "BIGQUERY_EMULATOR_HOST": bigquery_url,
            "SECRET_MANAGER_EMULATOR_HOST": secret_manager_host,
            "SYNC_DEADLINE_SECONDS": "420",  # as Terraform sets it for Pub/Sub
        }
        with _dispatcher(instances, environment, see_line, see_answer) as url:
            started = monotonic()
            with _published(url, [of.message for of in customers], done):
                try:
                    if not done.wait(timeout):
                        raise TimeoutError(f"Not synced: {sorted(+waiting)}; {found.deliveries}")
                finally:
                    done.set()
                found.seconds = monotonic() - started
        yield found
