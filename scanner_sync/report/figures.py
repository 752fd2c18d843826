"""The figures of the report. BigQuery counts, so few rows are read however large the account is."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.errors import LoadError, SyncError
from scanner_sync.tables import TABLES
from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.diagnose import (
    NO_RIGHT,
    cause_of,
    diagnose,
    explain,
    repeated_for,
)
from scanner_sync.warehouse.history import HISTORIES
from scanner_sync.warehouse.lifecycles import IS_FIX, SEVERITY
from scanner_sync.warehouse.reads import READS
from scanner_sync.warehouse.status import describe_state, summarize
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
    def stale(self) -> bool:
        """Whether the last load is too old."""
        return self.now - self.last > STALE_AFTER


class Week(NamedTuple):
    """What `remediation_metrics` says of a week: of all severities together, or of one."""

    monday: datetime
    until: datetime
    """The end of the week, or now."""
    open: Counter[str]
    """How many are open at the end, by severity."""
    opened: int
    closed: int
    fixed: int
    reopened: int

    @property
    def so_far(self) -> bool:
        """Whether it is the current week."""
        return self.until < self.monday + _WEEK


class Now(NamedTuple):
    """What is open now of one severity."""

    severity: str
    open: int
    """Without snoozed ones, like all that follows."""
    snoozed: int
    overdue: int
    due: int
    """Due before next Monday."""
    mean_age: float | None
    """In days. None if nothing is open."""
    oldest: float | None
    """The age of the oldest, in days."""


class LastDays(NamedTuple):
    """How many occurrences were opened and fixed in the last seven days."""

    opened: int
    fixed: int
    opened_critical: int
    fixed_critical: int


class DaysToFix(NamedTuple):
    """How long fixes took, for one severity."""

    severity: str
    fixed: int
    mean: float
    quarter: float
    median: float
    three_quarters: float
    in_time: float | None
    """The share that met its goal, 0 to 1. None if there is no goal."""


class Fixes(NamedTuple):
    """How long occurrences took that were fixed within the period."""

    fixed: int
    median: float | None
    """In days. None if nothing was fixed."""
    in_time: float | None
    by_severity: list[DaysToFix]
    """For severities with a fix, in the order of the page."""
    estimates: dict[str, float]
    """The Kaplan-Meier medians of now, in days, by severity and for `all`, where there is one."""


class Closings(NamedTuple):
    """How many were closed within the period, of one severity, and why."""

    severity: str
    fixed: int
    not_reported: int
    target_removed: int
    target_not_scanned: int


class Tag(NamedTuple):
    """What is open on the targets with a tag, and how long fixes took there."""

    tag: str
    by_severity: list["TagSeverity"]

    @property
    def open(self) -> int:
        """How many are open in all."""
        return sum(row.open for row in self.by_severity)

    @property
    def overdue(self) -> int:
        """How many are overdue in all."""
        return sum(row.overdue for row in self.by_severity)


class TagSeverity(NamedTuple):
    """The same of one severity."""

    severity: str
    open: int
    """Without snoozed ones."""
    overdue: int
    mean_age: float | None
    fixed: int
    """Fixes within the period."""
    median: float | None
    """Their median days."""


class OldIssue(NamedTuple):
    """A critical issue that is open and not snoozed."""

    id: int
    title: str | None
    opened_at: datetime
    times_reopened: int
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
    """None if no issue was listed."""
    tables: list[TableRows]


class Figures(NamedTuple):
    """What the page shows, by its parts."""

    dataset: str
    period: Period
    severities: list[str]
    """All that occur, in the order of the page. Occurrences without one are under `none`."""
    weeks: list[Week]
    """The weeks of the period, oldest first, and the one before it."""
    open_now: list[Now]
    """In the order of the page."""
    last_days: LastDays
    fixes: Fixes
    closings: list[Closings]
    """In the order of the page, for severities with a closing."""
    oldest: list[OldIssue]
    """The ten oldest, oldest first."""
    targets: list[Target]
    """The ten with the most open issues, worst first."""
    tags: list[Tag]
    """The five with the most open occurrences, worst first."""
    freshness: Freshness

    def total(self, name: str) -> int:
        """Return the sum over all severities of a number of `open_now`."""
        return sum(getattr(row, name) for row in self.open_now)


class Account(NamedTuple):
    """What the page shows of an account, if there are several."""

    name: str
    state: str
    """As in the command `status`."""
    figures: Figures | None = None
    """Those of its own dataset. None if it could not be read."""
    error: SyncError | None = None
    """Why it could not be read."""

    @property
    def open(self) -> int:
        """How many occurrences are open. Like all that follows, only if there are `figures`."""
        return self._figures.total("open")

    @property
    def critical(self) -> int:
        """How many of them are critical."""
        return sum(row.open for row in self._figures.open_now if row.severity == "critical")

    @property
    def overdue(self) -> int:
        """How many are overdue."""
        return self._figures.total("overdue")

    @property
    def fixed(self) -> int:
        """How many were fixed in this week and the three before."""
        return sum(week.fixed for week in self._figures.weeks[-4:])

    @property
    def _figures(self) -> Figures:
        assert self.figures
        return self.figures


def read_accounts(
    combined: Connection, datasets: Mapping[str, str], now: datetime
) -> list[Account]:
    """Read the figures of each account from its own dataset, several at once.

    `datasets` are those that `combined` combines, by account. What goes wrong with one is in its
    `error`, and keeps none of the others from being read.
    """

    def read(name: str) -> Account:
        log.account.set(name)
        state = "unknown"
        try:
            connection = replace(combined, dataset=datasets[name])
            state = describe_state(summarize(connection))
            return Account(name, state, read_figures(connection, now))
        except Exception as error:
            return Account(name, state, error=explain(error))

    with ThreadPoolExecutor(8, "accounts") as pool:
        return list(pool.map(read, datasets))


def read_figures(warehouse: Connection, now: datetime) -> Figures:
    """Read all figures of the page, as of `now` (aware).

    Raises `LoadError` if the dataset has no histories or BigQuery denies access, and for other
    errors of Google's libraries what `diagnose` returns.
    """
    try:
        return _read(warehouse, now)
    except NotFound as error:
        if repeated_for(error):  # it was a job
            raise diagnose(error) from None
        raise _no_histories(warehouse.name) from None
    except Forbidden as error:
        if cause_of(error) is not NO_RIGHT:
            raise diagnose(error) from None
        raise LoadError(
            f"BigQuery denies access: {error.message} The report needs roles/bigquery.jobUser on"
            " the project and roles/bigquery.dataViewer on the dataset."
        ) from None
    except (GoogleAPICallError, GoogleAuthError) as error:
        raise diagnose(error) from None


def _no_histories(name: str) -> LoadError:
    return LoadError(
        f"There are no histories in {name}, or only those of an earlier version. The report is made"
        " from them: sync once, or set GOOGLE_CLOUD_PROJECT and DATASET to a"
        " dataset that has them."
    )


def _read(warehouse: Connection, now: datetime) -> Figures:
    existing = {table.table_id for table in warehouse.client.list_tables(warehouse.dataset)}
    if not existing >= {*HISTORIES, *VIEWS, READS, "_dlt_loads"}:
        raise _no_histories(warehouse.name)
    period = _read_period(warehouse, now)
    weeks, estimates = _read_weeks(warehouse, period)
    open_now, last_days, closings = _read_now(warehouse, period)
    fixes = _read_fixes(warehouse, period, estimates)
    open_by = {row.severity: row for row in open_now}
    closed_by = {row.severity: row for row in closings}
    seen = [*(severity for week in weeks for severity in week.open), *open_by, *closed_by]
    severities = _in_order(*seen)
    return Figures(
        dataset=warehouse.name,
        period=period,
        severities=severities,
        weeks=weeks,
        open_now=[
            open_by.get(severity) or Now(severity, 0, 0, 0, 0, None, None)
            for severity in severities
        ],
        last_days=last_days,
        fixes=fixes,
        closings=[closed_by[severity] for severity in severities if severity in closed_by],
        oldest=_read_oldest(warehouse),
        targets=_read_targets(warehouse),
        tags=_read_tags(warehouse, period),
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
        # dlt dates its loads by its machine's clock, which may be ahead of BigQuery's.
        now=max(now.astimezone(UTC), last),
    )


def _read_weeks(warehouse: Connection, period: Period) -> tuple[list[Week], dict[str, float]]:
    """Read the weeks, and the Kaplan-Meier medians at the end of the last one."""
    rows = _query(
        warehouse,
        "SELECT * FROM `{d}.remediation_metrics` WHERE week >= DATE(@begin) ORDER BY week",
        begin=period.start - _WEEK,
    )
    by_week: dict[datetime, dict[str, bigquery.Row]] = {}
    for row in rows:
        monday = datetime(row.week.year, row.week.month, row.week.day, tzinfo=UTC)
        by_week.setdefault(monday, {})[row.severity] = row
    weeks = [
        Week(
            monday=monday,
            until=min(monday + _WEEK, period.now),
            open=Counter({name: row.open for name, row in found.items() if name != "all"}),
            **{
                name: found["all"][name] if found else 0
                for name in ("opened", "closed", "fixed", "reopened")
            },
        )
        for monday in (period.start - _WEEK, *period.weeks)
        for found in [by_week.get(monday, {})]
    ]
    last = by_week[max(by_week)] if by_week else {}
    return weeks, {
        name: row.kaplan_meier_days_to_fix
        for name, row in last.items()
        if row.kaplan_meier_days_to_fix is not None
    }


def _read_now(warehouse: Connection, period: Period) -> tuple[list[Now], LastDays, list[Closings]]:
    """Read what is open now, what changed in the last seven days, and what closed since `start`."""
    reasons = ", ".join(
        f"COUNTIF(closed_at >= @start AND close_reason = '{reason}') AS is_{reason}"
        for reason in Closings._fields[1:]
    )
    rows = _query(
        warehouse,
        f"""
