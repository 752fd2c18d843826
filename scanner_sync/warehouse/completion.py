"""The end of a sync: one script checks what arrived, and updates all that the dataset concludes.

That is the histories and `occurrence_reads`, and then what follows from them.
"""

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.plan import ListedIssue
from scanner_sync.reading import Scanned
from scanner_sync.rules import PRESETS
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.findings import OWN_TABLES
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.sla_policy import SLA, SLA_TABLE
from scanner_sync.schema.tables import FIXED, TABLES
from scanner_sync.warehouse.arrival import arrived, compare_rows, of_load
from scanner_sync.warehouse.connection import Connection, statement
from scanner_sync.warehouse.findings import conclude
from scanner_sync.warehouse.history import ensure_histories, merge_history
from scanner_sync.warehouse.memory import Unsignaled
from scanner_sync.warehouse.reads import as_parameter
from scanner_sync.warehouse.settled import Settled, conditions, note_unchanged, settle
from scanner_sync.warehouse.sla import write_policy
from scanner_sync.warehouse.views import ensure_views

COUNTS: Final = ("opened", "closed", "changed")
"""What is counted of the entities of each history."""


class Completion(NamedTuple):
    """What the script found."""

    history: dict[str, dict[str, int]]
    """Entities that were `opened`, `closed` and `changed`, by table."""
    oldest_read_at: datetime | None = None
    """When the occurrences that were read longest ago were read; None if some never were."""
    oldest_hours: float = 0.0
    """Hours since then, or since the first listing of the issue that waits longest."""
    is_held: bool = False
    """Whether so much was missed at once that a later sync has to miss it, too."""
    unsignaled: Unsignaled | None = None
    """What changed although no signal had named it; None if that was not asked for."""
    instant: datetime | None = None
    """The time of the sync in the dataset, after the load and before the script changed a table."""
    settled: Settled | None = None
    """Until when a sync that finds nothing need not conclude anything; None if the next has to."""
    is_as_before: bool = False
    """Whether this one did not: it only wrote its row in `syncs`."""


