"""The sample API, through a real server on loopback."""

import copy
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sample_api import Account, RequestRecord, Row, create_app, generate, serve

TOKEN = "correct-token"
ROOT = Path(__file__).parents[1]

SNOOZE = ("snoozed", "snooze_reason", "snooze_until")
EITHER = "snoozed:bool snooze_reason:str|null snooze_until:str|null exploit_likelihood:str|null "
EITHER += "cvss_score:float|null"
FIELDS = {
    "issues": "id:int severity:str title:str description:str remediation:str occurrences:str "
    f"{EITHER}",
    "occurrences": "id:int occurrence_id:int|null target:str display_address:str|null "
    "port:int|str|null protocol:str|null extra_info:dict|null age:str first_seen_at:str|null "
    f"target_last_scanned_at:str|null cves:list|null {EITHER}",
    "scans": "id:int status:str created_at:str scan_type:str schedule_period:str|null",
    "targets": "id:int address:str display_address:str|null tags:list has_api_schemas:bool "
    "has_authentications:bool license_type:str|null target_status:str target_type:str|null "
    "waf_provider:str|null waf_interference:null",
}


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """Give a client that sends the token, follows no redirect by itself and uses no proxy."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        yield session


def numbered(count: int) -> list[Row]:
    """Make rows that can be told apart."""
    return [{"id": number} for number in range(count)]


def get(http: requests.Session, url: str, **options: Any) -> requests.Response:
    """Ask once."""
    return http.get(url, allow_redirects=False, timeout=10, **options)


def walk(http: requests.Session, url: str | None) -> list[Row]:
    """Follow next from this URL to the last page."""
    rows: list[Row] = []
    while url:
        page = get(http, url).json()
        rows += page["results"]
        url = page["next"]
    return rows


def by_id(rows: list[Row]) -> dict[int, Row]:
    """Index rows by their id."""
    return {row["id"]: row for row in rows}


# --- pages


def test_a_page_is_the_exact_envelope(http: requests.Session) -> None:
    """First, middle, last and empty pages hold count, absolute next and previous, and the rows."""
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
    """Without a limit 25 rows come, and never more than the cap; next steps by what came."""
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
    """All listings of an account that has nothing are empty, and no error."""
    with serve(create_app(Account(occurrences={1: []}), token=TOKEN)) as base_url:
        paths = ("issues", "issues/1/occurrences", "scans", "targets")
        pages = [get(http, f"{base_url}/{path}/").json() for path in paths]
    assert pages == [{"count": 0, "next": None, "previous": None, "results": []}] * 4


def test_a_walk_of_all_pages_gives_exactly_the_rows_of_the_account(http: requests.Session) -> None:
    """Following next from each listing, and from each issue's URL, misses and adds nothing."""
    account = generate(seed=7)
    app = create_app(account, token=TOKEN)
    with serve(app) as base_url:
        issues = walk(http, f"{base_url}/issues/?limit=100")
        scans = walk(http, f"{base_url}/scans/?limit=100")
        targets = walk(http, f"{base_url}/targets/")
        listings = len(app.state.requests)
        occurrences = {row["id"]: walk(http, row["occurrences"] + "?limit=100") for row in issues}
    assert issues == [
        row | {"occurrences": f"{base_url}/issues/{row['id']}/occurrences/"}
        for row in account.issues
    ]
    assert (scans, targets, occurrences) == (account.scans, account.targets, account.occurrences)
    # 4 pages of issues, 12 of scans, 6 of targets; one issue takes two pages, all others one.
    assert (listings, len(app.state.requests) - listings) == (22, 401)
    assert {record.status for record in app.state.requests} == {200}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=", "offset=-1", "offset=1.5"]
)
def test_a_malformed_limit_or_offset_is_400(http: requests.Session, query: str) -> None:
    """What is no whole number is refused, by name."""
    with serve(create_app(Account(), token=TOKEN)) as base_url:
        answer = get(http, f"{base_url}/scans/?{query}")
    name, least = (
        query.split("=", maxsplit=1)[0],
        {"limit": 1, "offset": 0}[query.split("=", maxsplit=1)[0]],
    )
    assert answer.status_code == 400
    assert answer.json() == {"detail": f"{name} must be a whole number, {least} or more."}


def test_a_page_must_be_able_to_hold_a_row() -> None:
    """A cap of 0 would make a listing that never ends, so it is refused at once."""
    with pytest.raises(ValueError, match="max_limit and default_limit must be 1 or more"):
        create_app(Account(), token=TOKEN, max_limit=0)


