"""A local BigQuery: bqemulator, behind a proxy that works around some of its bugs.

Where its values are not BigQuery's, `local/emulator.py` has them computed otherwise, or the proxy
says so on standard error. A load job takes no bad records, whatever `maxBadRecords` says.

The bugs that the proxy works around:

- It answers 200 to a query that failed, where BigQuery answers 400.
- It answers a query whose result has a NULL in an array or a sum beyond INT64, where BigQuery
  stops. Only results are looked at, and not what a statement writes.
- It accepts one ADD COLUMN or RENAME COLUMN in a statement, where BigQuery accepts several.
- It fails to answer a CREATE TABLE in which a column has options, which the proxy puts into
  comments.
- It describes a table as it was before the columns changed. dlt adds such a column once more, which
  is ignored here, and a renamed column is described by its new name.
- It describes a column that an update of the table adds, but does not add it.
- It ignores If-Match, so it changes a table that has changed since the caller read it.
- It describes a view without its query and its columns, and a table without its keys. When a table
  was last changed, it says as of its description, and not of its rows.
- It takes seconds to create our views. The proxy creates them when a query first names one.
- It gives the job of an upload another id than its caller, who cannot find the job then.
- It takes WRITE_TRUNCATE_DATA for WRITE_APPEND. WRITE_TRUNCATE is the same there.
- It takes no query parameters in a script that declares variables. The proxy puts their values,
  which are strings, into the script.
- It takes no `SELECT AS STRUCT` in a SET of several variables. The proxy leaves out `AS STRUCT`.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import datetime
from hashlib import sha256
from http.client import HTTPConnection, HTTPMessage
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, Protocol

from local.processes import ROOT, NotStarted, answering, serving

Fault = Callable[[str, str, bytes], tuple[int, bytes] | None]
"""Returns the response to a method, path and body, or None to ask the emulator."""


class Observer(Protocol):
    """Sees each request to the local BigQuery."""

    def refuse(self, port: int, method: str, path: str, body: bytes) -> str | None:
        """Return why a request to the emulator at `port` is refused, or None to pass it on."""

    def note(self, port: int, method: str, path: str, body: bytes, status: int) -> None:
        """Note that a request was passed on, before its caller gets the answer."""


observer: Observer | None = None
"""Set by the tests, which hold each statement to BigQuery's own analyzer."""

_view_queries: dict[tuple[int, str], str] = {}
"""The queries of the views, by the emulator's port and the view's id."""
_view_schemas: dict[str, object] = {}
"""The columns of the views, by their queries, in which `{d}` is the dataset of the view."""

_asked_ids: dict[str, str] = {}
"""The ids that the callers gave the jobs of their uploads, by the id of the upload."""
_given_ids: dict[str, str] = {}
"""The ids that the emulator gave these jobs, by the ids that the callers gave them."""

_keys: dict[tuple[int, str], object] = {}
"""The keys that were declared of tables, by the emulator's port and the table's id."""

_destinations: dict[str, str] = {}
"""The tables that uploads go to, as `DATASET.TABLE`, by the id of the upload."""
_changed: dict[tuple[int, str], int] = {}
"""When tables were last changed, in milliseconds since 1970, by port and `DATASET.TABLE`."""
_SET: Final = re.compile(r"(SET \([^()]*\) = \(SELECT) AS STRUCT\b")
"""A statement that sets several variables from a STRUCT."""
_CHANGE: Final = re.compile(
    r"\b(?:INSERT\s+(?:INTO\s+)?|UPDATE\s+|DELETE\s+FROM\s+|MERGE\s+(?:INTO\s+)?|TRUNCATE\s+TABLE\s+)"
    r"((?:`[^`]+`|[\w-]+)(?:\.(?:`[^`]+`|[\w-]+))*)"
)
"""A statement that changes the rows of a table, and the table's name."""

_waiting: dict[tuple[int, str], dict[str, str]] = {}
"""The queries of the views that the emulator does not have yet, by its port and the path of the
dataset's tables, and by the view's name."""
_creating = threading.RLock()
"""Held while views are created."""
_clock: datetime | None = None
"""What time it is in queries; None for the emulator's clock."""

