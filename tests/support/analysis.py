"""Every statement that the local BigQuery receives is analyzed as BigQuery would do it.

The proxy in front of the emulator tells an `Observer` of each request. The observer finds the
tables of a statement with their columns at that moment, and asks `tests.support.analyzer`. That
runs in one process for all workers of pytest, because it takes half a minute of processor time to
start for the first time on a machine. Its verdicts are kept in a folder, so it starts only if a
statement is new. Until it has started, a new statement is passed on, and its verdict is asked for
at the end of the test.
"""

import json
import os
import re
import threading
from collections.abc import Container, Mapping, Sequence
from hashlib import sha256
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from dlt.common.schema.utils import loads_table

from local.processes import ROOT
from scanner_sync.schema.columns import BIGQUERY_TYPES, DLT_COLUMNS
from scanner_sync.schema.cve_intelligence import INTELLIGENCE, INTELLIGENCE_TABLE
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.histories import HISTORIES, columns_of
from scanner_sync.schema.occurrence_reads import READS, READS_TABLE
from scanner_sync.schema.sla_policy import SLA, SLA_TABLE
from scanner_sync.schema.tables import TABLES
from scanner_sync.schema.views import VIEW_TABLES

_TYPES: Final = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""Names of types in SQL, where BigQuery's API has others."""
_TABLES: Final = (
    "table_catalog table_schema table_name table_type managed_table_type is_insertable_into"
    " is_fine_grained_mutations_enabled is_typed base_table_catalog base_table_schema"
    " base_table_name ddl default_collation_name"
)
_COLUMNS: Final = (
    "table_catalog table_schema table_name column_name is_nullable data_type is_generated"
    " generation_expression is_stored is_hidden is_updatable is_system_defined"
    " is_partitioning_column collation_name column_default rounding_mode"
)
_INFORMATION_SCHEMA: Final = {
    "INFORMATION_SCHEMA.TABLES": dict.fromkeys(_TABLES.split(), "STRING")
    | {"creation_time": "TIMESTAMP", "snapshot_time_ms": "TIMESTAMP"},
    "INFORMATION_SCHEMA.COLUMNS": dict.fromkeys(_COLUMNS.split(), "STRING")
    | {"ordinal_position": "INT64", "clustering_ordinal_position": "INT64"},
}
"""Views of BigQuery with their columns, as it documents them."""
_PASSED_ON: Final = (
    "Table not found: ",  # the emulator says so, too
    "Column already exists: ",  # dlt adds a column again, because the emulator did not describe it
)
"""Reasons for which a statement is not refused here."""
_MISREAD: Final = re.compile(r"\|>|\bAS\s+(STRING|BYTES|(BIG)?NUMERIC)\s*\(", re.IGNORECASE)
"""Pipe syntax, and a cast to a type with parameters. sqlglot, by which the emulator translates,
runs a WHERE after a LIMIT before it, and loses the parameters."""
_CHANGES_TABLES: Final = re.compile(r"\b(CREATE|ALTER|DROP)\s", re.IGNORECASE)