# --- refusals


@pytest.mark.parametrize("path", ["health", "issues", "issues/1/occurrences", "scans", "targets"])
def test_a_missing_slash_is_301_with_the_query_kept(http: requests.Session, path: str) -> None:
    """Every path redirects to itself with a slash, for good."""
    with serve(create_app(Account(), token=TOKEN)) as base_url:
        answer = get(http, f"{base_url}/{path}?limit=3&offset=6")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{base_url}/{path}/?limit=3&offset=6"


@pytest.mark.parametrize("sent", [None, "Bearer wrong-token", f"Basic {TOKEN}", "Bearer "])
def test_a_wrong_token_is_401_everywhere_but_health(
    http: requests.Session, sent: str | None
) -> None:
    """A listing, an unknown path and a path without its slash refuse; health answers 200."""
    del http.headers["Authorization"]
    headers = {"Authorization": sent} if sent else {}
    with serve(create_app(Account(), token=TOKEN)) as base_url:
        paths = ("/issues/", "/nothing/", "/issues")
        refused = [get(http, base_url + path, headers=headers) for path in paths]
        health = get(http, f"{base_url}/health/", headers=headers)
    assert [(answer.status_code, answer.json()) for answer in refused] == [
        (401, {"detail": "Invalid token."})
    ] * 3
    assert (health.status_code, health.json()) == (200, {"status": "ok"})


def test_what_does_not_exist_is_404(http: requests.Session) -> None:
    """Unknown paths are 404, and so are the occurrences of an issue that is unknown or went away.

    Such an issue may still be listed.
    """
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
    """Listings can only be read."""
    with serve(create_app(Account(), token=TOKEN)) as base_url:
        answer = http.request(method, f"{base_url}/targets/", timeout=10)
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_the_quota_is_429_until_the_oldest_request_is_an_hour_old(
    http: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redirects and errors count; health, 401 and 429 do not; Retry-After is the wait."""
    now = 1000.0
    monkeypatch.setattr("sample_api.server.monotonic", lambda: now)
    with serve(create_app(Account(), token=TOKEN, quota_per_hour=2)) as base_url:

        def status(path: str, **headers: str) -> int:
            return get(http, base_url + path, headers=headers).status_code

        uncounted = [status("/health/"), status("/scans/", Authorization="Bearer wrong")]
        counted = [status("/scans")]
        now += 10.5
        counted.append(status("/nothing/"))
        refused = [get(http, f"{base_url}/scans/") for _ in range(2)]
        health = status("/health/")
        now = 1000.0 + 3600
        after = [status("/scans/"), status("/scans/")]
    assert (uncounted, counted, health, after) == ([200, 401], [301, 404], 200, [200, 429])
    assert [
        (answer.status_code, answer.headers["Retry-After"], answer.json()) for answer in refused
    ] == [
        (
            429,
            "3590",
            {"detail": "Request was throttled. Expected available in 3590 seconds."},
        )
    ] * 2


@pytest.mark.parametrize(("quota", "status"), [(0, 429), (None, 200)])
def test_a_quota_of_none_and_one_that_is_used_up(
    http: requests.Session, quota: int | None, status: int
) -> None:
    """A quota of 0 refuses the first request, for an hour; None refuses no request."""
    with serve(create_app(Account(), token=TOKEN, quota_per_hour=quota)) as base_url:
        answers = [get(http, f"{base_url}/scans/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status] * 3
    assert {answer.headers.get("Retry-After") for answer in answers} == {
        "3600" if status == 429 else None
    }


# --- what a test can see and set


def test_every_request_is_recorded_and_no_token_is(http: requests.Session) -> None:
    """Records name method, path, query, status and whether a token was sent, in order."""
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
    """Answers 503 to whatever reaches it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever was asked."""
        await JSONResponse({"detail": "fault"}, 503)(scope, receive, send)


def test_a_fault_stands_behind_the_token_and_is_recorded(http: requests.Session) -> None:
    """A middleware answers in place of the rows; a wrong token is refused before it."""
    app = create_app(Account(), token=TOKEN, middleware=[Middleware(Fault)])
    with serve(app) as base_url:
        get(http, f"{base_url}/scans/")
        get(http, f"{base_url}/scans/", headers={"Authorization": "Bearer wrong"})
    assert [record.status for record in app.state.requests] == [503, 401]


def test_latency_holds_every_answer_back(http: requests.Session) -> None:
    """No answer comes sooner than the latency, refusals included."""
    with serve(create_app(Account(), token=TOKEN, latency_seconds=0.2)) as base_url:
        answers = [get(http, f"{base_url}/scans/"), get(http, f"{base_url}/nothing/")]
    assert [answer.elapsed.total_seconds() >= 0.2 for answer in answers] == [True, True]


def test_a_change_to_the_account_is_seen_by_the_next_request(http: requests.Session) -> None:
    """A test may set rows by hand while the server runs; a URL in a row stays as it is."""
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


def test_serve_ends_with_connections_open_and_frees_its_port(http: requests.Session) -> None:
    """A kept-alive connection does not hold up the end, and the port can be used again at once.

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


def test_serve_ends_before_it_was_ever_asked() -> None:
    """Leaving at once is a clean end too: nothing hangs, nothing is left listening."""
    for _ in range(5):
        with serve(create_app(Account(), token=TOKEN)) as base_url:
            port = int(base_url.rsplit(":", 1)[1].removesuffix("/v1"))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)


