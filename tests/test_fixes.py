"""Fixed occurrences and licenses from one sync to the next."""

import json
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import flask.testing
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from sample_api import Account, create_app, generate
from sample_api import serve as serve_api
from scanner_sync.sync import sync
from scanner_sync.warehouse.lease import LEASE_TABLE
from tests.conftest import PROJECT, TOKEN, Dataset
from tests.source.faults import Faults
from tests.support.commands import AHEAD, answer, start
from tests.support.reading import on

FIXES = "/occurrences/fixed/"


def fix(number: int, moment: datetime) -> dict[str, Any]:
    return {"occurrence_id": number, "remediated_at": moment.isoformat()}


def times(dataset: Dataset) -> dict[int, datetime]:
    """Return the ids of the fixed occurrences in BigQuery, and when each was fixed."""
    return {row["occurrence_id"]: row["remediated_at"] for row in dataset.rows("fixed_occurrences")}


def label(dataset: Dataset, name: str) -> int:
    return int(dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}").labels[name])


def set_label(dataset: Dataset, name: str, moment: datetime) -> None:
    lease = dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}")
    lease.labels |= {name: str(int(moment.timestamp()))}
    dataset.client.update_table(lease, ["labels"])


class Syncs:
    """Syncs of `fixed_occurrences`, and what each asked the API for."""

    def __init__(self, api: Starlette) -> None:
        self._api = api

    def __call__(self) -> tuple[datetime | None, int]:
        """Sync, and return `remediated_after` of its requests and the number of rows that came."""
        sent = len(self._api.state.requests)
        # In this process, because a worker takes a second to start.
        result = sync(("fixed_occurrences",), print)
        assert not result.unavailable
        requests = self._api.state.requests[sent:]
        assert {request.path for request in requests} == {f"/v1{FIXES}"}
        [after] = {request.query.get("remediated_after") for request in requests}
        rows = result.rows["fixed_occurrences"]
        return datetime.fromisoformat(after) if after else None, rows


@pytest.fixture
def syncs(api: Starlette, api_url: str) -> Syncs:
    assert api_url
    return Syncs(api)


NOW = datetime.now(UTC).replace(microsecond=0)
WEEK = timedelta(days=7)


def test_fixes_are_read_whole_and_then_from_a_week_before_the_newest(
    account: Account, dataset: Dataset, syncs: Syncs
) -> None:
    """One that the API lists late arrives, and what came before stays."""
    account.fixed = [fix(n, NOW - timedelta(days=5 * n)) for n in range(1, 30)]
    assert syncs() == (None, 29)
    newest = NOW - timedelta(days=5)
    first = {n: NOW - timedelta(days=5 * n) for n in range(1, 30)}
    assert times(dataset) == first

    late = fix(100, newest - timedelta(days=6, hours=23))
    account.fixed = [fix(101, NOW - timedelta(hours=1)), late, *account.fixed]
    # 1 and 2 were read before; 100 was fixed earlier than 1, and is listed only now.
    assert syncs() == (newest - WEEK, 4)
    assert times(dataset) == first | {
        100: newest - timedelta(days=6, hours=23),
        101: NOW - timedelta(hours=1),
    }
    assert syncs() == (NOW - timedelta(hours=1) - WEEK, 2)
    assert len(times(dataset)) == 31


def test_an_occurrence_that_was_fixed_twice_has_two_rows(
    account: Account, dataset: Dataset, syncs: Syncs
) -> None:
    """The same fix is one row, however often it is read, with its newest values."""
    account.fixed = [fix(1, NOW - timedelta(days=3)) | {"severity": "low"}]
    syncs()
    account.fixed = [
        fix(1, NOW - timedelta(days=1)) | {"severity": "critical"},
        fix(1, NOW - timedelta(days=3)) | {"severity": "high"},
    ]
    assert syncs() == (NOW - timedelta(days=3) - WEEK, 2)
    found = [(row["remediated_at"], row["severity"]) for row in dataset.rows("fixed_occurrences")]
    assert found == [
        (NOW - timedelta(days=3), "high"),
        (NOW - timedelta(days=1), "critical"),
    ]


