"""Load files: the rows of each table as BigQuery loads them, written while the API is read.

A dlt pipeline writes each row three times: extract stores it, normalize infers its columns and
writes it again, and load uploads it. But `source.rows` has already converted every value to its
column's type. So the rows go straight into one file of JSON lines for each table, and dlt imports
the files with `with_file_import`. Without this, a sync took four times as long and more of `/tmp`,
which is memory in a function.

dlt still creates tables and columns, stores the schema, uploads the files to the staging dataset
and merges. The price is that this module does what dlt would do to the rows: it adds `_dlt_load_id`
and `_dlt_id`, and finds the columns of fields that no table declares.
"""

import gzip
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import dlt
import orjson
from dlt.common.data_types import TDataType
from dlt.common.normalizers.naming.snake_case import NamingConvention
from dlt.common.utils import digest128b
from dlt.extract.resource import DltResource
from dlt.extract.source import DltSource

from scanner_sync.errors import ApiError, shown
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.held import AGE, NOTHING, Held

_NEW: Final[Mapping[type, TDataType]] = {
    bool: "bool",
    float: "double",
    str: "text",
    dict: "json",
    list: "json",
}
"""dlt's data types of fields that no table declares, by the type of their converted values."""
_FIELD: Final = "x-api-field"
"""The key under which a column in the schema has the name of its field, as the API sends it."""
_COLUMN: Final = re.compile(r"[a-z_][a-z0-9_]{0,299}")
"""A column name, in lower case. This and the next are from BigQuery's "Specify a schema"."""
_RESERVED: Final = re.compile(
    "_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER|_CHANGE_SEQUENCE_NUMBER"
    "|_CHANGE_TYPE|_CHANGE_TIMESTAMP|_dlt_",
    re.IGNORECASE,
)
"""Prefixes of names that BigQuery or dlt reserves."""
_NAMED: Final = re.compile("[A-Za-z0-9]")
"""Without any of these, dlt's naming leaves only what it fills gaps with: x, or xx."""
_NAMING: Final = NamingConvention()


def load_file_source(
    api: DltSource,
    directory: Path,
    files: dict[str, "LoadFile"],
    *,
    compress: bool,
    on_rows: Callable[[str, int], None],
    held: Mapping[str, Held],
    rest: Callable[[], DltSource | None] = lambda: None,
) -> DltSource:
    """Return a dlt source with the tables of `api`, which imports their rows as load files.

    When dlt extracts it, `files` gets a file in `directory` for each table, and `api` is read to
    the end, into these. Then `rest` is called for a source of more rows for some of these tables,
    or None. At last dlt gets the files of the tables that have rows, but not if these are the rows
    that a table holds from an earlier load, by `held`. `compress` writes the files with gzip, which
    BigQuery reads and emulators do not. `on_rows` is called with a table and the number
    of rows that were just written. Extracting raises what `api` and `rest` raise, and what
    `LoadFile.write` raises.
    """

    def rows_of(table: str) -> Iterator[Any]:
        if not files:
            files.update(_new_files(api, directory, compress))
            _read(api, files, on_rows)
            if more := rest():
                _read(more, files, on_rows)
            for each in files.values():
                each.close()
                each.is_held = held.get(each.table, NOTHING).digest == each.digest
        file = files[table]
        if file.rows and not file.is_held:
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
    # dlt adds a table to the schema with its first row. Here each is added at once, so that it is
    # created even if its listing is empty.
    for resource in source.resources.values():
        source.schema.update_table(resource.compute_table_schema())
    return source


def _new_files(api: DltSource, directory: Path, compress: bool) -> dict[str, "LoadFile"]:
    """Return a new file for each table of `api`, by table.

    Runs inside dlt's extract step, which knows the load's id and the stored schema.
    """
    load_id = dlt.current.load_package_state()["load_id"]
    schema = dlt.current.source_schema()
    return {
        table: LoadFile(
            table,
            directory / (f"{table}.jsonl.gz" if compress else f"{table}.jsonl"),
            load_id,
            schema.get_table_columns(table),
        )
        for table in api.selected_resources
    }