SELECT {SEVERITY} AS severity,
  COUNTIF(is_open) AS open,
  COUNTIF(closed_at IS NULL AND NOT is_open) AS snoozed, COUNTIF(overdue) AS overdue,
  COUNTIF(is_open AND due_at >= @now AND due_at < @monday) AS due,
  AVG(IF(is_open, days_open, NULL)) AS mean_age, MAX(IF(is_open, days_open, NULL)) AS oldest,
  COUNTIF(opened_at > @week_ago) AS opened,
  COUNTIF(closed_at > @week_ago AND {IS_FIX}) AS fixed,
  {reasons}
FROM (
  SELECT *, closed_at IS NULL AND triage = 'open' AS is_open FROM `{{d}}.occurrence_lifecycle`
) GROUP BY 1
""",  # noqa: S608 - our names
        now=period.now,
        monday=period.weeks[-1] + _WEEK,
        week_ago=period.week_ago,
        start=period.start,
    )
    critical = [row for row in rows if row.severity == "critical"]
    return (
        [Now(*(row[name] for name in Now._fields)) for row in rows],
        LastDays(
            opened=sum(row.opened for row in rows),
            fixed=sum(row.fixed for row in rows),
            opened_critical=sum(row.opened for row in critical),
            fixed_critical=sum(row.fixed for row in critical),
        ),
        [
            Closings(row.severity, *(row[f"is_{reason}"] for reason in Closings._fields[1:]))
            for row in rows
            if any(row[f"is_{reason}"] for reason in Closings._fields[1:])
        ],
    )


def _in_order(*severities: str) -> list[str]:
    """Sort severities as the page shows them, each once: the known, any other, `none`."""
    others = {*severities} - {*SEVERITIES, "none"}
    return [*SEVERITIES, *sorted(others), *sorted({"none"} & {*severities})]


def _read_fixes(warehouse: Connection, period: Period, estimates: dict[str, float]) -> Fixes:
    """Read how many days each fix since `start` took, and how many were in time."""
    rows = _query(
        warehouse,
        f"""