def test_an_api_that_is_late_or_deaf_gives_the_same_rows(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days of an account, read through an API that does as it is asked and through two others."""
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    options: dict[str, dict[str, Any]] = {
        "known": {},
        "deaf": {"remediated_after": "ignored"},
        "late": {"fixed_delay_days": 3},
    }
    found = {}
    for name, chosen in options.items():
        account = generate(seed=12, issues=40, targets=3, scans=3)
        monkeypatch.setenv("DATASET", f"{dataset.name}_{name}")
        api = create_app(account, token=TOKEN, **chosen)
        with serve_api(api) as url:
            monkeypatch.setenv("API_BASE_URL", url)
            counts = []
            for _ in range(2):
                counts.append(Syncs(api)()[1])
                for _ in range(3):
                    account.next_day()
            # All that is listed by now, also by the API that lists a fix three days later.
            listed = [dict(row) for row in account.fixed]
            account.day += 3
            Syncs(api)()
        assert (counts[1] < counts[0]) == (name != "deaf"), counts
        rows = Dataset(f"{dataset.name}_{name}", dataset.client).rows("fixed_occurrences")
        assert len(rows) == len(listed) > counts[0]
        found[name] = rows
    assert found["known"] == found["deaf"] == found["late"]


def test_fixes_are_read_whole_again_after_a_week(
    account: Account, dataset: Dataset, syncs: Syncs
) -> None:
    """So whatever the parameter missed is there in the end. Then it is used again."""
    account.fixed = [fix(1, NOW - timedelta(days=1))]
    assert syncs() == (None, 1)
    account.fixed = [*account.fixed, fix(2, NOW - timedelta(days=300))]
    set_label(dataset, "fixes_read", NOW - WEEK + timedelta(hours=1))
    assert syncs() == (NOW - timedelta(days=1) - WEEK, 1)
    assert times(dataset).keys() == {1}
    set_label(dataset, "fixes_read", NOW - WEEK - timedelta(hours=1))
    assert syncs() == (None, 2)
    assert times(dataset).keys() == {1, 2}
    assert syncs() == (NOW - timedelta(days=1) - WEEK, 1)
    assert label(dataset, "fixes_read") >= NOW.timestamp() - 1


@pytest.mark.parametrize("status", [400, 422])
def test_an_api_that_rejects_the_parameter_is_read_whole_in_the_same_sync(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    status: int,
) -> None:
    """With one rejected request and one line in the log. It counts as a read of everything."""

    def fault(request: Request) -> Response | None:
        return Response(None, status) if "remediated_after" in request.query_params else None

    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    api = create_app(account, token=TOKEN, max_limit=2, middleware=[Middleware(Faults, fault)])
    account.fixed = [fix(n, NOW - timedelta(days=20 * n)) for n in range(1, 4)]
    resources = {"resources": ["fixed_occurrences"]}
    with serve_api(api) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        assert http.post("/", json=resources).status_code == 200
        set_label(dataset, "fixes_read", NOW - timedelta(days=6))
        account.fixed = [fix(4, NOW), *account.fixed, fix(5, NOW - timedelta(days=300))]
        sent = len(api.state.requests)
        capfd.readouterr()
        body = http.post("/", json=resources).get_json()
    assert (body["status"], body["unavailable"]) == ("ok", [])
    assert body["tables"] == {"fixed_occurrences": {"rows": 5}}
    # With two rows a page, each page after the first begins with the last row of the one before.
    asked = [(r.status, r.query.get("remediated_after")) for r in api.state.requests[sent:]]
    after = (NOW - timedelta(days=20) - WEEK).isoformat().replace("+00:00", "Z")
    assert asked == [(status, after), *[(200, None)] * 4]
    assert body["requests"] == 5
    entries = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    rejected = [e for e in entries if e["message"] == "remediated_after_rejected"]
    assert [(e["severity"], e["status"]) for e in rejected] == [("INFO", status)]
    assert times(dataset).keys() == {1, 2, 3, 4, 5}
    assert label(dataset, "newest_fix") == NOW.timestamp()
    assert label(dataset, "fixes_read") >= NOW.timestamp() - 1


def test_a_listing_that_is_rejected_without_the_parameter_too_fails_the_sync(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then something else is wrong, and nothing is loaded."""
    answers: list[Response | None] = [None, Response(None, 400), Response(None, 400)]
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)
    account.fixed = [fix(1, NOW)]
    faults = [Middleware(Faults, on(FIXES[1:], *answers))]
    with serve_api(create_app(account, token=TOKEN, middleware=faults)) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        resources = {"resources": ["fixed_occurrences"]}
        assert http.post("/", json=resources).status_code == 200
        account.fixed = [fix(2, NOW), *account.fixed]
        answer = http.post("/", json=resources)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["type"]) == (502, "ApiError")
    assert "status 400 for occurrences/fixed/" in error["message"]
    assert times(dataset).keys() == {1}


