"""What holds for all inputs: of the paginator, whatever moves, and of the rows, whatever comes."""

import json
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner_sync.errors import ApiError, ListingUnstable
from scanner_sync.source.pagination import ApiResponse, OverlapPaginator, Page, read_page
from scanner_sync.source.rows import to_row
from scanner_sync.tables import TABLES
from scanner_sync.warehouse.load_files import LoadFile

LIMIT = 5

# What happens to a listing between two requests: rows are deleted or inserted at places.
change = st.tuples(st.sampled_from(["delete", "insert"]), st.integers(0, 40))
moment = st.tuples(st.lists(change, max_size=6), st.integers(2, 8))
moment_of_one_row = st.tuples(st.lists(change, max_size=1), st.just(1))
"""The changes before a request, and the most rows that the server then sends."""


def read(listing: list[int], moments: list[tuple[list[tuple[str, int]], int]]) -> Any:
    """Read a listing with the paginator while it changes.

    Gives the rows that came, the ids that were there at each request, and the requests made.
    """
    paginator, request = OverlapPaginator(LIMIT), requests.Request()
    paginator.init_request(request)
    rows: list[int] = []
    versions: list[set[int]] = []
    new = 1000
    while paginator.has_next_page:
        changes, cap = moments[len(versions)] if len(versions) < len(moments) else ([], LIMIT)
        for kind, place in changes:
            if kind == "insert":
                new += 1
                listing.insert(place, new)
            elif place < len(listing):
                del listing[place]
        versions.append(set(listing))
        offset, limit = request.params["offset"], min(request.params["limit"], cap)
        found = [{"id": n} for n in listing[offset : offset + limit]]
        response = ApiResponse(requests.PreparedRequest(), 200, "things/")
        response.page = Page(found, len(listing), offset + limit < len(listing))
        data = list(found)
        paginator.update_state(response, data)
        paginator.update_request(request)
        rows += [row["id"] for row in data]
    return rows, versions


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, 30), st.lists(moment, max_size=12) | st.lists(moment_of_one_row, max_size=20))
def test_no_row_that_stayed_is_lost_or_doubled(size: int, moments: Any) -> None:
    """Under any insertions, deletions and caps: every row that stayed comes once, or an error.

    Where the server sends one row a page, nothing overlaps, and a row that is deleted in the same
    moment in which another is inserted goes unseen; so there it is one change at a time.
    """
    try:
        rows, versions = read(list(range(size)), moments)
    except ListingUnstable:
        return
    assert len(rows) == len(set(rows))
    assert set.intersection(*versions) <= set(rows) <= set.union(*versions)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 60), st.integers(2, LIMIT))
def test_a_listing_that_stands_still_takes_no_request_too_many(size: int, cap: int) -> None:
    """One request for each page, the first of which brings `cap` rows and each other one fewer."""
    rows, versions = read(list(range(size)), [([], cap)] * 100)
    assert rows == list(range(size))
    assert len(versions) == max(1, -(-(size - 1) // (cap - 1)))


page = st.tuples(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 30), st.booleans())


@settings(max_examples=300, deadline=None)
@given(st.lists(page))
def test_a_server_that_lies_is_read_to_an_end(pages: Any) -> None:
    """Whatever pages come: the read ends, each row comes once, as many as `count` last said."""
    paginator, request = OverlapPaginator(LIMIT), requests.Request()
    paginator.init_request(request)
    rows: list[int] = []
    total = number = 0
    try:
        while paginator.has_next_page:
            assert number < 200
            ids, total, has_next = pages[number % len(pages)] if pages else ([], 0, False)
            number += 1
            response = ApiResponse(requests.PreparedRequest(), 200, "things/")
            response.page = Page([{"id": n} for n in ids], total, has_next)
            data = list(response.page.rows)
            paginator.update_state(response, data)
            paginator.update_request(request)
            rows += [row["id"] for row in data]
    except ListingUnstable:
        return
    assert len(rows) == len(set(rows)) >= total


scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
value = st.recursive(scalar, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(TABLES)), st.data())
def test_any_json_is_a_row_or_an_error(table: str, data: st.DataObject) -> None:
    """Any object becomes a row of its table's columns, which can be written, or an `ApiError`."""
    names = st.sampled_from(list(TABLES[table].columns)) | st.text(max_size=5)
    item: dict[str, Any] = data.draw(st.dictionaries(names, value, max_size=8))
    key = dict.fromkeys(TABLES[table].key, 1)
    try:
        body = json.dumps({"count": 1, "results": [key | item]})
        [item] = read_page(body.encode(), "things/").rows
        row = to_row(table, item)
    except ApiError:
        return
    columns = TABLES[table].columns
    assert set(columns) <= set(row)
    for name, column in columns.items():
        if item.get(name) is None:
            assert row[name] is None
        elif column.type in ("text", "bool", "array", "object"):
            assert row[name] == item[name]
        elif column.type in ("bigint", "double"):
            assert row[name] == float(item[name]) or row[name] == int(item[name])
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows.jsonl"
        file = LoadFile(table, path, "1", {})
        file.write([row])
        file.close()
        assert orjson.loads(path.read_bytes()).keys() >= columns.keys()


@pytest.mark.parametrize("depth", [90, 200, 5000])
def test_deep_nesting_is_a_row_or_an_error(depth: int) -> None:
    """JSON nested deeper than BigQuery takes it is an error that names the column."""
    body = b'{"id": 1, "issue_id": 1, "extra_info": ' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)
    try:
        item = orjson.loads(body)
    except orjson.JSONDecodeError:
        assert depth == 5000
        return
    if depth == 90:
        assert to_row("occurrences_issues", item)["extra_info"] == item["extra_info"]
    else:
        with pytest.raises(ApiError, match="Column extra_info of occurrences_issues"):
            to_row("occurrences_issues", item)


RESERVED = ["_TABLE_SUFFIX", "_FILE_NAME", "_PARTITIONTIME", "_PARTITION", "_ROW_TIMESTAMP"]
RESERVED += ["__ROOT__", "_COLIDENTIFIER", "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TYPE"]
RESERVED += ["_CHANGE_TIMESTAMP", "_dlt_parent_id", "_partitionDate"]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"new": 2**53 + 1}, "Field new of targets is new, and holds a number past 53 bits"),
        ({"Address": "x"}, "a new field that BigQuery would take for the column address"),
        ({"isNew": 1, "is_new": 2}, "a new field that BigQuery would take for the column is_new"),
        ({"_dlt_id": "x"}, "a new field that BigQuery would take for the column _dlt_id"),
        ({"": 1}, "a field with no name"),
        ({" ": 1}, "a field with no name"),
        ({"n" * 301: 1}, f"no column can have: {'n' * 97}[.]{{4}} It is longer than 300"),
        ({"nN" * 151: 1}, "no column can have: nN"),  # dlt writes n_n
        *(({name: 1}, f"no column can have: {name}[.]") for name in RESERVED),
        *(({name.lower(): 1}, f"no column can have: {name.lower()}[.]") for name in RESERVED),
        ({"\u0661": 1}, "no column can have: \u0661[.]"),
        ({"new\0": 1, "new_": 2}, "for the column newx: new"),
    ],
)
def test_a_new_field_that_cannot_be_a_column(field: dict[str, Any], message: str) -> None:
    """What would be lost or refused in BigQuery is an error that says so."""
    with pytest.raises(ApiError, match=message):
        to_row("targets", {"id": 1, **field})
