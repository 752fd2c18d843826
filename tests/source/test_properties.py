"""Properties of the paginator and of the rows, whatever the API sends."""

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
from scanner_sync.schema.tables import TABLES
from scanner_sync.source.pagination import ApiResponse, OverlapPaginator, Page, read_page
from scanner_sync.source.rows import to_row
from scanner_sync.warehouse.load_files import LoadFile

LIMIT = 5

# Changes of a listing between two requests: rows are deleted or inserted at positions.
change = st.tuples(st.sampled_from(["delete", "insert"]), st.integers(0, 40))
moment = st.tuples(st.lists(change, max_size=6), st.integers(2, 8))
moment_of_one_row = st.tuples(st.lists(change, max_size=1), st.just(1))
"""The changes before a request, and the largest page that the server then sends."""


def read(listing: list[int], moments: list[tuple[list[tuple[str, int]], int]]) -> Any:
    """Read a listing with the paginator while it changes.

    Return the rows that were read, and the ids that the listing had at each request.
    """
    paginator, request = OverlapPaginator(LIMIT, pause=lambda _: None), requests.Request()
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


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 30), st.lists(moment, max_size=12) | st.lists(moment_of_one_row, max_size=20))
def test_rows_that_stay_are_read_exactly_once(size: int, moments: Any) -> None:
    """Every row that stayed is read once, or there is an error.

    Pages of one row cannot overlap, so a deletion and an insertion between two requests go unseen.
    There, only one change is made at a time.
    """
    try:
        rows, versions = read(list(range(size)), moments)
    except ListingUnstable:
        return
    assert len(rows) == len(set(rows))
    assert set.intersection(*versions) <= set(rows) <= set.union(*versions)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.integers(2, LIMIT))
def test_a_stable_listing_takes_one_request_a_page(size: int, cap: int) -> None:
    """The first page has `cap` rows; each further one has one new row fewer."""
    rows, versions = read(list(range(size)), [([], cap)] * 100)
    assert rows == list(range(size))
    assert len(versions) == max(1, -(-(size - 1) // (cap - 1)))


page = st.tuples(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 30), st.booleans())


@settings(max_examples=300, deadline=None)
@given(st.lists(page))
def test_reading_ends_whatever_the_server_sends(pages: Any) -> None:
    """Each row is read once, and at least as many as `count` last reported; or an error."""
    paginator, request = OverlapPaginator(LIMIT, pause=lambda _: None), requests.Request()
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
value = st.recursive(
    scalar, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(TABLES)), st.data())
def test_any_json_becomes_a_row_or_an_error(table: str, data: st.DataObject) -> None:
    """The row has all columns of its table, and a load file takes what is not null."""
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
    assert set(columns) | set(item) == set(row)
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
        try:
            file.write([row])
        except ApiError:
            return
        finally:
            file.close()
        written = {name for name in row if row[name] is not None}
        assert orjson.loads(path.read_bytes()).keys() == written | {"_dlt_load_id", "_dlt_id"}


@pytest.mark.parametrize("depth", [90, 200, 5000])
def test_deep_nesting_is_an_error_that_names_the_column(depth: int) -> None:
    """Nesting that BigQuery or Python cannot handle is an error; less is kept."""
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
