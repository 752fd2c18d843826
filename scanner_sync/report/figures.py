"""The figures of the report. BigQuery counts, so they are few however large the account is."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from scanner_sync.errors import LoadError
from scanner_sync.tables import TABLES
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.diagnose import diagnose
from scanner_sync.warehouse.history import HISTORIES
from scanner_sync.warehouse.views import VIEWS

WEEKS: Final = 26
"""How many weeks the page looks back, the present one included. They begin on Mondays, in UTC."""

STALE_AFTER: Final = timedelta(hours=24)
"""A last load that is older is called stale."""

SEVERITIES: Final = ("critical", "high", "medium", "low")
"""In this order, and always shown; any other that the API names comes after them."""

# BigQuery allows an outer join on equalities alone, so what has no rows is filled in here.
_QUERIES: Final = {
    "extent": """
SELECT
  (SELECT MIN(valid_from) FROM ({states})) AS first_state,
  (SELECT MAX(IF(valid_to > valid_from, valid_to, valid_from)) FROM ({states})) AS last_state,
  MIN(inserted_at) AS first_load, MAX(inserted_at) AS last_load
FROM `{d}._dlt_loads` WHERE status = 0
""",
    "open": """
SELECT instant, COALESCE(NULLIF(h.severity, ''), 'none') AS severity,
  COUNTIF(NOT COALESCE(h.snoozed, FALSE)) AS open, COUNTIF(h.snoozed) AS snoozed
FROM UNNEST(@instants) AS instant JOIN `{d}.issues_history` AS h
ON h.valid_from <= instant AND (h.valid_to IS NULL OR h.valid_to > instant)
GROUP BY 1, 2
""",
    "weeks": """
SELECT week, COUNTIF(kind = 'opened') AS opened, COUNTIF(kind = 'fixed') AS fixed
FROM (
  SELECT DIV(TIMESTAMP_DIFF(opened, @start, SECOND), 604800) AS week, 'opened' AS kind
  FROM `{d}.remediation` WHERE table_name = 'issues' AND opened > @first AND opened >= @start
  UNION ALL
  SELECT DIV(TIMESTAMP_DIFF(closed, @start, SECOND), 604800), 'fixed'
  FROM `{d}.remediation` WHERE table_name = 'issues' AND closed >= @start
)
GROUP BY week
""",
    "lately": """
SELECT COUNTIF(opened <= @first) AS at_first,
  COUNTIF(opened > @week_ago AND opened > @first) AS opened, COUNTIF(closed > @week_ago) AS fixed,
  COUNTIF(opened > @week_ago AND opened > @first AND severity = 'critical') AS opened_critical,
  COUNTIF(closed > @week_ago AND severity = 'critical') AS fixed_critical
FROM `{d}.remediation` WHERE table_name = 'issues'
""",
    "days_to_fix": """
SELECT DISTINCT severity, COUNT(*) OVER (PARTITION BY severity) AS fixed,
  PERCENTILE_CONT(days, 0.25) OVER (PARTITION BY severity) AS quarter,
  PERCENTILE_CONT(days, 0.5) OVER (PARTITION BY severity) AS median,
  PERCENTILE_CONT(days, 0.75) OVER (PARTITION BY severity) AS three_quarters,
  COUNT(*) OVER () AS all_fixed, PERCENTILE_CONT(days, 0.5) OVER () AS all_median
FROM (
  SELECT COALESCE(NULLIF(r.severity, ''), 'none') AS severity, r.days_open AS days
  FROM `{d}.remediation` AS r WHERE r.table_name = 'issues' AND r.closed >= @start
)
""",
    "oldest": """
SELECT i.id, i.title, i.since, i.reopened, o.first_seen, COALESCE(o.places, 0) AS places
FROM `{d}.open_issues` AS i LEFT JOIN (
  SELECT issue_id, MIN(first_seen_at) AS first_seen, COUNTIF(NOT COALESCE(snoozed, FALSE)) AS places
  FROM `{d}.open_occurrences` GROUP BY issue_id
) AS o ON o.issue_id = i.id
WHERE i.severity = 'critical' AND NOT COALESCE(i.snoozed, FALSE)
ORDER BY i.since, o.first_seen IS NULL, o.first_seen, i.id LIMIT 10
""",
    "targets": """
WITH places AS (
  SELECT DISTINCT o.target, i.id, i.severity
  FROM `{d}.open_occurrences` AS o JOIN `{d}.open_issues` AS i ON i.id = o.issue_id
  WHERE o.target IS NOT NULL
    AND NOT COALESCE(o.snoozed, FALSE) AND NOT COALESCE(i.snoozed, FALSE)
),
worst AS (
  SELECT target, COUNT(*) AS open, {counts} FROM places
  GROUP BY target ORDER BY open DESC, {names}, target LIMIT 10
),
tags AS (
  SELECT address, MIN(TO_JSON_STRING(tags)) AS tags FROM `{d}.targets_history`
  WHERE valid_to IS NULL GROUP BY address
)
SELECT worst.*, tags.tags FROM worst LEFT JOIN tags ON tags.address = worst.target
ORDER BY open DESC, {names}, target
""",
    "loads": """
SELECT COUNT(*) AS loads, MAX(gap) AS longest_gap FROM (
  SELECT inserted_at,
    TIMESTAMP_DIFF(inserted_at, LAG(inserted_at) OVER (ORDER BY inserted_at), SECOND) AS gap
  FROM `{d}._dlt_loads` WHERE status = 0
)
WHERE inserted_at > @week_ago
""",
    "written": """
