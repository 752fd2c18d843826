"""Google's Pub/Sub emulator, which is a part of the gcloud CLI and needs Java."""

import contextlib
import itertools
import os
import shutil
import socket
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from local.processes import serving

PUSHES_AT_ONCE = 2
"""The emulator waits for the answers to so many pushes of a subscription."""
_JAR = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"


def emulator_jar() -> Path | None:
    """Return where the emulator is, or None if it or Java is not installed."""
    gcloud = shutil.which("gcloud")
    if not gcloud or not shutil.which("java"):
        return None
    roots = [Path(gcloud).resolve().parent.parent, Path("/usr/lib/google-cloud-sdk")]
    return next((jar for root in roots for jar in root.glob(_JAR)), None)


@contextmanager
def emulator(jar: Path, project: str) -> Iterator[str]:
    """Run the emulator; yields the URL of a project in it, for `subscribe` and `publish`."""
    port = _free_port()
    command = ["java", "-jar", str(jar), "--host=127.0.0.1", f"--port={port}"]
    with serving(command, {}, r"(Server started, listening on)"):
        yield f"http://127.0.0.1:{port}/v1/projects/{project}"


def _free_port() -> int:
    """Return a port that nobody takes before the emulator, which hangs if its port is taken.

    It is below those that the system gives out, and another process begins at another number.
    """
    for port in itertools.count(20_000 + os.getpid() % 10_000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError


def subscribe(url: str, topic: str, endpoint: str) -> None:
    """Create a topic, and a subscription that pushes its messages to an endpoint.

    As in Terraform, what is not acknowledged is pushed again, at the latest after ten minutes.
    """
    push = {
        "topic": f"{url.partition('/v1/')[2]}/topics/{topic}",
        "pushConfig": {"pushEndpoint": endpoint},
        "ackDeadlineSeconds": 600,
    }
    _send("PUT", f"{url}/topics/{topic}", {})
    _send("PUT", f"{url}/subscriptions/{topic}-push", push)


def publish(url: str, topic: str, messages: Sequence[bytes]) -> None:
    """Publish messages to a topic."""
    data = [{"data": b64encode(message).decode()} for message in messages]
    _send("POST", f"{url}/topics/{topic}:publish", {"messages": data})


def _send(method: str, url: str, body: dict[str, Any]) -> None:
    requests.request(method, url, json=body, timeout=60).raise_for_status()
