"""The listings that an account may lack: their rows and shapes, and reading without them."""

from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from sample_api import Account, generate
from scanner_sync.errors import ApiError, ApiRefused, ListingUnstable, SyncError
from scanner_sync.schema.tables import TABLES
from scanner_sync.source.rows import to_row
from tests.conftest import asked
from tests.source.faults import Fault
from tests.support.reading import Api, on

OPTIONAL = {name: str(table.path) for name, table in TABLES.items() if table.is_optional}
"""The tables of these listings, and their paths."""
DAY = "2026-01-02"
"""When licenses are recorded in these tests: they look at the other columns."""


def rows_of(account: Account) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that a source gives of what the account has in these listings."""
    items = {
        "fixed_occurrences": account.fixed,
        "scan_schedules": account.schedules,
        "tags": account.tags,
        "licenses": [account.licenses | {"recorded_on": DAY}],
    }
    return {name: [to_row(name, item) for item in items[name]] for name in OPTIONAL}


def read(api: Api, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """Read these listings. The day of the licenses is replaced."""
    found = api.read(*OPTIONAL, **options)
    for row in found["licenses"]:
        row["recorded_on"] = to_row("licenses", {"recorded_on": DAY})["recorded_on"]
    return found


@pytest.mark.parametrize("page_size", [2, 100])
@pytest.mark.parametrize("schedules_in_array", [False, True])
@pytest.mark.parametrize("licenses_in_envelope", [False, True])
def test_each_shape_of_the_listings_is_read(
    page_size: int, schedules_in_array: bool, licenses_in_envelope: bool
) -> None:
    """Pages, a bare array of schedules, and licenses as an object: each row once, as it came."""
    api = Api(
        generate(seed=5, issues=12),
        schedules_in_array=schedules_in_array,
        licenses_in_envelope=licenses_in_envelope,
    )
    assert len(api.account.fixed) > 10
    assert read(api, page_size=page_size) == rows_of(api.account)
    counts = {
        "occurrences/fixed/": len(api.account.fixed),
        "scans/schedules/": 2 if schedules_in_array else len(api.account.schedules),
        "tags/": len(api.account.tags),
        "licenses/": 1,
    }
    # Of two rows, a page has one that is new; the last page has one, too.
    pages = {path: count - 1 if page_size == 2 else 1 for path, count in counts.items()}
    assert asked(api.app) == pages | {"licenses/": 1}
    assert api.session.reading.unavailable == set()


def test_an_empty_listing_is_not_a_missing_one() -> None:
    """Licenses always have a row."""
    api = Api(Account())
    assert read(api) == rows_of(Account())
    assert api.session.reading.unavailable == set()


@pytest.mark.parametrize(
    ("lacking", "status"),
    [
        *(([name], 404) for name in OPTIONAL),
        *((list(OPTIONAL), status) for status in (402, 403, 404, 405, 410, 451, 501)),
    ],
)
def test_a_listing_that_the_account_lacks_is_left_out(
    lacking: list[str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything else is read. It is logged once, and asked for once."""
    caplog.set_level("INFO", "scanner_sync")
    account = generate(seed=5, issues=3)
    paths = {f"/v1/{OPTIONAL[name]}" for name in lacking}
    refusal = JSONResponse({"detail": "Upgrade your plan."}, status)
    api = Api(account, lambda request: refusal if request.url.path in paths else None)
    found = api.read(*TABLES)
    assert {name for name in TABLES if not found[name]} == set(lacking)
    assert len(found["issues"]) == 3
    assert api.session.reading.unavailable == set(lacking)
    counts = asked(api.app)
    assert {counts[OPTIONAL[name]] for name in lacking} == {1}
    logged = [(r.getMessage(), vars(r)["fields"]) for r in caplog.records]
    assert sorted(logged, key=str) == sorted(
        (("listing_unavailable", {"table": name, "status": status}) for name in lacking), key=str
    )


@pytest.mark.parametrize("media_type", ["text/html", "text/plain", None])
def test_a_firewalls_403_is_not_a_missing_listing(media_type: str | None) -> None:
    """The API's own is JSON. Any other fails the sync, and the error says so."""
    page = Response("<html>Forbidden</html>", 403, media_type=media_type)
    api = Api(Account(), on(OPTIONAL["tags"], page))
    with pytest.raises(ApiRefused, match=r"status 403 for tags/.* a firewall sent this response"):
        api.read("tags")
    assert api.session.reading.unavailable == set()


REQUIRED = ["issues/", "scans/", "targets/"]


@pytest.mark.parametrize("path", REQUIRED)
@pytest.mark.parametrize(
    ("status", "error"), [(402, ApiError), (403, ApiRefused), (404, ApiError), (501, ApiError)]
)
def test_the_other_listings_may_not_be_missing(
    path: str, status: int, error: type[SyncError]
) -> None:
    """The same answer for one of them fails the sync."""
    refusal = JSONResponse({"detail": "Upgrade your plan."}, status)
    api = Api(generate(seed=5, issues=3), on(path, refusal))
    with pytest.raises(error, match=f"status {status} for {path}"):
        api.read(*TABLES)