def _read(
    api: DltSource, files: Mapping[str, "LoadFile"], on_rows: Callable[[str, int], None]
) -> None:
    """Read `api` to the end, each of its tables into its file."""
    tables = list(api.selected_resources)
    for table in tables:
        api.resources.add(_writer(files[table], api.resources[table], on_rows))
    for _ in api.with_resources(*(f"{table}_file" for table in tables)):
        raise AssertionError  # the writers yield nothing


def _writer(file: "LoadFile", of: DltResource, on_rows: Callable[[str, int], None]) -> DltResource:
    def write(rows: list[dict[str, Any]]) -> None:
        file.write(rows)
        on_rows(file.table, len(rows))

    writer: DltResource = dlt.transformer(write, data_from=of, name=f"{file.table}_file")
    return writer


class LoadFile:
    """A file with the rows of one table, one JSON object in each line.

    It is gzipped if the name of `path` ends in `.gz`. `columns` are what the stored schema has for
    the table.
    """

    def __init__(self, table: str, path: Path, load_id: str, columns: Mapping[str, Any]) -> None:
        self.table = table
        self.path = path
        self.rows = 0
        self.is_held = False
        """Whether the table holds the same rows already."""
        self.load_id = load_id
        self.new_columns: dict[str, Any] = {}
        """Columns of the fields in this file that no table declares."""
        self._sum = 0
        self._key = sorted(TABLES[table].key)
        self._declared = TABLES[table].columns.keys()
        self._integers = [n for n, of in TABLES[table].columns.items() if of.type == "bigint"]
        self._parts: dict[int, tuple[int, int]] = {}
        """Rows and digest of the parts whose last page did not come yet."""
        self._lock = threading.Lock()
        self._data_types = {name: column.get("data_type") for name, column in columns.items()}
        self._fields = {name: name for name in (*self._declared, *DLT_COLUMNS)}
        """The field of each column, as the API sends it."""
        self._fields |= {
            name: column[_FIELD] for name, column in columns.items() if _FIELD in column
        }
        # The lowest level takes a tenth of the time of the highest, and 1.5 times the space.
        self._file = gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb")  # noqa: SIM115

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Append rows as `to_row` returns them; they get `_dlt_load_id` and `_dlt_id`.

        A null is left out, because BigQuery might take it for JSON's null in a JSON column. Raises
        `ApiError` if a field that no table declares has another type than before, if its column is
        another field's, or if its name cannot be a column name. Several threads may write,
        also with `write_page`.
        """
        lines, digest = self._lines(rows)
        with self._lock:
            self._file.write(lines)
            self.rows += len(rows)
            self._sum += digest

    def write_page(self, part: int, rows: list[dict[str, Any]], *, is_last: bool) -> int:
        """Write the next page of a part of the table, which is appended whole with its last page.

        Until then, its pages are in a file of their own, because they may be many. Returns the
        number of rows that were appended. Raises what `write` does. The pages of a part come one
        after the other.
        """
        if is_last and part not in self._parts:
            self.write(rows)
            return len(rows)
        path = self._path_of(part)
        lines, digest = self._lines(rows)
        with gzip.open(path, "ab", 1) as pages:
            pages.write(lines)
        before = self._parts.get(part, (0, 0))
        count, total = self._parts[part] = (before[0] + len(rows), before[1] + digest)
        if not is_last:
            return 0
        with self._lock, gzip.open(path) as pages:
            # Compressed again, because it is not known whether BigQuery reads a gzip file beyond
            # its first member.
            shutil.copyfileobj(pages, self._file)
            self.rows += count
            self._sum += total
        path.unlink()
        del self._parts[part]
        return count

    @property
    def digest(self) -> str:
        """A digest of the rows, in any order, without the column `age`."""
        return f"{self._sum % 2**128:032x}"

    def _lines(self, rows: list[dict[str, Any]]) -> tuple[bytes, int]:
        """Return the lines of rows, and a digest of these that is a sum."""
        lines: list[bytes] = []
        digest = 0
        for row in rows:
            if len(row) > len(self._declared):
                self._name_new_columns(row)
            key = orjson.dumps({name: row[name] for name in self._key})
            fields = {
                name: value for name, value in row.items() if value is not None and name != AGE
            }
            fields["_dlt_id"] = digest128b(key, 10)
            try:
                line = orjson.dumps(fields, option=orjson.OPT_STRICT_INTEGER)
            except TypeError:
                line = orjson.dumps(self._as_loaded(fields))
            digest += int.from_bytes(blake2b(line, digest_size=16).digest())
            rest = {"_dlt_load_id": self.load_id}
            if row.get(AGE) is not None:
                rest[AGE] = row[AGE]
            lines += (line[:-1], b",", orjson.dumps(rest, option=orjson.OPT_APPEND_NEWLINE)[1:])
        return b"".join(lines), digest

    def close(self) -> None:
        """Complete the file, without parts whose last page did not come.

        It cannot be written to afterwards.
        """
        self._file.close()
        for part in self._parts:
            self._path_of(part).unlink()

    def _path_of(self, part: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{part}")

    def _as_loaded(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return fields with the integers that BigQuery would round as strings of their digits.

        It reads a number of an INT64 column as a double, so that only a string keeps more than 53
        bits. In a JSON column, integers of 64 bits stay as they are.
        """
        loaded: dict[str, Any] = _within_64_bits(fields)
        for name in self._integers:
            if abs(loaded.get(name, 0)) >= 2**53:
                loaded[name] = str(loaded[name])
        return loaded

    def _name_new_columns(self, row: dict[str, Any]) -> None:
        """Put columns in place of the fields that no table declares, and note them."""
        for field in row.keys() - self._declared:
            name, value = _column_name(self.table, field), row.pop(field)
            # Fields of other rows and of earlier loads count as well.
            if (taken := self._fields.setdefault(name, field)) != field or name in DLT_COLUMNS:
                raise ApiError(
                    f"A row of {self.table} has a new field {shown(field)}, but its column"
                    f" {shown(name)} is already taken by {shown(taken)}. Nothing was loaded. The"
                    " API has changed; please report it."
                )
            if value is None:  # null has no type
                continue
            data_type = _NEW[type(value)]
            if self._data_types.setdefault(name, data_type) != data_type:
                raise ApiError(
                    f"Column {shown(name)} of {self.table} has values of another type than before."
                    " Nothing was loaded. The API has changed; please report it."
                )
            column = {"name": name, "data_type": data_type, "nullable": True, _FIELD: field}
            self.new_columns[name] = column
            row[name] = value


@lru_cache(maxsize=1024)
def _column_name(table: str, field: str) -> str:
    """Return the column name that dlt derives from a field. Raises `ApiError` if it is invalid."""
    name = _NAMING.normalize_identifier(field) if _NAMED.search(field) else ""
    is_reserved = _RESERVED.match(field) or _RESERVED.match(name)
    if name not in DLT_COLUMNS and (is_reserved or not _COLUMN.fullmatch(name)):
        raise ApiError(
            f"A row of {table} has a new field whose name cannot be a column name:"
            f" {shown(field.strip()) or 'it is empty'}. A name has an ASCII letter or digit, at"
            " most 300 characters, and no prefix that BigQuery or dlt reserves. Nothing was loaded."
            " The API has changed; please report it."
        )
    return name


def _within_64_bits(value: Any) -> Any:
    """Return a value with its digits, as a string, in place of each integer beyond 64 bits.

    BigQuery's JSON would round such an integer.
    """
    if isinstance(value, dict):
        return {key: _within_64_bits(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_within_64_bits(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value
