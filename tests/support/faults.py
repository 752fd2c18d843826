"""Answers of BigQuery that the proxy gives in the place of the real ones."""

import threading
from collections.abc import Callable
from typing import Final

import requests

from local.bigquery import error_of

Fits = Callable[[str, str, bytes], bool]
"""Whether a fault is for a method, path and body."""

CONFLICT: Final = (
    400,
    error_of(
        400,
        "Query error: Transaction is aborted due to concurrent update against table p:d.t at [5:1]",
        "invalidQuery",
    ),
)
"""Another statement changes the table of a transaction."""
SERIALIZE: Final = (
    400,
    error_of(
        400, "Could not serialize access to table p:d.t due to concurrent update", "invalidQuery"
    ),
)
"""Another statement changes the table of a statement."""
NO_JOB: Final = (404, error_of(404, "Not found: Job p:US.j", "notFound"))
NO_TABLE: Final = (404, error_of(404, "Not found: Table p:d.t", "notFound"))
NO_DATASET: Final = (404, error_of(404, "Not found: Dataset p:d", "notFound"))
STOPPED: Final = (400, error_of(400, "Job execution was cancelled", "stopped"))
FORBIDDEN: Final = (403, error_of(403, "Access Denied: Project p: no jobs.list", "accessDenied"))
UNAVAILABLE: Final = (503, error_of(503, "Service unavailable", "backendError"))


class Once:
    """Faults of the proxy: each is for the first request that it fits.

    A fault without an answer loses the answer of the local BigQuery at `url`, which does what it is
    asked for. Google's client then asks again.
    """

    def __init__(self, url: str, **faults: tuple[Fits, tuple[int, bytes] | None]) -> None:
        self.left = faults
        """Those for which no request has come yet."""
        self._url = url
        self._choosing = threading.Lock()

    def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        with self._choosing:
            bare = path.split("?", maxsplit=1)[0]
            fitting = [name for name, (fits, _) in self.left.items() if fits(method, bare, body)]
            if not fitting:
                return None
            _, answer = self.left.pop(fitting[0])
        if answer is None:
            size = {"Content-Range": f"bytes 0-{len(body) - 1}/{len(body)}"}
            headers = size if method == "PUT" else {"Content-Type": "application/json"}
            found = requests.request(
                method, self._url + path, data=body, headers=headers, timeout=60
            )
            assert found.ok, found.text
        return answer or UNAVAILABLE


def creates(what: str, name: str) -> Fits:
    """Fit the call that creates a table, view or dataset whose name ends so."""
    return lambda method, path, body: (
        method == "POST" and path.endswith(f"/{what}") and f'{name}"'.encode() in body
    )


def runs(sql: str) -> Fits:
    """Fit the call that starts a job or query with these words."""
    return lambda method, path, body: (
        method == "POST" and path.endswith(("/queries", "/jobs")) and sql.encode() in body
    )
