"""Values at the limits of their types: stored as the API sent them, or an error names them."""

import codecs
import contextlib
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import flask.testing
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from sample_api import Account
from scanner_sync.check import check
from scanner_sync.errors import ApiError, ListingUnstable, SyncError
from scanner_sync.source.occurrences import to_occurrence
from scanner_sync.source.pagination import read_page
from scanner_sync.source.rows import to_row
from scanner_sync.warehouse.load_files import LoadFile
from tests.conftest import Dataset
from tests.support.reading import Api, ids, on

SERIAL = 730750818665451459101842416358141509827966271488
"""The serial number of a certificate: up to 20 octets."""
LONG = "9" * 5000
"""More digits than Python converts to a number."""


def listing(*rows: Any, count: object = None) -> bytes:
    total = len(rows) if count is None else count
    return json.dumps({"count": total, "next": None, "results": rows}).encode()


def read(table: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Parse a page of a table and convert its rows; occurrences are issue 1's."""
    page = read_page(listing(*rows), f"{table}/")
    if table == "occurrences_issues":
        return [to_occurrence(1, row) for row in page.rows]
    return [to_row(table, row) for row in page.rows]


def read_from_api(table: str, *rows: dict[str, Any]) -> list[Any]:
    """Read the rows of a table from an API that serves them; occurrences are issue 1's."""
    account = Account(issues=[{"id": 1}], occurrences={1: list(rows)})
    if table != "occurrences_issues":
        setattr(account, table, list(rows))
    return Api(account).read(table)[table]


@pytest.mark.usefixtures("api_url")
def test_integers_past_64_bits_are_kept_in_json(
    dataset: Dataset, http: flask.testing.FlaskClient, account: Account
) -> None:
    """At any depth, as strings of their digits. An integer of 64 bits stays a number."""
    numbers = [2**64 - 1, -(2**63), 2**53 + 1, 0, 0.5, 1e300]
    past = [2**64, -(2**63) - 1, SERIAL, -SERIAL, 10**400]
    account.targets = [
        {"id": 1, "tags": [*numbers, *past], "new": [[{"n": n} for n in past]]},
        {"id": 2, "tags": [str(2**64), "0" * 30], "waf_interference": {"serial": SERIAL}},
        {"id": 3, "waf_interference": 2**64},
    ]
    account.issues = [{"id": 1}]
    account.occurrences = {1: [{"id": 1, "extra_info": {"chain": [{"serial": SERIAL}]}}]}
    answer = http.post("/", json={"resources": ["targets", "occurrences_issues"]})
    assert answer.status_code == 200, answer.get_json()
    first, second, third = dataset.rows("targets")
    kept = [str(n) for n in past]
    assert first["tags"] == [*numbers, *kept]
    assert [type(n) for n in first["tags"][:4]] == [int] * 4
    assert first["new"] == [[{"n": n} for n in kept]]
    assert second["tags"] == [str(2**64), "0" * 30]
    assert second["waf_interference"] == {"serial": str(SERIAL)}
    assert third["waf_interference"] == str(2**64)
    [occurrence] = dataset.rows("occurrences_issues")
    assert occurrence["extra_info"] == {"chain": [{"serial": str(SERIAL)}]}


long = '"id": "12345678901234567890"'
"""Makes `read_page` parse the body in the slower of its two ways."""
scalar = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
value = st.recursive(
    scalar, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)
snippet = st.sampled_from(
    [
        *("NaN", "-Infinity", "1e400", "-1e400", "01", "-0", "-0.0", "1.", ".5", "1E5", "+1"),
        *(
            "[1,]",
            '"\\ud800"',
            '"\\ud83d\\ude00"',
            '"\\u00411"',
            '"\t"',
            "\x00",
            "1 2",
            '{"a":1,"a":2}',
        ),
    ]
)
garbage = snippet | st.text('0123456789.eE+-"\\u/{}[]:, \n\ttruefalsn\x00\xe9\ud800', max_size=18)


@settings(max_examples=300, deadline=None)
@given(value.map(lambda each: json.dumps(each, ensure_ascii=False)) | garbage)
def test_long_numbers_do_not_change_how_a_page_is_parsed(text: str) -> None:
    """Both ways of parsing accept the same JSON, and return the same values.

    What is no JSON is an error, but for lone surrogates in text, which are replaced.
    """
    body = f'{{"count": 1, "results": [{{{long}, "x": {text}}}]}}'.encode(errors="surrogatepass")
    try:
        expected = orjson.loads(body)["results"]
    except orjson.JSONDecodeError:
        with contextlib.suppress(SyncError):
            rows = read_page(body, "targets/").rows
            lax = json.dumps(json.loads(body)["results"], ensure_ascii=False)
            replaced = lax.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            assert replaced != lax
            assert repr(rows) == repr(json.loads(replaced))
    else:
        rows = read_page(body, "targets/").rows
        assert repr(rows) == repr(expected)  # tells 0.0 from -0.0 and from 0


@pytest.mark.parametrize(
    "body",
    [
        f'{{"count": 1, "results": [{{"id": 1, "tags": [{LONG}]}}]}}',
        f'{{"count": 1, "results": [{{{long}, "tags": [1{"0" * 400}.0]}}]}}',
        f'{{"count": 1, {long}, "results": {"[" * 1000}{"]" * 1000}}}',
    ],
)
def test_json_that_python_cannot_parse_is_an_error(body: str) -> None:
    """Thousands of digits, or of levels, do not crash the parser."""
    with pytest.raises(ApiError, match="targets/ is not a listing: "):
        read_page(body.encode(), "targets/")


@pytest.mark.parametrize(
    ("table", "field", "value", "stored"),
    [
        *(("targets", "id", value, 7) for value in (7, 7.0, "7", "7.0", "70e-1", "0.7E+1")),
        *(("targets", "id", value, -7) for value in (-7, -7.0, "-7")),
        ("targets", "id", 2.0**53 - 1, 2**53 - 1),
        ("targets", "id", str(2**63 - 1), 2**63 - 1),
        ("occurrences_issues", "occurrence_id", 7.0, 7),
        ("occurrences_issues", "port", 443.0, "443"),
        ("occurrences_issues", "port", " 443 ", " 443 "),
        ("occurrences_issues", "issue_id", "1.0", 1),
        ("occurrences_issues", "issue_id", None, 1),
        *(("issues", "cvss_score", value, 7.5) for value in (7.5, "7.5", "75e-1", "7.50")),
        ("issues", "cvss_score", 7, 7.0),
        ("issues", "cvss_score", -(2**53), -(2.0**53)),
        ("targets", "new", 2**53, 2.0**53),
        ("targets", "new", 1e300, 1e300),
    ],
)
def test_a_number_is_converted_if_nothing_is_lost(
    table: str, field: str, value: object, stored: object
) -> None:
    """Integers written as 7.0, and strings that hold a number in JSON's form."""
    [row] = read(table, {"id": 1, field: value})
    assert (type(row[field]), row[field]) == (type(stored), stored)


ODD = ["", "1_000", " 7 ", "7\n", "+7", "007", "-", ".5", "5.", "0x10", "\u0667", "\uff17"]
"""Strings that are not numbers in JSON's form; Python accepts most of them."""
ODD += ["nan", "NaN", "inf", "Infinity", "-infinity", "1_0.5", "1e400", LONG]


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        *(("targets", "id", value) for value in (*ODD, 2**63, -(2**63) - 1, 2**64, SERIAL)),
        *(("targets", "id", value) for value in (7.5, "7.5", 2.0**53, "1e18", 1e18, str(SERIAL))),
        *(("issues", "cvss_score", value) for value in (*ODD, 2**53 + 1, 2**64, str(2**64))),
        *(("occurrences_issues", "occurrence_id", value) for value in (7.5, 1e18, 2**63)),
        *(("occurrences_issues", "port", value) for value in (443.5, 1e18, 2**64)),
        ("occurrences_issues", "issue_id", 2**64),
        ("issues", "title", 2**64),
        ("issues", "snoozed", 2**64),
        ("issues", "snooze_until", 2**64),
    ],
)
def test_a_number_that_its_column_cannot_hold(table: str, field: str, value: object) -> None:
    """The error names the column. Strings follow one rule, whatever the column."""
    with pytest.raises(ApiError, match=f"^Column {field} of {table} takes ") as caught:
        read(table, {"id": 1, field: value})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("number", [2**53 + 1, 2**64, -(2**64), SERIAL])
