"""Convert the API's JSON objects to rows of their tables.

A value of another type is converted if nothing is lost: "7.5" to a number, 7.0 to an integer, 443
to the text of a port. Anything else is an error that names the column, because BigQuery would hold
something that the API did not send. A number in a string must have JSON's form. A field that no
table declares is kept; `warehouse.load_files` finds a column for it.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from scanner_sync.errors import ApiError, shown
from scanner_sync.schema.columns import Column, ColumnType
from scanner_sync.schema.tables import TABLES

Conversion = Callable[[object], object]
_INT64 = range(-(2**63), 2**63)
_EXACT = 2**53
"""A float represents every integer up to this one exactly."""
UNFIT = (TypeError, ValueError, OverflowError)
"""What a conversion raises for a value that does not fit its column."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""JSON's form of a number. Python also accepts "1_000", " 7 ", "nan" and non-ASCII digits."""
_DEEPEST = 100
"""Levels of nesting. BigQuery's JSON allows 500, and Python's recursion, which dlt uses, 1000."""
_NESTING = (dict, list)
_NEW_JSON = Column("array|object", "A field that the API has added.")
_NEW_TEXT = Column("text", "A field that the API has added.")
_UNCHANGED: Mapping[ColumnType, type] = {
    "text": str,
    "text|bigint": str,
    "bool": bool,
    "double": float,  # never infinite: orjson rejects that
}
"""The Python type that a column stores unchanged. Most values need no conversion."""


def to_row(table: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a JSON object to a row of `table`.

    A field that the table does not declare keeps its name. Raises `ApiError`, which names the table
    and the column, if a required value is missing, or if a value does not fit its column.
    """
    row = {**_NULLS[table], **item}
    try:
        for name, converted in _conversions(table, tuple(map(type, row.values()))):
            row[name] = converted(row[name])
    except UNFIT:
        raise _fault(table, item) from None
    if len(row) > len(_NULLS[table]):
        for field in row.keys() - _NULLS[table].keys():
            row[field] = _new(table, field, row[field])
    return row


@lru_cache(maxsize=1024)
def _conversions(table: str, types: tuple[type, ...]) -> list[tuple[str, Conversion]]:
    """Return the columns of `table` that do not store values of these types as they are.

    The types are in the order of the columns. Most rows of a listing have the same.
    """
    return [
        (name, CONVERSIONS[column.type])
        for (name, column), kind in zip(TABLES[table].columns.items(), types, strict=False)
        if kind is not _UNCHANGED.get(column.type) and (column.required or kind is not type(None))
    ]


def _new(table: str, name: str, value: object) -> object:
    """Convert the value of a field that no table declares."""
    if isinstance(value, int) and not isinstance(value, bool):
        # JSON has one number type: a field that is 7 today may be 7.5 tomorrow.
        if abs(value) > _EXACT:
            raise ApiError(
                f"Field {shown(name)} of {table} is new and holds an integer past 53 bits, which"
                " its column would round. Nothing was loaded. The API has changed; please report"
                " it."
            )
        return float(value)
    if isinstance(value, dict | list | str):
        return convert(table, name, _NEW_TEXT if isinstance(value, str) else _NEW_JSON, value)
    return value


def _fault(table: str, item: Mapping[str, Any]) -> ApiError:
    """Return the error for a row that does not fit its table."""
    for name, column in TABLES[table].columns.items():
        value = item.get(name)
        if value is None and column.required:
            return ApiError(
                f"A row of {table} has no {name}, which is required. Nothing was loaded. If this"
                " recurs, the API has changed; please report it."
            )
        if value is not None:
            try:
                convert(table, name, column, value)
            except ApiError as error:
                return error
    raise AssertionError(f"A row of {table} fits")


def convert(table: str, name: str, column: Column, value: object) -> object:
    """Convert a value as dlt stores it in a column. Raises `ApiError` as `to_row` does."""
    try:
        return CONVERSIONS[column.type](value)
    except UNFIT:
        # `from None`: the cause would quote the value.
        raise ApiError(
            f"Column {shown(name)} of {table} takes {column.type}, but the API sent a"
            f" {_json_type(value)} that cannot be stored as one. Nothing was loaded. If this"
            " recurs, the API has changed the column's type; please report it."
        ) from None


def _bigint(value: object) -> int:
    """Convert a number, or a string that holds one, to a 64-bit integer. Raises one of `UNFIT`."""
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
    """Return a number, or the number that a string holds."""
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
    return _text(value) if isinstance(value, str) else str(_bigint(value))


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
    """Convert an ISO 8601 string to UTC, to the microsecond. Without an offset, it is UTC.

    The form is checked first: `fromisoformat` also accepts week dates, any separator before the
    time, and text after a NUL.
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
        if value:
            _check_depth(value)
        return value

    return convert


def _any(value: object) -> object:
    if isinstance(value, _NESTING):
        _check_depth(value)
    return value


def _check_depth(value: Any, deepest: int = _DEEPEST) -> None:
    """Raise `ValueError` if a JSON array or object has more levels than `deepest`."""
    if not deepest:
        raise ValueError
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, _NESTING):
            _check_depth(inner, deepest - 1)


CONVERSIONS: Mapping[ColumnType, Conversion] = {
    "bigint": _bigint,
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
"""How a value is converted to what a column of each type stores. They raise one of `UNFIT`."""

_NULLS: Mapping[str, Mapping[str, Any]] = {
    table: dict.fromkeys(declared.columns) for table, declared in TABLES.items()
}
"""A row of each table in which all columns are null."""


def _json_type(value: object) -> str:
    names = {str: "string", bool: "boolean", int: "number", float: "number", list: "array"}
    return names.get(type(value), "object")