_DIFFERS: Final = {
    "FORMAT": "separates thousands for %' by an apostrophe, BigQuery by a comma",
    **dict.fromkeys(
        ("FORMAT_DATE", "FORMAT_DATETIME", "FORMAT_TIMESTAMP"),
        "has no space before a day of one digit for %e",
    ),
    "INSTR": "finds nothing from the end, where BigQuery takes a negative position",
    "LAST_DAY": "takes WEEK(MONDAY) as a month",
    "SAFE_CAST": "takes text that BigQuery does not, such as 'yes' as a BOOL, '1.5' and '1_000' as"
    " an INT64",
    "SUBSTR": "takes position 0 as the place before the first character; BigQuery as the first",
    "UNIX_MILLIS": "rounds up before 1970, BigQuery down",
}
"""Functions with other values than in BigQuery, without an error, and what they do."""
_said: set[str] = set()
"""The functions of which that was said."""

_LONG_NUMBER: Final = re.compile(rb'"-?\d{19,}"')
"""A number in a result that may be beyond INT64."""
_COLUMN_OPTIONS: Final = re.compile(
    r" OPTIONS \((?:[^()'\"]|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")*\)"
)


@contextmanager
def bigquery() -> Iterator[str]:
    """Run an empty local BigQuery; yields its base URL, for BIGQUERY_EMULATOR_HOST."""
    with emulator() as port, proxy(port) as url:
        yield url


@contextmanager
def emulator() -> Iterator[int]:
    """Run the emulator without the proxy; yields its port. Raises `NotStarted`."""
    python = ROOT / ".venv-bigquery/bin/python"
    if not python.exists():
        raise NotStarted("The local BigQuery needs .venv-bigquery, which `make demo` makes.")
    command = [
        str(python),
        str(ROOT / "local/emulator.py"),
        *("start", "--rest-port", "0", "--grpc-port", "0", "--log-format", "json"),
    ]
    # Its environment keeps the bytecode of what it imports, a fifth of what is installed.
    compiling = {"PYTHONDONTWRITEBYTECODE": ""}
    with serving(command, compiling, r'"port": (\d+), "event": "rest.listen"') as port:
        yield int(port)


