"""The figures of the report. BigQuery counts, so few rows are read however large the account is."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from scanner_sync.errors import LoadError
from scanner_sync.tables import TABLES
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.diagnose import diagnose
from scanner_sync.warehouse.history import HISTORIES
from scanner_sync.warehouse.reads import READS
from scanner_sync.warehouse.views import VIEWS

WEEKS: Final = 26
"""How many weeks the page covers, including the current one. Weeks begin on Monday, in UTC."""

STALE_AFTER: Final = timedelta(hours=24)
"""How old the last load, or the oldest occurrences, may be before the page warns."""

SEVERITIES: Final = ("critical", "high", "medium", "low")
"""Always shown, in this order. Any other severity that the API sends comes after them."""

_WEEK: Final = timedelta(weeks=1)


class Period(NamedTuple):
    """The time that the page covers. Instants are in UTC, here and in all other figures."""

    first: datetime
    """When the histories begin."""
    last: datetime
    """When a sync last changed the dataset."""
    last_change: datetime | None
    """When the histories last changed. None if no issue or target was ever seen."""
    now: datetime

    @property
    def week_ago(self) -> datetime:
        """Seven days before now."""
        return self.now - _WEEK

    @property
    def weeks(self) -> list[datetime]:
        """The Mondays of all weeks, oldest first."""
        return [_monday(self.now) - n * _WEEK for n in reversed(range(WEEKS))]

    @property
    def start(self) -> datetime:
        """The first of these Mondays."""
        return self.weeks[0]

    @property
    def since(self) -> datetime:
        """When the figures begin: at `start`, or when the histories do if that is later."""
        return max(self.start, self.first)

    @property
    def chart_weeks(self) -> list[datetime]:
        """The Mondays on the charts: those of the histories, and at least the last eight."""
        begin = min(_monday(self.since), self.weeks[-8])
        return [week for week in self.weeks if week >= begin]

    @property
    def stale(self) -> bool:
        """Whether the last load is too old."""
        return self.now - self.last > STALE_AFTER


class OpenIssues(NamedTuple):
    """How many issues are open at an instant, by severity; 0 for a severity that is missing."""

    instant: datetime
    open: Counter[str]
    """Without snoozed ones."""
    snoozed: Counter[str]


class Week(NamedTuple):
    """How many issues were opened and fixed in a week."""

    monday: datetime
    opened: int
    """Without what the first sync found."""
    fixed: int
    so_far: bool
    """Whether it is the current week."""


class LastDays(NamedTuple):
    """How many issues were opened and fixed in the last seven days."""

    at_first: int
    """What the first sync found, which is not counted as opened."""
    opened: int
    fixed: int
    opened_critical: int
    fixed_critical: int


class DaysToFix(NamedTuple):
    """Quartiles of the days from opening to closing, for one severity."""

    severity: str
    fixed: int
    quarter: float
    median: float
    three_quarters: float


class Fixes(NamedTuple):
    """How long issues took that were fixed within the period."""

    fixed: int
    median: float | None
    """In days. None if nothing was fixed."""
    by_severity: list[DaysToFix]
    """For severities with a fix, in the order of the page."""


class OldIssue(NamedTuple):
    """A critical issue that is open and not snoozed."""

    id: int
    title: str | None
    opened_at: datetime
    times_reopened: int
    first_seen: datetime | None
    """The scanner's own date: the earliest of the open occurrences."""
    occurrences: int
    """Open and not snoozed."""


class Target(NamedTuple):
    """How many issues are open on a target, neither they nor their occurrences snoozed."""

    target: str
    open: int
    critical: int
    high: int
    medium: int
    low: int
    tags: list[str]

    @property
    def other(self) -> int:
        """Those of any other severity."""
        return self.open - self.critical - self.high - self.medium - self.low


class TableRows(NamedTuple):
    """How many rows a table holds, and when one was last written."""

    name: str
    held: int
    written: datetime | None


class Reads(NamedTuple):
    """When the occurrences of the issues that the last sync listed were read."""

    listed: int
    latest: int
    """Issues whose occurrences were read by the latest sync that read any."""
    earlier: int
    """Issues whose occurrences are from earlier syncs."""
    never: int
    """Issues whose occurrences were never read."""
    latest_at: datetime | None
    """When that sync was. None if none read any."""
    oldest_at: datetime | None
    """When the occurrences were read that were read longest ago."""

    def stale(self, now: datetime) -> bool:
        """Tell whether occurrences are missing, or too old."""
        return bool(self.never) or (self.oldest_at or now) < now - STALE_AFTER


