"""The sample API, through a real server on loopback."""

import re
import socket
from dataclasses import asdict

import pytest
import requests
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sample_api import Account, RequestRecord, Row, create_app, generate, serve
from tests.sample_api.conftest import TOKEN, get, numbered, walk

LISTINGS = [
    *("/issues/", "/issues/1/occurrences/", "/scans/", "/targets/"),
    *("/occurrences/fixed/", "/scans/schedules/", "/tags/"),
]


def test_pages_have_the_exact_envelope(http: requests.Session) -> None:
    """A first, middle, last and empty page: count, absolute next and previous, and the rows."""
    rows = numbered(5)
    with serve(create_app(Account(targets=rows), token=TOKEN)) as base_url:
        url = f"{base_url}/targets/"
        pages = [
            get(http, url, params={"limit": 2, "offset": offset}).json() for offset in (0, 2, 4, 9)
        ]
    assert pages == [
        {
            "count": 5,
            "next": f"{url}?limit=2&offset=2",
            "previous": None,
            "results": rows[:2],
        },
        {
            "count": 5,
            "next": f"{url}?limit=2&offset=4",
            "previous": f"{url}?limit=2&offset=0",
            "results": rows[2:4],
        },
        {
            "count": 5,
            "next": None,
            "previous": f"{url}?limit=2&offset=2",
            "results": rows[4:],
        },
        {
            "count": 5,
            "next": None,
            "previous": f"{url}?limit=2&offset=7",
            "results": [],
        },
    ]


@pytest.mark.parametrize(
    ("asked", "got"), [({}, 25), ({"limit": 30}, 30), ({"limit": 40}, 40), ({"limit": 1000}, 40)]
)
def test_a_page_holds_the_default_or_at_most_the_cap(
    http: requests.Session, asked: dict[str, int], got: int
) -> None:
    """25 rows without a limit, and never more than the cap; `next` moves by as many."""
    rows = numbered(90)
    with serve(create_app(Account(scans=rows), token=TOKEN, max_limit=40)) as base_url:
        page = get(http, f"{base_url}/scans/", params=asked).json()
    assert page == {
        "count": 90,
        "next": f"{base_url}/scans/?limit={got}&offset={got}",
        "previous": None,
        "results": rows[:got],
    }


def test_an_empty_listing_is_an_empty_envelope(http: requests.Session) -> None:
    """The listings of an empty account are empty, not an error."""
    with serve(create_app(Account(occurrences={1: []}), token=TOKEN)) as base_url:
        pages = [get(http, f"{base_url}{path}").json() for path in LISTINGS]
    assert pages == [{"count": 0, "next": None, "previous": None, "results": []}] * 7


def test_following_next_returns_exactly_the_rows_of_the_account(http: requests.Session) -> None:
    """From each listing, and from the URL in each issue."""
    account = generate(seed=7)
    app = create_app(account, token=TOKEN)
    with serve(app) as base_url:
        issues = walk(http, f"{base_url}/issues/?limit=100")
        scans = walk(http, f"{base_url}/scans/?limit=100")
        targets = walk(http, f"{base_url}/targets/")
        fixed = walk(http, f"{base_url}/occurrences/fixed/?limit=100")
        schedules = walk(http, f"{base_url}/scans/schedules/?limit=2")
        tags = walk(http, f"{base_url}/tags/?limit=1")
        listings = len(app.state.requests)
        occurrences = {row["id"]: walk(http, row["occurrences"] + "?limit=100") for row in issues}
    assert issues == [
        row | {"occurrences": f"{base_url}/issues/{row['id']}/occurrences/"}
        for row in account.issues
    ]
    assert (scans, targets, occurrences) == (account.scans, account.targets, account.occurrences)
    assert (fixed, schedules, tags) == (account.fixed, account.schedules, account.tags)
    # 4 pages of issues, 12 of scans, 6 of targets, 12 of what was fixed, 3 of schedules, and 4 of
    # tags. One issue takes two pages, all others one.
    assert (listings, len(app.state.requests) - listings) == (41, 401)
    assert {record.status for record in app.state.requests} == {200}


def test_clients_disagree_on_two_answers(http: requests.Session) -> None:
    """Licenses are an object or a page of one; schedules are pages or an array."""
    account = generate(seed=7)
    row, rows = account.licenses, account.schedules
    with serve(create_app(account, token=TOKEN)) as base_url:
        assert get(http, f"{base_url}/licenses/?limit=1").json() == row
        assert get(http, f"{base_url}/scans/schedules/").json()["results"] == rows
    app = create_app(account, token=TOKEN, licenses_in_envelope=True, schedules_in_array=True)
    with serve(app) as base_url:
        page = {"count": 1, "next": None, "previous": None, "results": [row]}
        assert get(http, f"{base_url}/licenses/").json() == page
        assert get(http, f"{base_url}/scans/schedules/?limit=1&offset=3").json() == rows
    assert len(rows) == 5


