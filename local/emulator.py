"""Start bqemulator. Run this with the Python of `.venv-bigquery`; it is never imported.

`python emulator.py start --rest-port 0` logs the port that it listens on.

bqemulator has sqlglot translate each statement to DuckDB's SQL. Before that, this changes what
would give other values than BigQuery does, without an error. A load job takes all rows of its file
or none, as in BigQuery.

To parse and translate a statement takes the emulator longer than to run it. It parses each one
more than ten times, mostly to find out of which kind it is, and the same statements come for many
datasets and in each sync. What it worked out before is remembered here, and what no test looks at
is left out, which together saves three quarters of its time. It is remembered in the emulator's
environment, so that the next emulator need not work it out again.
"""

import functools
import gc
import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import duckdb
import duckdb_extensions
import fastapi.dependencies.utils
import sqlglot
from bqemulator.api.middleware import (
    AccessLogMiddleware,
    CorrelationIdMiddleware,
    MetricsMiddleware,
)
from bqemulator.api.routes import jobs, upload
from bqemulator.catalog import ddl_sync
from bqemulator.cli import main
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.domain.result import Ok
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter
from bqemulator.scripting.frames import FrameStack
from bqemulator.sql import inner_query
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage import arrow_bridge
from bqemulator.versioning.snapshots import SnapshotManager
from sqlglot import exp

# Installs the extension from its package. Otherwise the emulator would download it.
duckdb_extensions.import_extension("spatial")

_WEEKDAYS: Final = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
_OTHER: Final = (
    *(exp.TimestampDiff, exp.DateDiff, exp.DateTrunc, exp.DatetimeTrunc, exp.TimestampTrunc),
    *(exp.Bracket, exp.Cast, exp.In, exp.IntDiv, exp.Merge, exp.UnixSeconds),
)
"""Expressions that may have other values in DuckDB's SQL, or take long there."""
_ONLY_LOOKS: Final = {
    "_detect_catalog_drop",
    "_detect_create_schema",
    "_detect_plain_create_table",
    "_detect_plain_create_view",
    "_dml_targets",
    "_extract_ddl_metadata",
    "_is_row_producing",
    "_parse_for_classification",
    "_reject_dml_on_immutable",
    "build_catalog_schema",
    "detect_drop_routine",
}
"""Functions that leave what they parsed as it is."""

_DDL: Final = re.compile(r"\b(?:CREATE|DROP)\b", re.IGNORECASE)

_DATASET: Final = re.compile(
    r"DISTINCT\s+FROM\b|EXTRACT\s*\([\w()]+\s+FROM\b"  # no table follows
    r"|[`\"][\w-]+[`\"]?\.[`\"]?(\w+)[`\"]?\."
    r"|(?:FROM|INTO|JOIN|TABLE|UPDATE)\s+[`\"]?(\w+)[`\"]?\.[`\"]?\w+\b(?![`\"]?\.)"
)
"""The dataset in the name of a table, with its project and without.

What an alternative begins with is a certain character, so that `re` passes over all others."""
_OF_A_SYNC: Final = re.compile(
    r"'(?:[0-9]{10}\.[0-9]+|[0-9]{4}-[0-9-]{5} [0-9:]{8}(?:\.[0-9]+)?\+00:00"
    r"|[\[{](?:[\[{\"][^'\\]*)?[\]}])'"
    r'|"[\[{](?:[^"\'\\]|\\")*[\]}]"'
)
"""A value that is another one in each sync: the id of a load, the time of a moved clock, or JSON of
what was read, which the emulator writes out in double quotes in a script."""

_NUMBERED: Final = re.compile(r"dataset_number_[0-9]+|'value_number_[0-9]+'", re.IGNORECASE)
"""What stands for them in SQL that is remembered."""

_USELESS_OPTIMIZERS: Final = [
    name
    for [name] in duckdb.sql("SELECT name FROM duckdb_optimizers()").fetchall()
    if name not in ("deliminator", "filter_pushdown")  # these make joins of products
]

_loaded: dict[str, int] = {}
"""The number of rows of a file that was just loaded, by its address."""