SELECT '{table}' AS name, COUNT(*) AS held, MAX(l.inserted_at) AS written
FROM `{d}.{table}` AS t LEFT JOIN `{d}._dlt_loads` AS l ON l.load_id = t._dlt_load_id
""",
    "scanned": "SELECT MAX(created_at) AS scanned FROM `{d}.scans`",
}


def read_figures(warehouse: Connection, now: datetime) -> dict[str, Any]:
    """Read all figures of the page, as of `now` (aware), as the template takes them.

    Raises `LoadError` if the dataset has no histories, and what `diagnose` returns for BigQuery's
    errors.
    """
    try:
        return _read(warehouse, now)
    except NotFound:
        raise _no_histories(warehouse.name) from None
    except Forbidden as error:
        raise LoadError(
            f"BigQuery denies access: {error.message} The report needs roles/bigquery.jobUser on"
            " the project and roles/bigquery.dataViewer on the dataset."
        ) from None
    except (GoogleAPICallError, GoogleAuthError) as error:
        raise diagnose(error) from None


def _no_histories(name: str) -> LoadError:
    return LoadError(
        f"There are no histories in {name}, and the report is made from them. Sync once with"
        " HISTORY=true, or set GOOGLE_CLOUD_PROJECT and DATASET to where that was done."
    )


def _read(warehouse: Connection, now: datetime) -> dict[str, Any]:
    client, dataset = warehouse.client, warehouse.dataset
    there = {table.table_id for table in client.list_tables(dataset)}
    if not there >= {*HISTORIES, *VIEWS, "_dlt_loads"}:
        raise _no_histories(warehouse.name)

    def query(name: str, **texts: str) -> list[dict[str, Any]]:
        sql = _QUERIES[name].format(d=warehouse.name, **texts)
        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ArrayQueryParameter(key, "TIMESTAMP", value)
                if isinstance(value, list)
                else bigquery.ScalarQueryParameter(key, "TIMESTAMP", value)
                for key, value in parameters.items()
                if f"@{key}" in sql
            ]
        )
        return [dict(row) for row in client.query_and_wait(sql, job_config=config)]

    parameters: dict[str, Any] = {}
    states = " UNION ALL ".join(
        f"SELECT valid_from, valid_to FROM `{warehouse.name}.{history}`"  # noqa: S608
        for history in HISTORIES
    )
    [extent] = query("extent", states=states)
    # An account in which nothing was ever seen has no state and no load.
    made = client.get_table(f"{dataset}.issues_history").created
    first = extent["first_state"] or extent["first_load"] or made
    last = max(filter(None, (extent["last_state"], extent["last_load"])), default=made)
    # A clock that is behind BigQuery's would hide what was just loaded.
    now = max(now.astimezone(UTC), last)
    this_week = _monday(now)
    start = this_week - timedelta(weeks=WEEKS - 1)
    week_ago = now - timedelta(days=7)
    weeks = [start + timedelta(weeks=n) for n in range(WEEKS)]
    # A young account is shown at the end of eight weeks, not stretched over the page.
    begin = max(start, min(_monday(first), this_week - timedelta(weeks=7)))
    instants = [*([first] if first >= start else []), *(week for week in weeks if week > first)]
    parameters |= {
        "instants": sorted({*instants, week_ago, now}),
        **{"first": first, "start": start, "week_ago": week_ago},
    }

    counts = {(row["instant"], row["severity"]): row for row in query("open")}
    days_to_fix = {row["severity"]: row for row in query("days_to_fix")}
    found = {severity for _, severity in counts} | days_to_fix.keys()
    severities = [*SEVERITIES, *sorted(found - {*SEVERITIES, "none"}), *sorted(found & {"none"})]

    def opened_at(instant: datetime, kind: str = "open") -> dict[str, int]:
        return {s: counts.get((instant, s), {kind: 0})[kind] for s in severities}

    flow = {row["week"]: row for row in query("weeks")}
    targets = query(
        "targets",
        counts=", ".join(f"COUNTIF(severity = '{s}') AS {s}" for s in SEVERITIES),
        names=", ".join(f"{s} DESC" for s in SEVERITIES),
    )
    for target in targets:
        target["tags"] = _tags(target["tags"])
        target["other"] = target["open"] - sum(target[severity] for severity in SEVERITIES)
    return {
        "name": warehouse.name,
        **{"now": now, "first": first, "start": start, "severities": severities},
        **{"begin": begin, "weeks": [week for week in weeks if week >= begin]},
        "open_now": opened_at(now),
        "snoozed_now": opened_at(now, "snoozed"),
        "open_before": opened_at(week_ago) if week_ago >= first else None,
        "series": [
            {
                "instant": at,
                "open": opened_at(at),
                "snoozed": sum(opened_at(at, "snoozed").values()),
            }
            for at in dict.fromkeys([*instants, now])
        ],
        "flow": [
            {
                "week": week,
                "so_far": week == this_week,
                **{k: flow.get(n, {k: 0})[k] for k in ("opened", "fixed")},
            }
            for n, week in enumerate(weeks)
            if week >= _monday(first)
        ],
        "lately": query("lately")[0],
        "days_to_fix": [days_to_fix[s] for s in severities if s in days_to_fix],
        "oldest": query("oldest"),
        "targets": targets,
        "last": last,
        "last_state": extent["last_state"],
        "stale": now - last > STALE_AFTER,
        "loads": query("loads")[0],
        "written": [row for t in TABLES if t in there for row in query("written", table=t)],
        "scanned": query("scanned")[0]["scanned"] if "scans" in there else None,
    }


def _monday(instant: datetime) -> datetime:
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=instant.weekday())


def _tags(text: str | None) -> list[str]:
    found = json.loads(text or "null")
    return [str(tag) for tag in found if tag is not None] if isinstance(found, list) else []