def test_a_new_field_with_a_number_past_53_bits(number: int) -> None:
    """Also one past 64 bits, which orjson alone would convert to a float."""
    with pytest.raises(ApiError, match="Field new of targets is new and holds an integer past 53"):
        read("targets", {"id": 1, "new": number})


@pytest.mark.parametrize(
    "pair", [(-7, "-7"), (7, 7.0), (7.0, "7"), ("7", "7.0"), (7, "70e-1"), (0, "-0"), (0, -0.0)]
)
def test_one_id_in_two_forms_is_one_row(pair: tuple[object, object]) -> None:
    """A number and a string that would be one key in BigQuery are one row of a listing."""
    with pytest.raises(ListingUnstable, match="2 rows, but 1 different row came"):
        read_from_api("targets", *({"id": each} for each in pair))


@pytest.mark.parametrize("pair", [(7, "007"), (LONG, LONG[1:]), (1, True), (2**64, str(2**64))])
def test_an_invalid_id_is_an_error(pair: tuple[object, object]) -> None:
    """Whatever its length. Its row is not dropped as a duplicate of another one either."""
    with pytest.raises(ApiError, match=r"Column id of targets|a row has no id that is a number"):
        read_from_api("targets", *({"id": each} for each in pair))


def test_occurrences_are_requested_by_the_stored_id(
    dataset: Dataset, api_url: str, account: Account
) -> None:
    """Of an issue whose id came as 7.0 or as a text, by a sync and by `check`."""
    account.issues = [{"id": 7.0}, {"id": "8"}]
    account.occurrences = {7: [{"id": 1}], 8: [{"id": 1}, {"id": 2}]}
    rows = Api(account).read("occurrences_issues")["occurrences_issues"]
    assert sorted((row["issue_id"], row["id"]) for row in rows) == [(7, 1), (8, 1), (8, 2)]
    [found] = [result.detail for result in check() if result.name == "listings"]
    assert found == (
        "2 issues, 1 occurrences of the first, 0 scans, 0 targets, 0 fixed occurrences,"
        " 0 scan schedules, 0 tags, licenses"
    )