def test_a_plan_may_lack_listings(http: requests.Session) -> None:
    """They are answered with 403 or 404 for as long as they are missing, and the others are not."""
    paths = ("/occurrences/fixed/", "/scans/schedules/", "/tags/", "/licenses/", "/scans/")
    missing = {"/occurrences/fixed/": 403, "/scans/schedules/": 404, "/tags/": 403}
    missing["/licenses/"] = 404

    def answers() -> list[tuple[int, str | None]]:
        found = [get(http, base_url + path) for path in paths]
        return [(answer.status_code, answer.json().get("detail")) for answer in found]

    with serve(create_app(Account(), token=TOKEN, missing=missing)) as base_url:
        lacking = answers()
        missing.clear()
        complete = answers()
    forbidden, unknown, found = (403, "Forbidden"), (404, "Not Found"), (200, None)
    assert lacking == [forbidden, unknown, forbidden, unknown, found]
    assert complete == [found] * 5


@pytest.mark.parametrize(
    ("path", "status", "problem"),
    [
        ("/tag/", 404, "missing: the API has no path '/tag/'."),
        ("/tags", 404, "missing: the API has no path '/tags'."),
        ("/tags/", 500, "missing: the status of /tags/ must be 403 or 404."),
    ],
)
def test_a_listing_that_cannot_be_missing_is_an_error(path: str, status: int, problem: str) -> None:
    """It would be one that no request finds missing."""
    with pytest.raises(ValueError, match=re.escape(problem)):
        create_app(Account(), token=TOKEN, missing={path: status})


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=", "offset=-1", "offset=1.5"]
)
def test_a_malformed_limit_or_offset_is_400(http: requests.Session, query: str) -> None:
    """The error names the parameter."""
    with serve(create_app(Account(), token=TOKEN)) as base_url:
        answer = get(http, f"{base_url}/scans/?{query}")
    name, least = (
        query.split("=", maxsplit=1)[0],
        {"limit": 1, "offset": 0}[query.split("=", maxsplit=1)[0]],
    )
    assert answer.status_code == 400
    assert answer.json() == {"detail": f"{name} must be an integer, at least {least}."}


def test_a_page_size_of_zero_is_rejected() -> None:
    """A listing with pages of no rows would never end."""
    with pytest.raises(ValueError, match="max_limit and default_limit must be 1 or more"):
        create_app(Account(), token=TOKEN, max_limit=0)


@pytest.mark.parametrize("path", ["health", "licenses", *(path.strip("/") for path in LISTINGS)])
def test_a_missing_slash_is_301_with_the_query_kept(http: requests.Session, path: str) -> None:
    """Every path redirects permanently to itself with a slash."""
    with serve(create_app(Account(), token=TOKEN)) as base_url:
        answer = get(http, f"{base_url}/{path}?limit=3&offset=6")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{base_url}/{path}/?limit=3&offset=6"


@pytest.mark.parametrize("sent", [None, "Bearer wrong-token", f"Basic {TOKEN}", "Bearer "])
def test_a_wrong_token_is_401_everywhere_but_health(
    http: requests.Session, sent: str | None
) -> None:
    """For a listing, an unknown path, and a path without its slash."""
    del http.headers["Authorization"]
    headers = {"Authorization": sent} if sent else {}
    with serve(create_app(Account(), token=TOKEN)) as base_url:
        paths = ("/issues/", "/nothing/", "/issues")
        refused = [get(http, base_url + path, headers=headers) for path in paths]
        health = get(http, f"{base_url}/health/", headers=headers)
    assert [(answer.status_code, answer.json()) for answer in refused] == [
        (401, {"detail": "Invalid token."})
    ] * 3
    assert (health.status_code, health.json()) == (
        200,
        {"status": "ok", "authenticated_as": "security@example.com"},
    )


