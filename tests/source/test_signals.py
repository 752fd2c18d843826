"""What the API says has changed, and how an API is recognized that does not know a parameter."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync.deadline import Deadline
from scanner_sync.source.api import Api
from scanner_sync.source.session import ApiSession
from scanner_sync.source.signals import Signals
from tests.conftest import TOKEN, asked
from tests.source.faults import Faults

DAY = date(2026, 11, 20)


def an_account() -> Account:
    """Nine issues, of which four are snoozed; five of seven targets were scanned on the day."""
    return Account(
        issues=[{"id": n, "snoozed": n < 5} for n in range(1, 10)],
        occurrences={
            n: [
                {
                    "id": 1,
                    "target": f"host-{n}",
                    "target_last_scanned_at": f"2026-11-{20 if n < 6 else 19}T03:00:00Z",
                }
            ]
            for n in range(1, 8)
        },
        targets=[{"id": n, "address": f"host-{n}"} for n in range(1, 8)],
        fixed=[
            {"occurrence_id": n, "remediated_at": f"2026-11-{day}T03:00:00Z"}
            for n, day in ((1, 19), (2, 20), (3, 21))
        ],
    )


def ask(question: Callable[[Signals], Any], **options: Any) -> tuple[Any, dict[str, int]]:
    """Ask with three rows a page; return the answer, and the requests by path."""
    app = create_app(an_account(), token=TOKEN, **options)
    with serve_api(app) as url:
        session = ApiSession(
            Api(f"{url}/", TOKEN, "THE-SECRET", 3), max_concurrent=1, deadline=Deadline(60)
        )
        return question(Signals(session)), dict(asked(app))


def snoozed(signals: Signals) -> set[int]:
    return signals.snoozed(9)


def scanned(signals: Signals) -> dict[int, str | None] | None:
    return signals.scanned_since(DAY, 7)


def test_snoozed_issues_are_read_to_the_last_page() -> None:
    assert ask(snoozed) == ({1, 2, 3, 4}, {"issues/": 2})


def test_a_page_that_repeats_forever_ends_the_question() -> None:
    """After as many rows as `count` says, whatever `next` does."""
    page = JSONResponse({"count": 3, "next": "more", "results": [{"id": 1}, {"id": 2}]})
    repeats = Middleware(Faults, lambda _: page)
    assert ask(snoozed, middleware=[repeats]) == ({1, 2}, {"issues/": 2})


def test_targets_that_were_scanned() -> None:
    """The first request shows that the API knows the parameter, even if all were scanned."""
    hosts = {n: f"host-{n}" for n in range(1, 6)}
    assert ask(scanned) == (hosts, {"targets/": 3})
    everything = {n: f"host-{n}" for n in range(1, 8)}
    assert ask(lambda of: of.scanned_since(date(2026, 11, 1), 7)) == (everything, {"targets/": 4})
    assert ask(lambda of: of.scanned_since(DAY, 0)) == (None, {})


def test_what_was_fixed() -> None:
    rows, requests = ask(lambda of: of.fixed_since(datetime(2026, 11, 20, tzinfo=UTC)))
    assert ([row["occurrence_id"] for row in rows], requests) == ([2, 3], {"occurrences/fixed/": 1})


@pytest.mark.parametrize("effect", ["ignored", "rejected"])
@pytest.mark.parametrize(
    ("question", "parameter", "path"),
    [(snoozed, "snoozed", "issues/"), (scanned, "last_scanned_after", "targets/")],
)
def test_a_parameter_that_the_api_does_not_know(
    question: Callable[[Signals], Any],
    parameter: str,
    path: str,
    effect: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One request finds that out, and a line of the log says so."""
    caplog.set_level("INFO", "scanner_sync")
    answer, requests = ask(question, **{parameter: effect})
    assert (answer or None, requests) == (None, {path: 1})
    [record] = [of for of in caplog.records if of.getMessage() == "parameter_ignored"]
    assert record.fields["parameter"] == parameter  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "missing"), [({"snoozed": "rejected"}, []), ({"quota_per_hour": 0}, ["snoozed"])]
)
def test_a_signal_that_is_missing_for_now(options: dict[str, Any], missing: list[str]) -> None:
    """An API that knows no parameter has answered. One that is not available has not."""

    def ask_snoozed(signals: Signals) -> list[str]:
        assert signals.snoozed(9) == set()
        return signals.missing

    assert ask(ask_snoozed, **options)[0] == missing