class Freshness(NamedTuple):
    """How current the dataset is."""

    loads: int
    """Successful loads in the last seven days."""
    longest_gap: timedelta | None
    """The longest time between one of these loads and the load before it."""
    scanned: datetime | None
    """When the newest scan was created."""
    reads: Reads | None
    """None if the dataset does not have the table yet, or no issue was listed."""
    tables: list[TableRows]


class Figures(NamedTuple):
    """What the page shows, by its parts."""

    dataset: str
    period: Period
    severities: list[str]
    """All that occur, in the order of the page. An issue without one is under `none`."""
    open_now: OpenIssues
    open_week_ago: OpenIssues | None
    """None if the histories are younger."""
    open_over_time: list[OpenIssues]
    """Oldest first: when the histories begin if that is in the period, on each Monday, and now."""
    last_days: LastDays
    flow: list[Week]
    """Oldest first, from the week in which the histories begin."""
    fixes: Fixes
    oldest: list[OldIssue]
    """The ten oldest, oldest first."""
    targets: list[Target]
    """The ten with the most open issues, worst first."""
    freshness: Freshness


def read_figures(warehouse: Connection, now: datetime) -> Figures:
    """Read all figures of the page, as of `now` (aware).

    Raises `LoadError` if the dataset has no histories or BigQuery denies access, and for other
    errors of Google's libraries what `diagnose` returns.
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
        f"There are no histories in {name}, or only those of version 0.1. The report is made from"
        " them: sync once with HISTORY=true, or set GOOGLE_CLOUD_PROJECT and DATASET to a dataset"
        " that has them."
    )


def _read(warehouse: Connection, now: datetime) -> Figures:
    existing = {table.table_id for table in warehouse.client.list_tables(warehouse.dataset)}
    if not existing >= {*HISTORIES, *VIEWS, "_dlt_loads"}:
        raise _no_histories(warehouse.name)
    period = _read_period(warehouse, now)
    instants = [
        *([period.first] if period.first >= period.start else []),
        *(week for week in period.weeks if week > period.first),
        period.now,
    ]
    open_at = _read_open(warehouse, {*instants, period.week_ago})
    fixes = _read_fixes(warehouse, period)
    severities = _in_order(
        *(severity for then in open_at.values() for severity in then.open),
        *(row.severity for row in fixes.by_severity),
    )
    return Figures(
        dataset=warehouse.name,
        period=period,
        severities=severities,
        open_now=open_at[period.now],
        open_week_ago=open_at[period.week_ago] if period.week_ago >= period.first else None,
        open_over_time=[open_at[instant] for instant in dict.fromkeys(instants)],
        last_days=_read_last_days(warehouse, period),
        flow=_read_flow(warehouse, period),
        fixes=fixes,
        oldest=_read_oldest(warehouse),
        targets=_read_targets(warehouse),
        freshness=_read_freshness(warehouse, period, existing),
    )


def _query(
    warehouse: Connection, sql: str, **instants: datetime | Iterable[datetime]
) -> list[bigquery.Row]:
    """Run a query, in which `{d}` is the dataset and `@name` an instant or an array of them."""
    parameters = [
        bigquery.ScalarQueryParameter(name, "TIMESTAMP", value)
        if isinstance(value, datetime)
        else bigquery.ArrayQueryParameter(name, "TIMESTAMP", sorted(value))
        for name, value in instants.items()
    ]
    return list(
        warehouse.client.query_and_wait(
            sql.replace("{d}", warehouse.name),
            job_config=bigquery.QueryJobConfig(query_parameters=parameters),
        )
    )


def _read_period(warehouse: Connection, now: datetime) -> Period:
    """Read when the histories begin and when they and the dataset last changed."""
    states = " UNION ALL ".join(
        f"SELECT valid_from, valid_to FROM `{{d}}.{history}`"  # noqa: S608 - our names
        for history in HISTORIES
    )
    [row] = _query(
        warehouse,
        f"""
SELECT
  (SELECT MIN(valid_from) FROM ({states})) AS first_state,
  (SELECT MAX(IF(valid_to > valid_from, valid_to, valid_from)) FROM ({states})) AS last_state,
  MIN(inserted_at) AS first_load, MAX(inserted_at) AS last_load
FROM `{{d}}._dlt_loads` WHERE status = 0
""",  # noqa: S608 - our names
    )
    # An account in which nothing was ever seen has no state and no load.
    created = warehouse.client.get_table(f"{warehouse.dataset}.issues_history").created
    last = max(filter(None, (row.last_state, row.last_load)), default=created)
    return Period(
        first=row.first_state or row.first_load or created,
        last=last,
        last_change=row.last_state,
        # A clock behind BigQuery's would hide what was just loaded.
        now=max(now.astimezone(UTC), last),
    )


def _read_open(warehouse: Connection, instants: Iterable[datetime]) -> dict[datetime, OpenIssues]:
    """Count the issues that were open at each of the instants."""
    # BigQuery allows an outer join on equalities alone, so instants without rows are added here.
    found = {instant: OpenIssues(instant, Counter(), Counter()) for instant in instants}
    for row in _query(
        warehouse,
        """
