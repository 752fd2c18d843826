"""A JSON object of the API becomes a row of its table, or an error that names the column.

A value is taken where nothing of it is lost: "7.5" into a number, 7.0 into an integer, 443 into the
port's text. Any other change of type fails, because BigQuery would otherwise hold something the API
did not say. A number in a text has the form that JSON gives it. A field that no table declares is
passed on as it is: dlt adds a column for it.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from dlt.common.normalizers.naming.snake_case import NamingConvention

from scanner_sync.errors import ApiError, shown
from scanner_sync.tables import DLT_COLUMNS, TABLES, Column, ColumnType

_INT64 = range(-(2**63), 2**63)
_EXACT = 2**53
"""Up to here a float holds every integer, and past it not every one."""
UNFIT = (TypeError, ValueError, OverflowError)
"""What a conversion raises for a value that does not fit its type."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""JSON's form of a number; Python takes "1_000", " 7 ", "nan" and digits of other scripts too."""
_COLUMN = re.compile(r"[a-z_][a-z0-9_]{0,299}")
"""The name of a column, in lower case. This and the next are from BigQuery's "Specify a schema"."""
_RESERVED = re.compile(
    "_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER|_CHANGE_SEQUENCE_NUMBER"
    "|_CHANGE_TYPE|_CHANGE_TIMESTAMP|_dlt_",
    re.IGNORECASE,
)
"""How names begin that BigQuery or dlt keeps for itself."""
_DEEPEST = 100
"""Levels of nesting; BigQuery's JSON takes 500, and Python's recursion, which dlt uses, 1000."""
_NESTING = (dict, list)
_NAMING = NamingConvention()
_NEW_JSON = Column("array|object", "A field that the API has added.")
_NEW_TEXT = Column("text", "A field that the API has added.")
_UNCHANGED: Mapping[ColumnType, type] = {
    "text": str,
    "text|bigint": str,
    "bool": bool,
    "double": float,  # orjson reads no infinity
}
"""The type of JSON that a column stores as it comes. Most values need no conversion."""


