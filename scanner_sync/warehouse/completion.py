"""The end of a sync: one script checks what arrived, and updates all that the dataset concludes.

That is the histories and `occurrence_reads`, and then what follows from them.
"""

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.plan import ListedIssue
from scanner_sync.reading import Scanned
from scanner_sync.rules import PRESETS
from scanner_sync.schema.columns import DLT_COLUMNS
from scanner_sync.schema.findings import OWN_TABLES, SYNCS
from scanner_sync.schema.histories import HISTORIES, OCCURRENCES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.sla_policy import SLA, SLA_TABLE
from scanner_sync.schema.tables import FIXED, TABLES
from scanner_sync.warehouse.arrival import arrived, compare_rows, of_load
from scanner_sync.warehouse.connection import Connection, statement
from scanner_sync.warehouse.findings import conclude, note_sync
from scanner_sync.warehouse.history import ensure_histories, merge_history
from scanner_sync.warehouse.memory import Unsignaled
from scanner_sync.warehouse.reads import LISTED, as_parameter, merge_reads
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
    into = connection.name
    found_now = conditions(into, rows, listed, unavailable, exposed_tags, internal_tags)
    # Before a table is changed below, and what is known of it with it.
    is_settled = last is not None and last.holds(existing, rows, found_now)
    _ensure_tables(connection, rows, existing)
    names = [name for name, of in HISTORIES.items() if of.table in rows]
    tells = listed is not None or names or FIXED in rows
    if not tells and not load_id:
        return Completion({})
    schema_name, schema_version = schema or ("", "")
    texts = {
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
    not_looked_at = {*unavailable}
    if listed and all(issue.rows is None for issue in listed):
        not_looked_at.add("occurrences_issues")
    looked_at = [name for name in rows if name not in not_looked_at]
    if last and is_settled and loads.keys() >= {*looked_at}:
        given = [one for one in parameters if one.name in ("listed", "scanned")]
        if settled := note_unchanged(connection, last, looked_at, given):
            unchanged = {HISTORIES[name].table: dict.fromkeys(COUNTS, 0) for name in names}
            return Completion(unchanged, settled=settled, is_as_before=True)
    expected = json.dumps(dict(rows), separators=(",", ":"))
    # A script is one job, and the transaction applies all of it or nothing.
    script = [
        f"DECLARE this_load STRING DEFAULT '{load_id or ''}'",
        statement("instant", dataset=into, arrived=arrived(rows, into, loads)),
        f"IF arrived = '{expected}' THEN BEGIN TRANSACTION",
        *([statement("looks", dataset=into)] if last is None or last.is_behind(existing) else []),
        *(merge_history(name, into, of_load(HISTORIES[name].table, loads)) for name in names),
        *([merge_reads(into)] if listed is not None else []),
        *(
            [
                note_sync(into, looked_at, LISTED),
                *conclude(into),
            ]
            if tells
            else []
        ),
        *([statement("dlt_loads", dataset=into)] if schema else []),
        "COMMIT TRANSACTION",
        "END IF",
        _changes(rows, names, into, judge=named is not None, settle=bool(found_now)),
    ]
    job = connection.client.query(
        ";\n".join(script), bigquery.QueryJobConfig(query_parameters=parameters)
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
        settle(first["settled_until"], first["instant"], first["ended"], found_now),
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


def _unsignaled(dataset: str) -> str:
    """Return SQL for how many issues had changed that no signal had named, and in which field.

    These are issues that were read. What is listed no more is named by that.
    """
    fields = " ".join(
        f"WHEN TO_JSON_STRING(was.{column}) IS DISTINCT FROM TO_JSON_STRING(now.{column})"
        f" THEN '{column}'"
        for column in HISTORIES[OCCURRENCES].versioned
    )
    states = f"SELECT * FROM `{dataset}.{OCCURRENCES}`"  # noqa: S608
    return (
        "SELECT COUNT(DISTINCT unnamed.issue_id) AS unsignaled,"  # noqa: S608
        " MIN(CASE WHEN was.entity_key IS NULL THEN 'appeared'"
        f" WHEN now.entity_key IS NULL THEN 'disappeared' {fields} END) AS unsignaled_field"
        f" FROM ({states} WHERE valid_to = instant) AS was"
        f" FULL JOIN ({states} WHERE valid_from = instant) AS now"
        " ON was.entity_key = now.entity_key"
        f" JOIN ({LISTED}) AS unnamed"
        " ON unnamed.issue_id IN (was.issue_id, now.issue_id)"
        " WHERE unnamed.row_count IS NOT NULL"
        " AND CAST(unnamed.issue_id AS STRING) NOT IN UNNEST(JSON_VALUE_ARRAY(@named))"
    )


def _changes(
    tables: Iterable[str],
    names: Sequence[str],
    dataset: str,
    *,
    judge: bool = False,
    settle: bool = False,
) -> str:
    """Return the statement that selects what arrived and what changed, one row for each table."""
    all_tables = (f"SELECT '{table}' AS table_name" for table in tables)
    parts = (
        f"SELECT '{HISTORIES[name].table}' AS table_name, entity_key,"  # noqa: S608 - our names
        " COUNTIF(valid_from = instant) AS opened, COUNTIF(valid_to = instant) AS closed"
        f" FROM `{dataset}.{name}` WHERE valid_from = instant OR valid_to = instant GROUP BY 1, 2"
        for name in names
    )
    nothing = "SELECT '' AS table_name, '' AS entity_key, 0 AS opened, 0 AS closed"
    oldest = (
        "SELECT IF(COUNTIF(read_at IS NULL) = 0, MIN(read_at), NULL) AS oldest_read_at,"  # noqa: S608
        " TIMESTAMP_DIFF(instant, MIN(COALESCE(read_at, listed_at)), SECOND) / 3600 AS oldest_hours"
        f" FROM `{dataset}.{READS}`"
    )
    signals = (
        _unsignaled(dataset)
        if judge
        else "SELECT 0 AS unsignaled, CAST(NULL AS STRING) AS unsignaled_field"
    )
    settled = (
        statement("settled", dataset=dataset)
        if settle
        else "SELECT CAST(NULL AS TIMESTAMP) AS settled_until"
    )
    missed = (
        f"SELECT open_before, disappeared, is_held, dates_not_believed FROM `{dataset}.{SYNCS}`"  # noqa: S608
        " WHERE synced_at = instant"
    )
    return (
        "SELECT table_name, arrived AS arrived, instant AS instant,"  # noqa: S608
        " CURRENT_TIMESTAMP() AS ended, ANY_VALUE(settled_until) AS settled_until,"
        " ANY_VALUE(oldest_read_at) AS oldest_read_at,"
        " ANY_VALUE(oldest_hours) AS oldest_hours, ANY_VALUE(open_before) AS open_before,"
        " ANY_VALUE(disappeared) AS disappeared, ANY_VALUE(is_held) AS is_held,"
        " ANY_VALUE(dates_not_believed) AS dates_not_believed,"
        " ANY_VALUE(unsignaled) AS unsignaled, ANY_VALUE(unsignaled_field) AS unsignaled_field,"
        " COUNTIF(opened > 0 AND closed = 0) AS opened,"
        " COUNTIF(opened = 0 AND closed > 0) AS closed,"
        " COUNTIF(opened > 0 AND closed > 0) AS changed"
        f" FROM ({' UNION ALL '.join(all_tables)})"
        f" LEFT JOIN ({' UNION ALL '.join([nothing, *parts])}) USING (table_name)"
        f" CROSS JOIN ({oldest}) LEFT JOIN ({missed}) ON TRUE CROSS JOIN ({signals})"
        f" CROSS JOIN ({settled})"
        " GROUP BY table_name"
    )
