"""Load files hold the rows of a source as BigQuery loads them."""

import gzip
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common.utils import digest128b
from dlt.extract.source import DltSource

from scanner_sync.errors import ApiError
from scanner_sync.schema.columns import BIGQUERY_TYPES
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.load_files import LoadFile, load_file_source

INTEGERS = [2**63 - 1, -(2**63), 2**64 - 1, 2**53 + 1]
LONG = [2**64, -(2**63) - 1, 10**30]


def target(n: int, **values: Any) -> dict[str, Any]:
    """A row as `to_row` returns it, with all columns of its table."""
    return dict.fromkeys(TABLES["targets"].columns) | {"id": n, **values}


def column(name: str, data_type: str) -> dict[str, Any]:
    new = {"name": name, "data_type": data_type, "nullable": True, "x-api-field": name}
    return {name: new}


def written(
    path: Path,
    *pages: list[dict[str, Any]],
    table: str = "targets",
    columns: dict[str, Any] | None = None,
) -> LoadFile:
    file = LoadFile(table, path, "load-1", columns or {})
    for page in pages:
        file.write([dict(row) for row in page])
    file.close()
    return file


def lines(path: Path) -> list[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize("name", ["targets.jsonl", "targets.jsonl.gz"])
def test_each_row_is_a_line(tmp_path: Path, name: str) -> None:
    """With dlt's columns and without null, and only what came; gzipped where the name says so."""
    rows = [
        target(1, address="a\nb\u2028\N{GRINNING FACE}", tags=["x", None]),
        target(2, has_api_schemas=False),
        target(3),
    ]
    file = written(tmp_path / name, rows[:2], rows[2:])
    assert (tmp_path / name).read_bytes()[:2] == (b"\x1f\x8b" if name.endswith("gz") else b'{"')
    assert lines(tmp_path / name) == [
        {k: v for k, v in row.items() if v is not None}
        | {"_dlt_load_id": "load-1", "_dlt_id": digest128b(b'{"id":%d}' % row["id"], 10)}
        for row in rows
    ]
    assert lines(tmp_path / name)[2].keys() == {"id", "_dlt_load_id", "_dlt_id"}
    assert (file.rows, file.new_columns) == (3, {})


def test_the_id_of_a_row_is_that_of_its_key(tmp_path: Path) -> None:
    """It depends on nothing but the primary key, whatever the order of the fields."""
    rows = [
        {"issue_id": 1, "id": 2, "target": "a"},
        {"target": "b", "id": 2, "issue_id": 1},
        {"issue_id": 2, "id": 1, "target": "a"},
    ]
    written(tmp_path / "o.jsonl", rows, table="occurrences_issues")
    first, second, third = (line["_dlt_id"] for line in lines(tmp_path / "o.jsonl"))
    assert first == second != third


def test_integers_keep_their_digits(tmp_path: Path) -> None:
    """Those that BigQuery would round are strings of their digits.

    In an INT64 column that is beyond 53 bits, and in a JSON column beyond 64, at any depth. The id
    that dlt's column gets from the key does not change by it.
    """
    ids = [2**53 - 1, -(2**53) + 1, 2**53, -(2**53), 2**63 - 1, -(2**63)]
    tags = [*INTEGERS, *LONG, {"deep": [LONG[0], True, 1.5]}]
    rows = [target(id, tags=tags, waf_interference=2**53) for id in ids]
    written(tmp_path / "t.jsonl", rows, [target(2)])
    *long, short = lines(tmp_path / "t.jsonl")
    assert [line["id"] for line in long] == [*ids[:2], *map(str, ids[2:])]
    for line, id in zip(long, ids, strict=True):
        assert line["tags"] == [*INTEGERS, *map(str, LONG), {"deep": [str(LONG[0]), True, 1.5]}]
        assert line["waf_interference"] == 2**53
        assert line["_dlt_id"] == digest128b(b'{"id":%d}' % id, 10)
    assert short["id"] == 2


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    """No column has places to which BigQuery would round a number without an error."""
    numbers = [0.1 + 0.2, 9.999999999999998, 5e-324, 1.7976931348623157e308, 0.00043]
    rows = [target(id, new=number) for id, number in enumerate(numbers)]
    file = written(tmp_path / "t.jsonl", rows)
    assert [line["new"] for line in lines(tmp_path / "t.jsonl")] == numbers
    assert file.new_columns["new"]["data_type"] == "double"
    assert not {"NUMERIC", "BIGNUMERIC"} & set(BIGQUERY_TYPES.values())


def test_no_row_is_an_empty_file(tmp_path: Path) -> None:
    file = written(tmp_path / "t.jsonl", [])
    assert (file.rows, (tmp_path / "t.jsonl").read_bytes()) == (0, b"")


def test_a_field_that_no_table_declares_is_a_new_column(tmp_path: Path) -> None:
    """Of the type of its values; a null has none, and is left out of its row."""
    new = {"flag": True, "score": 1.5, "word": "a", "object": {"b": 1}, "list": [1], "none": None}
    file = written(tmp_path / "t.jsonl", [target(1, flag=None), target(2, **new)])
    assert file.new_columns == (
        column("flag", "bool")
        | column("score", "double")
        | column("word", "text")
        | column("object", "json")
        | column("list", "json")
    )
    first, second = lines(tmp_path / "t.jsonl")
    columns = {"id", "_dlt_load_id", "_dlt_id"}
    assert first.keys() == columns
    assert second.keys() == columns | new.keys() - {"none"}
    assert {name: second.get(name) for name in new} == new


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([target(1, new=1.5), target(2, new="marker-in-a-row")], {}),
        ([target(2, new="marker-in-a-row")], column("new", "double")),
    ],
    ids=["in one load", "since an earlier load"],
)
def test_a_field_that_changes_type_is_an_error(
    tmp_path: Path, rows: list[dict[str, Any]], columns: dict[str, Any]
) -> None:
    """It is named, and its value is not."""
    with pytest.raises(ApiError, match=r"Column new of targets .* type") as error:
        written(tmp_path / "t.jsonl", rows, columns=columns)
    assert "marker" not in str(error.value)


