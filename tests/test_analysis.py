"""A statement that BigQuery would refuse fails the test that sent it."""

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from local import bigquery as local_bigquery
from tests.conftest import Dataset
from tests.warehouse.loads import make_tables

TAKEN = {
    "a script": "DECLARE a STRING DEFAULT 'é'; IF a = '1' THEN DELETE FROM {d}.issues WHERE id = 1;"
    " END IF; SELECT id, title FROM {d}.issues WHERE title = a",
    "variables that are set together": "DECLARE a STRING; DECLARE b INT64;"
    " SET (a, b) = (SELECT AS STRUCT MAX(title), MAX(id) FROM {d}.issues); SELECT a, b",
    "a column that was added": "SELECT more, latest FROM {d}.issues JOIN {d}.latest USING (id)",
    "functions that are declared": "SELECT MAX_BY(title, id), MIN_BY(id, title) FROM {d}.issues",
    "percentiles over rows": "SELECT PERCENTILE_CONT(id, 0.5) OVER () AS c, PERCENTILE_DISC(title,"
    " 0.5 IGNORE NULLS) OVER (PARTITION BY id) AS d FROM {d}.issues",
    "functions of arrays": "SELECT ARRAY_CONCAT(a, ARRAY_REVERSE(a))[SAFE_OFFSET(0)] AS b,"
    " ARRAY_LENGTH(a) AS c, ARRAY_FIRST(a) AS d, ARRAY_TO_STRING(['a'], ',') AS e"
    " FROM (SELECT ARRAY_AGG(id) AS a FROM {d}.issues)",
    "BigQuery's own views": "SELECT data_type FROM {d}.INFORMATION_SCHEMA.COLUMNS"
    " WHERE table_name = 'issues' ORDER BY ordinal_position",
}
REFUSED = {
    "a comparison of JSON": (
        "SELECT a.id FROM {d}.targets AS a JOIN {d}.targets AS b ON a.tags = b.tags",
        "Equality is not defined for arguments of type JSON",
    ),
    "groups of JSON": (
        "SELECT tags, COUNT(*) AS n FROM {d}.targets GROUP BY tags",
        "Grouping by expressions of type JSON is not allowed",
    ),
    "a merge by JSON": (
        "MERGE {d}.targets AS a USING {d}.targets AS b ON a.tags = b.tags"
        " WHEN MATCHED THEN UPDATE SET address = ''",
        "Equality is not defined for arguments of type JSON",
    ),
    "two types": (
        "SELECT id FROM {d}.issues WHERE title = 1",
        "No matching signature for operator = for argument types: STRING, INT64",
    ),
    "no such column": ("SELECT nothing FROM {d}.issues", "Unrecognized name: nothing"),
    "a column of a view": ("SELECT id FROM {d}.latest WHERE latest > 1", "No matching signature"),
    "a reserved word": ("SELECT new FROM {d}.issues", "Unexpected keyword FROM"),
    "the largest by JSON": ("SELECT MAX_BY(id, tags) FROM {d}.targets", "must support ordering"),
    "a percentile of groups": (
        "SELECT PERCENTILE_CONT(id, 0.5) AS p FROM {d}.issues GROUP BY title",
        "PERCENTILE_CONT needs OVER",
    ),
    "a percentile of all": (
        "SELECT * FROM (SELECT PERCENTILE_DISC(title, 0.5) AS p FROM {d}.issues)",
        "PERCENTILE_DISC needs OVER",
    ),
    "rows of a change": (
        "DELETE FROM {d}.issues WHERE id = 1 THEN RETURN id",
        "THEN RETURN is not supported",
    ),
    "locked rows": ("SELECT id FROM {d}.issues FOR UPDATE", "FOR UPDATE"),
    "a filtered array": ("SELECT ARRAY_FILTER([1, 2], n -> n > 1) AS a", "Function not found"),
    "zipped arrays": ("SELECT ARRAY_ZIP([1], [2]) AS a", "Function not found: ARRAY_ZIP"),
    "the sum of an array": ("SELECT ARRAY_SUM([1]) AS a", "Function not found: ARRAY_SUM"),
    "a variable": ("DECLARE a INT64 DEFAULT 'b'; SELECT 1", "No matching signature"),
    "variables that are set together": (
        "DECLARE a STRING; DECLARE b INT64; SET (a, b) = (SELECT AS STRUCT 1, 'b')",
        "No matching signature",
    ),
    "a condition": (
        "DECLARE a INT64 DEFAULT 1; IF a THEN SELECT 1; END IF",
        "No matching signature",
    ),
    "pipe syntax": ("FROM {d}.issues |> LIMIT 1 |> WHERE id > 1", "The emulator misreads |>"),
    "a cast with parameters": (
        "SELECT CAST(1.25 AS NUMERIC(10, 1)) AS a",
        "The emulator misreads AS NUMERIC(",
    ),
    "the last of a script": ("SELECT 1; SELECT id, COUNT(*) FROM {d}.issues", "neither grouped"),
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each statement refused before it runs."""
    monkeypatch.setattr(local_bigquery.observer, "waits", True)


@pytest.fixture
def tables(dataset: Dataset) -> None:
    """The merged tables, with a column that was added later and a view."""
    make_tables(dataset)
    dataset.client.query_and_wait(f"ALTER TABLE {dataset.name}.issues ADD COLUMN more JSON")
    view = bigquery.Table(f"{dataset.client.project}.{dataset.name}.latest")
    view.view_query = f"SELECT MAX(created_at) AS latest, 1 AS id FROM `{dataset.name}.scans`"
    dataset.client.create_table(view)


@pytest.mark.usefixtures("tables")
def test_statements_are_held_to_the_tables_of_the_moment(
    dataset: Dataset, refused: list[str]
) -> None:
    """Each statement of a script, wherever it came from."""
    for name, sql in TAKEN.items():
        dataset.query(sql)
        assert refused == [], name
    for name, (sql, reason) in REFUSED.items():
        with pytest.raises(BadRequest, match="400"):
            dataset.query(sql)
        [found] = refused
        assert reason in found, name
        refused.clear()


def test_views_and_parameters_are_analyzed(dataset: Dataset, refused: list[str]) -> None:
    make_tables(dataset)
    view = bigquery.Table(f"{dataset.client.project}.{dataset.name}.tagged")
    view.view_query = f"SELECT DISTINCT tags FROM {dataset.name}.targets"
    with pytest.raises(BadRequest, match="SELECT DISTINCT"):
        dataset.client.create_table(view)
    parameters = [bigquery.ScalarQueryParameter("id", "STRING", "1")]
    with pytest.raises(BadRequest, match="INT64, STRING"):
        dataset.client.query_and_wait(
            f"SELECT title FROM {dataset.name}.issues WHERE id = @id",
            job_config=bigquery.QueryJobConfig(query_parameters=parameters),
        )
    assert len(refused) == 2
    refused.clear()