SELECT severity, fixed, mean, quarter, median, three_quarters, in_time,
  all_fixed, all_median, all_in_time
FROM (
  SELECT {SEVERITY} AS severity, COUNT(*) OVER one AS fixed, AVG(days_open) OVER one AS mean,
    PERCENTILE_CONT(days_open, 0.25) OVER one AS quarter,
    PERCENTILE_CONT(days_open, 0.5) OVER one AS median,
    PERCENTILE_CONT(days_open, 0.75) OVER one AS three_quarters,
    AVG(CAST(met_sla AS INT64)) OVER one AS in_time,
    COUNT(*) OVER () AS all_fixed, PERCENTILE_CONT(days_open, 0.5) OVER () AS all_median,
    AVG(CAST(met_sla AS INT64)) OVER () AS all_in_time
  FROM `{{d}}.occurrence_lifecycle`
  WHERE closed_at >= @start AND {IS_FIX} AND opened_at IS NOT NULL
  WINDOW one AS (PARTITION BY {SEVERITY})
)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
""",  # noqa: S608 - our names
        start=period.start,
    )
    found = {row.severity: DaysToFix(*(row[name] for name in DaysToFix._fields)) for row in rows}
    return Fixes(
        fixed=rows[0].all_fixed if rows else 0,
        median=rows[0].all_median if rows else None,
        in_time=rows[0].all_in_time if rows else None,
        by_severity=[found[severity] for severity in _in_order(*found) if severity in found],
        estimates=estimates,
    )


def _read_tags(warehouse: Connection, period: Period) -> list[Tag]:
    """Read the five tags with the most open occurrences."""
    rows = _query(
        warehouse,
        f"""