def test_an_occurrence_with_an_issue_id() -> None:
    """It is neither overwritten, nor overwrites the id of the requested issue."""
    error = "A row of occurrences_issues has a new field issue_id, which differs from"
    with pytest.raises(ApiError, match=error):
        read_from_api("occurrences_issues", {"id": 1, "issue_id": 2})


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (codecs.BOM_UTF8 + listing({"id": 1}), [1]),
        (listing({"id": 1}, {"id": 2}, count=2.0), [1, 2]),
        (listing(count=-0.0), []),
    ],
)
def test_a_listing_in_an_unusual_form(body: bytes, rows: list[int]) -> None:
    """A byte order mark is skipped, and a count of 2.0 is 2."""
    api = Api(Account(), on("targets/", Response(body)))
    assert ids(api.read("targets")["targets"]) == rows


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        *(
            (listing({"id": 1}).decode().encode(name), "it is UTF-16 or UTF-32")
            for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be")
        ),
        (codecs.BOM_UTF16_BE + listing({"id": 1}).decode().encode("utf-16-be"), "it is UTF-16"),
        *(
            (listing({"id": 1}, count=count), "count is not a number of rows")
            for count in (1.5, "1", -1.0, True, 1e300, 2**64, [1])
        ),
    ],
)
def test_a_listing_in_an_invalid_form(body: bytes, fault: str) -> None:
    """The error says what is wrong with it."""
    with pytest.raises(ApiError, match=f"targets/ is not a listing: {fault}"):
        read_page(body, "targets/")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("2026-01-01", (2026, 1, 1)),
        ("2026-01-01T23:30:00", (2026, 1, 1, 23, 30)),
        ("2026-01-01T23:30:00Z", (2026, 1, 1, 23, 30)),
        ("2026-01-01t23:30:00z", (2026, 1, 1, 23, 30)),
        ("2026-01-01 23:30", (2026, 1, 1, 23, 30)),
        ("2026-01-01T23:30:00-05:00", (2026, 1, 2, 4, 30)),
        ("2026-01-01T01:30:00+0530", (2025, 12, 31, 20)),
        ("2026-01-01T00:00:00.1234569Z", (2026, 1, 1, 0, 0, 0, 123456)),
        ("0001-01-01T00:00:00-23:59", (1, 1, 1, 23, 59)),
    ],
)
def test_dates_and_times_are_in_utc(value: str, stored: tuple[int, ...]) -> None:
    """Whatever the offset, the day and the time are in UTC, to the microsecond."""
    [issue] = read("issues", {"id": 1, "snooze_until": value})
    [scan] = read("scans", {"id": 1, "created_at": value})
    assert issue["snooze_until"] == date(*stored[:3])
    assert type(issue["snooze_until"]) is date
    moment = datetime(*stored, tzinfo=UTC)  # type: ignore[arg-type,misc]
    assert (scan["created_at"], scan["created_at"].utcoffset()) == (moment, timedelta(0))