# --- the generated account


def test_generated_rows_have_exactly_the_fields_and_types_of_the_api() -> None:
    """Each table has every field of the API and no other, and every type that it may have."""
    account = generate(seed=7)
    tables = {
        "issues": account.issues,
        "occurrences": [row for rows in account.occurrences.values() for row in rows],
        "scans": account.scans,
        "targets": account.targets,
    }
    seen = {
        table: {
            name: {"null" if row[name] is None else type(row[name]).__name__ for row in rows}
            for name in rows[0]
        }
        for table, rows in tables.items()
    }
    assert seen == {
        table: {
            name: set(types.split("|"))
            for name, types in (field.split(":") for field in fields.split())
        }
        for table, fields in FIELDS.items()
    }
    for rows in tables.values():
        assert {frozenset(row) for row in rows} == {frozenset(rows[0])}


def test_a_generated_account_has_the_shape_that_it_promises() -> None:
    """Ids are unique, each issue has its list, some lists are empty and one takes two pages."""
    account = generate(seed=7)
    lengths = sorted(len(rows) for rows in account.occurrences.values())
    assert (len(account.issues), len(account.scans), len(account.targets)) == (400, 1200, 150)
    assert list(account.occurrences) == [row["id"] for row in account.issues]
    assert lengths[0] == 0
    assert (lengths[-2], lengths[-1]) == (8, 130)
    assert 2.5 < sum(lengths) / len(lengths) < 3.5
    for rows in (account.issues, account.scans, account.targets, *account.occurrences.values()):
        assert len(by_id(rows)) == len(rows)
    known = {row["address"] for row in account.targets}
    assert len(known) == 150
    assert {row["target"] for rows in account.occurrences.values() for row in rows} <= known
    assert {row["severity"] for row in account.issues} == {"low", "medium", "high", "critical"}
    assert any(not row["title"].isascii() for row in account.issues)
    assert any(None in row["tags"] for row in account.targets)


@pytest.mark.parametrize(
    "sizes", [{"issues": 0}, {"issues": 1, "targets": 1}, {"issues": 3, "targets": 0, "scans": 0}]
)
def test_small_accounts_can_be_made_and_moved(sizes: dict[str, int]) -> None:
    """No size is too small, neither to generate nor to move; a new issue appears in any case."""
    account = generate(1, **sizes)
    assert len(account.issues) == sizes["issues"]
    changes = account.next_day()
    assert len(changes.opened) == 1
    assert set(changes.opened) <= set(by_id(account.issues))


