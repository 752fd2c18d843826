"""What a table is: columns of a type and a meaning, and a key."""

from typing import Final, Literal, NamedTuple

ColumnType = Literal[
    "bigint",
    "text",
    "text|bigint",
    "bool",
    "double",
    "date",
    "timestamp",
    "array",
    "object",
    "array|object",
    "any",
    "text[]",
    "bigint[]",
]
BIGQUERY_TYPES: Final[dict[ColumnType, str]] = {
    "bigint": "INT64",
    "text": "STRING",
    "text|bigint": "STRING",
    "bool": "BOOL",
    "double": "FLOAT64",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "array": "JSON",
    "object": "JSON",
    "array|object": "JSON",
    "any": "JSON",
    "text[]": "ARRAY<STRING>",
    "bigint[]": "ARRAY<INT64>",
}


class Column(NamedTuple):
    """A column: its type, meaning and example, if it is required, and whose key it holds.

    The types are dlt's, with three additions. `array`, `object` and `any` are JSON columns, named
    by the JSON that they accept. `text|bigint` is text, and accepts integers. `text[]` and
    `bigint[]` are arrays, which only tables of the program's own have. The example is as the API
    sends it.
    """

    type: ColumnType
    description: str
    example: object = None
    required: bool = False
    references: str | None = None


class Table(NamedTuple):
    """A table: its meaning, its primary key, its columns, and where its rows come from."""

    description: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    path: str | None = None
    """Path of its listing below the base URL; None if the table has none of its own."""
    is_optional: bool = False
    """Whether an account may lack the listing, depending on its plan."""
    clustered_by: tuple[str, ...] = ()
    """Columns by which BigQuery orders the rows."""


# dlt adds these two when rows come. They are declared because BigQuery cannot add a required column
# to an existing table, such as one that was created while its listing was empty.
DLT_COLUMNS: Final = {
    "_dlt_load_id": Column(
        "text", "Load that last wrote the row: _dlt_loads.load_id.", "1795467916.39", required=True
    ),
    "_dlt_id": Column(
        "text", "Hash of the row's key, made by dlt.", "X2cbkpAd4qjhrg", required=True
    ),
}