def test_a_sync_of_other_tables_makes_an_empty_one_for_the_findings(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    syncs: Syncs,
) -> None:
    """A sync of the fixed occurrences reads them whole after that; and after they were dropped."""
    account.issues = [{"id": 1, "severity": "low"}]
    account.occurrences = {1: [{"id": 1, "occurrence_id": 1, "target": "a"}]}
    account.fixed = [
        fix(n, NOW - timedelta(days=days)) | {"first_seen_at": "2020-01-01T00:00:00Z"}
        for n, days in ((2, 1), (3, 300))
    ]

    def sync_others() -> list[tuple[int | None, int]]:
        """Return the findings that there are after it."""
        others = ["issues", "occurrences_issues", "targets"]
        assert http.post("/", json={"resources": others}).status_code == 200
        return found()

    def found() -> list[tuple[int | None, int]]:
        rows = dataset.query(
            "SELECT issue_id, occurrence_id FROM {d}.findings ORDER BY occurrence_id"
        )
        return [(row["issue_id"], row["occurrence_id"]) for row in rows]

    assert sync_others() == [(1, 1)]
    assert times(dataset) == {}
    assert syncs() == (None, 2)
    assert found() == [(1, 1), (None, 2), (None, 3)]
    dataset.client.delete_table(f"{PROJECT}.{dataset.name}.fixed_occurrences")
    assert sync_others() == [(1, 1), (None, 2), (None, 3)]
    assert times(dataset) == {}
    assert syncs() == (None, 2)
    assert found() == [(1, 1), (None, 2), (None, 3)]


def test_nothing_fixed_yet_is_read_whole(account: Account, dataset: Dataset, syncs: Syncs) -> None:
    """There is no newest fix to start from; a fix in the future is no start either."""
    assert syncs() == (None, 0)
    account.fixed = [fix(1, NOW + timedelta(days=365)), fix(2, NOW - timedelta(days=30))]
    assert syncs() == (None, 2)
    # As if there were none after the sync itself, by BigQuery's clock.
    newest = datetime.fromtimestamp(label(dataset, "newest_fix"), UTC)
    assert timedelta(seconds=-1) <= newest - NOW < timedelta(hours=1)
    assert syncs() == (newest - WEEK, 1)
    assert times(dataset).keys() == {1, 2}


def test_a_dropped_table_is_filled_again(account: Account, dataset: Dataset, syncs: Syncs) -> None:
    """With everything, not with the last week."""
    account.fixed = [fix(n, NOW - timedelta(days=30 * n)) for n in range(1, 5)]
    syncs()
    before = times(dataset)
    dataset.client.delete_table(f"{PROJECT}.{dataset.name}.fixed_occurrences")
    assert syncs() == (None, 4)
    assert times(dataset) == before


def test_a_failed_sync_moves_no_start(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    syncs: Syncs,
    missing: dict[str, int],
) -> None:
    """What it read was not loaded, so the next sync reads it."""
    account.fixed = [fix(1, NOW - timedelta(days=20))]
    syncs()
    before = label(dataset, "newest_fix")
    account.fixed = [fix(2, NOW), fix(3, NOW - timedelta(days=10)), *account.fixed]
    missing["/targets/"] = 404
    answer = http.post("/", json={"resources": ["targets", "fixed_occurrences"]})
    assert answer.status_code == 502
    assert label(dataset, "newest_fix") == before
    assert syncs() == (NOW - timedelta(days=20) - WEEK, 3)
    assert times(dataset).keys() == {1, 2, 3}