def test_unknown_paths_and_issues_are_404(http: requests.Session) -> None:
    """So are the occurrences of an unknown or vanished issue, even if it is still listed."""
    account = Account(issues=[{"id": 1}, {"id": 2}], occurrences={1: []})
    with serve(create_app(account, token=TOKEN)) as base_url:
        paths = ("/nothing/", "/scans//", "/issues/x/occurrences/", "/issues/3/occurrences/")
        answers = [get(http, base_url + path) for path in (*paths, "/issues/2/occurrences/")]
        listed = get(http, f"{base_url}/issues/").json()["results"]
    unknown_path, unknown_issue = (
        {"detail": "Not Found"},
        {"detail": "No Issue matches the given query."},
    )
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (404, unknown_path),
        (404, unknown_path),
        (404, unknown_path),
        (404, unknown_issue),
        (404, unknown_issue),
    ]
    assert listed == account.issues


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_405(http: requests.Session, method: str) -> None:
    """Listings are read-only."""
    with serve(create_app(Account(), token=TOKEN)) as base_url:
        answer = http.request(method, f"{base_url}/targets/", timeout=10)
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_requests_are_recorded_without_their_token(http: requests.Session) -> None:
    """In order: method, path, query, status, and whether a token was sent."""
    app = create_app(Account(), token=TOKEN, quota_per_hour=2)
    with serve(app) as base_url:
        get(http, f"{base_url}/scans/", params={"limit": 5, "offset": 10})
        get(http, f"{base_url}/scans")
        get(http, f"{base_url}/scans/")
        http.post(f"{base_url}/health/", timeout=10)
        http.post(base_url.replace("/v1", "/sample/next-day/"), timeout=10)
        del http.headers["Authorization"]
        get(http, f"{base_url}/nothing/")
    assert app.state.requests == [
        RequestRecord("GET", "/v1/scans/", {"limit": "5", "offset": "10"}, 200, True),
        RequestRecord("GET", "/v1/scans", {}, 301, True),
        RequestRecord("GET", "/v1/scans/", {}, 429, True),
        RequestRecord("POST", "/v1/health/", {}, 405, True),
        RequestRecord("GET", "/v1/nothing/", {}, 401, False),
    ]
    assert TOKEN not in repr(app.state.requests)