@contextmanager
def proxy(port: int, fault: Fault = lambda method, path, body: None) -> Iterator[str]:
    """Run the proxy in front of the emulator at `port`; yields its base URL."""
    with answering(_proxy(port, fault)) as url:
        yield url


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Let it be this instant in the queries and views that pass a proxy of this process."""
    before = _clock
    _set_clock(instant)
    try:
        yield
    finally:
        _set_clock(before)


def _set_clock(instant: datetime | None) -> None:
    global _clock  # noqa: PLW0603 - there is one time, as there is one observer
    _clock = instant
    # The emulator has the views as of the time before.
    with _creating:
        for (port, name), query in _view_queries.items():
            if "CURRENT_" in query:
                project, _, rest = name.partition(":")
                dataset, _, view = rest.partition(".")
                tables = f"/bigquery/v2/projects/{project}/datasets/{dataset}/tables"
                _waiting.setdefault((port, tables), {})[view] = query


def _on_time(sql: str) -> str:
    """Return SQL, or a request that holds it, with the time that it is."""
    if _clock is None:
        return sql
    sql = sql.replace("CURRENT_TIMESTAMP()", f"TIMESTAMP '{_clock.isoformat(' ')}'")
    return sql.replace("CURRENT_DATE()", f"DATE '{_clock.date()}'")


def _say_what_differs(request: str) -> None:
    names = {name.upper() for name in re.findall(r"\b(\w+)\(", request.replace("\\n", " "))}
    for name in sorted(names & _DIFFERS.keys() - _said):
        _said.add(name)
        print(f"The local BigQuery differs: {name} {_DIFFERS[name]}.", file=sys.stderr)


def _proxy(port: int, fault: Fault) -> type[BaseHTTPRequestHandler]:
    changing = threading.Lock()

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The head and the body of a response are two writes; the second one would be delayed.
        disable_nagle_algorithm = True

        def receive(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received = (port, self.command, self.path, body)
            if observer and (reason := observer.refuse(*received)):
                self.answer(400, {}, error_of(400, reason, "invalidQuery"))
                return
            if self.command == "POST" and self.path.startswith("/upload/"):
                body = body.replace(b'"WRITE_TRUNCATE_DATA"', b'"WRITE_TRUNCATE"', 1)
            began = time.time_ns()
            status, headers, answer = self.pass_on(body)
            if status == 200:
                self.note_changes(body, began)
                if "/queries" in self.path:
                    status, answer = _refuse_what_cannot_be(answer)
            if observer:
                observer.note(*received, status)
            self.answer(status, headers, answer)

        def pass_on(self, body: bytes) -> tuple[int, Mapping[str, str] | HTTPMessage, bytes]:
            is_query = self.command == "POST" and self.path.split("?")[0].endswith("/queries")
            if b'"parameterMode":"NAMED"' in body.replace(b" ", b""):
                body = _put_parameters_into_query(body)
            if is_query:
                body = _simplify(body)
            if self.command == "POST" and b'"query":' in body and b'"view"' not in body:
                body = _SET.sub(r"\1", _on_time(body.decode())).encode()
                _say_what_differs(body.decode())
                self.create_views(body)
            if faulty := fault(self.command, self.path, body):
                return faulty[0], {"Content-Type": "application/json"}, faulty[1]
            with changing if "If-Match" in self.headers else nullcontext():
                if "If-Match" in self.headers and self.is_outdated():
                    return 412, {}, error_of(412, "Precondition failed")
                status, headers, answer = self.ask_emulator(self.command, self.without_view(body))
            if "upload_id=" in (headers.get("Location") or self.path) and status == 200:
                answer = self.with_asked_id(body, headers, answer)
            if is_query:
                status, answer = _refuse_what_failed(status, answer)
                if status == 200:
                    self.describe_renamed_columns(json.loads(body)["query"])
            elif self.command == "PATCH" and b'"schema"' in body and status == 200:
                self.add_columns(json.loads(answer))
            elif b'"view"' in body and status == 200:
                _view_queries[port, json.loads(answer)["id"]] = json.loads(body)["view"]["query"]
                answer = self.with_query_of_view(answer)
            elif self.command == "GET" and b'"type":"VIEW"' in answer:
                answer = self.with_query_of_view(answer)
            elif status == 200:
                answer = self.with_keys_and_time(body, answer)
            return status, headers, answer

        def with_asked_id(self, body: bytes, headers: HTTPMessage, answer: bytes) -> bytes:
            """Give the job of an upload the id that its caller gave it, when it began."""
            [upload] = re.findall(r"upload_id=(\w+)", headers.get("Location") or self.path)
            if self.command == "POST":
                job = json.loads(body)
                _asked_ids[upload] = job["jobReference"]["jobId"]
                table = job["configuration"]["load"]["destinationTable"]
                _destinations[upload] = f"{table['datasetId']}.{table['tableId']}"
                return answer
            asked, given = _asked_ids[upload], json.loads(answer)["jobReference"]["jobId"]
            _given_ids[asked] = given
            _changed[port, _destinations[upload]] = time.time_ns() // 1_000_000
            return answer.replace(given.encode(), asked.encode())

        def note_changes(self, body: bytes, began: int) -> None:
            """Note which tables a query changes: a script does before its last statement."""
            if self.command != "POST" or b'"query":' not in body or b'"view"' in body:
                return
            request = json.loads(body)
            query = request["query"] if "query" in request else request["configuration"]["query"]
            sql = query if isinstance(query, str) else query.get("query", "")
            changed = (began if ";" in sql else time.time_ns()) // 1_000_000
            for name in _CHANGE.findall(sql):
                table = ".".join(name.replace("`", "").split(".")[-2:])
                _changed[port, table] = changed

        def describe_renamed_columns(self, sql: str) -> None:
            renamed = re.findall(r"ALTER TABLE `(.+?)` RENAME COLUMN (\w+) TO (\w+)", sql)
            for table, old, new in renamed:
                project, dataset, name = table.split(".")
                path = f"/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{name}"
                _, _, answer = self.ask_emulator("GET", b"", path)
                schema = json.loads(answer)["schema"]
                for field in schema["fields"]:
                    field["name"] = new if field["name"] == old else field["name"]
                self.ask_emulator("PATCH", json.dumps({"schema": schema}).encode(), path)

        def without_view(self, body: bytes) -> bytes:
            """Keep the query of a view for later, and let the emulator have a small one."""
            if self.command not in ("POST", "PATCH", "PUT") or b'"view"' not in body:
                return body
            request = json.loads(body)
            path = self.path.split("?")[0]
            tables, _, name = path.partition("/tables")
            name = name.strip("/") or request["tableReference"]["tableId"]
            with _creating:
                _waiting.setdefault((port, f"{tables}/tables"), {})[name] = request["view"]["query"]
            request["view"] = request["view"] | {"query": "SELECT 1 AS nothing"}
            return json.dumps(request).encode()

        def create_views(self, body: bytes) -> None:
            """Create the views that a query names, and before each those that it reads."""
            with _creating:
                for (of, tables), views in list(_waiting.items()):
                    if of != port or tables.split("/")[-2].encode() not in body:
                        continue
                    for name in [name for name in views if f".{name}".encode() in body]:
                        if (query := views.pop(name, None)) is None:
                            continue  # created because another view reads it
                        self.create_views(query.encode())
                        view = {"view": {"query": _on_time(query), "useLegacySql": False}}
                        self.ask_emulator("PATCH", json.dumps(view).encode(), f"{tables}/{name}")

        def add_columns(self, table: dict[str, Any]) -> None:
            named = table["tableReference"]
            project = named["projectId"]
            name = f"{project}.{named['datasetId']}.{named['tableId']}"
            sql = ";\n".join(
                f"ALTER TABLE `{name}` ADD COLUMN IF NOT EXISTS {field['name']} {field['type']}"
                for field in table["schema"]["fields"]
            )
            query = json.dumps({"query": sql, "useLegacySql": False}).encode()
            self.ask_emulator("POST", query, f"/bigquery/v2/projects/{project}/queries")

        def is_outdated(self) -> bool:
            _, _, answer = self.ask_emulator("GET", b"")
            etag = json.loads(self.with_query_of_view(answer)).get("etag")
            return bool(etag != self.headers["If-Match"])

        def with_query_of_view(self, answer: bytes) -> bytes:
            view = json.loads(answer)
            query = _view_queries.get((port, view.get("id", "")))
            if not query:
                return answer
            # Of what its maker sees: the emulator's changes when the proxy creates the view.
            etag = sha256(json.dumps([query, view.get("labels")]).encode()).hexdigest()
            schema = self.schema_of_view(view["id"], query)
            described = {"view": {"query": query}, "etag": etag, "schema": schema}
            return json.dumps(view | described).encode()

        def with_keys_and_time(self, body: bytes, answer: bytes) -> bytes:
            """Note the keys of a table, or describe it with them and when its rows changed."""
            if self.command == "PATCH" and b'"tableConstraints"' in body:
                _keys[port, json.loads(answer)["id"]] = json.loads(body)["tableConstraints"]
            elif self.command == "GET" and b'"type":"TABLE"' in answer:
                table = json.loads(answer)
                named = table.get("tableReference", {"datasetId": "", "tableId": ""})  # or a list
                if keys := _keys.get((port, table.get("id", ""))):
                    table = {"tableConstraints": keys} | table
                if changed := _changed.get((port, f"{named['datasetId']}.{named['tableId']}")):
                    table["lastModifiedTime"] = str(max(changed, int(table["lastModifiedTime"])))
                return json.dumps(table).encode()
            return answer

        def schema_of_view(self, name: str, query: str) -> object:
            full_name = name.replace(":", ".", 1)
            project, dataset, _ = full_name.split(".")
            key = query.replace(f"{project}.{dataset}.", "{d}.")
            if f"`{project}." in key:
                return None  # of a view on other datasets; nothing needs it, and it takes seconds
            if key not in _view_schemas:  # to ask takes long, and most views are the same
                sql = f"SELECT * FROM `{full_name}` LIMIT 0"
                body = json.dumps({"query": sql, "useLegacySql": False}).encode()
                path = f"/bigquery/v2/projects/{project}/queries"
                self.create_views(body)
                _, _, answer = self.ask_emulator("POST", body, path)
                _view_schemas[key] = json.loads(answer).get("schema")
            return _view_schemas[key]

        def answer(
            self, status: int, headers: Mapping[str, str] | HTTPMessage, answer: bytes
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def ask_emulator(
            self, method: str, body: bytes, path: str | None = None
        ) -> tuple[int, HTTPMessage, bytes]:
            connection = HTTPConnection("127.0.0.1", port)
            path = path or self.path
            [asked] = re.findall(r"/jobs/([\w-]+)", path) or [""]
            given = _given_ids.get(asked, asked)
            try:
                # With the Host of this proxy, so that uploads continue through it.
                headers = dict(self.headers) | {"Content-Length": str(len(body))}
                connection.request(method, path.replace(asked, given), body, headers)
                response = connection.getresponse()
                answer = response.read().replace(given.encode(), asked.encode())
                return response.status, response.headers, answer
            finally:
                connection.close()

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing, because the emulator logs each request."""

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = receive  # noqa: N815 - http.server's names

    return Proxy


