"""Reading a served account through the source, without a sync."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from dlt.extract.source import DltSource
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync.deadline import Deadline
from scanner_sync.diagnose import diagnose
from scanner_sync.source import scanner_source
from scanner_sync.source.api import Api as Address
from scanner_sync.source.occurrences import confirm_vanished
from scanner_sync.source.session import ApiSession
from tests.conftest import TOKEN
from tests.source.faults import Fault, Faults


class Kept(list[dict[str, Any]]):
    """The rows of the issues that were read whole: what `scanner_source` has to `keep`."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[int, list[dict[str, Any]]] = defaultdict(list)

    def __call__(self, issue: int, rows: list[dict[str, Any]], is_last: bool) -> None:
        """Take a page of an issue."""
        self._parts[issue] += rows
        if is_last:
            self += self._parts.pop(issue)


class Api:
    """A served account, and a way to read it through the source."""

    def __init__(self, account: Account, fault: Fault = lambda _: None, **options: Any) -> None:
        self.account = account
        self.app: Starlette = create_app(
            account, token=TOKEN, middleware=[Middleware(Faults, fault)], **options
        )
        self.session: ApiSession

    def read(
        self,
        *resources: str,
        token: str = TOKEN,
        page_size: int = 100,
        deadline: float = 600,
        base_path: str = "",
        concurrent: int = 5,
        read_token: Callable[[], str] | None = None,
        sleep: Callable[[float], None] = lambda seconds: None,
    ) -> dict[str, list[Any]]:
        """Return all rows of the resources, by table. Raises the `SyncError` of a sync.

        `sleep` is what the pauses between two reads of a listing call.
        """
        with serve_api(self.app) as url:
            base_url = f"{url}/{base_path}"
            self.session = ApiSession(
                Address(base_url, token, "THE-SECRET", page_size),
                max_concurrent=concurrent,
                deadline=Deadline(deadline),
                read_token=read_token,
                sleep=sleep,
            )
            kept = Kept()
            source = scanner_source(self.session, resources, keep=kept)
            try:
                rows = {name: list(rows) for name, rows in _each(source)}
                if "occurrences_issues" in rows:
                    assert rows["occurrences_issues"] == []
                    rows["occurrences_issues"] = kept
                confirm_vanished(source, self.session.reading)
                return rows
            except Exception as error:
                raise diagnose(error) from None

    @property
    def offsets(self) -> list[int]:
        """Return the requested offsets, in order."""
        return [int(request.query["offset"]) for request in self.app.state.requests]


def _each(source: DltSource) -> Iterator[tuple[str, Any]]:
    yield from source.selected_resources.items()


def ids(rows: list[Any]) -> list[int]:
    return [row["id"] for row in rows]


def on(path: str, *answers: Response | None) -> Fault:
    """Answer the first requests of a path with these."""
    left = list(answers)

    def fault(request: Request) -> Response | None:
        return left.pop(0) if left and request.url.path == f"/v1/{path}" else None

    return fault
