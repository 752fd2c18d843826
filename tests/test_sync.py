"""Whole syncs, through functions-framework, into a local BigQuery."""

import datetime
import json
from collections import Counter
from pathlib import Path
from typing import Any

import flask.testing
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp

from local.bigquery import proxy
from local.secret_manager import SecretManager, Version
from sample_api import Account, create_app, generate
from sample_api import serve as serve_api
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.tables import TABLES
from tests.conftest import FOUR, PROJECT, SECRET, TOKEN, Dataset, Vanishing, asked
from tests.source.faults import Faults
from tests.support.rows import all_rows, expected_rows

COLUMN_TYPES = {
    "bigint": "INTEGER",
    "text": "STRING",
    "text|bigint": "STRING",
    "bool": "BOOLEAN",
    "double": "FLOAT",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "array": "JSON",
    "object": "JSON",
    "any": "JSON",
}


@pytest.fixture
def account(request: pytest.FixtureRequest) -> Account:
    """A generated account of 20 issues, or what the test's parameter says."""
    return getattr(request, "param", None) or generate(seed=3, issues=20)


def test_a_sync_loads_all_rows(
    api: Starlette,
    api_url: str,
    account: Account,
    secret_manager: SecretManager,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    tmp_path: Path,
) -> None:
    """Each table holds what the API holds, the answer says so, and no files are left."""
    answer = http.post("/", json={})
    rows = expected_rows(account, api_url)
    body = answer.get_json()
    assert answer.status_code == 200, body
    assert all_rows(dataset) == rows
    assert dataset.tables() == set(TABLES)
    listed = {
        str(declaration.path): len(rows[table])
        for table, declaration in TABLES.items()
        if declaration.path
    } | {f"issues/{issue}/occurrences/": len(of) for issue, of in account.occurrences.items()}
    # Each page but the first overlaps the one before by a row.
    pages = {path: max(1, -(-(count - 1) // 99)) for path, count in listed.items()}
    pages["targets/"] += 2  # for those that were scanned lately, of which there are none
    assert asked(api) == pages
    [load] = dataset.query("SELECT load_id, status FROM {d}._dlt_loads")
    [read_at] = {
        row["read_at"] for row in dataset.query("SELECT read_at FROM {d}.occurrence_reads")
    }
    assert load["status"] == 0
    assert body == {
        "status": "ok",
        "archive": "a checkout",
        "load_id": load["load_id"],
        "dataset": dataset.name,
        "tables": {table: {"rows": len(rows[table])} for table in TABLES},
        "history": {
            table: {"opened": len(rows[table]), "closed": 0, "changed": 0}
            for table in ("issues", "occurrences_issues", "targets")
        },
        "refresh": {
            "issues_listed": len(account.issues),
            "issues_read": len(account.issues),
            "issues_skipped": 0,
            "issues_waiting": 0,
            "issues_failed": [],
            "oldest_read_at": read_at.isoformat(),
            "oldest_hours": 0.0,
            "full_read_at": body["refresh"]["full_read_at"],
        },
        "unavailable": [],
        "unchanged": [],
        "requests": sum(pages.values()),
        "seconds": body["seconds"],
    }
    assert body["seconds"] > 0
    assert secret_manager.accesses == [f"{SECRET}/versions/latest"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("api_url")
def test_a_second_sync_updates_in_place(
    account: Account,
    api_url: str,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same data changes nothing; changed rows are updated, new ones added, none removed.

    The fixed occurrences of the last week are read again, and loaded. Nothing else is,
    and one script updates the histories.
    """
    jobs: Counter[str] = Counter()

    def count(method: str, path: str, body: bytes) -> None:
        if method == "POST" and "/upload/" in path and b'"load"' in body:
            jobs["LOAD"] += 1
        elif method == "POST" and b'"query": "' in body:
            jobs[body.partition(b'"query": "')[2].split()[0].decode()] += 1

    def moment(row: dict[str, Any]) -> datetime.datetime:
        return datetime.datetime.fromisoformat(row["remediated_at"])

    assert http.post("/").status_code == 200
    before = all_rows(dataset)
    with proxy(emulator_port, count) as url, monkeypatch.context() as patch:
        patch.setenv("BIGQUERY_EMULATOR_HOST", url)
        assert http.post("/").status_code == 200
    assert jobs == {"LOAD": 1, "MERGE": 1, "DECLARE": 1}
    assert all_rows(dataset) == before == expected_rows(account, api_url)

    gone = account.issues.pop(3)
    gone_occurrences = account.occurrences.pop(gone["id"])
    account.issues[0] = account.issues[0] | {"severity": "new-severity", "title": None}
    account.targets.append({"id": 99_999, "address": "new.example.com"})
    answer = http.post("/")
    rows = expected_rows(account, api_url)
    newest = max(row["remediated_at"] for row in rows["fixed_occurrences"])
    week = [row for row in account.fixed if moment(row) >= newest - datetime.timedelta(days=7)]
    assert {t: n["rows"] for t, n in answer.get_json()["tables"].items()} == {
        table: len(rows[table]) for table in TABLES
    } | {"fixed_occurrences": len(week)}
    account.issues.append(gone)
    account.occurrences[gone["id"]] = gone_occurrences
    assert all_rows(dataset) == expected_rows(account, api_url)


@pytest.mark.parametrize("account", [Account()], indirect=True)
@pytest.mark.usefixtures("api_url")
def test_an_empty_account_has_its_tables(
    api: Starlette,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    account: Account,
    missing: dict[str, int],
) -> None:
    """If every listing is empty, all columns exist with their types, and later rows fit them.

    There is a row of licenses, unless the account's plan lacks that listing.
    """
    missing["/licenses/"] = 404
    answer = http.post("/")
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["tables"] == {table: {"rows": 0} for table in TABLES}
    assert asked(api) == {table.path: 1 for table in TABLES.values() if table.path}
    for table, declaration in TABLES.items():
        types = {
            name: COLUMN_TYPES[column.type]
            for name, column in (declaration.columns | DLT_COLUMNS).items()
        }
        assert dataset.columns(table) == types
        assert dataset.rows(table) == []
    account.issues = [{"id": 1}]
    account.occurrences = {1: [{"id": 1}]}
    account.scans = [{"id": 1}]
    account.targets = [{"id": 1}]
    account.fixed = [{"occurrence_id": 1, "remediated_at": "2026-01-01"}]
    account.schedules = [{"id": 1}]
    account.tags = [{"name": "pci"}]
    account.licenses = {}
    missing.clear()
    answer = http.post("/")
    assert answer.get_json()["tables"] == {table: {"rows": 1} for table in TABLES}
    keys: dict[str, dict[str, Any]] = {
        "occurrences_issues": {"issue_id": 1, "id": 1},
        "fixed_occurrences": {
            "occurrence_id": 1,
            "remediated_at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        },
        "tags": {"name": "pci"},
        "licenses": {},
    }
    rows = all_rows(dataset)
    for table, declaration in TABLES.items():
        row = dict.fromkeys(declaration.columns) | keys.get(table, {"id": 1})
        if table == "licenses":
            del row["recorded_on"]
        assert rows[table] == [row]
        assert set(dataset.columns(table)) == set(declaration.columns) | set(DLT_COLUMNS)


@pytest.mark.usefixtures("api_url")
def test_each_column_is_described(dataset: Dataset, http: flask.testing.FlaskClient) -> None:
    """BigQuery gets the description of every column when it creates the table."""
    assert http.post("/").status_code == 200
    jobs = dataset.client.list_jobs(max_results=1000)  # those of other tests, too
    queries = [getattr(job, "query", None) or "" for job in jobs]
    for table, declaration in TABLES.items():
        create = f"CREATE TABLE `{PROJECT}`.`{dataset.name}`.`{table}` ("
        [made] = [query.partition(create)[2] for query in queries if create in query]
        made, _, options = made.partition(");")
        lines = [line for line in made.splitlines() if line]
        assert [line.split("`")[1] for line in lines] == list(declaration.columns | DLT_COLUMNS)
        for line, column in zip(lines, (declaration.columns | DLT_COLUMNS).values(), strict=True):
            description = column.description.replace("'", r"\'")
            assert f"OPTIONS (description='{description}')" in line
        assert "CREATE" in options or not options.strip()


@pytest.mark.parametrize(
    ("resources", "loaded", "paths"),
    [
        (["targets", "targets"], {"targets"}, {"targets/"}),
        (["scans", "issues"], {"issues", "scans"}, {"issues/", "scans/"}),
        (
            ["occurrences_issues"],
            {"occurrences_issues"},
            {"issues/", "issues/1/occurrences/", "issues/2/occurrences/"},
        ),
    ],
)
@pytest.mark.parametrize(
    "account",
    [
        Account(
            issues=[{"id": 1}, {"id": 2}],
            occurrences={1: [{"id": 7}], 2: [{"id": 7}, {"id": 8}]},
            scans=[{"id": 3}],
            targets=[{"id": 4}],
        )
    ],
    indirect=True,
)
@pytest.mark.usefixtures("api_url")
def test_only_what_is_asked_for_is_read_and_loaded(
    api: Starlette,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    resources: list[str],
    loaded: set[str],
    paths: set[str],
) -> None:
    """Only their tables are created, and one that the views read; occurrences also read issues."""
    answer = http.post("/", json={"resources": resources})
    assert answer.status_code == 200, answer.get_json()
    assert set(answer.get_json()["tables"]) == loaded
    assert dataset.tables() == loaded | {"fixed_occurrences", "issues"}
    # Two more requests are for the targets that were scanned lately.
    assert asked(api) == {path: 3 if path == "targets/" else 1 for path in paths}


@pytest.mark.usefixtures("api_url")
@pytest.mark.parametrize("account", [Account()], indirect=True)
def test_a_new_field_becomes_a_column(
    dataset: Dataset, http: flask.testing.FlaskClient, account: Account
) -> None:
    """New fields become columns, nested ones JSON; there are no child tables and no variants."""
    account.targets = [{"id": 1, "tags": ["a", None]}]
    assert http.post("/", json={"resources": ["targets"]}).status_code == 200
    new = {"number": 7, "word": "2026-01-01T00:00:00Z", "list": [{"a": [1]}], "thing": {"b": {}}}
    account.targets = [{"id": 1, "tags": [], **new}, {"id": 2, "tags": None, "number": None}]
    answer = http.post("/", json={"resources": ["targets"]})
    assert answer.status_code == 200, answer.get_json()
    nothing = dict.fromkeys(TABLES["targets"].columns)
    assert dataset.rows("targets") == [
        nothing | {"id": 1, "tags": []} | new,
        nothing | {"id": 2} | dict.fromkeys(new),
    ]
    account.targets[0]["number"] = 7.5
    assert http.post("/", json={"resources": ["targets"]}).status_code == 200
    assert dataset.rows("targets")[0]["number"] == 7.5
    assert dataset.columns("targets") == {
        name: COLUMN_TYPES[column.type]
        for name, column in (TABLES["targets"].columns | DLT_COLUMNS).items()
    } | {"number": "FLOAT", "word": "STRING", "list": "JSON", "thing": "JSON"}
    assert dataset.tables() == {"targets", "fixed_occurrences", "issues"}


@pytest.mark.parametrize("account", [Account()], indirect=True)
@pytest.mark.usefixtures("api_url")
def test_a_column_that_changes_type_fails_the_load(
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    account: Account,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The error names table and column but no value, and no table changes."""
    account.issues = [{"id": 1, "title": "before", "new_column": 5}]
    account.occurrences = {1: []}
    assert http.post("/", json={"resources": FOUR}).status_code == 200
    before = {table: dataset.rows(table) for table in FOUR}
    account.targets = [{"id": 9}]
    for row, column in (
        ({"id": 1, "title": {"en": "marker-in-a-row"}}, "title"),
        ({"id": 1, "snoozed": "marker-in-a-row"}, "snoozed"),
        ({"id": "marker-in-a-row"}, "id"),
        ({"id": 1, "new_column": "marker-in-a-row"}, "new_column"),
    ):
        account.issues = [row]
        answer = http.post("/", json={"resources": FOUR})
        error = answer.get_json()["error"]
        assert (answer.status_code, error["type"]) == (502, "ApiError"), row
        assert f"Column {column} of issues" in error["message"]
        assert {table: dataset.rows(table) for table in FOUR} == before
        assert "marker-in-a-row" not in json.dumps(answer.get_json()) + "".join(capfd.readouterr())


TEXTS = [
    "",
    " leading and trailing ",
    "line\nbreak\ttab\r\x0b\x7f\x00\u0085\u2028",
    "quote \" backslash \\ apostrophe ' backtick `",
    "ünïcödé 日本 👩‍💻 a\u0300 \ufeff\uffff",
    "<script>alert(1)</script>",
    "NULL",
    "null",
    "1e400",
    "2026-01-01T00:00:00Z",
    "a \uf02612.5",
    "{}",
]


@pytest.mark.parametrize("account", [Account()], indirect=True)
@pytest.mark.usefixtures("api_url")
def test_any_text_and_number_arrives_unchanged(
    dataset: Dataset, http: flask.testing.FlaskClient, account: Account
) -> None:
    """Control characters, quotes, any script and the largest numbers, in text and in JSON.

    Null is SQL's, in JSON columns too.
    """
    numbers = [0, -1, 2**63 - 1, -(2**63), 1.5, 1e300]
    long = [-(2**63), -(2**53) - 1, 2**53 + 1, 2**63 - 1]
    account.targets = [
        {"id": n, "address": text, "tags": [text, None, *numbers], "new": text}
        for n, text in enumerate(TEXTS)
    ] + [{"id": number, "address": None, "tags": None, "new": None} for number in long]
    assert http.post("/", json={"resources": ["targets"]}).status_code == 200
    found = {row["id"]: row for row in dataset.rows("targets")}
    assert len(found) == len(account.targets)
    for row in account.targets:
        assert {name: found[row["id"]][name] for name in row} == row
    null = "SELECT id FROM {d}.targets WHERE address IS NULL AND tags IS NULL AND `new` IS NULL"
    assert [row["id"] for row in dataset.query(f"{null} ORDER BY id")] == long


@pytest.mark.usefixtures("api_url")
def test_a_dataset_in_another_location(
    dataset: Dataset, http: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names both locations."""
    assert http.post("/", json={"resources": ["scans"]}).status_code == 200
    monkeypatch.setenv("BIGQUERY_LOCATION", "EU")
    answer = http.post("/", json={"resources": ["scans"]})
    error = answer.get_json()["error"]
    assert (answer.status_code, error["type"]) == (500, "SettingsError")
    assert f"{dataset.name} is in US, but BIGQUERY_LOCATION is EU." in error["message"]


@pytest.mark.usefixtures("api_url")
def test_a_rotated_token_is_used_at_once(
    api: Starlette,
    secret_manager: SecretManager,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
) -> None:
    """The secret is read by each sync, so a new version is used at once."""
    secret_manager.secrets[SECRET] = [Version(b"an-old-token")]
    answer = http.post("/", json={"resources": ["scans"]})
    assert (answer.status_code, answer.get_json()["error"]["type"]) == (502, "ApiRefused")
    assert asked(api) == {"scans/": 1}
    secret_manager.secrets[SECRET].append(Version(TOKEN.encode() + b"\n"))
    assert http.post("/", json={"resources": ["scans"]}).status_code == 200
    assert dataset.tables() == {"scans", "fixed_occurrences", "issues"}


def test_a_token_of_another_account_is_refused(
    dataset: Dataset, http: flask.testing.FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another token is let in if the dataset knows a target that it lists, or if there are none."""
    ours = Account(targets=[{"id": 7, "address": "www.example.com"}, {"id": 8}])
    theirs = Account(targets=[{"id": 7, "address": "somebody-else.example.com"}])

    def sync(account: Account, token: str) -> tuple[int, Any]:
        monkeypatch.setenv("ACCESS_TOKEN", token)
        with serve_api(create_app(account, token=token)) as url:
            monkeypatch.setenv("API_BASE_URL", url)
            answer = http.post("/", json={"resources": ["targets"]})
        return answer.status_code, answer.get_json()

    assert sync(ours, "ours")[1]["requests"] == 3  # with two for what was scanned lately
    assert sync(theirs, "theirs") == (
        500,
        {
            "status": "error",
            "error": {
                "type": "SettingsError",
                "message": f"The token is new, and {dataset.name} knows none of the targets that it"
                " lists, so it seems to be for another account. Nothing was loaded. Set the token"
                " of the account that the dataset holds, or, if it is: bq update --clear_label"
                f" token_hash {PROJECT}:{dataset.name}._sync_lease",
            },
        },
    )
    assert [row["id"] for row in dataset.query("SELECT id FROM {d}.targets ORDER BY id")] == [7, 8]
    # A colleague's, for the same account; from then on it is known, and nothing more is asked.
    del ours.targets[0]
    assert [sync(ours, "a-colleagues")[1]["requests"] for _ in range(2)] == [2, 1]
    assert sync(Account(), "an-empty-ones")[0] == 200


@pytest.mark.parametrize(("id", "status"), [(7, 200), (70, 500)])
@pytest.mark.usefixtures("today")
def test_a_token_that_changes_during_a_sync(
    id: int,
    status: int,
    secret_manager: SecretManager,
    dataset: Dataset,
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If it is of another account from then on, the sync is refused before it loads anything."""
    tokens = secret_manager.secrets[SECRET] = [Version(b"old")]
    next_tokens: list[Version] = []
    renewed = create_app(Account(issues=[{"id": id}], targets=[{"id": id}]), token="new")

    def rotate(_: Request) -> ASGIApp | None:
        if tokens[-1].data == b"new":
            return renewed
        tokens.extend(next_tokens)
        return None

    app = create_app(Account(issues=[{"id": 7}], targets=[{"id": 7}]), token="old")
    front = Starlette(routes=[Mount("/", app)], middleware=[Middleware(Faults, rotate)])
    call = {"resources": ["issues", "targets"]}
    monkeypatch.setenv("MAX_CONCURRENT_REQUESTS", "1")
    with serve_api(front) as url:
        monkeypatch.setenv("API_BASE_URL", url)
        assert http.post("/", json=call).status_code == 200
        next_tokens.append(Version(b"new"))
        answer = http.post("/", json=call)
        assert answer.status_code == status
        if status == 200:
            assert http.post("/", json=call).get_json()["requests"] == 2  # it is known by now
        else:
            assert "it seems to be for another account" in answer.get_json()["error"]["message"]
    for table in call["resources"]:
        assert [row["id"] for row in dataset.rows(table)] == [7]


@pytest.mark.usefixtures("api_url", "dataset")
def test_nothing_secret_is_logged(
    http: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    account: Account,
) -> None:
    """Even at DEBUG, no log line holds the token or a row; each is a JSON object."""
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    account.issues[0]["title"] = "marker-in-a-row"
    del account.occurrences[account.issues[1]["id"]]
    account.occurrences = Vanishing(account)
    issues = len(account.issues)
    assert http.post("/").status_code == 200
    captured = capfd.readouterr()
    assert TOKEN not in captured.out + captured.err
    assert "marker-in-a-row" not in captured.out + captured.err
    entries = [json.loads(line) for line in captured.err.splitlines()]
    assert {"dlt", "scanner_sync"} <= {entry["logger"] for entry in entries}
    assert {"severity", "message", "logger"} <= set.intersection(*map(set, entries))
    assert [e["message"] for e in entries if e["message"].startswith("sync_")] == [
        "sync_started",
        "sync_finished",
    ]
    [finished] = [e for e in entries if e["message"] == "sync_finished"]
    assert finished["vanished"] == 1
    synced = {e["table"]: e["rows"] for e in entries if e["message"] == "table_synced"}
    assert synced.keys() == TABLES.keys()
    assert synced["issues"] == issues