RESERVED = ["_TABLE_SUFFIX", "_FILE_NAME", "_PARTITIONTIME", "_PARTITION", "_ROW_TIMESTAMP"]
RESERVED += ["__ROOT__", "_COLIDENTIFIER", "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TYPE"]
RESERVED += ["_CHANGE_TIMESTAMP", "_dlt_parent_id", "_partitionDate"]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"Address": "x"}, "a new field Address, but its column address is already taken"),
        (
            {"isNew": "a", "is_new": "b"},
            "a new field (isNew|is_new), but its column is_new is already taken by (isNew|is_new)",
        ),
        ({"_dlt_id": "x"}, "a new field _dlt_id, but its column _dlt_id is already taken"),
        ({"": "a"}, "cannot be a column name: it is empty"),
        ({" ": "a"}, "cannot be a column name: it is empty"),
        ({"n" * 301: "a"}, f"cannot be a column name: {'n' * 97}[.]{{4}} A name has"),
        ({"nN" * 151: "a"}, "cannot be a column name: nN"),  # dlt writes n_n
        *(({name: "a"}, f"cannot be a column name: {name}[.]") for name in RESERVED),
        *(
            ({name.lower(): "a"}, f"cannot be a column name: {name.lower()}[.]")
            for name in RESERVED
        ),
        *(
            ({name: "a"}, f"cannot be a column name: {name}[.]")
            for name in ("\u0661", "\u72b6\u614b", "_")
        ),
        ({"new\0": "a", "new_": "b"}, "a new field new.*, but its column newx is already taken"),
    ],
)
def test_a_new_field_that_cannot_be_a_column(
    tmp_path: Path, field: dict[str, Any], message: str
) -> None:
    """A name that BigQuery would reject, or a column that has another field, is an error."""
    with pytest.raises(ApiError, match=message):
        written(tmp_path / "t.jsonl", [target(1, **field)])


def test_a_column_belongs_to_the_field_that_came_first(tmp_path: Path) -> None:
    """In another row, in another load, and where the stored schema does not say whose it is."""
    first, second = [target(1, **{"risk.score": "a"})], [target(2, risk_score="b")]
    error = r"new field risk_score, but its column risk_score is already taken by risk\.score"
    with pytest.raises(ApiError, match=error):
        written(tmp_path / "t.jsonl", first, second)
    columns = written(tmp_path / "t.jsonl", first).new_columns
    assert columns == {
        "risk_score": column("risk.score", "text")["risk.score"] | {"name": "risk_score"}
    }
    with pytest.raises(ApiError, match=error):
        written(tmp_path / "t.jsonl", second, columns=columns)
    del columns["risk_score"]["x-api-field"]
    file = written(tmp_path / "t.jsonl", second, columns=columns)
    assert file.new_columns == column("risk_score", "text")


