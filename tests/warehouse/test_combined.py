"""Views over the datasets of many accounts."""

import pytest
from google.cloud import bigquery

from scanner_sync.errors import LoadError
from scanner_sync.warehouse.combined import NAMES, accounts_of, combine
from scanner_sync.warehouse.views import LABELS
from tests.conftest import PROJECT, Dataset
from tests.support.faults import NO_DATASET, Once, creates
from tests.warehouse.conftest import through
from tests.warehouse.loads import Loads


def part(dataset: Dataset, name: str) -> Dataset:
    return Dataset(f"{dataset.name}_{name}", dataset.client)


def combined(dataset: Dataset, *accounts: str) -> dict[str, int]:
    names = {account: part(dataset, account).name for account in accounts}
    return combine(part(dataset, "all").warehouse, names)


def test_each_row_has_its_account(dataset: Dataset, emulator_port: int) -> None:
    """Of tables, histories and views; columns by name, and one that an account lacks is null."""
    acme, globex, every = (part(dataset, name) for name in ("acme", "globex", "all"))
    for of, severities in ((acme, ["high", "low"]), (globex, ["critical"])):
        issues = [{"id": n, "severity": severity} for n, severity in enumerate(severities, 1)]
        places = [{"issue_id": 1, "id": 7, "occurrence_id": 7, "target": of.name}]
        Loads(of).load(1, issues=issues, occurrences_issues=places)
    # The API added fields: one to one account, one that came with two types, one named `account`.
    acme.query("DROP TABLE {d}.scans")
    acme.query("CREATE TABLE {d}.scans (id INT64, status STRING, risk FLOAT64, score INT64)")
    acme.query("INSERT INTO {d}.scans VALUES (1, 'done', 0.5, 7), (2, NULL, 1, 8)")
    globex.query("DROP TABLE {d}.scans")
    globex.query("CREATE TABLE {d}.scans (score STRING, account STRING, id INT64)")
    globex.query("INSERT INTO {d}.scans VALUES ('seven', 'its own', 1)")
    globex.query("DROP TABLE {d}.tags")

    views = combined(dataset, "acme", "globex")
    assert views == {name: 2 for name in NAMES if name != "_dlt_loads"} | {"tags": 1}
    found = every.query("SELECT * FROM {d}.scans ORDER BY account, id")
    assert [list(row.items()) for row in found] == [
        list(zip(("account", "id", "status", "risk", "score", "api_account"), row, strict=True))
        for row in (
            ("acme", 1, "done", 0.5, "7", None),
            ("acme", 2, None, 1.0, "8", None),
            ("globex", 1, None, None, "seven", "its own"),
        )
    ]
    for name in ("issues", "issues_history", "issue_lifecycle", "open_issues"):
        rows = every.query(f"SELECT account, id, severity FROM {{d}}.{name} ORDER BY 1, 2")
        assert [tuple(row.values()) for row in rows] == [
            ("acme", 1, "high"),
            ("acme", 2, "low"),
            ("globex", 1, "critical"),
        ]
    globex.query("UPDATE {d}.sla_policy SET days = 3 WHERE severity = 'critical'")
    for name, columns in (
        ("findings", "entity_key, issue_id, host, cves, tags, opened_at, due_at"),
        ("open_findings", "finding_id, host, cves, tags, to_do, overdue"),
        ("syncs", "synced_at, tables, empty_issues"),
        ("remediation_metrics", "week, severity, open, opened, closed, fixed, overdue"),
        ("sla_policy", "severity, days"),
    ):
        assert every.query(f"SELECT account, {columns} FROM {{d}}.{name} ORDER BY 1, 2, 3") == [
            {"account": account} | row
            for account, of in (("acme", acme), ("globex", globex))
            for row in of.query(f"SELECT {columns} FROM {{d}}.{name} ORDER BY 1, 2")
        ]
    assert every.query("SELECT * FROM {d}.accounts ORDER BY 1") == [
        {"account": "acme", "dataset": acme.name},
        {"account": "globex", "dataset": globex.name},
    ]
    made = {name: every.client.get_table(f"{every.name}.{name}") for name in (*views, "accounts")}
    assert {view.table_type for view in made.values()} == {"VIEW"}
    assert all(view.labels == LABELS for view in made.values())

    changed: list[str] = []

    def record(method: str, path: str, body: bytes) -> None:
        if method != "GET" and "/tables" in path:
            changed.append(f"{method} {path.partition('?')[0].rpartition('/')[2]}")

    # Again, with one account less, and no tags at all.
    acme.query("DROP TABLE {d}.tags")
    with through(emulator_port, record, every) as warehouse:
        assert combine(warehouse, {"acme": acme.name}) == {n: 1 for n in views if n != "tags"}
    assert sorted(changed) == sorted(
        ["DELETE tags", "PATCH accounts", *(f"PATCH {name}" for name in views if name != "tags")]
    )
    assert {row["account"] for row in every.query("SELECT account FROM {d}.issues")} == {"acme"}
    assert accounts_of(every.warehouse) == {"acme": acme.name}
    assert accounts_of(acme.warehouse) == {}