def test_a_listing_that_comes_and_goes(
    account: Account,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    syncs: Syncs,
    missing: dict[str, int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Without it the sync succeeds and says so. When it is back, all of it is read."""
    tables = {"resources": ["targets", "fixed_occurrences"]}
    account.targets = [{"id": 1}]

    def without(status: int) -> None:
        missing[FIXES] = status
        capfd.readouterr()
        body = http.post("/", json=tables).get_json()
        assert (body["status"], body["unavailable"]) == ("ok", ["fixed_occurrences"])
        assert body["tables"] == {"targets": {"rows": 1}, "fixed_occurrences": {"rows": 0}}
        entries = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        assert [
            (entry["severity"], entry["table"], entry["status"])
            for entry in entries
            if entry["message"] == "listing_unavailable"
        ] == [("INFO", "fixed_occurrences", status)]
        [end] = [entry for entry in entries if entry["message"] == "sync_finished"]
        assert end["unavailable"] == ["fixed_occurrences"]
        missing.clear()

    without(403)
    assert times(dataset) == {}
    account.fixed = [fix(1, NOW), fix(2, NOW - timedelta(days=100))]
    assert syncs() == (None, 2)
    assert syncs() == (NOW - WEEK, 1)
    # What was fixed while the listing was missing may be listed with a time before that.
    account.fixed = [*account.fixed, fix(3, NOW - timedelta(days=50))]
    without(404)
    assert times(dataset).keys() == {1, 2}
    assert syncs() == (None, 3)
    assert times(dataset).keys() == {1, 2, 3}


def test_a_fix_without_its_key_loads_nothing(
    account: Account, dataset: Dataset, http: flask.testing.FlaskClient, syncs: Syncs
) -> None:
    """The answer says which table and column it is, and quotes no value."""
    account.fixed = [fix(1, NOW)]
    syncs()
    set_label(dataset, "fixes_read", NOW - 2 * WEEK)  # the sample API looks for no time in null
    for row, said in (
        ({"occurrence_id": None}, "a row has no occurrence_id"),
        ({"remediated_at": None}, "A row of fixed_occurrences has no remediated_at"),
        ({"remediated_at": "marker"}, "Column remediated_at of fixed_occurrences takes timestamp"),
    ):
        account.fixed = [fix(2, NOW), fix(3, NOW) | row]
        answer = http.post("/", json={"resources": ["fixed_occurrences"]})
        error = answer.get_json()["error"]
        assert (answer.status_code, error["type"]) == (502, "ApiError"), row
        assert said in error["message"]
        assert "marker" not in error["message"]
        assert times(dataset).keys() == {1}


def today(dataset: Dataset) -> set[date]:
    return {row["day"] for row in dataset.client.query_and_wait("SELECT CURRENT_DATE() AS day")}


def test_licenses_have_a_row_a_day(
    account: Account, dataset: Dataset, api_url: str, http: flask.testing.FlaskClient
) -> None:
    """The last sync of a day replaces its row; the rows of other days stay."""
    assert api_url
    days = today(dataset)
    for consumed in (1, 2):
        account.licenses = {"consumed_application_licenses": consumed}
        assert http.post("/", json={"resources": ["licenses"]}).status_code == 200
    days |= today(dataset)
    rows = dataset.rows("licenses")
    assert {row["recorded_on"] for row in rows} <= days
    assert rows[-1]["consumed_application_licenses"] == 2
    assert len(rows) <= len(days)

    dataset.query("UPDATE {d}.licenses SET recorded_on = DATE '2020-01-01' WHERE TRUE")
    account.licenses = {"consumed_application_licenses": 3}
    assert http.post("/", json={"resources": ["licenses"]}).status_code == 200
    rows = dataset.rows("licenses")
    assert [row["consumed_application_licenses"] for row in rows][-2:] == [2, 3]
    assert rows[0]["recorded_on"] == date(2020, 1, 1)


def test_the_day_of_licenses_is_bigquerys(
    account: Account, dataset: Dataset, api_url: str, syncs: Syncs
) -> None:
    """And not the machine's, which is 40 days ahead here. Nor are fixes read by it."""
    assert api_url
    account.fixed = [fix(1, NOW - timedelta(days=1))]
    syncs()
    days = today(dataset)
    ahead = AHEAD.replace("3600", str(40 * 86400))
    found = answer(start([sys.executable, "-c", ahead, "licenses", "fixed_occurrences"]))
    assert found["tables"] == {"fixed_occurrences": {"rows": 1}, "licenses": {"rows": 1}}
    days |= today(dataset)
    [row] = dataset.rows("licenses")
    assert row["recorded_on"] in days
    assert label(dataset, "fixes_read") <= datetime.now(UTC).timestamp()