_TWICE: Final = "UPDATE/MERGE must match at most one source row for each target row"


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
    mended = node
    first = _first_day(node.args.get("unit"))
    match node:
        case exp.TimestampDiff():  # whole units; DATE_DIFF counts boundaries
            unit = exp.Literal.string(node.unit)
            mended = exp.func("DATESUB", unit, node.expression, node.this)
        case exp.DateTrunc() | exp.DatetimeTrunc() | exp.TimestampTrunc() if first:
            mended = node if node.args.get("zone") else _week(node.this, first)
        case exp.DateDiff() if first:
            weeks = [_week(day, first) for day in (node.expression, node.this)]
            days = exp.func("DATEDIFF", exp.Literal.string("DAY"), *weeks, dialect="duckdb")
            mended = _divided(days, exp.Literal.number(7))
        case exp.Bracket() if node.args.get("offset") is not None:
            mended = _element(node)
        case exp.Cast() if node.is_type(exp.DType.BIGINT):
            mended = _rounded(node)
        case exp.Cast() if node.is_type(exp.DType.DECIMAL) and not node.to.expressions:
            # Of a decimal without more, DuckDB keeps three places, and BigQuery nine.
            mended = type(node)(this=node.this, to=exp.DataType.build("NUMERIC(38, 9)"))
        case exp.In() if node.args.get("unnest"):
            mended = _contained(node.this, *node.args["unnest"].expressions)
        case exp.IntDiv():  # sqlglot 30.11 makes an operator of it, without parentheses
            mended = _divided(node.this, node.expression)
        case exp.UnixSeconds():  # rounded down
            seconds = exp.func("FLOOR", exp.func("EPOCH", node.this))
            mended = exp.cast(seconds, "INT64", dialect="bigquery")
        case exp.Merge():
            mended = _with_unique_keys(node)
    return mended


def _divided(number: Any, by: Any) -> exp.Paren:
    return exp.paren(exp.IntDiv(this=exp.paren(number), expression=exp.paren(by)))


def _first_day(unit: Any) -> Any:
    """Return the day on which weeks begin, or None if the unit is no week."""
    if isinstance(unit, exp.WeekStart):
        return unit.this.name.upper()
    return {"WEEK": "SUNDAY", "ISOWEEK": "MONDAY"}.get(unit.name.upper()) if unit else None


def _week(of: Any, first: str) -> Any:
    """Truncate to a week. DuckDB's begin on Mondays, and sqlglot 30.11 loses the other days."""
    days = [exp.Literal.string(n) for n in (7, _WEEKDAYS.index(first))]
    week, shift = (exp.Interval(this=number, unit=exp.var("DAY")) for number in days)
    return exp.func("TIME_BUCKET", week, of, shift)


def _element(node: exp.Bracket) -> Any:
    """Take the element that is asked for; sqlglot takes another one of quantiles.

    An index that is too large is an error, unless it is a safe one.
    """
    [index] = node.expressions
    number = index if node.args["offset"] else exp.paren(index) + 1
    element = exp.func("LIST_EXTRACT", node.this, number)
    if node.args.get("safe"):
        return element
    error = exp.func("ERROR", exp.Literal.string("Array index is out of bounds"))
    size = exp.func("LEN", node.this.copy())
    return exp.case().when(number.copy() > size, error).else_(element)


def _contained(item: Any, array: Any) -> Any:
    """Look for an item in an array. sqlglot makes a subquery of it, which DuckDB joins."""
    size, known = (exp.func(name, array.copy()) for name in ("LEN", "LIST_COUNT"))
    unknown = exp.case().when(known < size.copy(), exp.null()).else_(exp.false())
    found = exp.paren(exp.or_(exp.func("LIST_CONTAINS", array, item), unknown))
    return exp.case().when(size > 0, found).else_(exp.false())


def _rounded(node: exp.Cast) -> exp.Expression:
    """Round halves away from zero; DuckDB rounds them to the even number."""
    is_float = exp.func("TYPEOF", node.this.copy()).isin("DOUBLE", "FLOAT")
    number = exp.func("ROUND", exp.cast(node.this.copy(), "FLOAT64", dialect="bigquery"))
    return exp.case().when(is_float, type(node)(this=number, to=node.to.copy())).else_(node.copy())


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