def _simplify(body: bytes) -> bytes:
    request = json.loads(body)

    def split(alter: re.Match[str]) -> str:
        one_by_one = re.sub(r",\s*(?=(ADD|RENAME) COLUMN)", f";\n{alter[1]}", alter[0])
        return one_by_one.replace("ADD COLUMN", "ADD COLUMN IF NOT EXISTS")

    if request["query"].startswith("CREATE TABLE"):
        request["query"] = _COLUMN_OPTIONS.sub(r" /* \g<0> */", request["query"])
    request["query"] = re.sub(
        r"(ALTER TABLE \S+\s+)(?:ADD|RENAME) COLUMN[^;]*", split, request["query"]
    )
    return json.dumps(request).encode()


def _put_parameters_into_query(body: bytes) -> bytes:
    request = json.loads(body)
    query = request.get("configuration", {}).get("query") or request
    if not query["query"].startswith("DECLARE "):
        return body
    for parameter in query.pop("queryParameters"):
        value = json.dumps(parameter["parameterValue"]["value"])
        query["query"] = query["query"].replace(f"@{parameter['name']}", value)
    return json.dumps(request).encode()


def _refuse_what_failed(status: int, answer: bytes) -> tuple[int, bytes]:
    errors = json.loads(answer).get("errors")
    if status != 200 or not errors:
        return status, answer
    return 400, error_of(400, errors[0]["message"], errors[0]["reason"])


