"""The local BigQuery gives the values that BigQuery documents, or refuses what BigQuery refuses."""

import io
import socket
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from local import bigquery as local_bigquery
from local.processes import answering
from tests.conftest import Dataset
from tests.warehouse.loads import make_tables

MONDAY, SUNDAY = "TIMESTAMP '2017-11-06 00:00:00+12:00'", "DATE '2017-11-05'"
NUMBERS = "UNNEST([1, 1, 1, 4, 5, 6, 7, 8, 9, 10])"

DOCUMENTED: dict[str, Any] = {
    # Weeks begin on Sunday, WEEK(MONDAY) and ISOWEEK on Monday. The second one is in UTC a Sunday.
    f"DATE_TRUNC({SUNDAY}, WEEK)": date(2017, 11, 5),
    f"DATE_TRUNC({SUNDAY}, WEEK(MONDAY))": date(2017, 10, 30),
    f"DATE_TRUNC({SUNDAY}, ISOWEEK)": date(2017, 10, 30),
    f"DATE_TRUNC({SUNDAY}, WEEK(SATURDAY))": date(2017, 11, 4),
    f"DATE_TRUNC({SUNDAY}, MONTH)": date(2017, 11, 1),
    f"TIMESTAMP_TRUNC({MONDAY}, WEEK)": datetime(2017, 11, 5, tzinfo=UTC),
    f"TIMESTAMP_TRUNC({MONDAY}, WEEK(MONDAY))": datetime(2017, 10, 30, tzinfo=UTC),
    f"TIMESTAMP_TRUNC({MONDAY}, DAY)": datetime(2017, 11, 5, tzinfo=UTC),
    "DATETIME_TRUNC(DATETIME '2017-11-05 10:20:00', WEEK(MONDAY))": datetime(2017, 10, 30),
    "DATE_DIFF(DATE '2017-12-18', DATE '2017-12-17', WEEK)": 0,
    "DATE_DIFF(DATE '2017-12-18', DATE '2017-12-17', WEEK(MONDAY))": 1,
    "DATE_DIFF(DATE '2017-12-18', DATE '2017-12-17', ISOWEEK)": 1,
    "DATE_DIFF(DATE '2017-12-17', DATE '2017-12-18', ISOWEEK)": -1,
    # A difference of timestamps is in whole units; a difference of dates counts the boundaries.
    "TIMESTAMP_DIFF(TIMESTAMP '2001-02-01 01:00:00', TIMESTAMP '2001-02-01 00:00:01', HOUR)": 0,
    "TIMESTAMP_DIFF(TIMESTAMP '2010-07-07 10:20:00', TIMESTAMP '2008-12-25 15:30:00', HOUR)": 13410,
    "TIMESTAMP_DIFF(TIMESTAMP '2018-08-14', TIMESTAMP '2018-10-14', DAY)": -61,
    "DATE_DIFF(DATE '2017-12-30', DATE '2014-12-30', YEAR)": 3,
    # The elements of quantiles.
    "DIV(20, 4)": 5,
    "DIV(-20, 3)": -6,
    "2 * DIV(7 - 1, 1 + 3)": 2,
    f"(SELECT APPROX_QUANTILES(x, 2) FROM {NUMBERS} AS x)": [1, 5, 10],
    f"(SELECT APPROX_QUANTILES(x, 2)[OFFSET(1)] FROM {NUMBERS} AS x)": 5,
    f"(SELECT APPROX_QUANTILES(x, 100)[SAFE_OFFSET(90)] FROM {NUMBERS} AS x)": 9,
    f"(SELECT APPROX_QUANTILES(x, 2)[ORDINAL(3)] FROM {NUMBERS} AS x)": 10,
    "['a', 'b', 'c'][OFFSET(1)]": "b",
    "(SELECT ['a', 'b', 'c'][OFFSET(n)] FROM UNNEST([2]) AS n)": "c",
    "['a', 'b', 'c'][SAFE_OFFSET(3)]": None,
    # In an array without it, but with a NULL, nobody knows.
    "2 IN UNNEST([1, 2])": True,
    "3 IN UNNEST([1, 2])": False,
    "3 NOT IN UNNEST([1, 2])": True,
    "2 IN UNNEST([2, NULL])": True,
    "3 IN UNNEST([1, NULL])": None,
    "CAST(NULL AS INT64) IN UNNEST([1])": None,
    "CAST(NULL AS INT64) IN UNNEST(CAST([] AS ARRAY<INT64>))": False,
    "1 IN UNNEST(CAST(NULL AS ARRAY<INT64>))": False,
    "'a' IN UNNEST(JSON_VALUE_ARRAY('[\"b\", \"a\"]'))": True,
    # A sum of integers is one, also in a struct.
    "ARRAY(SELECT s FROM (SELECT SUM(x) AS n FROM UNNEST([1, 2]) AS x) AS s)": [{"n": 3}],
    # Halves are rounded away from zero.
    "CAST(2.5 AS INT64)": 3,
    "CAST(-0.5 AS INT64)": -1,
    "SAFE_CAST(2.5 AS INT64)": 3,
    "CAST(1.23456789 AS NUMERIC)": Decimal("1.23456789"),
    "CAST('1.23456789' AS NUMERIC)": Decimal("1.23456789"),
    "UNIX_SECONDS(TIMESTAMP '1970-01-01 00:00:01.8+00:00')": 1,
    "UNIX_SECONDS(TIMESTAMP '1969-12-31 23:59:59.5+00:00')": -1,
    "CAST('9007199254740993' AS INT64)": 2**53 + 1,
    "CAST(TRUE AS INT64)": 1,
    "CAST(TIMESTAMP_DIFF(TIMESTAMP '2026-01-02', TIMESTAMP '2026-01-01', HOUR) / 48 AS INT64)": 1,
}
"""Expressions, with the values that BigQuery's reference gives or follow from what it says."""


