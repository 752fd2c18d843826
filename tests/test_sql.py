"""Each file of SQL is whole: BigQuery would take it by itself, with the tables as declared."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from local import bigquery
from local.processes import ROOT
from scanner_sync.schema.histories import HISTORIES, OCCURRENCES
from scanner_sync.schema.views import VIEW_TABLES
from tests.support.analysis import Observer, declared

FILES = {
    path.relative_to(ROOT / "scanner_sync").as_posix(): path.read_text()
    for path in (ROOT / "scanner_sync").rglob("*.sql")
}
PARAMETERS = {
    **dict.fromkeys(("start", "begin", "since", "now", "week_ago", "in_a_week"), "TIMESTAMP"),
    **dict.fromkeys(("listed_after", "until", "known"), "TIMESTAMP"),
    **dict.fromkeys(("exposed_tags", "internal_tags", "scanned"), "STRING"),
    **dict.fromkeys(("schema_name", "schema_version", "listed", "named", "tables"), "STRING"),
    **dict.fromkeys(("fixes", "targets", "running", "names"), "ARRAY<STRING>"),
    "ended": "ARRAY<INT64>",
}
"""The parameters of all files. A name has one type wherever it is used."""
VARIABLES = "DECLARE this_load, arrived STRING; DECLARE instant TIMESTAMP;"
"""The variables of the script that ends a sync."""
SCRIPT = {
    f"warehouse/{name}.sql"
    for name in (
        *("changes", "dlt_loads", "findings", "goals", "metrics", "reads", "settled", "syncs"),
        "unsignaled",
    )
}
"""The files that use these variables, and run only in that script."""
TABLES = declared()


def resolve(sql: str, tables: Mapping[str, Mapping[str, str]] = TABLES) -> dict[str, Any]:
    """Return why the analyzer refuses a text, or the columns of its query."""
    assert isinstance(bigquery.observer, Observer)
    sql = sql.replace("{dataset}", "d1")
    # Verdicts are kept, and depend on all that is given.
    named = {name: of for name, of in tables.items() if f"`{name}`" in sql}
    parameters = {name: of for name, of in PARAMETERS.items() if f"@{name}" in sql}
    return bigquery.observer.resolve(sql, named, parameters, waits=True)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_resolves(name: str) -> None:
    """It says first what it must keep true. A view has the columns that are declared for it."""
    text = FILES[name]
    assert text.startswith("-- ")
    found = resolve(f"{VARIABLES} {text}" if name in SCRIPT else text)
    assert "refused" not in found
    if name in SCRIPT:
        assert re.match("Unrecognized name: (arrived|instant|this_load)", resolve(text)["refused"])
    if (view := Path(name).stem) in VIEW_TABLES:
        assert found["columns"] == TABLES[f"d1.{view}"]
    # The analyzer looks at the names in the file: it does not take it with others.
    table = re.findall(r"`\{dataset\}\.(\w+)`", text)[0]
    without = {key: of for key, of in TABLES.items() if key != f"d1.{table}"}
    assert f"Table not found: `d1.{table}`" in resolve(f"{VARIABLES} {text}", without)["refused"]


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_outer_join_compares_columns(name: str) -> None:
    """BigQuery refuses any other than of an array, but only when it plans the query."""
    for statement in sqlglot.parse(FILES[name].replace("{dataset}", "d1"), read="bigquery"):
        assert statement is not None
        for join in statement.find_all(exp.Join):
            if not join.side or join.args.get("using") or isinstance(join.this, exp.Unnest):
                continue
            condition = join.args.get("on")
            assert condition is not None
            assert [
                (left, right)
                for one in (condition.flatten() if isinstance(condition, exp.And) else [condition])
                if isinstance(one, exp.EQ)
                for left in one.left.find_all(exp.Column)
                for right in one.right.find_all(exp.Column)
                if left.table != right.table
            ], join.sql("bigquery")


def test_what_is_stated_here_is_in_the_files() -> None:
    """There is no other placeholder, no other parameter, and none that no file has."""
    code = "".join(re.sub("--.*", "", text) for text in FILES.values())
    assert {*re.findall(r"\{(\w+)\}", code)} == {"dataset"}
    # In a comment, the local BigQuery would count it as a parameter, or as the start of a text.
    assert not [name for name, text in FILES.items() if re.search("--.*[@'\"]", text)]
    assert {*re.findall(r"@([a-z]\w*)", code)} == PARAMETERS.keys()
    assert FILES.keys() >= SCRIPT


def test_the_field_of_a_change_is_any_that_makes_a_state() -> None:
    """The file compares the columns of which a change begins a new state, and no others."""
    compared = re.findall(r"WHEN TO_JSON_STRING\(was.(\w+)\)", FILES["warehouse/unsignaled.sql"])
    assert tuple(compared) == HISTORIES[OCCURRENCES].versioned


@pytest.mark.parametrize("name", VIEW_TABLES)
def test_a_view_names_the_time_zone_of_a_day(name: str) -> None:
    """Whoever queries it may be in a project that has another time zone than UTC by default."""
    days = re.findall(r"\b(?:DATE|TIMESTAMP|CURRENT_DATE)\(.*?\)", FILES[f"warehouse/{name}.sql"])
    assert [day for day in days if not day.endswith(", 'UTC')")] == []