def complete_load(
    connection: Connection,
    rows: Mapping[str, int],
    load_id: str | None,
    existing: Mapping[str, bigquery.Table],
    *,
    listed: Sequence[ListedIssue] | None = None,
    unavailable: Collection[str] = (),
    schema: tuple[str, str] | None = None,
    loads: Mapping[str, str] = MappingProxyType({}),
    exposed_tags: Collection[str] = (),
    internal_tags: Collection[str] = (),
    named: Collection[int] | None = None,
    scanned: Scanned | None = None,
    last: Settled | None = None,
) -> Completion:
    """Check that a load arrived, and update the histories and all that follows from them.

    Creates or updates the tables and views of these. The load `load_id` brought `rows`, by table,
    or none if that is None; then every open state is closed. `existing` is what `check_names`
    returned before the load. `listed` are the issues that the sync listed, or None if it was not to
    read their occurrences. `unavailable` are tables whose listings the account lacks. `schema` is
    the name and the hash of dlt's schema, with which the load is marked as complete. `loads` are
    the loads that brought the rows of tables which hold them from before. `exposed_tags` and
    `internal_tags` are tags of targets that are exposed, or not, whatever their type. `named` are
    the issues that may have changed, according to the API, or None if that is not to be judged.
    `scanned` are the targets that were scanned lately, or None if the API was not asked or does not
    say. `last` is `Completion.settled` of the sync before: if that holds, a sync that loaded
    nothing only notes so in `syncs`. Raises `LoadUnavailable`, and changes nothing, if a table does
    not hold the rows of the load. Logs `mass_disappearance` if so many occurrences are missed at
    once that they stay open until a later sync misses them, too. Runs one job at most, unless
    `sla_policy` is missing, or time turned out to have changed something.
    """
    found_now = conditions(rows, listed, unavailable, exposed_tags, internal_tags)
    # Before a table is changed below, and what is known of it with it.
    is_settled = last is not None and last.holds(existing, rows, found_now)
    _ensure_tables(connection, rows, existing)
    names = [name for name, of in HISTORIES.items() if of.table in rows]
    tells = listed is not None or names or FIXED in rows
    if not tells and not load_id:
        return Completion({})
    not_looked_at = {*unavailable}
    if listed and all(issue.rows is None for issue in listed):
        not_looked_at.add("occurrences_issues")
    looked_at = [name for name in rows if name not in not_looked_at]
    schema_name, schema_version = schema or ("", "")
    texts = {
        "tables": json.dumps(looked_at),
        "listed": as_parameter(listed or ()),
        "schema_name": schema_name,
        "schema_version": schema_version,
        "exposed_tags": json.dumps(list(exposed_tags)),
        "internal_tags": json.dumps(list(internal_tags)),
        "named": json.dumps(sorted(named or ()), separators=(",", ":")),
        "scanned": json.dumps(
            scanned and {"since": f"{scanned.since}", "targets": sorted(scanned.targets)},
            separators=(",", ":"),
        ),
    }
    parameters = [bigquery.ScalarQueryParameter(key, "STRING", text) for key, text in texts.items()]
    if last and is_settled and loads.keys() >= {*looked_at}:
        given = [one for one in parameters if one.name in ("listed", "scanned", "tables")]
        if settled := note_unchanged(connection, last, given):
            unchanged = {HISTORIES[name].table: dict.fromkeys(COUNTS, 0) for name in names}
            return Completion(unchanged, settled=settled, is_as_before=True)
    expected = json.dumps(dict(rows), separators=(",", ":"))
    asked = ["unsignaled"] * (named is not None) + ["settled"] * bool(found_now)
    # A script is one job, and the transaction applies all of it or nothing.
    script = [
        f"DECLARE this_load STRING DEFAULT '{load_id or ''}'",
        "DECLARE arrived STRING",
        "DECLARE instant TIMESTAMP",
        # One statement, because BigQuery runs each one that selects as a job.
        "SET (arrived, instant) = (SELECT AS STRUCT"
        f" {arrived(rows, loads)} AS arrived, (\n{statement('instant')}) AS instant)",
        f"IF arrived = '{expected}' THEN BEGIN TRANSACTION",
        *([statement("looks")] if last is None or last.is_behind(existing) else []),
        *(merge_history(name, of_load(HISTORIES[name].table, loads)) for name in names),
        *([statement("reads")] if listed is not None else []),
        *([statement("syncs"), *conclude()] if tells else []),
        *([statement("dlt_loads")] if schema else []),
        "COMMIT TRANSACTION",
        "END IF",
        "\nCROSS JOIN ".join([statement("changes"), *(f"(\n{statement(of)})" for of in asked)]),
    ]
    job = connection.client.query(
        ";\n".join(script).replace("{dataset}", connection.name),
        bigquery.QueryJobConfig(query_parameters=parameters),
    )
    found = {row["table_name"]: row for row in job.result()}
    first = next(iter(found.values()))
    compare_rows(rows, json.loads(first["arrived"]))
    if first["dates_not_believed"]:
        log.event("dates_not_believed", count=int(first["dates_not_believed"]))
    if first["is_held"]:
        log.event(
            "mass_disappearance",
            logging.WARNING,
            disappeared=int(first["disappeared"]),
            open_before=int(first["open_before"]),
        )
    return Completion(
        {
            table: {count: int(found[table][count]) for count in COUNTS}
            for table in (HISTORIES[name].table for name in names)
        },
        first["oldest_read_at"],
        float(first["oldest_hours"] or 0.0),
        bool(first["is_held"]),
        Unsignaled(int(first["unsignaled"]), first["unsignaled_field"] or "")
        if named is not None
        else None,
        first["instant"],
        settle(first.get("settled_until"), first["instant"], first["ended"], found_now),
    )


def _ensure_tables(
    connection: Connection, rows: Mapping[str, int], existing: Mapping[str, bigquery.Table]
) -> None:
    """Create the tables, columns, keys and views that are missing."""
    ensure_histories(connection, existing)
    for name, table in OWN_TABLES.items():
        connection.ensure_table(name, table.columns, existing.get(name), table.clustered_by)
    # The findings and the views need these, even if no sync was ever asked for them.
    for name in {FIXED, "issues"} - {*existing, *rows}:
        connection.ensure_table(name, TABLES[name].columns | DLT_COLUMNS, None)
    if SLA in existing:
        connection.ensure_table(SLA, SLA_TABLE.columns, existing[SLA])
    else:
        write_policy(connection, PRESETS["vendor"])
    ensure_views(connection, existing)
    # Of the tables that were just made, our own get their keys from the next sync.
    # The merged ones get them now: a table that is changed later counts as changed by others.
    made = connection.find_tables(name for name in rows if name not in existing)
    connection.ensure_keys(TABLES | OWN_TABLES, {**existing, **made})