def test_values_are_those_that_bigquery_documents(dataset: Dataset) -> None:
    """Those of its reference, where DuckDB has others and raises no error."""
    [row] = dataset.query(
        "SELECT " + ", ".join(f"{sql} AS _{n}" for n, sql in enumerate(DOCUMENTED))
    )
    assert dict(zip(DOCUMENTED, row.values(), strict=True)) == DOCUMENTED


def test_an_index_beyond_an_array_is_an_error(dataset: Dataset) -> None:
    with pytest.raises(BadRequest, match="Array index is out of bounds"):
        dataset.query("SELECT [1, 2][OFFSET(2)] AS a")


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT ARRAY_AGG(x) AS a FROM UNNEST([1, NULL]) AS x", "cannot have a null element"),
        ("SELECT [STRUCT([2, NULL] AS b)] AS a", "null element; error in writing field b"),
        ("SELECT SUM(x) AS a FROM UNNEST([9223372036854775807, 1]) AS x", "int64 overflow"),
    ],
)
def test_a_result_that_cannot_be_is_an_error(dataset: Dataset, sql: str, error: str) -> None:
    """BigQuery stops with it when it runs; the analyzer takes such a query."""
    with pytest.raises(BadRequest, match=error):
        dataset.query(sql)


def test_results_at_the_limits_are_given(dataset: Dataset) -> None:
    most, least = 2**63 - 1, -(2**63)
    [row] = dataset.query(
        f"SELECT {most} AS most, [{least}] AS least, CAST(NULL AS INT64) AS nothing,"
        " CAST(NULL AS ARRAY<INT64>) AS none, STRUCT(NULL AS n, [STRUCT('' AS t)] AS l) AS s"
    )
    assert row == {
        **{"most": most, "least": [least], "nothing": None, "none": []},
        "s": {"n": None, "l": [{"t": ""}]},
    }


