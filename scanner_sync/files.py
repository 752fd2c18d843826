"""Rows on their way to BigQuery: a file for each table, as BigQuery loads it.

dlt loads the files as they are. Row by row through its extract and normalize steps they would be
written three times, which takes most of a sync's processor time; `rows` has typed them already.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import dlt
import orjson
from dlt.common.data_types import TDataType
from dlt.common.schema.typing import TColumnSchema
from dlt.common.utils import digest128b
from dlt.extract.resource import DltResource
from dlt.extract.source import DltSource

from scanner_sync.errors import ApiError, shown
from scanner_sync.tables import DLT_COLUMNS, TABLES, Column

_NEW: Final[Mapping[type, TDataType]] = {
    bool: "bool",
    float: "double",
    str: "text",
    dict: "json",
    list: "json",
}
"""dlt's data type of a field that no table declares, by what `to_row` makes of its values."""

_DATA_TYPES: Final = {"text|bigint": "text", "array": "json", "object": "json", "any": "json"}


def file_source(
    api: DltSource,
    directory: Path,
    *,
    compress: bool,
    on_rows: Callable[[str, int], None] = lambda table, count: None,
    on_end: Callable[[], None] = lambda: None,
) -> DltSource:
    """The dlt source of the tables that `api` reads, from files that it writes to `directory`.

    It reads `api` to the end before it gives the first file. BigQuery reads gzip; the local ones do
    not, hence `compress`. `on_rows` is told of rows as they come, and `on_end` is called when all
    came, before a file is given.
    """
    tables = list(api.selected_resources)
    files: dict[str, TableFile] = {}

    def read() -> None:
        load_id = dlt.current.load_package_state()["load_id"]
        schema = dlt.current.source_schema()
        for table in tables:
            path = directory / (f"{table}.jsonl.gz" if compress else f"{table}.jsonl")
            files[table] = TableFile(table, path, load_id, schema.get_table_columns(table))
            api.resources.add(_writer(files[table], api.resources[table], on_rows))
        for _ in api.with_resources(*(f"{table}_file" for table in tables)):
            raise AssertionError  # the writers give nothing
        on_end()
        for file in files.values():
            file.close()

    def rows_of(table: str) -> Iterator[Any]:
        if not files:
            read()
        file = files[table]
        if file.rows:
            new = dlt.mark.make_hints(columns=file.new_columns) if file.new_columns else None
            yield dlt.mark.with_file_import(str(file.path), "jsonl", file.rows, new)

    @dlt.source(
        name=api.name,
        max_table_nesting=0,
        schema_contract={"columns": "evolve", "data_type": "freeze"},
    )
    def scanner() -> Iterator[DltResource]:
        for table in tables:
            yield dlt.resource(
                rows_of,
                name=table,
                primary_key=list(TABLES[table].key),
                # One MERGE statement a table: each table changes as a whole or not at all.
                write_disposition={"disposition": "merge", "strategy": "upsert"},
                columns=dlt_columns(TABLES[table].columns | DLT_COLUMNS),
            )(table)

    source = scanner()
    # dlt puts a table into the schema when its first row comes; here each is there from the start,
    # so that an empty listing still has its table.
    for resource in source.resources.values():
        source.schema.update_table(resource.compute_table_schema())
    return source


def _writer(file: "TableFile", of: DltResource, on_rows: Callable[[str, int], None]) -> DltResource:
    def write(rows: list[dict[str, Any]]) -> None:
        file.write(rows)
        on_rows(file.table, len(rows))

    writer: DltResource = dlt.transformer(write, data_from=of, name=f"{file.table}_file")
    return writer


class TableFile:
    """Rows of one table, as lines of JSON."""

    def __init__(
        self, table: str, path: Path, load_id: str, columns: Mapping[str, TColumnSchema]
    ) -> None:
        self.table = table
        self.path = path
        self.rows = 0
        self.new_columns: dict[str, TColumnSchema] = {}
        """Columns of fields that no table declares, as this file has them."""
        self._load_id = load_id
        self._key = sorted(TABLES[table].key)
        self._declared = TABLES[table].columns.keys()
        self._data_types = {name: column.get("data_type") for name, column in columns.items()}
        # The least compression takes a tenth of the time of the most, and half as much space again.
        self._file = gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb")  # noqa: SIM115

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Add rows as `to_row` gives them. Raises `ApiError` where a new field changes its type."""
        lines = []
        for row in rows:
            if len(row) > len(self._declared):
                self._note_new_fields(row)
            key = orjson.dumps({name: row[name] for name in self._key})
            row["_dlt_load_id"] = self._load_id
            row["_dlt_id"] = digest128b(key, 10)
            try:
                line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            except TypeError:  # an integer past 64 bits in a JSON column
                line = orjson.dumps(_within_64_bits(row), option=orjson.OPT_APPEND_NEWLINE)
            lines.append(line)
        self._file.write(b"".join(lines))
        self.rows += len(rows)

    def close(self) -> None:
        """Complete the file."""
        self._file.close()

    def _note_new_fields(self, row: dict[str, Any]) -> None:
        for name in row.keys() - self._declared:
            if row[name] is None:
                del row[name]  # it tells no type, and a column that is left out is null
                continue
            data_type = _NEW[type(row[name])]
            if self._data_types.setdefault(name, data_type) != data_type:
                raise ApiError(
                    f"Column {shown(name)} of {self.table} has values of another type than before."
                    " Nothing was loaded. The API has changed: report it."
                )
            self.new_columns[name] = {"name": name, "data_type": data_type, "nullable": True}


def _within_64_bits(value: Any) -> Any:
    """`value` with each integer that BigQuery's JSON would round as a text of its digits."""
    if isinstance(value, dict):
        return {key: _within_64_bits(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_within_64_bits(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value


def dlt_columns(columns: Mapping[str, Column]) -> dict[str, TColumnSchema]:
    """The columns as dlt declares them."""
    return {
        name: {
            "name": name,
            "data_type": _DATA_TYPES.get(column.type, column.type),  # type: ignore[typeddict-item]
            "nullable": not column.required,
            "description": column.description,
        }
        for name, column in columns.items()
    }
