"""Start bqemulator. Run this with the Python of `.venv-bigquery`; it is never imported.

`python emulator.py start --rest-port 0` logs the port that it listens on.

bqemulator has sqlglot translate each statement to DuckDB's SQL. Before that, this changes what
would give other values than BigQuery does, without an error.
"""

import functools
from typing import Any, Final

import duckdb_extensions
import sqlglot
from bqemulator.cli import main
from sqlglot import exp

# Installs the extension from its package. Otherwise the emulator would download it.
duckdb_extensions.import_extension("spatial")

# The emulator parses each statement several times, and with each of them the same twenty templates.
# A copy of what was parsed before takes less: a quarter of the emulator's time, by the tests.
_remembered = functools.lru_cache(10_000)(sqlglot.parse_one)

_OTHER: Final = (exp.Merge,)
"""Statements that do something else in DuckDB."""
_TWICE: Final = "UPDATE/MERGE must match at most one source row for each target row"


def _parse_one(*arguments: Any, **options: Any) -> Any:
    return _remembered(*arguments, **options).copy()


@functools.lru_cache(10_000)
def _transpile(sql: str, read: str, write: str, **options: Any) -> list[str]:
    trees = [
        tree for tree in sqlglot.parse(sql, read) if tree
    ]  # nothing follows the last semicolon
    return [_as_bigquery(tree).sql(write, **options) for tree in trees]


def _as_bigquery(tree: Any) -> Any:
    """Return a statement of BigQuery for which DuckDB has BigQuery's values."""
    for node in reversed(list(tree.find_all(*_OTHER))):  # what is within another one comes first
        if (mended := _mended(node)) is not node:
            node.replace(mended)
    return tree


def _mended(node: Any) -> Any:
    return _with_unique_keys(node) if isinstance(node, exp.Merge) else node


def _with_unique_keys(node: exp.Merge) -> exp.Merge:
    """Refuse a source in which a key is twice.

    BigQuery refuses it if both rows match one row of the target, and otherwise inserts both.
    """
    source = node.args["using"]
    keys = [
        column
        for equal in node.args["on"].find_all(exp.EQ)
        for column in (equal.left, equal.right)
        if isinstance(column, exp.Column) and column.table == source.alias_or_name
    ]
    if keys:
        count = exp.Window(this=exp.Count(this=exp.Star()), partition_by=[k.copy() for k in keys])
        is_twice = exp.and_(count > 1, *(key.copy().is_(exp.null()).not_() for key in keys))
        error = exp.func("ERROR", exp.Literal.string(_TWICE))
        unique = exp.case().when(is_twice, error).else_(exp.true())
        rows = exp.select("*").from_(source.copy()).qualify(unique)
        node.set("using", rows.subquery(source.alias_or_name))
    return node


_translate = sqlglot.transpile


def _transpile_all(sql: str, read: Any = None, write: Any = None, **options: Any) -> list[str]:
    """Translate as sqlglot does, and BigQuery's SQL for DuckDB with BigQuery's values."""
    if (read, write) == ("bigquery", "duckdb"):
        return _transpile(sql, read, write, **options)
    return _translate(sql, read, write, **options)


sqlglot.parse_one = _parse_one
sqlglot.transpile = _transpile_all  # type: ignore[assignment]
if __name__ == "__main__":
    main()
