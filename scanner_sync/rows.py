"""A JSON object of the API becomes a row of its table, or an error that names the column.

A value is taken where nothing of it is lost: "7.5" into a number, 443 into the port's text. Any
other change of type fails, because BigQuery would otherwise hold something the API did not say. A
field that no table declares is passed on as it is: dlt adds a column for it.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import orjson

from scanner_sync.errors import ApiError
from scanner_sync.tables import DLT_COLUMNS, TABLES, Column, ColumnType

_INT64 = range(-(2**63), 2**63)


def to_row(table: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """The row of `table` that holds `item`.

    Raises `ApiError` naming table and column where a declared column is missing though required,
    or has a value of another type, or where a field has a name that only dlt may use.
    """
    columns = TABLES[table].columns
    row = dict(item)
    for name, column in columns.items():
        value = row.get(name)
        if value is not None:
            row[name] = convert(table, name, column, value)
        elif column.required:
            raise ApiError(
                f"A row of {table} has no {name}. Without it the row cannot be stored; nothing"
                " was loaded. If this persists, the API has changed: report it."
            )
    if reserved := DLT_COLUMNS.keys() & row.keys():
        raise ApiError(f"A row of {table} has a field {min(reserved)}, a name that dlt reserves.")
    return row


def convert(table: str, name: str, column: Column, value: object) -> object:
    """The value as dlt stores it in a column of that type. Raises `ApiError` as `to_row` does."""
    try:
        return _CONVERT[column.type](value)
    except (TypeError, ValueError, OverflowError):
        # The cause would show the value, so it is left out.
        raise ApiError(
            f"Column {name} of {table} takes {column.type}, and the API sent a"
            f" {_json_type(value)} that is none. Nothing was loaded. If this persists, the API has"
            " changed the column's type: report it."
        ) from None


def _bigint(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    # int() also takes "1_000", " 7 " and digits of other scripts, which no API means as a number.
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]+", value, re.ASCII):
        raise ValueError
    number = int(value)
    if number not in _INT64:
        raise OverflowError
    return number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _text_or_bigint(value: object) -> str:
    return value if isinstance(value, str) else str(_bigint(value))


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _double(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _date(value: object) -> date:
    return _moment(value).date()


def _timestamp(value: object) -> datetime:
    return _moment(value).astimezone(UTC)


def _moment(value: object) -> datetime:
    """A point in time; one without an offset is UTC."""
    if not isinstance(value, str):
        raise TypeError
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _of(kind: type) -> Callable[[object], object]:
    def convert(value: object) -> object:
        if not isinstance(value, kind):
            raise TypeError
        return value

    return convert


def _any(value: object) -> object:
    # dlt takes a scalar into a JSON column only as JSON text.
    return value if isinstance(value, dict | list) else orjson.dumps(value).decode()


_CONVERT: Mapping[ColumnType, Callable[[object], object]] = {
    "bigint": _bigint,
    "text": _text,
    "text|bigint": _text_or_bigint,
    "bool": _bool,
    "double": _double,
    "date": _date,
    "timestamp": _timestamp,
    "array": _of(list),
    "object": _of(dict),
    "any": _any,
}


def _json_type(value: object) -> str:
    names = {str: "string", bool: "boolean", int: "number", float: "number", list: "array"}
    return names.get(type(value), "object")