@functools.lru_cache(1000)
def _general(sql: str) -> tuple[str, dict[str, str]]:
    """Return SQL with numbers in place of datasets and of a sync's values, and these by number."""
    names = {}
    found = dict.fromkeys(name for names in _DATASET.findall(sql) for name in names if name)
    for number, name in enumerate(found):
        names[f"dataset_number_{number}"] = name
        # The boundary before it comes last, because `re` finds a pattern's first letters fast.
        sql = re.sub(rf"{name}\b(?<!\w{name})", f"dataset_number_{number}", sql)
    for number, value in enumerate(dict.fromkeys(_OF_A_SYNC.findall(sql))):
        sql = sql.replace(value, f"'value_number_{number}'")
        # In DuckDB, what stands in double quotes is a name.
        is_text = value.startswith("'")
        text = value if is_text else "'" + value[1:-1].replace('\\"', '"') + "'"
        names[f"'value_number_{number}'"] = text
    return sql, names


def _special(sql: str, names: dict[str, str]) -> str:
    return _NUMBERED.sub(lambda found: names.get(found[0].lower(), found[0]), sql)


def _open_remembered() -> sqlite3.Connection:
    """Open what emulators of this version have worked out."""
    versions = [*map(version, ("bqemulator", "sqlglot")), Path(__file__).read_text()]
    digest = sha256("\n".join(versions).encode()).hexdigest()[:16]
    opened = sqlite3.connect(
        Path(sys.prefix) / f"remembered-{digest}.sqlite",
        timeout=60,  # other emulators write, too
        isolation_level=None,
        check_same_thread=False,
    )
    # Nothing waits for the disk. The journal stays as it is: who sets it to WAL is refused while
    # another emulator does so, whatever the timeout.
    opened.execute("PRAGMA synchronous = OFF")
    opened.execute("CREATE TABLE IF NOT EXISTS remembered (key TEXT PRIMARY KEY, value TEXT)")
    return opened


_remembered = _open_remembered()


def _once(work_out: Callable[..., Any]) -> Callable[..., Any]:
    """Remember what follows from the arguments alone. All of it can be written as JSON."""

    @functools.lru_cache(10_000)
    def recall(*of: Any) -> Any:
        key = json.dumps([work_out.__name__, *of])
        for [value] in _remembered.execute("SELECT value FROM remembered WHERE key = ?", [key]):
            return json.loads(value)
        found = work_out(*of)
        new = (key, json.dumps(found))
        _remembered.execute("INSERT OR IGNORE INTO remembered VALUES (?, ?)", new)
        return found

    return recall


class _NotRemembered(Exception):
    """What `_once` is not to remember."""


_parsed: dict[str, Any] = {}
"""The trees of BigQuery's statements, by their SQL."""


def _remember_parsed(parse: Callable[..., Any]) -> Callable[..., Any]:
    def parse_once(sql: str, read: Any = None, **options: Any) -> Any:
        if read != "bigquery" or options:
            return parse(sql, read, **options)
        if sql not in _parsed:
            if len(_parsed) == 1000:
                del _parsed[next(iter(_parsed))]  # the oldest
            _parsed[sql] = parse(sql, read)
        shared = sys._getframe(1).f_code.co_name in _ONLY_LOOKS
        return _parsed[sql] if shared else _parsed[sql].copy()

    return parse_once


def _remember_parameters(
    rewrite: Callable[[str, FrameStack], tuple[str, list[Any]]],
) -> Callable[[str, FrameStack], tuple[str, list[Any]]]:
    """Remember where the variables of a script stand in a statement, whatever their values are."""

    @_once
    def named_parameters(general: str, types: list[tuple[str, str]]) -> tuple[str, list[Any]]:
        named = FrameStack()
        named.push()
        for name, type_name in types:
            named.declare(name, type_name, name)
        return rewrite(general, named)

    def rewrite_once(sql: str, frames: FrameStack) -> tuple[str, list[Any]]:
        variables = frames.all_visible()
        if any(v.value is None or isinstance(v.value, dict) for v in variables.values()):
            return rewrite(sql, frames)  # the SQL depends on such values
        general, names = _general(sql)
        types = tuple((name, variable.type_name) for name, variable in variables.items())
        rewritten, parameters = named_parameters(general, types)
        return _special(rewritten, names), [variables[name].value for name in parameters]

    return rewrite_once