@pytest.mark.parametrize("table", OPTIONAL)
def test_a_rejected_token_is_not_a_missing_listing(table: str) -> None:
    """Status 401 is about the token, whatever the listing."""
    api = Api(Account())
    with pytest.raises(ApiRefused, match=f"status 401 for {OPTIONAL[table]}"):
        api.read(table, token="another")
    assert api.session.reading.unavailable == set()


@pytest.mark.parametrize(
    ("status", "said"), [(403, "rejects the token"), (404, "status 404 .* 4 times")]
)
def test_a_listing_that_was_there_is_not_missing(status: int, said: str) -> None:
    """Its rows would be incomplete, so a 403 or 404 for its second page fails the sync."""

    def fault(request: Any) -> Response | None:
        is_second = request.query_params.get("offset") not in (None, "0")
        return Response(None, status) if is_second else None

    api = Api(generate(seed=5, issues=12), fault)
    with pytest.raises(SyncError, match=said):
        api.read("fixed_occurrences", page_size=5)
    assert api.session.reading.unavailable == set()


def answering(path: str, body: object) -> Fault:
    """Answer a path with this JSON, each time."""
    return on(path, *[JSONResponse(body)] * 20)


def page(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"count": len(rows), "next": None, "previous": None, "results": list(rows)}


FIX = {"occurrence_id": 1, "remediated_at": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("fixed_occurrences", FIX | {"occurrence_id": None}, "a row has no occurrence_id"),
        ("fixed_occurrences", {"remediated_at": DAY}, "a row has no occurrence_id"),
        ("fixed_occurrences", FIX | {"occurrence_id": "x"}, "Column occurrence_id .* takes bigint"),
        ("fixed_occurrences", FIX | {"remediated_at": None}, "has no remediated_at, which is req"),
        ("fixed_occurrences", FIX | {"remediated_at": "x"}, "remediated_at .* takes timestamp"),
        ("fixed_occurrences", FIX | {"remediated_at": 7}, "remediated_at .* takes timestamp"),
        ("scan_schedules", {"id": None}, "a row has no id that is a number or a string"),
        ("scan_schedules", {"id": "x"}, "Column id of scan_schedules takes bigint"),
        ("tags", {"name": None}, "a row has no name that is a number or a string"),
        ("tags", {"name": ["x"]}, "a row has no name that is a number or a string"),
        ("tags", {"name": 7}, "Column name of tags takes text"),
    ],
)
def test_a_row_without_its_key_is_an_error(table: str, row: dict[str, Any], said: str) -> None:
    """It names the column and what is wrong, and quotes nothing."""
    api = Api(Account(), answering(OPTIONAL[table], page(row)))
    with pytest.raises(ApiError, match=said):
        api.read(table)


@pytest.mark.parametrize(
    ("table", "body", "said"),
    [
        ("fixed_occurrences", [FIX], "it is not an object"),
        ("fixed_occurrences", FIX, "results is not an array of objects"),
        ("scan_schedules", {"id": 1}, "results is not an array of objects"),
        ("scan_schedules", [7], "results is not an array of objects"),
        ("tags", ["pci"], "it is not an object"),
        ("licenses", [{}], "it is not an object"),
        ("licenses", {"results": {}, "count": 1}, "results is not an array of objects"),
    ],
)
def test_any_other_shape_is_an_error(table: str, body: object, said: str) -> None:
    """Only the shapes that clients have seen are taken."""
    api = Api(Account(), answering(OPTIONAL[table], body))
    with pytest.raises(ApiError, match=f"for {OPTIONAL[table]} is not a listing: {said}"):
        api.read(table)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("fixed_occurrences", [FIX, FIX | {"remediated_at": "2026-01-02T03:04:06Z"}]),
        ("fixed_occurrences", [FIX, FIX | {"occurrence_id": 2}]),
        ("fixed_occurrences", [FIX | {"id": 1}, FIX | {"occurrence_id": 2, "id": 1}]),
        ("tags", [{"name": "1"}, {"name": "1.0"}]),
        ("tags", [{"name": ""}, {"name": " "}]),
    ],
)
def test_rows_are_told_apart_by_their_key(table: str, rows: list[dict[str, Any]]) -> None:
    """By all of it, and by text as it is: a tag named 1 is not the one named 1.0."""
    found = Api(Account(), answering(OPTIONAL[table], page(*rows))).read(table)[table]
    assert found == [to_row(table, row) for row in rows]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("fixed_occurrences", [FIX, FIX | {"occurrence_id": "1"}]),
        ("fixed_occurrences", [FIX, FIX | {"remediated_at": "2026-01-02T04:04:05+01:00"}]),
        ("scan_schedules", [{"id": 1}, {"id": 1.0}]),
        ("tags", [{"name": "pci"}, {"name": "pci"}]),
        ("licenses", [{"total_application_licenses": 1}, {"total_application_licenses": 2}]),
    ],
)
def test_one_key_in_two_forms_is_one_row(table: str, rows: list[dict[str, Any]]) -> None:
    """What would be one key in BigQuery is one row of a listing. Licenses have one row a day."""
    api = Api(Account(), answering(OPTIONAL[table], page(*rows)))
    with pytest.raises(ListingUnstable, match="2 rows, but 1 different row came"):
        api.read(table)
