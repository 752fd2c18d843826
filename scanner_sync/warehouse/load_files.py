"""Load files: the rows of each table as BigQuery loads them, written while the API is read.

A dlt pipeline normally writes each row three times: extract stores it, normalize infers its columns
and writes it again, and load uploads that. Here `source.rows` has already typed every value, so the
rows go straight into one file of JSON lines for each table, and dlt is handed the files with
`with_file_import`. Passing the rows through dlt instead took four times as long and more of `/tmp`,
which is memory in a function.

dlt still creates tables and columns, keeps the schema, uploads the files to the staging dataset,
and merges. What it no longer does is done here: `_dlt_load_id` and `_dlt_id` are added to each row,
and the columns of fields that no table declares are found.
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
from scanner_sync.tables import TABLES

_NEW: Final[Mapping[type, TDataType]] = {
    bool: "bool",
    float: "double",
    str: "text",
    dict: "json",
    list: "json",
}
"""dlt's data type of a field that no table declares, by the type of its converted values."""


def load_file_source(
    api: DltSource, directory: Path, *, compress: bool, on_rows: Callable[[str, int], None]
) -> DltSource:
    """Return a dlt source with the tables of `api`, whose rows come in load files.

    When dlt extracts it, `api` is read to the end into files in `directory`; then dlt is handed the
    files. `compress` is for BigQuery; the emulators read no gzip. `on_rows` is called with a table
    and a number of rows as they are read.
    """
    files: dict[str, LoadFile] = {}

    def rows_of(table: str) -> Iterator[Any]:
        if not files:
            files.update(_read(api, directory, compress, on_rows))
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
        for table, resource in api.selected_resources.items():
            yield dlt.resource(
                rows_of,
                name=table,
                write_disposition=resource.write_disposition,
                columns=resource.compute_table_schema()["columns"],  # with the primary key
            )(table)

    source = scanner()
    # dlt adds a table to the schema with its first row; here each is there from the start, so that
    # an empty listing has its table too.
    for resource in source.resources.values():
        source.schema.update_table(resource.compute_table_schema())
    return source


def _read(
    api: DltSource, directory: Path, compress: bool, on_rows: Callable[[str, int], None]
) -> dict[str, "LoadFile"]:
    """Read `api` to the end, each table into its file. Runs inside dlt's extract step."""
    load_id = dlt.current.load_package_state()["load_id"]
    schema = dlt.current.source_schema()
    files = {
        table: LoadFile(
            table,
            directory / (f"{table}.jsonl.gz" if compress else f"{table}.jsonl"),
            load_id,
            schema.get_table_columns(table),
        )
        for table in api.selected_resources
    }
    for table, file in files.items():
        api.resources.add(_writer(file, api.resources[table], on_rows))
    for _ in api.with_resources(*(f"{table}_file" for table in files)):
        raise AssertionError  # the writers yield nothing
    for file in files.values():
        file.close()
    return files


def _writer(file: "LoadFile", of: DltResource, on_rows: Callable[[str, int], None]) -> DltResource:
    def write(rows: list[dict[str, Any]]) -> None:
        file.write(rows)
        on_rows(file.table, len(rows))

    writer: DltResource = dlt.transformer(write, data_from=of, name=f"{file.table}_file")
    return writer


class LoadFile:
    """The rows of one table, as lines of JSON."""

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
        # The lowest level takes a tenth of the time of the highest, and half as much space again.
        self._file = gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb")  # noqa: SIM115

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Append rows as `to_row` returns them. Raises `ApiError` if a new field changes type."""
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
                del row[name]  # null tells no type, and a column that is left out is null
                continue
            data_type = _NEW[type(row[name])]
            if self._data_types.setdefault(name, data_type) != data_type:
                raise ApiError(
                    f"Column {shown(name)} of {self.table} has values of another type than before."
                    " Nothing was loaded. The API has changed; please report it."
                )
            self.new_columns[name] = {"name": name, "data_type": data_type, "nullable": True}


def _within_64_bits(value: Any) -> Any:
    """Replace each integer that BigQuery's JSON would round by a string of its digits."""
    if isinstance(value, dict):
        return {key: _within_64_bits(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_within_64_bits(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value