def _remember_translated(translate: Callable[..., Any]) -> Callable[..., Any]:
    translator = SQLTranslator()

    @_once
    def translated(general: str, schema: str) -> str:
        found = translate(translator, general, schema=json.loads(schema))
        if not isinstance(found, Ok):
            raise _NotRemembered(found)
        return str(found.value)

    def translate_once(self: SQLTranslator, sql: str, schema: Any = None, **of: Any) -> Any:
        general, names = _general(sql)
        if "SESSION_USER" in general.upper():  # it depends on the caller
            return translate(self, sql, schema=schema, **of)
        try:
            return Ok(_special(translated(general, json.dumps(schema)), names))
        except _NotRemembered:
            return translate(self, sql, schema=schema, **of)

    return translate_once


def _remember_kind(kind_of: Callable[[str], Any]) -> Callable[[str], Any]:
    """Remember of which kind a statement is, whatever its dataset is."""
    remembered = _once(kind_of)
    return lambda sql: remembered(_general(sql)[0])


_is_ddl = functools.lru_cache(1000)(_DDL.search)


def _only_of_ddl(detect: Callable[..., Any], nothing: Any = None) -> Callable[..., Any]:
    return lambda sql, *others: detect(sql, *others) if _is_ddl(sql) else nothing


def _remember_script(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Remember the statements of a script, whatever its dataset and the values of a sync are."""
    remembered = functools.lru_cache(1000)(parse)

    def parse_once(sql: str) -> Any:
        general, names = _general(sql)
        return _filled(remembered(general), names)

    return parse_once


def _filled(part: Any, names: dict[str, str]) -> Any:
    if isinstance(part, str):
        return _special(part, names)
    if isinstance(part, tuple):
        return tuple(_filled(each, names) for each in part)
    if is_dataclass(part):
        own = {field.name: _filled(getattr(part, field.name), names) for field in fields(part)}
        return replace(part, **own)  # type: ignore[type-var]
    return part


def _of_changes_alone(refuse: Callable[..., None]) -> Callable[..., None]:
    def refuse_statement(project: str, sql: str, context: Any) -> None:
        # A script or a query would be parsed, in vain.
        if not sql.startswith("DECLARE ") and _classify(sql) != "SELECT":
            refuse(project, sql, context)

    return refuse_statement


async def _at_once(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call what FastAPI would call in a thread: eight functions a request, which only look up."""
    return function(*arguments, **named)


async def _record_no_change(project: str, sql: str, context: Any) -> None:
    """Do not copy a table whenever its rows change."""


def _refuse_past(sql: str, *_: Any) -> str:
    """Return the SQL, unless it asks for what was in a table before."""
    if re.search(r"\bSYSTEM_TIME\b", sql, re.IGNORECASE):
        raise InvalidQueryError("The local BigQuery keeps no past of its tables (SYSTEM_TIME).")
    return sql


def _refuse_if_not_empty(job: Any, context: Any) -> None:
    if job.write_disposition != "WRITE_TRUNCATE":  # then the rows go when the new ones are there
        _dispose(job, context)


def _load_whole(path: str, job: Any, context: Any) -> None:
    """Load a file if its rows fit the table. Otherwise the table stays as it is."""
    [address] = job.source_uris  # an upload is one file
    execute = context.engine.execute
    execute(f"CREATE OR REPLACE TEMP TABLE incoming AS FROM {job.target_ref} LIMIT 0")
    columns = {name for name, *_ in execute("FROM incoming").description}
    if job.source_format == "NEWLINE_DELIMITED_JSON":
        keys = "SELECT DISTINCT UNNEST(JSON_KEYS(json)) FROM READ_NDJSON_OBJECTS(?)"
        fields = {field for [field] in execute(keys, [path]).fetchall()}
        if unknown := sorted(fields - columns):
            raise ValueError(f"JSON parsing error: No such field: {unknown[0]}.")
    _load(path, replace(job, target_ref="incoming"), context)
    table = context.catalog.get_table(job.project_id, job.dataset_id, job.table_id)
    required = [field.name for field in table.schema_.fields if field.mode == "REQUIRED"]
    for name in columns.intersection(required):
        if execute(f'FROM incoming WHERE "{name}" IS NULL LIMIT 1').fetchone():
            raise ValueError(f"JSON parsing error: Missing required field: {name}.")
    if job.write_disposition == "WRITE_TRUNCATE":
        execute(f"DELETE FROM {job.target_ref}")
    execute(f"INSERT INTO {job.target_ref} FROM incoming")
    [_loaded[address]] = execute("SELECT COUNT(*) FROM incoming").fetchone()


def _with_own_rows(load: Callable[..., Any]) -> Callable[..., Any]:
    """Let a load job say how many rows it loaded, and not how many its table has."""

    async def load_and_count(project: str, job: str, config: dict[str, Any], context: Any) -> Any:
        done = await load(project, job, config, context)
        rows = _loaded.pop(config["load"]["sourceUris"][0])
        return done.model_copy(update={"statistics": {"load": {"outputRows": str(rows)}}})

    return load_and_count


def _remember_qualified(qualify: Callable[[str, str], str]) -> Callable[[str, str], str]:
    remembered = _once(qualify)

    def qualify_once(sql: str, project: str) -> str:
        general, names = _general(sql)
        return _special(remembered(general, project), names)

    return qualify_once


def _remember_targets(find: Callable[[str, str], list[str]]) -> Callable[[str, str], list[str]]:
    remembered = _once(find)

    def find_once(sql: str, project: str) -> list[str]:
        general, names = _general(sql)
        return [_special(target, names) for target in remembered(general, project)]

    return find_once


@_once
def _tables_of(general: str) -> list[list[str]] | None:
    """Return the parts of the names of all tables in a query, or None if there may be others."""
    try:
        tree = sqlglot.parse_one(general, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return None
    found = [table for table in tree.find_all(exp.Table) if table.db]
    if any(not isinstance(table.this, exp.Identifier) or "*" in table.name for table in found):
        return None
    names = dict.fromkeys((table.catalog, table.db, table.name) for table in found)
    return [list(name) for name in names]


def _named(sql: str) -> list[list[str]] | None:
    general, names = _general(sql)
    found = None if "INFORMATION_SCHEMA" in general.upper() else _tables_of(general)
    return found and [[_special(part, names) for part in name] for name in found]


def _of_tables_alone(look: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that asks the catalog of each table see a small query, not a large one."""

    def look_at_tables(sql: str, **of: Any) -> Any:
        if (found := _named(sql)) is None:
            return look(sql, **of)
        names = [f"`{'.'.join(filter(None, name))}`" for name in found]
        return look(f"SELECT 1 FROM {', '.join(names)}" if names else "SELECT 1", **of)

    return look_at_tables


class _Views:
    """A catalog of views by their names, which is all that queries are written out with."""

    def __init__(self, queries: dict[str, str]) -> None:
        self._queries = queries

    def get_table(self, *name: str) -> Any:
        query = self._queries.get(".".join(name))
        return SimpleNamespace(table_type="VIEW", view_query=query) if query else None

    def list_row_access_policies(self, *_: str) -> tuple[()]:
        return ()


def _remember_expanded(expand: Callable[..., str]) -> Callable[..., str]:
    """Remember what a query is with its views written out, whatever its dataset is.

    Nobody makes row access policies here, which the emulator would write out, too.
    """

    @_once
    def expanded(general: str) -> str:
        sql, project, views = json.loads(general)
        return expand(sql, project_id=project, caller=None, catalog=_Views(views))

    def expand_once(sql: str, *, project_id: str, caller: Any, catalog: Any) -> str:
        views: dict[str, str] = {}
        queries = [sql]
        while queries:
            if (found := _named(queries.pop())) is None:
                return expand(sql, project_id=project_id, caller=caller, catalog=catalog)
            for name in ((project or project_id, *rest) for project, *rest in found):
                table = catalog.get_table(*name)
                if table and table.table_type == "VIEW" and ".".join(name) not in views:
                    views[".".join(name)] = table.view_query
                    queries.append(table.view_query)
        if not views:
            return sql
        general, names = _general(json.dumps([sql, project_id, views]))
        return _special(expanded(general), names)

    return expand_once


def _type_name(arrow: Any) -> str:
    """Name a type. A sum of integers is INT64 in a struct, too; a NUMERIC has decimal places."""
    return "INTEGER" if str(arrow) == "decimal128(38, 0)" else _name_of(arrow)


_format_other = arrow_bridge._format_bq_value
_format_time = arrow_bridge._fmt_bq_timestamp
_name_of = executor._arrow_type_to_bq_type
_classify = _remember_kind(executor.classify_statement_type)
_dispose = executor._apply_load_write_disposition
_load = executor._load_path_into_target


_PLAIN: Final[dict[type, Callable[[Any], str]]] = {
    str: str,
    int: str,
    float: str,
    Decimal: str,
    bool: lambda value: "true" if value else "false",
}
"""How values are written that are written in one way, whatever their column is."""


def _format(value: Any, arrow: Any, *, field: Any = None) -> Any:
    """Write a value. The emulator asks of which type its column is, for each of them anew."""
    if write := _PLAIN.get(type(value)):
        return write(value)
    if type(value) is datetime:
        return _format_time(value, arrow, field)
    return _format_other(value, arrow, field=field)


def _kind_of(sql: str) -> str:
    """Say what a statement is that is not to be run.

    The emulator takes only one statement at a time for what it is, and runs any other to find out.
    """
    statements = executor._parse_script_or_raise(sql).statements
    if len(statements) != 1 or not isinstance(statements[0], executor.SqlStmt):
        return "SCRIPT"
    kind: str = _classify(sql)
    if not kind and isinstance(executor._parse_for_classification(sql), exp.Query):
        return "SELECT"  # such as a union
    return kind


executor.parse_script = interpreter.parse_script = _remember_script(interpreter.parse_script)
# For each parameter DuckDB looks for pandas, and Python looks through its whole path each time.
sys.modules["pandas"] = None  # type: ignore[assignment]
# So few rows are faster in one thread, and take less time than to optimize a plan for them.
_config: dict[str, Any] = {"threads": 1}
if "LOCAL_BIGQUERY_HAS_MANY_ROWS" not in os.environ:
    _config["disabled_optimizers"] = ",".join(_USELESS_OPTIMIZERS)
duckdb.connect = functools.partial(duckdb.connect, config=_config)
jobs.classify_statement_type = _kind_of
jobs._DESTRUCTIVE_STATEMENT_TYPES |= {"SCRIPT", "EXPORT_DATA"}
sqlglot.parse_one = _remember_parsed(sqlglot.parse_one)
sqlglot.transpile = _transpile_all  # type: ignore[assignment]
SQLTranslator.translate = _remember_translated(SQLTranslator.translate)
interpreter._rewrite_vars_to_params = _remember_parameters(interpreter._rewrite_vars_to_params)
for of_ddl in ("_detect_catalog_drop", "_detect_create_schema", "_detect_plain_create_table"):
    setattr(ddl_sync, of_ddl, _only_of_ddl(getattr(ddl_sync, of_ddl)))
ddl_sync._detect_plain_create_view = _only_of_ddl(ddl_sync._detect_plain_create_view, (None, None))
executor.detect_drop_routine = _only_of_ddl(executor.detect_drop_routine)
executor._arrow_type_to_bq_type = _type_name
arrow_bridge._format_bq_value = _format
executor._apply_load_write_disposition = _refuse_if_not_empty
executor._load_path_into_target = _load_whole
upload.execute_load_job = _with_own_rows(executor.execute_load_job)
executor._capture_dml_snapshots = _record_no_change
SnapshotManager.record_change = lambda *_: None
inner_query.rewrite_for_system_time = _refuse_past
executor._reject_dml_on_immutable = _of_changes_alone(executor._reject_dml_on_immutable)
executor.classify_statement_type = _classify
interpreter._is_row_producing = _remember_kind(interpreter._is_row_producing)
inner_query.rewrite_for_row_access = _remember_expanded(inner_query.rewrite_for_row_access)
inner_query.build_catalog_schema = _of_tables_alone(inner_query.build_catalog_schema)
interpreter.rewrite_table_refs = _remember_qualified(interpreter.rewrite_table_refs)
executor.rewrite_table_refs = interpreter.rewrite_table_refs
interpreter._dml_targets = _remember_targets(interpreter._dml_targets)
fastapi.dependencies.utils.run_in_threadpool = _at_once
for useless in (AccessLogMiddleware, CorrelationIdMiddleware, MetricsMiddleware):
    # They take time of every request, for headers, logs and counts that nobody reads.
    useless.__call__ = lambda self, *arguments: self.app(*arguments)
if __name__ == "__main__":
    # Syntax trees are many objects, which the collector would go through again and again.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    main()