def occurrences(issue: int, *ids: int) -> list[dict[str, Any]]:
    return [{"issue_id": issue, "id": id, "target": "a"} for id in ids]


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.gz"])
def test_a_part_is_appended_whole_with_its_last_page(tmp_path: Path, name: str) -> None:
    """Its rows count then. The rows of a part whose last page did not come are dropped."""
    file = LoadFile("occurrences_issues", tmp_path / name, "load-1", {})
    pages: list[tuple[int, list[int], bool, int]] = [
        (1, [1, 2], False, 0),
        (2, [1], True, 1),
        (3, [1, 2], False, 0),
        (1, [], False, 0),
        (1, [3], False, 0),
        (4, [], True, 0),
        (1, [4], True, 4),
        (3, [3], False, 0),
        (5, [1, 2, 3], False, 0),
        (5, [], True, 3),
    ]
    for part, ids, is_last, appended in pages:
        assert file.write_page(part, occurrences(part, *ids), is_last=is_last) == appended
    file.close()
    found = [(line["issue_id"], line["id"]) for line in lines(tmp_path / name)]
    assert found == [(2, 1), (1, 1), (1, 2), (1, 3), (1, 4), (5, 1), (5, 2), (5, 3)]
    assert file.rows == 8
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_file_is_one_member_of_gzip(tmp_path: Path) -> None:
    """Some programs read no further than the first, and BigQuery may be one of them."""
    file = LoadFile("occurrences_issues", tmp_path / "o.jsonl.gz", "load-1", {})
    for n in range(9):
        file.write_page(n % 3, occurrences(n % 3, n), is_last=n > 5)
    file.close()
    member = zlib.decompressobj(wbits=31)
    data = member.decompress((tmp_path / "o.jsonl.gz").read_bytes())
    assert (member.eof, member.unused_data, data.count(b"\n")) == (True, b"", 9)


def test_parts_are_written_in_several_threads(tmp_path: Path) -> None:
    """No line is lost or torn."""
    file = LoadFile("occurrences_issues", tmp_path / "o.jsonl.gz", "load-1", {})

    def write(part: int) -> None:
        for n in range(50):
            file.write_page(part, occurrences(part, n, -n), is_last=n == 49)
            file.write(occurrences(part + 100, n))
            file.write_page(100 * (part + 1) + n, occurrences(part + 200, n), is_last=True)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(write, range(8)))
    finally:
        sys.setswitchinterval(interval)
    file.close()
    found = Counter(line["issue_id"] for line in lines(tmp_path / "o.jsonl.gz"))
    assert found == {part + more: 50 << (not more) for part in range(8) for more in (0, 100, 200)}
    assert file.rows == found.total()


@dlt.source(name="scanner")
def api() -> Iterator[Any]:
    """A source with two pages of targets and no scan."""
    for name, pages in {"scans": [], "targets": [[target(1)], [target(2, new=1.5)]]}.items():
        yield dlt.resource(pages, name=name, primary_key="id", write_disposition="merge")


@pytest.mark.parametrize("compress", [False, True])
def test_dlt_imports_the_files(tmp_path: Path, compress: bool) -> None:
    """The source is read to the end, and dlt gets a file of each table that has rows."""
    pipeline = dlt.pipeline("test", pipelines_dir=str(tmp_path / "dlt"), destination="dummy")
    counted: list[tuple[str, int]] = []
    source: DltSource = load_file_source(
        api(), tmp_path, {}, compress=compress, on_rows=lambda *rows: counted.append(rows), held={}
    )
    pipeline.extract(source)
    assert counted == [("targets", 1), ("targets", 1)]
    [load_id] = pipeline.list_extracted_load_packages()
    jobs = pipeline.get_load_package_info(load_id).jobs["new_jobs"]
    imported = {job.job_file_info.table_name: Path(job.file_path) for job in jobs}
    assert imported.keys() >= {"targets"}
    assert "scans" not in imported
    rows = lines(imported["targets"])
    assert [(row["id"], row.get("new"), row["_dlt_load_id"]) for row in rows] == [
        (1, None, load_id),
        (2, 1.5, load_id),
    ]
    schema = pipeline.default_schema
    for table in ("scans", "targets"):
        assert schema.tables[table]["write_disposition"] == "merge"
        assert schema.tables[table]["columns"]["id"]["primary_key"]
    assert schema.tables["targets"]["columns"]["new"]["data_type"] == "double"
    pipeline.deactivate()
