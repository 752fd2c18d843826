"""`scanner-sync query`: what it prints, and what it does not run."""

import csv
import io
import re

import pytest

from scanner_sync.cli import ROWS_SHOWN
from tests.conftest import TOKEN, Dataset
from tests.support.commands import Done, on_terminal, run

VALUES = """
SELECT * FROM UNNEST([
  STRUCT(
    1 AS id, CONCAT('a\\nb ', CHR(27), '[31m') AS text, TRUE AS flag, 0.25 AS share,
    ['x', 'y, "z"'] AS tags, TIMESTAMP '2026-11-30 02:00:00.5+00' AS seen_at,
    DATE '2026-11-30' AS day
  ),
  STRUCT(1234567, '', NULL, NULL, CAST([] AS ARRAY<STRING>), NULL, NULL)
]) ORDER BY id
"""
NAMES = ["id", "text", "flag", "share", "tags", "seen_at", "day"]


@pytest.fixture(autouse=True)
def _settings(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a dataset that is not there. Nothing asks the API."""
    monkeypatch.setenv("API_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("ACCESS_TOKEN", TOKEN)


@pytest.fixture
def _facts(dataset: Dataset) -> None:
    dataset.client.create_dataset(dataset.name)
    dataset.query("CREATE TABLE {d}.facts AS SELECT 1 AS n UNION ALL SELECT 2")


def test_a_table_shows_nulls_arrays_times_and_escapes() -> None:
    """Numbers are to the right, and nothing in a cell ends its line or moves the cursor."""
    done = run("query", VALUES)
    assert (done.status, done.err) == (0, "")
    head, first, second, last = done.out.splitlines()
    assert head.split() == NAMES
    assert first.split("  ")[0].strip() == ""  # 1 stands below the last digit of the other
    assert [cell for cell in map(str.strip, first.split("  ")) if cell] == [
        "1",
        r"a\nb \x1b[31m",
        "true",
        "0.25",
        r'["x", "y, \"z\""]',
        "2026-11-30 02:00:00.500000 UTC",
        "2026-11-30",
    ]
    assert second.split() == ["1234567", "NULL", "NULL", "[]", "NULL", "NULL"]
    assert last == "2 rows."


def test_csv_has_all_rows_and_all_text() -> None:
    """Text is as it is, a null is nothing, and what is no text of its own is JSON."""
    done = run("query", "--csv", VALUES)
    assert (done.status, done.err) == (0, "")
    assert list(csv.reader(io.StringIO(done.out))) == [
        NAMES,
        [
            *("1", "a\nb \x1b[31m", "true", "0.25", '["x", "y, \\"z\\""]'),
            *("2026-11-30 02:00:00.500000 UTC", "2026-11-30"),
        ],
        ["1234567", "", "", "", "[]", "", ""],
    ]
    # A carriage return, which the pipe here makes a line feed, ends no row.
    done = run("query", "--csv", "SELECT CONCAT('a', CHR(13), 'b') AS text, 7 AS n")
    assert list(csv.reader(io.StringIO(done.out))) == [["text", "n"], ["a\nb", "7"]]
    many = f"SELECT n FROM UNNEST(GENERATE_ARRAY(1, {ROWS_SHOWN + 1})) AS n ORDER BY n"
    assert run("query", "--csv", many).out.split() == ["n", *map(str, range(1, ROWS_SHOWN + 2))]
    shown = run("query", many).out.splitlines()
    assert shown[ROWS_SHOWN:] == [f"{ROWS_SHOWN}", "1,000 of 1,001 rows; --csv prints all."]


def test_a_terminal_cuts_wide_columns_and_lists_many() -> None:
    """Each line fits the terminal; with too many columns, each has a line of its own."""
    done = on_terminal("query", "SELECT REPEAT('long ', 60) AS text, 7 AS n, NULL AS nothing")
    head, row, last = re.sub(r"\x1b\[\d+m", "", done.out).splitlines()
    assert head.split() == ["text", "n", "nothing"]
    assert row.startswith("long long")
    assert row.split()[-2:] == ["7", "NULL"]
    assert "…" in row
    assert len(row.rstrip()) <= 120
    assert last == "1 row."
    columns = ", ".join(f"{n} AS column_{n}" for n in range(13))
    done = on_terminal("query", f"SELECT {columns}")
    assert [line.split() for line in done.out.splitlines()] == [
        ["row", "1"],
        *([f"column_{n}", f"{n}"] for n in range(13)),
        ["1", "row."],
    ]


@pytest.mark.usefixtures("_facts")
def test_a_table_without_a_dataset_is_one_of_the_dataset(dataset: Dataset) -> None:
    assert run("query", "SELECT SUM(n) AS n FROM facts;").out == "n\n3\n1 row.\n"
    sql = f"(SELECT n FROM {dataset.name}.facts WHERE FALSE) UNION ALL SELECT 5 FROM facts LIMIT 0"
    assert run("query", sql) == Done(0, "n\n0 rows.\n", "")
    other = run("query", "--dataset", dataset.name, "SELECT COUNT(*) AS n FROM facts", DATASET="no")
    assert other.out == "n\n2\n1 row.\n"


@pytest.mark.usefixtures("_facts")
@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("DELETE FROM facts WHERE TRUE", "DELETE"),
        ("INSERT INTO facts (n) VALUES (3)", "INSERT"),
        ("CREATE TABLE more AS SELECT 1 AS n", "CREATE_TABLE_AS_SELECT"),
        ("SELECT 1; DELETE FROM facts WHERE TRUE", "SCRIPT"),
        ("", "SCRIPT"),
        ("EXECUTE IMMEDIATE 'DELETE FROM facts WHERE TRUE'", "SCRIPT"),
    ],
)
def test_nothing_but_a_select_is_run(dataset: Dataset, sql: str, kind: str) -> None:
    """BigQuery says what it is before it runs, so nothing is changed."""
    done = run("query", sql)
    assert done == Done(
        1,
        "",
        f"RequestError: Only SELECT is run here, and this is {kind}. Nothing was changed.\n",
    )
    assert dataset.query("SELECT SUM(n) AS n FROM {d}.facts") == [{"n": 3}]
    assert [table.table_id for table in dataset.client.list_tables(dataset.name)] == ["facts"]


@pytest.mark.usefixtures("_facts")
def test_what_is_wrong_is_said_in_a_line(refused: list[str]) -> None:
    """With BigQuery's reason, and exit status 1; in a way of writing that is none, with 2."""
    for sql, said in (
        ("SELECT nothing FROM facts", "nothing"),
        ("SELEC 1", "SELEC"),
        ("SELECT * FROM missing", "missing"),
    ):
        done = run("query", sql)
        assert (done.status, done.out) == (1, "")
        [line] = done.err.splitlines()
        assert line.startswith("RequestError: BigQuery refused the query: ")
        assert said in line
        assert "http://" not in line
    refused.clear()
    assert run("query").status == 2