class Observer:
    """Sees the requests to a local BigQuery, and refuses what BigQuery would refuse.

    `analyzer` is the port of the analyzer.
    """

    def __init__(self, analyzer: int) -> None:
        self.refused: list[str] = []
        """Why statements were refused, since a test last looked."""
        self.waits = False
        """Whether new statements wait until the analyzer has started."""
        self._analyzer = analyzer
        self._pending: list[tuple[Any, ...]] = []
        """Statements, with tables and parameters, that were passed on without a verdict."""
        self._known: dict[str, dict[str, Any]] = {}
        """What statements resolved to, by their shape: to look up the columns again takes long."""
        self._datasets: set[str] = set()
        self._columns: dict[tuple[int, str, str], dict[str, str]] = {}
        """The columns of tables by the emulator's port, dataset and name."""
        self._views: dict[tuple[int, str, str], dict[str, str]] = {}
        """The columns of views, as their definitions resolve."""

    def start(self) -> None:
        """Wait until the analyzer has started, if the program's own statements may be new to it."""
        sources = sorted(
            path for kind in ("py", "sql") for path in (ROOT / "scanner_sync").rglob(f"*.{kind}")
        )
        digest = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
        self.resolve(f"SELECT 1 AS of_{digest}", {}, [], waits=True)

    def settle(self) -> None:
        """Wait for the verdicts on what was passed on without one."""
        while self._pending:
            found = self.resolve(*self._pending.pop(), waits=True)
            if not found.get("refused", _PASSED_ON[0]).startswith(_PASSED_ON):
                self.refused.append(found["refused"])

    def refuse(self, port: int, method: str, path: str, body: bytes) -> str | None:
        """Return why BigQuery would refuse a request, which has not been passed on yet."""
        request = _json(body)
        self._datasets.update(re.findall(r"/datasets/(\w+)", path))
        if "datasetReference" in request:
            self._datasets.add(request["datasetReference"]["datasetId"])
        query = _query(request)
        if method == "GET" or not query:
            return None
        refused: str | None
        if misread := _MISREAD.search(query["query"]):
            refused = f"The emulator misreads {misread[0]}, in: {query['query']}"
        else:
            refused = self._analyze(
                port,
                path,
                query,
                waits=self.waits or "view" in request,  # its columns are needed
            ).get("refused")
        if refused is None or refused.startswith(_PASSED_ON):
            return None
        self.refused.append(refused)
        return refused

    def note(self, port: int, method: str, path: str, body: bytes, status: int) -> None:
        """Note what a request has changed, before it is answered with `status`."""
        request = _json(body)
        query = _query(request)
        changed: set[tuple[str, str | None]] = set()
        if method != "GET" and (found := re.search(r"/datasets/(\w+)(?:/tables/?(\w+)?)?", path)):
            created = request.get("tableReference", {}).get("tableId")
            changed.add((found[1], found[2] or created))
        if query and _CHANGES_TABLES.search(query["query"]):
            changed.update(canonical(query["query"], self._datasets)[1].values())
        for known in (self._columns, self._views):
            for key in list(known):
                if (key[1], key[2]) in changed or (key[1], None) in changed:
                    known.pop(key, None)
        if "view" in request and status == 200:
            [(dataset, name)] = changed
            assert name
            if columns := self._analyze(port, path, request["view"], waits=True).get("columns"):
                self._views[port, dataset, name] = columns

    def _analyze(
        self, port: int, path: str, query: Mapping[str, Any], *, waits: bool
    ) -> dict[str, Any]:
        """Return why a script is refused, or the columns of its last query."""
        found: dict[str, Any] = {}
        for statement in statements_of(query["query"]):
            found |= self._analyze_statement(port, path, query, statement, waits)
            if not found.get("refused", _PASSED_ON[0]).startswith(_PASSED_ON):
                break
        return found

    def _analyze_statement(
        self, port: int, path: str, query: Mapping[str, Any], statement: str, waits: bool
    ) -> dict[str, Any]:
        sql, names = canonical(statement, self._datasets)
        shape = shape_of(sql)
        if shape in self._known:
            return self._known[shape]
        project = path.partition("/projects/")[2].partition("/")[0]
        tables = {name: self._columns_of(port, project, *table) for name, table in names.items()}
        parameters = query.get("queryParameters", [])
        types = [_parameter_type(parameter["parameterType"]) for parameter in parameters]
        named = [parameter["name"] for parameter in parameters if "name" in parameter]
        asked = (
            sql,
            {name: columns for name, columns in tables.items() if columns},
            dict(zip(named, types, strict=True)) if named else types,
        )
        found = self.resolve(*asked, waits=waits)
        if found.pop("pending", False):
            self._pending.append(asked)
        elif "refused" not in found:
            self._known[shape] = found
        return found

    def _columns_of(self, port: int, project: str, dataset: str, table: str) -> dict[str, str]:
        """Return the columns of a table or view, and none if there is no such table."""
        key = (port, dataset, table)
        if table in _INFORMATION_SCHEMA:
            return _INFORMATION_SCHEMA[table]
        if key in self._views:
            return self._views[key]
        if key not in self._columns:
            # The emulator describes a table as it was before its columns changed, except here.
            sql = f"SELECT * FROM `{project}.{dataset}.{table}` LIMIT 0"
            query = {"query": sql, "useLegacySql": False}
            answer = _post(port, f"/bigquery/v2/projects/{project}/queries", query)
            if "schema" not in answer:
                return {}
            self._columns[key] = {
                field["name"]: _type(field) for field in answer["schema"]["fields"]
            }
        return self._columns[key]

    def resolve(
        self,
        sql: str,
        tables: Mapping[str, Mapping[str, str]],
        parameters: Mapping[str, str] | Sequence[str],
        *,
        waits: bool,
    ) -> dict[str, Any]:
        """Return why a script is `refused`, or the `columns` of its last query.

        It has tables by their names in `tables`, in one pair of backticks each. It is `pending` if
        the analyzer has not started, unless this `waits` for that.
        """
        body = {"sql": sql, "tables": tables, "parameters": parameters, "waits": waits}
        return _post(self._analyzer, "/", body)


def declared() -> dict[str, dict[str, str]]:
    """Return the columns of the program's tables and views as it declares them, in a dataset `d1`.

    dlt declares its table of loads.
    """
    loads: dict[str, Any] = {name: of["data_type"] for name, of in loads_table()["columns"].items()}
    tables = {
        **{name: table.columns | DLT_COLUMNS for name, table in TABLES.items()},
        **{name: columns_of(name) for name in HISTORIES},
        **{READS: READS_TABLE.columns, SLA: SLA_TABLE.columns},
        **{INTELLIGENCE: INTELLIGENCE_TABLE.columns},
        **{name: table.columns for name, table in (CONCLUSIONS | VIEW_TABLES).items()},
    }
    types = {
        name: {key: of.type for key, of in columns.items()} for name, columns in tables.items()
    }
    return {
        f"d1.{table}": {column: BIGQUERY_TYPES[of] for column, of in columns.items()}
        for table, columns in {**types, "_dlt_loads": loads}.items()
    }