def test_the_same_seed_gives_the_same_account_in_any_process() -> None:
    """Two processes with other hash seeds agree with this one, for three days; seeds differ."""
    program = (
        "import json, dataclasses, sample_api\n"
        "account = sample_api.generate(7)\n"
        "days = [dataclasses.asdict(account.next_day()) for _ in range(3)]\n"
        "print(json.dumps([days, dataclasses.asdict(account)]))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    account = generate(7)
    days = [asdict(account.next_day()) for _ in range(3)]
    here = json.loads(json.dumps([days, asdict(account)]))
    assert [json.loads(output) for output in outputs] == [here, here]
    assert generate(7) == generate(7)
    assert generate(7) != generate(8)


def test_next_day_changes_exactly_what_it_says() -> None:
    """Over ten days, yesterday's rows with the changes applied are today's, field for field."""
    account = generate(seed=7)
    used = {row["id"] for row in account.issues}
    for number in range(1, 11):
        before = copy.deepcopy(account)
        kept_by_reference = (list(account.issues), dict(account.occurrences))
        changes = account.next_day()
        assert kept_by_reference == (before.issues, before.occurrences)

        assert changes.day == f"2025-03-{3 + number:02}"
        lists = (changes.fixed, changes.opened, changes.severity_changed, changes.snoozed)
        assert [len(ids) for ids in lists] == [8, 8, 3, 1]
        assert len({issue for ids in lists for issue in ids}) == 20
        assert not used & set(changes.opened)
        used |= set(changes.opened)

        old, new = by_id(before.issues), by_id(account.issues)
        assert list(new) == [i for i in old if i not in changes.fixed] + changes.opened
        assert list(account.occurrences) == list(new)
        scanned_at = f"{changes.day}T02:00:00Z"
        for issue in old.keys() & new.keys():
            expected, snooze = dict(old[issue]), {}
            if issue in changes.severity_changed:
                assert new[issue]["severity"] != old[issue]["severity"]
                expected["severity"] = new[issue]["severity"]
            if issue in changes.snoozed:
                assert (old[issue]["snoozed"], new[issue]["snoozed"]) == (False, True)
                assert new[issue]["snooze_reason"]
                snooze = {name: new[issue][name] for name in SNOOZE}
            assert new[issue] == expected | snooze
            assert account.occurrences[issue] == [
                row
                | {"age": f"{int(row['age'].removesuffix(' days')) + 1} days"}
                | {"target_last_scanned_at": scanned_at}
                | snooze
                for row in before.occurrences[issue]
            ]
        assert {row["age"] for issue in changes.opened for row in account.occurrences[issue]} == {
            "0 days"
        }
        assert account.targets == before.targets
        assert account.scans[1:] == before.scans
        assert (account.scans[0]["id"], account.scans[0]["created_at"]) == (
            changes.scan,
            scanned_at,
        )


def test_the_control_endpoint_moves_the_account(http: requests.Session) -> None:
    """It asks for no token, answers the changes, and the rows served are the next day's."""
    account, expected = generate(seed=7, issues=60), generate(seed=7, issues=60)
    changes = expected.next_day()
    with serve(create_app(account, token=TOKEN)) as base_url:
        control = base_url.replace("/v1", "/sample/next-day/")
        answer = http.post(control, headers={"Authorization": ""}, timeout=10)
        wrong_method = get(http, control).status_code
        scans = walk(http, f"{base_url}/scans/?limit=100")
    assert (answer.status_code, answer.json()) == (200, asdict(changes))
    assert (account, scans, wrong_method) == (expected, expected.scans, 405)


# --- the command


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("token", [None, "from-the-environment"])
def test_the_command_serves_until_it_is_told_to_end(
    http: requests.Session, ending: signal.Signals, token: str | None
) -> None:
    """It prints its URL and nothing else, obeys its options, and ends with code 0."""
    environment = {key: os.environ[key] for key in os.environ if key != "SAMPLE_API_TOKEN"}
    if token:
        environment["SAMPLE_API_TOKEN"] = token
    http.headers["Authorization"] = f"Bearer {token or 'sample-token'}"
    options = [
        "--port=0",
        "--seed=3",
        "--issues=12",
        "--quota=2",
        "--latency-ms=1",
        "--max-limit=10",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "sample_api", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            page = get(http, f"{base_url}/issues/?limit=100").json()
            rest = get(http, page["next"]).json()
            refused = get(http, f"{base_url}/issues/").status_code
            process.send_signal(ending)
            output, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    rows = generate(3, issues=12).issues
    assert [row["id"] for row in page["results"]] == [row["id"] for row in rows[:10]]
    assert [row["id"] for row in rest["results"]] == [row["id"] for row in rows[10:]]
    assert (refused, output, errors, process.returncode) == (429, "", "", 0)


def test_the_help_names_every_option_and_the_token_variable() -> None:
    """A reader of --help needs no other page."""
    output = subprocess.run(
        [sys.executable, "-m", "sample_api", "--help"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    words = ("--port", "--seed", "--issues", "--quota", "--latency-ms", "--max-limit")
    missing = [word for word in (*words, "SAMPLE_API_TOKEN", "sample-token") if word not in output]
    assert missing == []