SELECT instant, COALESCE(NULLIF(h.severity, ''), 'none') AS severity,
  COUNTIF(NOT COALESCE(h.snoozed, FALSE)) AS open, COUNTIF(h.snoozed) AS snoozed
FROM UNNEST(@instants) AS instant JOIN `{d}.issues_history` AS h
ON h.valid_from <= instant AND (h.valid_to IS NULL OR h.valid_to > instant)
GROUP BY 1, 2
""",
        instants=instants,
    ):
        found[row.instant].open[row.severity] = row.open
        found[row.instant].snoozed[row.severity] = row.snoozed
    return found


def _in_order(*severities: str) -> list[str]:
    """Sort severities as the page shows them, each once: the known, any other, `none`."""
    others = {*severities} - {*SEVERITIES, "none"}
    return [*SEVERITIES, *sorted(others), *sorted({"none"} & {*severities})]


def _read_last_days(warehouse: Connection, period: Period) -> LastDays:
    """Count what was opened and fixed in the last seven days."""
    [row] = _query(
        warehouse,
        """
SELECT COUNTIF(opened_at <= @first) AS at_first,
  COUNTIF(is_new) AS opened, COUNTIF(is_fixed) AS fixed,
  COUNTIF(is_new AND severity = 'critical') AS opened_critical,
  COUNTIF(is_fixed AND severity = 'critical') AS fixed_critical
FROM (
  SELECT opened_at, severity, opened_at > GREATEST(@week_ago, @first) AS is_new,
    closed_at > @week_ago AS is_fixed
  FROM `{d}.issue_lifecycle`
)
""",
        first=period.first,
        week_ago=period.week_ago,
    )
    return LastDays(**row)


def _read_flow(warehouse: Connection, period: Period) -> list[Week]:
    """Count what was opened and fixed in each week since the histories began."""
    rows = _query(
        warehouse,
        """
SELECT week, COUNTIF(kind = 'opened') AS opened, COUNTIF(kind = 'fixed') AS fixed
FROM (
  SELECT DIV(TIMESTAMP_DIFF(opened_at, @start, SECOND), 604800) AS week, 'opened' AS kind
  FROM `{d}.issue_lifecycle` WHERE opened_at > @first AND opened_at >= @start
  UNION ALL
  SELECT DIV(TIMESTAMP_DIFF(closed_at, @start, SECOND), 604800), 'fixed'
  FROM `{d}.issue_lifecycle` WHERE closed_at >= @start
)
GROUP BY week
""",
        start=period.start,
        first=period.first,
    )
    opened = Counter({row.week: row.opened for row in rows})
    fixed = Counter({row.week: row.fixed for row in rows})
    return [
        Week(monday, opened[n], fixed[n], so_far=n == WEEKS - 1)
        for n, monday in enumerate(period.weeks)
        if monday >= _monday(period.first)
    ]


def _read_fixes(warehouse: Connection, period: Period) -> Fixes:
    """Read how many days each opening that was closed since `start` lasted."""
    rows = _query(
        warehouse,
        """
SELECT DISTINCT severity, COUNT(*) OVER (PARTITION BY severity) AS fixed,
  PERCENTILE_CONT(days, 0.25) OVER (PARTITION BY severity) AS quarter,
  PERCENTILE_CONT(days, 0.5) OVER (PARTITION BY severity) AS median,
  PERCENTILE_CONT(days, 0.75) OVER (PARTITION BY severity) AS three_quarters,
  COUNT(*) OVER () AS all_fixed, PERCENTILE_CONT(days, 0.5) OVER () AS all_median
FROM (
  SELECT COALESCE(NULLIF(l.severity, ''), 'none') AS severity, l.days_open AS days
  FROM `{d}.issue_lifecycle` AS l WHERE l.closed_at >= @start
)
""",
        start=period.start,
    )
    found = {
        row.severity: DaysToFix(
            row.severity, row.fixed, row.quarter, row.median, row.three_quarters
        )
        for row in rows
    }
    return Fixes(
        fixed=rows[0].all_fixed if rows else 0,
        median=rows[0].all_median if rows else None,
        by_severity=[found[severity] for severity in _in_order(*found) if severity in found],
    )


def _read_oldest(warehouse: Connection) -> list[OldIssue]:
    """Read the critical issues that have been open longest."""
    rows = _query(
        warehouse,
        """