def canonical(sql: str, datasets: Container[str]) -> tuple[str, dict[str, tuple[str, str]]]:
    """Return a script with new names for its tables, and the dataset and table of each name.

    The script has a table as `dataset.table`, and may add a project, and backticks around each part
    or the whole. A new name, in one pair of backticks, is `d1.table` in the first dataset and so
    on. Tests have datasets of their own, but a statement is analyzed once for all of them.
    """
    aliases: dict[str, str] = {}
    names: dict[str, tuple[str, str]] = {}

    def rename(found: re.Match[str]) -> str:
        parts = found[0].replace("`", "").split(".")
        while len(parts) > 1 and parts[0] not in datasets:
            parts.pop(0)
        if len(parts) == 1:
            return found[0]
        dataset, table = parts[0], ".".join(parts[1:])
        name = f"{aliases.setdefault(dataset, f'd{len(aliases) + 1}')}.{table}"
        names[name] = (dataset, table)
        return f"`{name}`"

    return re.sub(r"`?[\w-]+`?(\.`?[\w-]+`?)+", rename, sql), names


def statements_of(sql: str) -> list[str]:
    """Return the statements of a script, or the script if it has variables or conditions.

    dlt sends statements for several tables together, in no certain order.
    """
    statements = parts_of(sql)
    is_script = any(re.match(r"\s*(DECLARE|IF|BEGIN)\b", statement) for statement in statements)
    return [sql] if is_script else statements


def parts_of(script: str) -> list[str]:
    """Return what is between the semicolons of a script."""
    parts = re.findall(r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|--.*|[^;])+", script)
    return [part for part in parts if part.strip()]


def shape_of(sql: str) -> str:
    """Return a statement without its values. They do not matter to the analyzer."""
    shape = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "''", sql)
    return re.sub(r"\b\d+", "0", shape)


def _json(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a request, empty if it has another body."""
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _query(request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the part of a request that has SQL in its field `query`."""
    if "view" in request:
        return dict(request["view"])
    query = request.get("configuration", {}).get("query") or request
    return dict(query) if isinstance(query.get("query"), str) else None


def _type(field: dict[str, Any]) -> str:
    name = _TYPES.get(field["type"], field["type"])
    return f"ARRAY<{name}>" if field.get("mode") == "REPEATED" else name


def _parameter_type(of: dict[str, Any]) -> str:
    return f"ARRAY<{of['arrayType']['type']}>" if "arrayType" in of else str(of["type"])


def _post(port: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", port)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body).encode(), headers)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def serve(folder: Path) -> int:
    """Serve the analyzer from this process until it ends. Returns the port.

    The analyzer starts with the first statement whose verdict is not in `folder`.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    server.folder = folder
    threading.Thread(target=server.serve_forever, name="analyzer", daemon=True).start()
    return server.server_port


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # all workers of pytest may wait while the analyzer starts
    folder: Path
    """A file for each verdict."""
    analyzer = version("zetasql") + Path(__file__).with_name("analyzer.py").read_text()
    """What a verdict depends on besides the statement and its tables."""
    analyzing = threading.Lock()
    """Held while the analyzer starts or analyzes, as it has one thread."""
    has_started = False


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            verdict = self.verdict(**json.loads(body))
        except Exception as fault:  # it is to fail the test that sent the statement
            verdict = json.dumps({"refused": f"The analyzer failed: {fault!r}"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(verdict.encode())

    def verdict(
        self,
        sql: str,
        tables: dict[str, dict[str, str]],
        parameters: dict[str, str] | list[str],
        waits: bool,
    ) -> str:
        """Return what is kept of the same statement, or ask the analyzer and keep its answer."""
        # A refusal may be due to a value, and is kept for this one alone.
        refused, taken = (self.file_of([each, tables, parameters]) for each in (sql, shape_of(sql)))
        for kept in (refused, taken):
            if kept.exists():
                return kept.read_text()
        if not waits and not self.server.has_started:
            return json.dumps({"pending": True})
        with self.server.analyzing:
            from tests.support.analyzer import Refused, resolve

            try:
                found: dict[str, Any] = {"columns": resolve(sql, tables, parameters)}
            except Refused as error:
                found = {"refused": str(error)}
            self.server.has_started = True
        kept = refused if "refused" in found else taken
        # Another run of the tests may write the same file at the same time.
        new = kept.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        new.write_text(json.dumps(found))
        new.rename(kept)
        return json.dumps(found)

    def file_of(self, asked: list[Any]) -> Path:
        """Return the file for the verdict on a statement or a shape, with tables and parameters."""
        key = sha256(json.dumps([self.server.analyzer, *asked]).encode()).hexdigest()
        return self.server.folder / f"{key}.json"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""
