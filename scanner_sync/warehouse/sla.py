"""How `sla_policy` is read and written."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery

from scanner_sync.errors import LoadError
from scanner_sync.rules import PRESETS, Rule, place_of
from scanner_sync.schema.findings import FINDINGS
from scanner_sync.schema.sla_policy import SLA, SLA_TABLE
from scanner_sync.warehouse.connection import Connection, schema_of, statement
from scanner_sync.warehouse.jobs import load_rows


def write_policy(connection: Connection, rules: Iterable[Rule], *, replace: bool = False) -> None:
    """Write `sla_policy` with these rules, by one load job, which is free.

    Raises Google's errors, and leaves no table without its rows. Unless it is to be replaced, a
    table that was made in the meantime is left as it is.
    """
    rows = (json.dumps(rule._asdict()) for rule in rules)
    disposition = bigquery.WriteDisposition
    config = bigquery.LoadJobConfig(
        schema=schema_of(SLA_TABLE.columns),
        destination_table_description=SLA_TABLE.description,
        write_disposition=disposition.WRITE_TRUNCATE if replace else disposition.WRITE_EMPTY,
    )
    with contextlib.suppress(*([] if replace else [Conflict])):  # it was made in the meantime
        load_rows(connection.client, f"{connection.name}.{SLA}", "\n".join(rows).encode(), config)


def read_rules(connection: Connection, call: Mapping[str, Any] | None = None) -> list[Rule] | None:
    """Return the rules in the order in which they are tried, or None without the table.

    Raises `LoadError` if the table is not this program's. Makes API calls only, no jobs. `call` are
    arguments of each.
    """
    name, call = f"{connection.name}.{SLA}", call or {}
    try:
        table = connection.client.get_table(name, **call)
    except NotFound:
        return None
    if not {field.name for field in table.schema} >= {"rank", "days"}:
        raise LoadError(
            f"{name} was not created by this program, or by an earlier version: it has no ranks."
            " Rename or drop it; the next sync creates it."
        )
    rows = connection.client.list_rows(table, **call)
    rules = (Rule(**{field: row.get(field) for field in Rule._fields}) for row in rows)
    return sorted(rules, key=place_of)


def choose_preset(connection: Connection, preset: str, *, replace: bool) -> None:
    """Write the rules of a preset into `sla_policy`. The next sync applies them.

    Raises `LoadError` if the dataset is missing, if the table is not this program's, or if it was
    edited and is not to be replaced. Runs one load job.
    """
    connection.find_dataset()
    present = read_rules(connection)
    if present and not replace and not any(present == [*rules] for rules in PRESETS.values()):
        raise LoadError(
            f"{connection.name}.{SLA} was edited. Nothing was written. To replace what it holds,"
            " repeat the command with --replace."
        )
    write_policy(connection, PRESETS[preset], replace=True)


def read_policy(connection: Connection) -> tuple[list[Rule], dict[str | None, int]]:
    """Return the rules of `sla_policy`, and how many open findings each holds, by its name.

    The numbers are of the last sync, and None stands for no rule. Runs a query. Raises `LoadError`
    if the dataset does not exist.
    """
    connection.find_dataset()
    rules = read_rules(connection) or []
    has_findings = connection.find_tables([FINDINGS])
    rows = connection.run(statement("open_by_rule")) if has_findings else ()
    return rules, {row["due_rule"]: row["number"] for row in rows}