WITH tagged AS (
  SELECT DISTINCT address, JSON_VALUE(item) AS tag
  FROM `{{d}}.targets_history`, UNNEST(JSON_QUERY_ARRAY(tags)) AS item
  WHERE valid_to IS NULL AND JSON_VALUE(item) IS NOT NULL
),
found AS (
  SELECT t.tag, {SEVERITY} AS severity, o.days_open, o.overdue,
    o.closed_at IS NULL AND o.triage = 'open' AS is_open,
    COALESCE(o.closed_at >= @start AND {IS_FIX}, FALSE) AS is_fixed
  FROM tagged AS t JOIN `{{d}}.occurrence_lifecycle` AS o ON o.target = t.address
),
measured AS (
  SELECT *, SUM(IF(is_open, 1, 0)) OVER (PARTITION BY tag) AS all_open, PERCENTILE_CONT(
      IF(is_fixed, days_open, NULL), 0.5) OVER (PARTITION BY tag, severity) AS median
  FROM found
)
SELECT tag, all_open, severity, COUNTIF(is_open) AS open, COUNTIF(overdue) AS overdue,
  AVG(IF(is_open, days_open, NULL)) AS mean_age, COUNTIF(is_fixed) AS fixed, median
FROM measured WHERE all_open > 0 GROUP BY tag, all_open, severity, median
""",  # noqa: S608 - our names
        start=period.start,
    )
    found: dict[tuple[int, str], dict[str, TagSeverity]] = {}
    for row in rows:
        severities = found.setdefault((-row.all_open, row.tag), {})
        severities[row.severity] = TagSeverity(*(row[name] for name in TagSeverity._fields))
    return [
        Tag(tag, [by[severity] for severity in _in_order(*by) if severity in by])
        for (_, tag), by in sorted(found.items())[:5]
    ]


def _read_oldest(warehouse: Connection) -> list[OldIssue]:
    """Read the critical issues that have been open longest."""
    rows = _query(
        warehouse,
        """
SELECT i.id, i.title, i.opened_at, i.times_reopened, COALESCE(o.occurrences, 0) AS occurrences
FROM `{d}.open_issues` AS i LEFT JOIN (
  SELECT issue_id, COUNTIF(NOT COALESCE(snoozed, FALSE)) AS occurrences
  FROM `{d}.open_occurrences` GROUP BY issue_id
) AS o ON o.issue_id = i.id
WHERE i.severity = 'critical' AND NOT COALESCE(i.snoozed, FALSE)
ORDER BY i.opened_at, i.id LIMIT 10
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
        reads=_read_reads(warehouse),
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