def to_row(table: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """The row of `table` that holds `item`.

    Raises `ApiError` naming table and column where a declared column is missing though required or
    has a value of another type, and where two fields would be one column or a field can be none.
    """
    columns = TABLES[table].columns
    try:
        row = {
            name: value if type(value := item.get(name)) in unchanged else converted(value)
            for name, unchanged, converted in _COLUMNS[table]
        }
    except UNFIT:
        raise _fault(table, item) from None
    if item.keys() <= columns.keys():
        return row
    for field in item.keys() - columns.keys():
        name = _column_name(table, field)
        if name in row or name in DLT_COLUMNS:
            raise ApiError(
                f"A row of {table} has a new field that BigQuery would take for the column"
                f" {shown(name)}: {shown(field)}. Nothing was loaded. The API has changed:"
                " report it."
            )
        row[name] = _new(table, name, item[field])
    return row


@lru_cache(maxsize=1024)
def _column_name(table: str, field: str) -> str:
    """The column that dlt makes of a field. Raises `ApiError` where BigQuery takes no such name."""
    try:
        name = _NAMING.normalize_identifier(field)
    except ValueError:
        raise ApiError(
            f"A row of {table} has a field with no name. Nothing was loaded. The API has changed:"
            " report it."
        ) from None
    reserved = _RESERVED.match(field) or _RESERVED.match(name)
    if name not in DLT_COLUMNS and (reserved or not _COLUMN.fullmatch(name)):
        raise ApiError(
            f"A row of {table} has a new field whose name no column can have: {shown(field)}. It is"
            " longer than 300 characters, in another script, or begins with a prefix that BigQuery"
            " or dlt reserves. Nothing was loaded. The API has changed: report it."
        )
    return name


def _new(table: str, name: str, value: object) -> object:
    """A value of a field that no table declares."""
    if isinstance(value, int) and not isinstance(value, bool):
        # JSON has one type of number: a field that is 7 today may be 7.5 tomorrow.
        if abs(value) > _EXACT:
            raise ApiError(
                f"Field {shown(name)} of {table} is new, and holds a number past 53 bits, which its"
                " column would round. Nothing was loaded. The API has changed: report it."
            )
        return float(value)
    if isinstance(value, dict | list | str):
        return convert(table, name, _NEW_TEXT if isinstance(value, str) else _NEW_JSON, value)
    return value


def _fault(table: str, item: Mapping[str, Any]) -> ApiError:
    """What is wrong with a row that does not fit its table."""
    for name, column in TABLES[table].columns.items():
        value = item.get(name)
        if value is None and column.required:
            return ApiError(
                f"A row of {table} has no {name}. Without it the row cannot be stored; nothing"
                " was loaded. If this persists, the API has changed: report it."
            )
        if value is not None:
            try:
                convert(table, name, column, value)
            except ApiError as error:
                return error
    raise AssertionError(f"A row of {table} fits")


def convert(table: str, name: str, column: Column, value: object) -> object:
    """The value as dlt stores it in a column of that type. Raises `ApiError` as `to_row` does."""
    try:
        return _CONVERT[column.type](value)
    except UNFIT:
        # The cause would show the value, so it is left out.
        raise ApiError(
            f"Column {shown(name)} of {table} takes {column.type}, and the API sent a"
            f" {_json_type(value)} that cannot be stored as one. Nothing was loaded. If this"
            " persists, the API has changed the column's type: report it."
        ) from None


def to_bigint(value: object) -> int:
    """The integer of 64 bits that a number or its text says. Raises one of `UNFIT`."""
    if type(value) is int and value in _INT64:
        return value
    number = _number(value)
    # A float of 2**53 may have been rounded from the integer after it.
    if isinstance(number, float) and not (number.is_integer() and abs(number) < _EXACT):
        raise ValueError
    number = int(number)
    if number not in _INT64:
        raise OverflowError
    return number


def _number(value: object) -> int | float:
    """A number as it is, or the one that a text holds."""
    if isinstance(value, str):
        form = _NUMBER.fullmatch(value)
        if not form:
            raise ValueError
        return float(value) if form.lastindex else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _text_or_bigint(value: object) -> str:
    return _text(value) if isinstance(value, str) else str(to_bigint(value))


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _double(value: object) -> float:
    number = _number(value)
    if isinstance(number, int) and abs(number) > _EXACT:
        raise OverflowError
    if not math.isfinite(number):
        raise ValueError
    return float(number)


def _date(value: object) -> date:
    return _timestamp(value).date()


def _timestamp(value: object) -> datetime:
    """A point in time, in UTC to the microsecond; one without an offset is UTC.

    `fromisoformat` also takes weeks, any separator before the time, and what follows a NUL.
    """
    if not isinstance(value, str):
        raise TypeError
    if value[4:8:3] != "--" or value[10:11] not in "Tt " or not value.isprintable():
        raise ValueError
    moment = datetime.fromisoformat(value.upper())
    zone = moment.tzinfo
    if zone is UTC:
        return moment
    return moment.astimezone(UTC) if zone else moment.replace(tzinfo=UTC)


def _of(*kinds: type) -> Callable[[object], object]:
    def convert(value: object) -> object:
        if not isinstance(value, kinds):
            raise TypeError
        _check_depth(value)
        return value

    return convert


def _any(value: object) -> object:
    if isinstance(value, _NESTING):
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    """Raise ValueError where a JSON array or object is nested too deep."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, _NESTING)
        ]
        if not level:
            return
    raise ValueError


_CONVERT: Mapping[ColumnType, Callable[[object], object]] = {
    "bigint": to_bigint,
    "text": _text,
    "text|bigint": _text_or_bigint,
    "bool": _bool,
    "double": _double,
    "date": _date,
    "timestamp": _timestamp,
    "array": _of(list),
    "object": _of(dict),
    "array|object": _of(dict, list),
    "any": _any,
}

_COLUMNS = {
    table: [
        (
            name,
            (_UNCHANGED.get(column.type), None if column.required else type(None)),
            _CONVERT[column.type],
        )
        for name, column in declared.columns.items()
    ]
    for table, declared in TABLES.items()
}
"""Of each column its name, the types that it stores as they come, and what converts others."""


def _json_type(value: object) -> str:
    names = {str: "string", bool: "boolean", int: "number", float: "number", list: "array"}
    return names.get(type(value), "object")