class Fault:
    """Middleware that answers 503."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"detail": "fault"}, 503)(scope, receive, send)


def test_middleware_runs_after_the_token_check(http: requests.Session) -> None:
    """It responds in place of the rows, and only to requests with the token."""
    app = create_app(Account(), token=TOKEN, middleware=[Middleware(Fault)])
    with serve(app) as base_url:
        get(http, f"{base_url}/scans/")
        get(http, f"{base_url}/scans/", headers={"Authorization": "Bearer wrong"})
    assert [record.status for record in app.state.requests] == [503, 401]


def test_latency_delays_every_response(http: requests.Session) -> None:
    """Also errors."""
    with serve(create_app(Account(), token=TOKEN, latency_seconds=0.2)) as base_url:
        answers = [get(http, f"{base_url}/scans/"), get(http, f"{base_url}/nothing/")]
    assert [answer.elapsed.total_seconds() >= 0.2 for answer in answers] == [True, True]


def test_changes_to_the_account_are_served_at_once(http: requests.Session) -> None:
    """Rows may be set while the server runs. A URL in a row is served unchanged."""
    account = Account()
    rows: list[Row] = [
        {"id": 1},
        {"id": 2, "occurrences": None},
        {"id": 3, "occurrences": "https://x.example.com/"},
    ]
    with serve(create_app(account, token=TOKEN)) as base_url:
        before = walk(http, f"{base_url}/issues/")
        account.issues = rows
        after = walk(http, f"{base_url}/issues/")
    assert (before, after) == ([], rows)


def test_serve_closes_open_connections_and_frees_its_port(http: requests.Session) -> None:
    """A kept-alive connection does not delay the end, and the port can be reused at once.

    While it is in use, a second server on it fails.
    """
    app = create_app(Account(), token=TOKEN)
    with serve(app) as base_url:
        port = int(base_url.rsplit(":", 1)[1].removesuffix("/v1"))
        assert base_url == f"http://127.0.0.1:{port}/v1"
        assert get(http, f"{base_url}/scans/").status_code == 200
        with pytest.raises(OSError, match="in use"), serve(app, port):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    with serve(app, port) as again:
        assert again == base_url
        assert get(http, f"{base_url}/scans/").status_code == 200


def test_serve_ends_without_a_request() -> None:
    """Nothing hangs, and nothing is left listening."""
    for _ in range(5):
        with serve(create_app(Account(), token=TOKEN)) as base_url:
            port = int(base_url.rsplit(":", 1)[1].removesuffix("/v1"))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)


def test_the_control_endpoint_advances_the_account(http: requests.Session) -> None:
    """It needs no token, returns the changes, and then serves the rows of the next day."""
    account, expected = generate(seed=7, issues=60), generate(seed=7, issues=60)
    changes = expected.next_day()
    with serve(create_app(account, token=TOKEN)) as base_url:
        control = base_url.replace("/v1", "/sample/next-day/")
        answer = http.post(control, headers={"Authorization": ""}, timeout=10)
        wrong_method = get(http, control).status_code
        scans = walk(http, f"{base_url}/scans/?limit=100")
    assert (answer.status_code, answer.json()) == (200, asdict(changes))
    assert (account, scans, wrong_method) == (expected, expected.scans, 405)


def test_the_control_endpoint_dates_what_changes(http: requests.Session) -> None:
    """The scan, what it finds and what it misses are of the time that is asked for."""
    account = generate(seed=7, issues=60)
    moment = "2025-03-04T15:30:05Z"
    with serve(create_app(account, token=TOKEN)) as base_url:
        control = base_url.replace("/v1", "/sample/next-day/")
        wrong = http.post(control, params={"scanned_at": "noon"}, timeout=10)
        changes = http.post(control, params={"scanned_at": moment}, timeout=10).json()
    assert (wrong.status_code, wrong.json()) == (400, {"scanned_at": ["Enter a valid date/time."]})
    assert changes["day"] == "2025-03-04"
    count = len(changes["fixed_occurrences"])
    opened = [row for issue in changes["opened"] for row in account.occurrences[issue]]
    dates = {
        account.scans[0]["created_at"],
        *(row["remediated_at"] for row in account.fixed[:count]),
        *(row["first_seen_at"] for row in opened if row["first_seen_at"]),
    }
    assert count > 0
    assert opened
    assert dates == {moment}


NEVER_NULL: dict[str, dict[str, type]] = {
    "health": {"status": str, "authenticated_as": str},
    "issues": {
        "id": int,
        "severity": str,
        "title": str,
        "description": str,
        "remediation": str,
        "snoozed": bool,
    },
    "occurrences": {"id": int, "target": str, "protocol": str, "age": str, "snoozed": bool},
    "scans": {"id": int, "status": str, "created_at": str, "scan_type": str},
    "targets": {
        "id": int,
        "address": str,
        "target_status": str,
        "has_api_schemas": bool,
        "has_authentications": bool,
    },
    "fixed": {
        **{"id": int, "occurrence_id": int, "title": str, "description": str, "remediation": str},
        **{"severity": str, "display_address": str, "affected_host": str, "first_seen_at": str},
        **{"remediated_at": str, "tags": list},
    },
    "schedules": {
        **{"id": int, "name": str, "schedule_period": str, "status": str, "targets": list},
        **{"target_tags": list, "throttled": bool, "web_ports_only": bool},
    },
    "tags": {"name": str},
    "licenses": {
        f"{what}_{kind}_licenses": int
        for what in ("total", "available", "consumed")
        for kind in ("infrastructure", "application")
    },
}
"""The fields that the vendor's own client, or each known one, takes as never null."""


def test_a_client_that_takes_fields_as_never_null_reads_every_row(http: requests.Session) -> None:
    """Each such field has a value of its type, also after the account advances by a day."""
    account = generate(seed=7)
    with serve(create_app(account, token=TOKEN, quota_per_hour=None)) as base_url:
        for _ in range(2):
            issues = walk(http, f"{base_url}/issues/?limit=100")
            read = {
                "health": [get(http, f"{base_url}/health/").json()],
                "issues": issues,
                "occurrences": [
                    row for issue in issues for row in walk(http, issue["occurrences"])
                ],
                "scans": walk(http, f"{base_url}/scans/?limit=100"),
                "targets": walk(http, f"{base_url}/targets/?limit=100"),
                "fixed": walk(http, f"{base_url}/occurrences/fixed/?limit=100"),
                "schedules": walk(http, f"{base_url}/scans/schedules/"),
                "tags": walk(http, f"{base_url}/tags/"),
                "licenses": [get(http, f"{base_url}/licenses/").json()],
            }
            wrong = [
                (table, row.get("id"), name)
                for table, rows in read.items()
                for row in rows
                for name, kind in NEVER_NULL[table].items()
                if type(row.get(name)) is not kind
            ]
            assert wrong == []
            assert {table: len(rows) for table, rows in read.items()} == {
                "health": 1,
                "issues": len(account.issues),
                "occurrences": sum(map(len, account.occurrences.values())),
                "scans": len(account.scans),
                "targets": len(account.targets),
                "fixed": len(account.fixed),
                "schedules": 5,
                "tags": 4,
                "licenses": 1,
            }
            account.next_day()