SELECT i.id, i.title, i.opened_at, i.times_reopened, o.first_seen,
  COALESCE(o.occurrences, 0) AS occurrences
FROM `{d}.open_issues` AS i LEFT JOIN (
  SELECT issue_id, MIN(first_seen_at) AS first_seen,
    COUNTIF(NOT COALESCE(snoozed, FALSE)) AS occurrences
  FROM `{d}.open_occurrences` GROUP BY issue_id
) AS o ON o.issue_id = i.id
WHERE i.severity = 'critical' AND NOT COALESCE(i.snoozed, FALSE)
ORDER BY i.opened_at, o.first_seen IS NULL, o.first_seen, i.id LIMIT 10
""",
    )
    return [OldIssue(**row) for row in rows]


def _read_targets(warehouse: Connection) -> list[Target]:
    """Count the open issues of each target, each issue once even if it is on several ports."""
    rows = _query(
        warehouse,
        """
WITH found AS (
  SELECT DISTINCT o.target, i.id, i.severity
  FROM `{d}.open_occurrences` AS o JOIN `{d}.open_issues` AS i ON i.id = o.issue_id
  WHERE o.target IS NOT NULL
    AND NOT COALESCE(o.snoozed, FALSE) AND NOT COALESCE(i.snoozed, FALSE)
),
worst AS (
  SELECT target, COUNT(*) AS open,
    COUNTIF(severity = 'critical') AS critical, COUNTIF(severity = 'high') AS high,
    COUNTIF(severity = 'medium') AS medium, COUNTIF(severity = 'low') AS low
  FROM found GROUP BY target
  ORDER BY open DESC, critical DESC, high DESC, medium DESC, low DESC, target LIMIT 10
),
tags AS (
  SELECT address, MIN(TO_JSON_STRING(tags)) AS tags FROM `{d}.targets_history`
  WHERE valid_to IS NULL GROUP BY address
)
SELECT worst.*, tags.tags FROM worst LEFT JOIN tags ON tags.address = worst.target
ORDER BY open DESC, critical DESC, high DESC, medium DESC, low DESC, target
""",
    )
    return [Target(**{**row, "tags": _tags(row.tags)}) for row in rows]


def _tags(text: str | None) -> list[str]:
    found = json.loads(text or "null")
    return [str(tag) for tag in found if tag is not None] if isinstance(found, list) else []


def _read_freshness(warehouse: Connection, period: Period, existing: set[str]) -> Freshness:
    """Read when loads and occurrences were, and what each merged table holds: one query each."""
    [loads] = _query(
        warehouse,
        """
SELECT COUNT(*) AS loads, MAX(gap) AS longest_gap FROM (
  SELECT inserted_at,
    TIMESTAMP_DIFF(inserted_at, LAG(inserted_at) OVER (ORDER BY inserted_at), SECOND) AS gap
  FROM `{d}._dlt_loads` WHERE status = 0
)
WHERE inserted_at > @week_ago
""",
        week_ago=period.week_ago,
    )
    written = """
SELECT '{table}' AS name, COUNT(*) AS held, MAX(l.inserted_at) AS written
FROM `{d}.{table}` AS t LEFT JOIN `{d}._dlt_loads` AS l ON l.load_id = t._dlt_load_id
"""
    tables = [name for name in TABLES if name in existing]
    scanned = None
    if "scans" in tables:
        [scans] = _query(warehouse, "SELECT MAX(created_at) AS newest FROM `{d}.scans`")
        scanned = scans.newest
    return Freshness(
        loads=loads.loads,
        longest_gap=None if loads.longest_gap is None else timedelta(seconds=loads.longest_gap),
        scanned=scanned,
        reads=_read_reads(warehouse) if READS in existing else None,
        tables=[
            TableRows(**row)
            for table in tables
            for row in _query(warehouse, written.replace("{table}", table))
        ],
    )


def _read_reads(warehouse: Connection) -> Reads | None:
    """Count the issues by when their occurrences were read, or return None if there are none."""
    [row] = _query(
        warehouse,
        """
SELECT COUNT(*) AS listed, COUNTIF(r.read_at = l.latest_at) AS latest,
  COUNTIF(r.read_at < l.latest_at) AS earlier, COUNTIF(r.read_at IS NULL) AS never,
  MAX(r.read_at) AS latest_at, MIN(r.read_at) AS oldest_at
FROM `{d}.occurrence_reads` AS r
CROSS JOIN (SELECT MAX(read_at) AS latest_at FROM `{d}.occurrence_reads`) AS l
""",
    )
    return Reads(**row) if row.listed else None


def _monday(instant: datetime) -> datetime:
    """Return the beginning of the week of an instant in UTC."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=instant.weekday())