@pytest.mark.parametrize(
    "value",
    [
        *("2026-W01", "2026-W01-1", "2026-001", "20260101", "2026-01", "2026-1-1", "2026-02-30"),
        *("2026-01-01T24:00:00Z", "2026-01-01T23:59:60Z", "2026-01-01-05:00", "2026-01-01+05:00"),
        *("2026-01-01x00:00", "2026-01-01T00:00\0Z", " 2026-01-01", "2026-01-01\n", "", "7", LONG),
        *("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:00-00:01"),
        "\u0662\u0660\u0662\u0666-01-01",
    ],
)
@pytest.mark.parametrize(("table", "field"), [("issues", "snooze_until"), ("scans", "created_at")])
def test_an_invalid_date_or_time_is_an_error(table: str, field: str, value: str) -> None:
    """Any other form than YYYY-MM-DD with an optional time, or a moment that UTC does not have."""
    with pytest.raises(ApiError, match=f"^Column {field} of {table} takes "):
        read(table, {"id": 1, field: value})


NAMES = ["order", "n" * 300, "_tables", "_changes", "größe", "7up", "_dl"]


@pytest.mark.usefixtures("api_url")
def test_unusual_field_names_become_columns(
    dataset: Dataset, http: flask.testing.FlaskClient, account: Account
) -> None:
    """The longest names, SQL keywords, and names that only resemble reserved prefixes."""
    account.targets = [{"id": 1, **{name: name for name in NAMES}}]
    answer = http.post("/", json={"resources": ["targets"]})
    assert answer.status_code == 200, answer.get_json()
    [row] = dataset.rows("targets")
    assert {value for value in row.values() if isinstance(value, str)} == set(NAMES)


@pytest.mark.usefixtures("api_url")
def test_a_column_has_one_field_in_all_syncs(
    dataset: Dataset, http: flask.testing.FlaskClient, account: Account
) -> None:
    """A second field for it fails its sync, which changes nothing. The first goes on."""
    for id, field, error in (
        (1, "CVSSv3", None),
        (2, "cvs_sv3", "new field cvs_sv3, but its column cvs_sv3 is already taken by CVSSv3"),
        (3, "CVSSv3", None),
    ):
        account.scans = [{"id": id, field: 7.5}]
        answer = http.post("/", json={"resources": ["scans"]}).get_json()
        assert (error or "'status': 'ok'") in str(answer)
    rows = dataset.query("SELECT id, cvs_sv3 FROM {d}.scans ORDER BY id")
    assert rows == [{"id": 1, "cvs_sv3": 7.5}, {"id": 3, "cvs_sv3": 7.5}]


def assert_short(error: str) -> None:
    """Assert that an error is one line of a sensible length, and repeats nothing at length."""
    assert len(error) < 500
    assert error.isprintable()
    assert not re.search(r"(.)\1{100}", error)


@pytest.mark.parametrize(
    "row",
    [
        {"x" * 290: 2**64},
        {"x" * 290: json.loads("[" * 200 + "]" * 200)},
        {"id": "7" * 10_000},
        {"address": [1] * 10_000},
    ],
)
def test_an_error_does_not_grow_with_what_the_api_sends(row: dict[str, Any]) -> None:
    """Names are shortened, control characters escaped, and values left out."""
    with pytest.raises(ApiError, match="of targets") as caught:
        read("targets", {"id": 1, **row})
    assert_short(str(caught.value))


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([{"x" * 300: 1}, {"x" * 300: "1"}], f"Column {'x' * 97}... of targets has values of an"),
        ([{"x" * 10_000: 1}], f"A row of targets has a new field whose name .*: {'x' * 97}"),
        ([{"\n\u202e\x1b[31m" * 100: 1}], "A row of targets has a new field whose name .*: "),
        (
            [{"X" * 150: 1}, {"x" * 150: 3}],
            f"A row of targets has a new field {'x' * 97}[.]{{3}}, ",
        ),
        ([{" " * 10_000: 1}], "A row of targets has a new field whose name .*: it is empty"),
    ],
)
def test_an_error_of_a_load_file_does_not_grow(
    tmp_path: Path, rows: list[dict[str, Any]], error: str
) -> None:
    """Neither with a name, nor with two."""
    file = LoadFile("targets", tmp_path / "targets.jsonl", "1", {})
    with contextlib.closing(file), pytest.raises(ApiError, match=error) as caught:
        file.write([to_row("targets", {"id": 1, **row}) for row in rows])
    assert_short(str(caught.value))