def test_what_may_differ_is_said_once(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, with the first query that uses such a function."""
    monkeypatch.setattr(local_bigquery, "_said", set())
    for _ in range(2):
        dataset.query("SELECT SAFE_CAST('yes' AS BOOL) AS a,\nsubstr('apple', 0, 2) AS b")
        dataset.query("SELECT 'safe_cast' AS a")
    assert capsys.readouterr().err.splitlines() == [
        "The local BigQuery differs: SAFE_CAST takes text that BigQuery does not, such as 'yes' as"
        " a BOOL, '1.5' and '1_000' as an INT64.",
        "The local BigQuery differs: SUBSTR takes position 0 as the place before the first"
        " character; BigQuery as the first.",
    ]


@pytest.mark.parametrize(
    ("before", "table"),
    [
        ("", "{d}.scans"),
        ("DECLARE most INT64 DEFAULT 9; ", "(SELECT * FROM {d}.scans WHERE id < most)"),
    ],
    ids=["a statement", "a script"],
)
def test_a_merge_takes_no_key_twice(dataset: Dataset, before: str, table: str) -> None:
    """BigQuery stops such a MERGE when it runs, unless it only inserts; the analyzer takes it."""
    make_tables(dataset)
    dataset.query(
        "INSERT INTO {d}.scans (id, status, _dlt_load_id, _dlt_id) VALUES (1, 'a', '1', '1'),"
        " (2, 'b', '1', '2')"
    )
    merge = (
        f"{before}MERGE {{d}}.targets AS past USING {table} AS present ON past.id = present.id"
        " WHEN MATCHED THEN UPDATE SET address = present.status WHEN NOT MATCHED THEN"
        " INSERT (id, address, _dlt_load_id, _dlt_id) VALUES (id, status, '1', '1')"
    )
    for _ in range(2):
        dataset.query(merge)
    dataset.query(
        "INSERT INTO {d}.scans (id, status, _dlt_load_id, _dlt_id) VALUES (2, 'c', '1', '3')"
    )
    with pytest.raises(BadRequest, match="must match at most one source row for each target row"):
        dataset.query(merge)
    found = dataset.query("SELECT id, address FROM {d}.targets ORDER BY id")
    assert found == [{"id": 1, "address": "a"}, {"id": 2, "address": "b"}]


def test_a_load_takes_all_rows_or_none(dataset: Dataset) -> None:
    """A row that does not fit fails its job, and the table stays as it was."""
    dataset.client.create_dataset(dataset.name)
    name = f"{dataset.client.project}.{dataset.name}.t"
    schema = [bigquery.SchemaField("id", "INTEGER", "REQUIRED")]
    schema += [bigquery.SchemaField("name", "STRING")]
    dataset.client.create_table(bigquery.Table(name, schema))

    def load(disposition: str, *lines: str) -> object:
        config = bigquery.LoadJobConfig(
            source_format="NEWLINE_DELIMITED_JSON", write_disposition=disposition
        )
        file = io.BytesIO("\n".join(lines).encode())
        job = dataset.client.load_table_from_file(file, name, job_config=config)
        job.result()
        return job.output_rows

    assert load("WRITE_APPEND", '{"id": 1, "name": "a"}') == 1
    assert load("WRITE_APPEND", '{"id": 2}', '{"id": 3, "name": null}') == 2
    rows = dataset.query("SELECT id FROM {d}.t ORDER BY id")
    assert rows == [{"id": 1}, {"id": 2}, {"id": 3}]
    for line, error in (
        ('{"id": 5, "other": "a"}', "No such field: other"),
        ('{"name": "a"}', "Missing required field: id"),
        ('{"id": null}', "Missing required field: id"),
        ('{"id": "a"}', "Error while reading data"),
        ("{", "Error while reading data"),
    ):
        for disposition in ("WRITE_APPEND", "WRITE_TRUNCATE_DATA"):
            with pytest.raises(BadRequest, match=error):
                load(disposition, '{"id": 4}', line)
            assert dataset.query("SELECT id FROM {d}.t ORDER BY id") == rows
    assert load("WRITE_TRUNCATE_DATA", '{"id": 6}') == 1
    assert dataset.query("SELECT id, name FROM {d}.t") == [{"id": 6, "name": None}]


def test_a_dry_run_runs_nothing(dataset: Dataset) -> None:
    """It says what a statement is. A script is one of its own, whatever is in it."""
    dataset.client.create_dataset(dataset.name)
    dataset.query("CREATE TABLE {d}.t AS SELECT 1 AS n")
    config = bigquery.QueryJobConfig(dry_run=True)
    for sql, kind in (
        ("SELECT 1; DELETE FROM {d}.t WHERE TRUE", "SCRIPT"),
        ("EXECUTE IMMEDIATE 'DELETE FROM {d}.t WHERE TRUE'", "SCRIPT"),
        ("DELETE FROM {d}.t WHERE TRUE", "DELETE"),
        ("(SELECT n FROM {d}.t) UNION ALL SELECT 2", "SELECT"),
        ("SELECT n FROM {d}.t", "SELECT"),
    ):
        assert dataset.client.query(sql.replace("{d}", dataset.name), config).statement_type == kind
    assert dataset.query("SELECT n FROM {d}.t") == [{"n": 1}]


def test_a_statement_may_name_many_datasets(dataset: Dataset) -> None:
    """It is remembered with numbers in place of their names: 10 begins with 1."""
    names = [f"{dataset.name}_{letter}" for letter in "abcdefghijk"]
    tables = [f"`{dataset.client.project}.{name}.t`" for name in names]
    for n, (name, table) in enumerate(zip(names, tables, strict=True)):
        dataset.client.create_dataset(name)
        dataset.query(f"CREATE TABLE {table} AS SELECT {n} AS n")
    union = " UNION ALL ".join(f"SELECT n FROM {table}" for table in tables)
    for _ in range(2):
        assert dataset.query(f"SELECT n FROM ({union}) ORDER BY n") == [{"n": n} for n in range(11)]


def test_a_remembered_statement_reads_its_own_dataset(dataset: Dataset) -> None:
    """The same name may be a table in one dataset and a view in another, and a view may go."""
    first, second = (Dataset(f"{dataset.name}_{n}", dataset.client) for n in (1, 2))
    for n, one in enumerate((first, second)):
        one.client.create_dataset(one.name)
        one.query(f"CREATE TABLE {{d}}.t AS SELECT {n} AS n, DATE '202{n}-01-01' AS day")
    first.query("CREATE VIEW {d}.v AS SELECT n + 10 AS n FROM {d}.t")
    second.query("CREATE TABLE {d}.v AS SELECT 12 AS n")
    sql = (
        "SELECT t.n AS {d}, EXTRACT(YEAR FROM t.day) AS year, v.n FROM {d}.t AS t"
        " JOIN {d}.v AS v ON v.n IS DISTINCT FROM t.n"
    )
    for _ in range(2):
        assert first.query(sql) == [{first.name: 0, "year": 2020, "n": 10}]
        assert second.query(sql) == [{second.name: 1, "year": 2021, "n": 12}]
    first.query("DROP VIEW {d}.v")
    first.query("CREATE TABLE {d}.v AS SELECT 20 AS n")
    assert first.query(sql) == [{first.name: 0, "year": 2020, "n": 20}]


def test_a_remembered_statement_reads_its_views_as_they_are(dataset: Dataset) -> None:
    """A view that another one reads may change, too."""
    dataset.client.create_dataset(dataset.name)
    dataset.query("CREATE TABLE {d}.t AS SELECT 1 AS n")
    dataset.query("CREATE VIEW {d}.inner_view AS SELECT n + 1 AS n FROM {d}.t")
    dataset.query("CREATE VIEW {d}.outer_view AS SELECT n * 10 AS n FROM {d}.inner_view")
    for expected, change in (
        (20, "SELECT n + 2 AS n FROM {d}.t"),
        (30, "SELECT 4 AS n FROM {d}.t"),
    ):
        for _ in range(2):
            assert dataset.query("SELECT n FROM {d}.outer_view") == [{"n": expected}]
        dataset.query(f"CREATE OR REPLACE VIEW {{d}}.inner_view AS {change}")
    assert dataset.query("SELECT n FROM {d}.outer_view") == [{"n": 40}]


def test_the_past_of_a_table_is_refused(dataset: Dataset, refused: list[str]) -> None:
    """BigQuery has it for a week, and here each change would have to copy the table."""
    make_tables(dataset)
    with pytest.raises(BadRequest, match="keeps no past of its tables"):
        dataset.query("SELECT * FROM {d}.targets FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-01'")
    refused.clear()


def test_a_client_that_hangs_up_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    """A process that ends may leave a request behind; nothing is printed about it."""
    threads: list[threading.Thread] = []
    asked, gone = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            threads.append(threading.current_thread())
            asked.set()
            gone.wait()
            while True:
                self.wfile.write(b" " * 1024)

    with answering(Handler) as url:
        parts = urlsplit(url)
        client = socket.create_connection((parts.hostname, parts.port))
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        asked.wait()
        client.close()
        gone.set()
        threads[0].join()
    assert capfd.readouterr() == ("", "")