def make(dataset: Dataset, name: str, location: str = "US") -> None:
    made = bigquery.Dataset(f"{PROJECT}.{part(dataset, name).name}")
    made.location = location
    dataset.client.create_dataset(made)


@pytest.mark.parametrize(
    ("existing", "accounts", "message"),
    [
        ({"acme": "US"}, ["acme", "globex"], "_globex of account globex does not exist"),
        (
            {"acme": "US", "globex": "EU"},
            ["acme", "globex"],
            "locations: acme in US, globex in EU. A view",
        ),
        ({"acme": "US", "all": "EU"}, ["acme"], "_all is in EU, but the accounts' are in US"),
        ({"all": "US", "acme": "US"}, ["acme", "all"], "_all is the dataset of account all"),
    ],
)
def test_datasets_that_cannot_be_combined(
    dataset: Dataset, existing: dict[str, str], accounts: list[str], message: str
) -> None:
    """The error names the account or the dataset, and no dataset is created."""
    for name, location in existing.items():
        make(dataset, name, location)
    with pytest.raises(LoadError, match=message):
        combined(dataset, *accounts)
    found = {each.dataset_id for each in dataset.client.list_datasets()}
    assert {name for name in found if name.startswith(dataset.name)} == {
        part(dataset, name).name for name in existing
    }


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE {d}.issues (id INT64)",
        "CREATE VIEW {d}.open_issues AS SELECT 1 AS id",
        "CREATE VIEW {d}.accounts AS SELECT 1 AS id",
    ],
)
def test_what_is_in_the_way_is_left_alone(dataset: Dataset, sql: str) -> None:
    """Such as the dataset of a user, or of an account that was not named."""
    make(dataset, "acme")
    make(dataset, "all")
    part(dataset, "acme").query("CREATE TABLE {d}.issues (id INT64)")
    part(dataset, "all").query(sql)
    with pytest.raises(LoadError, match="was not created by this command"):
        combined(dataset, "acme")
    tables = dataset.client.list_tables(part(dataset, "all").name)
    assert [table.table_id for table in tables] == [sql.split()[2].removeprefix("{d}.")]


def test_answers_that_pass_do_not_end_it(
    dataset: Dataset, emulator_port: int, bigquery_url: str
) -> None:
    """What was created a moment ago is not found yet, or was created though the answer was lost."""
    acme, every = part(dataset, "acme"), part(dataset, "all")
    Loads(acme).load(1, issues=[{"id": 1}])
    once = Once(
        bigquery_url,
        dataset=(creates("datasets", every.name), None),
        not_yet=(creates("tables", "issues"), NO_DATASET),
        issues=(creates("tables", "issues"), None),
        accounts=(creates("tables", "accounts"), None),
    )
    with through(emulator_port, once, every) as into:
        views = combine(into, {"acme": acme.name})
    assert once.left == {}
    assert set(views.values()) == {1}
    assert every.query("SELECT account, id FROM {d}.issues") == [{"account": "acme", "id": 1}]
    found = {view.table_id for view in every.client.list_tables(every.name)}
    assert found == views.keys() | {"accounts"}