def _refuse_what_cannot_be(answer: bytes) -> tuple[int, bytes]:
    """Replace a result that BigQuery would not give by its error."""
    if b"REPEATED" not in answer and not _LONG_NUMBER.search(answer):
        return 200, answer
    result = json.loads(answer)
    for row in result.get("rows", []):
        if message := _impossible(result["schema"]["fields"], row):
            return 400, error_of(400, message, "invalidQuery")
    return 200, answer


def _impossible(fields: list[dict[str, Any]], row: dict[str, Any]) -> str | None:
    """Return why BigQuery would stop at a row, or None."""
    for field, cell in zip(fields, row["f"], strict=True):
        is_array = field.get("mode") == "REPEATED"
        for value in [one["v"] for one in cell["v"] or []] if is_array else [cell["v"]]:
            if value is None and is_array:
                return f"Array cannot have a null element; error in writing field {field['name']}"
            is_long = field["type"] == "INTEGER" and len(str(value)) >= 19
            if is_long and not -(2**63) <= int(value) < 2**63:
                return f"int64 overflow in field {field['name']}"
            if field["type"] == "RECORD" and value and (why := _impossible(field["fields"], value)):
                return why
    return None


def error_of(status: int, message: str, reason: str = "") -> bytes:
    """Return the body of an error in BigQuery's form."""
    errors = [{"reason": reason, "message": message}]
    return json.dumps({"error": {"code": status, "message": message, "errors": errors}}).encode()
