"""Views over the datasets of many accounts: all rows of each table, with their account."""

from collections.abc import Mapping, Sequence
from typing import Final

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from scanner_sync.errors import LoadError
from scanner_sync.schema.cve_intelligence import INTELLIGENCE
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.sla_policy import SLA
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.views import LABELS, VIEWS, is_ours

NAMES: Final = (
    *(*TABLES, READS, *HISTORIES, *CONCLUSIONS, SLA, INTELLIGENCE),
    *(*VIEWS, "_dlt_loads"),
)
"""The tables and views that are combined, each into a view of the same name."""
ACCOUNTS: Final = "accounts"
"""The view that has a row for each account, with its dataset."""

_SQL_TYPES: Final = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""BigQuery's older names of types, which its API uses, and the names in SQL."""
# Not a file, because it is repeated for each account, with the columns that any of them has.
_ROWS: Final = "SELECT '{account}' AS account, {columns} FROM `{dataset}.{table}`"


def combine(into: Connection, accounts: Mapping[str, str]) -> dict[str, int]:
    """Create the views over the datasets of `accounts`, or bring them up to date.

    `accounts` are datasets by the names of their accounts. The dataset of `into` is created if it
    is missing, in the location of the others. Returns how many accounts are in each view but
    `ACCOUNTS`. A view of which no account has the table is deleted, if it is there. Makes API calls
    only, no jobs.

    Raises `LoadError` if a dataset is missing, if they are in different locations, or if something
    else in the dataset of `into` has the name of a view. Then nothing was changed.
    """
    if owners := [account for account, dataset in accounts.items() if dataset == into.dataset]:
        raise LoadError(f"{into.dataset} is the dataset of account {owners[0]}. Choose another.")
    location = _location(into, accounts)
    existing = _existing(into, location)
    found = {
        account: Connection(into.client, dataset, into.credentials).find_tables(NAMES)
        for account, dataset in accounts.items()
    }
    counts = {}
    for name in NAMES:
        parts = {account: tables[name] for account, tables in found.items() if name in tables}
        if parts:
            _put(into, name, _query(parts), existing.get(name))
            counts[name] = len(parts)
        elif name in existing:
            into.client.delete_table(f"{into.name}.{name}", not_found_ok=True)
    datasets = (
        f"SELECT '{account}' AS account, '{of}' AS dataset" for account, of in accounts.items()
    )
    _put(into, ACCOUNTS, "\nUNION ALL\n".join(datasets), existing.get(ACCOUNTS))
    return counts


def accounts_of(combined: Connection) -> dict[str, str]:
    """Return the datasets that are combined in this one, by account; none in any other dataset.

    Runs a query if it combines some.
    """
    view = combined.find_tables([ACCOUNTS]).get(ACCOUNTS)
    if view is None or not is_ours(view):
        return {}
    rows = combined.run("SELECT account, dataset FROM `{dataset}.accounts` ORDER BY account")
    return {row["account"]: row["dataset"] for row in rows}


def _put(into: Connection, name: str, query: str, known: bigquery.Table | None) -> None:
    def put(found: bigquery.Table | None) -> None:
        if found and not is_ours(found):
            raise _in_the_way(into, name)
        view = bigquery.Table(f"{into.name}.{name}")
        view.view_query, view.labels = query, LABELS
        if found:
            into.client.update_table(view, ["view_query"])
        else:
            into.client.create_table(view)

    into.change(name, known, put)


def _location(into: Connection, accounts: Mapping[str, str]) -> str:
    """Return the location of all the datasets. Raises `LoadError` if there is no such."""
    locations: dict[str, str] = {}
    for account, dataset in accounts.items():
        try:
            location = str(into.client.get_dataset(dataset).location)
        except NotFound:
            raise LoadError(
                f"Dataset {dataset} of account {account} does not exist. Its first sync creates"
                " it. Until then, leave the account out."
            ) from None
        locations.setdefault(location, account)
    if len(locations) > 1:
        where = ", ".join(f"{account} in {where}" for where, account in locations.items())
        raise LoadError(
            f"The datasets are in different locations: {where}. A view cannot read them all:"
            " combine the accounts of each location."
        )
    return next(iter(locations))


def _existing(into: Connection, location: str) -> dict[str, bigquery.Table]:
    """Return the views that exist, by name, and create the dataset if it is missing."""
    dataset = bigquery.Dataset(into.name)
    dataset.location = location
    dataset = into.client.create_dataset(dataset, exists_ok=True)
    if str(dataset.location).lower() != location.lower():
        raise LoadError(
            f"Dataset {into.dataset} is in {dataset.location}, but the accounts' are in"
            f" {location}. Choose another."
        )
    existing = into.find_tables([*NAMES, ACCOUNTS])
    for name, view in existing.items():
        if not is_ours(view):
            raise _in_the_way(into, name)
    return existing


def _in_the_way(into: Connection, name: str) -> LoadError:
    return LoadError(
        f"{into.name}.{name} was not created by this command, which needs its name. It was not"
        " changed. Rename or move it, or choose another dataset."
    )


def _query(parts: Mapping[str, bigquery.Table]) -> str:
    """Return SQL for all rows of the tables, by account, with the columns of all of them."""
    kinds = {account: _kinds(table.schema) for account, table in parts.items()}
    types: dict[str, set[str]] = {}
    for of_account in kinds.values():
        for column, kind in of_account.items():
            types.setdefault(column, set()).add(kind)
    # A field that the API added may have become a column of another type in another dataset.
    shared = {column: kind.pop() if len(kind) == 1 else "STRING" for column, kind in types.items()}
    selects = []
    for account, table in parts.items():
        columns = (
            f"{_as(kind, column, kinds[account].get(column))} AS `{_renamed(column)}`"
            for column, kind in shared.items()
        )
        dataset = f"{table.project}.{table.dataset_id}"
        names = {"account": account, "dataset": dataset, "table": table.table_id}
        selects.append(_ROWS.format(columns=", ".join(columns), **names))
    return "\nUNION ALL\n".join(selects)


def _kinds(schema: Sequence[bigquery.SchemaField]) -> dict[str, str]:
    """Return the types of the columns, as SQL has them. A sync makes no structs."""
    return {
        field.name: f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind
        for field in schema
        for kind in [_SQL_TYPES.get(field.field_type, field.field_type)]
        if kind not in ("RECORD", "STRUCT")
    }


def _as(kind: str, column: str, present: str | None) -> str:
    """Return SQL for a column as a type, from the type that it has, or None without the column."""
    if present is None:
        return f"CAST(NULL AS {kind})"
    if present == kind:
        return f"`{column}`"
    if present == "JSON" or present.startswith("ARRAY"):
        return f"TO_JSON_STRING(`{column}`)"
    return f"CAST(`{column}` AS {kind})"


def _renamed(column: str) -> str:
    """Return the name of a column in a view, where `account` is the name of the account."""
    return "api_account" if column == "account" else column
