"""The figures of the report. BigQuery counts, so few rows are read however large the account is.

Each part of the page is a file of SQL beside this one, where `{dataset}` is the dataset.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.diagnose import NO_RIGHT, cause_of, diagnose, repeated_for
from scanner_sync.errors import LoadError, SyncError
from scanner_sync.report.actions import Action, Actions
from scanner_sync.rules import GOALS
from scanner_sync.schema.findings import CONCLUSIONS, UNSCANNED_AFTER
from scanner_sync.schema.histories import HISTORIES
from scanner_sync.schema.occurrence_reads import READS
from scanner_sync.schema.tables import FIXED, TABLES
from scanner_sync.schema.views import VIEW_TABLES
from scanner_sync.warehouse import LATE_AFTER, Connection, describe_state, summarize

WEEKS: Final = 26
"""How many weeks the page covers, including the current one. Weeks begin on Monday, in UTC."""

LIST_IS_OLD: Final = timedelta(days=2)
"""How long before the last sync the API may have listed the targets that were scanned lately."""

GRADES: Final = {"critical": "F", "high": "C", "medium": "B", "low": "A"}
"""The grade of the scanner's vendor if one of its `GOALS` is missed:
https://help.intruder.io/en/articles/4899845-cyber-hygiene-score"""

SEVERITIES: Final = ("critical", "high", "medium", "low")
"""Always shown, in this order. Any other severity that the API sends comes after them."""

WEEK: Final = timedelta(weeks=1)

PARTS: Final = (
    *("weeks", "open_now", "actions", "changes", "fixes"),
    *("targets", "tags", "coverage", "reads", "looked"),
)
"""The parts of the page that are always read."""

# Not a file, because it is repeated for each table of the schema that the dataset has.
_HELD: Final = """
SELECT '{table}' AS name, COUNT(*) AS held, MAX(l.inserted_at) AS written
FROM `{dataset}.{table}` AS t LEFT JOIN `{dataset}._dlt_loads` AS l ON l.load_id = t._dlt_load_id
"""

# The view is read once for all parts that read it.
_PAGE: Final = """
WITH open_findings AS (SELECT * FROM `{{dataset}}.open_findings`)
SELECT * FROM {parts}"""
_PART: Final = "(SELECT ARRAY_AGG(part) AS {name} FROM (\n{sql}) AS part)"


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
        return self.now - WEEK

    @property
    def weeks(self) -> list[datetime]:
        """The Mondays of all weeks, oldest first."""
        return [_monday(self.now) - n * WEEK for n in reversed(range(WEEKS))]

    @property
    def start(self) -> datetime:
        """The first of these Mondays."""
        return self.weeks[0]

    @property
    def stale(self) -> bool:
        """Whether the last sync is too old."""
        return self.now - self.last > LATE_AFTER


class Week(NamedTuple):
    """What `remediation_metrics` says of a week: of all severities together, or of one."""

    monday: datetime
    until: datetime
    """The end of the week, or now."""
    open: Counter[str]
    """How many are open at the end, by severity, with snoozed ones."""
    opened: int = 0
    reopened: int = 0
    closed: int = 0
    fixed: int = 0
    """Findings that the scanner lists as fixed."""
    not_reported: int = 0
    """Findings that closed without a date of a fix."""
    corrected: int = 0
    is_known: bool = True
    """Whether the week is measured. Weeks before the first of them are not."""
    reconstructed: bool = False
    """Whether it ended before the first sync."""

    @property
    def so_far(self) -> bool:
        """Whether it is the current week."""
        return self.until < self.monday + WEEK

    @property
    def fixes(self) -> int:
        """How many were fixed, with a date or without."""
        return self.fixed + self.not_reported


class Now(NamedTuple):
    """The open findings of one severity, and the issues that they belong to."""

    severity: str
    open: int = 0
    open_issues: int = 0
    snoozed: int = 0
    to_do: int = 0
    """Findings that are not snoozed, and whose target is not deleted. All fields below count only
    these."""
    to_do_issues: int = 0
    overdue: int = 0
    overdue_issues: int = 0
    due: int = 0
    """Due in the next seven days."""
    due_issues: int = 0
    exploited: int = 0
    """With a CVE in the KEV catalog."""
    exploited_issues: int = 0
    looked_up: int = 0
    """With a CVE that was looked up in that catalog."""
    scored: int = 0
    """With a CVE that has a score in EPSS."""
    likely: int = 0
    """With an exploit that the scanner calls known."""
    likely_issues: int = 0
    mean_age: float | None = None
    """In days. None if nothing is to do."""
    oldest: float | None = None
    """The age of the oldest, in days."""

    @property
    def deleted(self) -> int:
        """How many are on deleted targets, and not snoozed."""
        return self.open - self.to_do - self.snoozed


class LastDays(NamedTuple):
    """How many findings opened and were fixed in the last seven days."""

    opened: int
    fixed: int
    opened_critical: int
    fixed_critical: int


class DaysToFix(NamedTuple):
    """How long fixes took, for one severity."""

    severity: str
    fixed: int = 0
    not_reported: int = 0
    """Fixes without a date, which count from the sync that no longer saw the finding."""
    mean: float | None = None
    """In days, like what follows. None if nothing was fixed."""
    quarter: float | None = None
    median: float | None = None
    three_quarters: float | None = None
    in_time: float | None = None
    """The share that met its goal, 0 to 1. None if there is no goal."""


class Measures(NamedTuple):
    """What `remediation_metrics` says of a severity, with what is still open counted."""

    median: float | None
    """The Kaplan-Meier median, in days. None if not half are fixed."""
    in_90_days: float | None
    """The share that is fixed within 90 days, 0 to 1."""
    in_time: float | None
    """Of what was due within the period, the share that was fixed by then, 0 to 1."""


class Fixes(NamedTuple):
    """How long findings took that were fixed within the period."""

    fixed: int
    not_reported: int
    median: float | None
    """In days. None if nothing was fixed."""
    in_time: float | None
    by_severity: list[DaysToFix]
    """In the order of the page."""
    measures: dict[str, Measures]
    """By severity, and for `all`."""


class Closings(NamedTuple):
    """How many were closed within the period, of one severity, and why."""

    severity: str
    fixed: int = 0
    not_reported: int = 0
    target_removed: int = 0
    target_not_scanned: int = 0


class Tag(NamedTuple):
    """The findings to do on the targets with a tag, and how long fixes took there."""

    tag: str
    to_do: int
    issues: int
    """The issues that these belong to."""
    exploited: int
    critical: int
    high: int
    overdue: int
    mean_age: float | None
    """The mean age of the findings to do, in days."""
    fixed: int
    """Fixes within the period."""
    median: float | None
    """The median days of these fixes."""


class Target(NamedTuple):
    """The findings to do on a target, and the issues that they belong to."""

    target: str
    to_do: int
    issues: int
    overdue: int
    exploited: int
    critical: int
    high: int
    medium: int
    low: int
    tags: list[str]

    @property
    def other(self) -> int:
        """Findings to do of any other severity."""
        return self.to_do - self.critical - self.high - self.medium - self.low


class Unscanned(NamedTuple):
    """A target that was not scanned lately."""

    target: str | None
    """Its address. None if the scanner gives none."""
    status: str | None
    """As the scanner names it."""
    scanned_at: datetime | None
    """The latest scan that is known. None if the scanner lists it as never scanned, or says only
    that it was not scanned lately."""


class Coverage(NamedTuple):
    """When the targets were scanned."""

    listed_on: datetime | None
    """When the scanner last listed the targets that were scanned lately. None if it does not, and
    only the dates of the occurrences tell."""
    targets: int
    recent: int
    """Targets that were scanned within `UNSCANNED_AFTER`."""
    late: int
    """Targets that were scanned before that, or never."""
    latest: list[Unscanned]
    """Ten of them: first the ones without a date, and then the oldest."""

    @property
    def unknown(self) -> int:
        """Targets for which nothing says when they were scanned.

        They are newer than the list or, without one, nothing was found on them.
        """
        return self.targets - self.recent - self.late


class TableRows(NamedTuple):
    """How many rows a table holds, when one was last written, and when the API was last read."""

    name: str
    held: int
    written: datetime | None
    looked: datetime | None
    """Time of the last sync that read rows for it, whether or not one was new."""


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
    empty: int = 0
    """Issues that are listed without an occurrence."""

    def stale(self, now: datetime) -> bool:
        """Tell whether occurrences are missing, or too old."""
        return bool(self.never) or (self.oldest_at or now) < now - LATE_AFTER


class Freshness(NamedTuple):
    """How current the dataset is."""

    syncs: int
    """Successful syncs in the last seven days."""
    longest_gap: timedelta | None
    """The longest time between one of these syncs and the one before it."""
    scanned: datetime | None
    """When the newest scan was created."""
    tables: list[TableRows]
    reads: Reads | None
    """None if no issue was listed."""


class Trend(NamedTuple):
    """The weeks of an account, or of several together."""

    period: Period
    severities: list[str]
    """All that occur, in the order of the page. Findings without one are under `none`."""
    weeks: list[Week]
    """The weeks of the period, oldest first, and the one before it."""


class Figures(NamedTuple):
    """What the page shows, by its parts."""

    dataset: str
    trend: Trend
    open_now: list[Now]
    """In the order of the page."""
    actions: Actions
    last_days: LastDays
    fixes: Fixes
    closings: list[Closings]
    """In the order of the page. None if nothing was closed."""
    targets: list[Target]
    """Ten with something to do, worst first."""
    tags: list[Tag]
    """Ten with something to do, worst first."""
    coverage: Coverage
    freshness: Freshness

    def total(self, name: str, *severities: str) -> int:
        """Return the sum of a number of `open_now`, over all severities unless some are named."""
        rows = (row for row in self.open_now if not severities or row.severity in severities)
        return sum(getattr(row, name) for row in rows)

    @property
    def grade(self) -> tuple[str, str | None]:
        """The vendor's grade, and the severity that decides it; None if no goal is missed."""
        oldest = {row.severity: row.oldest or 0 for row in self.open_now}
        for severity, grade in GRADES.items():
            if oldest.get(severity, 0) > GOALS[severity]:
                return grade, severity
        return "A+", None


class Account(NamedTuple):
    """What the page shows of an account, if there are several."""

    name: str
    state: str
    """As in the command `status`."""
    figures: Figures | None = None
    """The figures of its own dataset. None if it could not be read."""
    error: SyncError | None = None
    """Why it could not be read."""

    @property
    def sums(self) -> dict[str, int]:
        """What the table of accounts shows of one that was read."""
        assert self.figures
        total = self.figures.total
        return {
            "to_do": total("to_do"),
            "issues": total("to_do_issues"),
            "looked_up": total("looked_up"),
            "exploited": total("exploited"),
            "critical": total("to_do", "critical"),
            "overdue": total("overdue"),
            "critical_overdue": total("overdue", "critical"),
            # In this week and the three before.
            "fixed": sum(week.fixes for week in self.figures.trend.weeks[-4:]),
        }


def read_accounts(
    combined: Connection,
    datasets: Mapping[str, str],
    now: datetime,
    on_read: Callable[[int], None] = lambda count: None,
) -> list[Account]:
    """Read the figures of each account from its own dataset, several at once; the worst come first.

    `datasets` are the datasets that `combined` combines, by account. What goes wrong with one is in
    its `error`, and keeps none of the others from being read. `on_read` is called after each, with
    how many were read.
    """

    def read(name: str) -> Account:
        log.account.set(name)
        state = "unknown"
        try:
            connection = replace(combined, dataset=datasets[name])
            state = describe_state(summarize(connection))
            return Account(name, state, read_figures(connection, now))
        except Exception as error:
            return Account(name, state, error=log.explain(error, diagnose))

    accounts = []
    with ThreadPoolExecutor(8, "accounts") as pool:
        for future in as_completed([pool.submit(read, name) for name in datasets]):
            accounts.append(future.result())
            on_read(len(accounts))
    return sorted(accounts, key=_worst_first)


def _worst_first(account: Account) -> tuple[object, ...]:
    """Sort accounts by the worst that is to do. Unreadable ones come first."""
    if account.figures is None:
        return (False, account.name)
    order = ("exploited", "critical_overdue", "critical", "overdue", "to_do")
    return (True, *(-account.sums[name] for name in order), account.name)


def total_trend(accounts: Iterable[Account]) -> Trend | None:
    """Add up the weeks of all accounts that were read. None if there is none."""
    trends = [account.figures.trend for account in accounts if account.figures]
    if not trends:
        return None
    weeks = [
        Week(
            parts[0].monday,
            max(part.until for part in parts),
            sum((part.open for part in parts), Counter()),
            opened=sum(part.opened for part in parts),
            closed=sum(part.closed for part in parts),
            is_known=any(part.is_known for part in parts),
            reconstructed=any(part.reconstructed for part in parts),
        )
        for parts in zip(*(trend.weeks for trend in trends), strict=True)
    ]
    last = max(trends, key=lambda trend: trend.period.first).period
    now = max(trend.period.now for trend in trends)
    severities = _in_order(*(severity for trend in trends for severity in trend.severities))
    return Trend(last._replace(now=now), severities, weeks)


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
            " the project in which jobs run and roles/bigquery.dataViewer on the dataset."
        ) from None
    except (GoogleAPICallError, GoogleAuthError) as error:
        raise diagnose(error) from None


def _no_histories(name: str) -> LoadError:
    return LoadError(
        f"There are no histories in {name}, or an earlier version made them. The report needs"
        " them: sync once, or set GOOGLE_CLOUD_PROJECT and DATASET to a"
        " dataset that has them."
    )


def _read(warehouse: Connection, now: datetime) -> Figures:
    existing = {table.table_id for table in warehouse.client.list_tables(warehouse.dataset)}
    if not existing >= {*HISTORIES, *CONCLUSIONS, *VIEW_TABLES, READS, FIXED, "_dlt_loads"}:
        raise _no_histories(warehouse.name)
    period, syncs, longest_gap = _read_period(warehouse, now)
    parts = _read_parts(warehouse, period, existing)
    weeks, measures = _weeks(parts["weeks"], period)
    open_now = [Now(**row) for row in parts["open_now"]]
    last_days, closings = _changes(parts["changes"])
    open_by = {row.severity: row for row in open_now}
    closed_by = {row.severity: row for row in closings}
    seen = [*(severity for week in weeks for severity in week.open), *open_by, *closed_by]
    severities = _in_order(*seen)
    return Figures(
        dataset=warehouse.name,
        trend=Trend(period, severities, weeks),
        open_now=[open_by.get(severity) or Now(severity) for severity in severities],
        actions=_actions(parts["actions"]),
        last_days=last_days,
        fixes=_fixes(parts["fixes"], measures),
        closings=[
            closed_by.get(severity) or Closings(severity)
            for severity in (_in_order(*closed_by) if closed_by else [])
        ],
        targets=[Target(*(row[name] for name in Target._fields)) for row in parts["targets"]],
        tags=[Tag(*(row[name] for name in Tag._fields)) for row in parts["tags"]],
        coverage=_coverage(parts["coverage"]),
        freshness=Freshness(
            syncs=syncs,
            longest_gap=longest_gap,
            scanned=next((row.newest for row in parts.get("scans", [])), None),
            tables=_tables(parts.get("tables", []), parts["looked"]),
            reads=next((Reads(**row) for row in parts["reads"] if row.listed), None),
        ),
    )


def _sql(name: str) -> str:
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")


def _query(warehouse: Connection, sql: str, **instants: datetime) -> list[bigquery.Row]:
    """Run a query, in which `{dataset}` is the dataset and `@name` an instant."""
    kind = bigquery.ScalarQueryParameter
    return list(warehouse.run(sql, *(kind(name, "TIMESTAMP", of) for name, of in instants.items())))


def _read_period(warehouse: Connection, now: datetime) -> tuple[Period, int, timedelta | None]:
    """Read when the histories begin and when they and the dataset were last brought up to date.

    Returns also how many syncs succeeded in the last seven days, and the longest time between two.
    """
    [row] = _query(warehouse, _sql("period"), now=now)
    first = row.first_state or row.first_sync
    last = max(filter(None, (row.last_state, row.last_sync)), default=None)
    if last is None:  # nothing was ever seen in the account
        first = last = warehouse.client.get_table(f"{warehouse.dataset}.issues_history").created
    period = Period(
        first=first,
        last=last,
        last_change=row.last_state,
        # dlt dates its loads by its machine's clock, which may be ahead of BigQuery's.
        now=max(now.astimezone(UTC), last),
    )
    gap = None if row.longest_gap is None else timedelta(seconds=row.longest_gap)
    return period, row.syncs, gap


def _read_parts(
    warehouse: Connection, period: Period, existing: set[str]
) -> dict[str, list[bigquery.Row]]:
    """Read the rows of each part of the page, by the names of their files, in their `place`.

    One query reads all, so BigQuery bills what a table holds once, and not for each part.
    """
    view = "`{dataset}.open_findings`"
    queries = {name: _sql(name).replace(view, "open_findings") for name in PARTS}
    if "occurrences_issues" not in existing:  # no sync has read any
        nothing = "(SELECT '' AS target, @since AS target_last_scanned_at LIMIT 0)"
        queries["coverage"] = queries["coverage"].replace("`{dataset}.occurrences_issues`", nothing)
    if tables := [name for name in TABLES if name in existing]:
        queries["tables"] = " UNION ALL ".join(_HELD.replace("{table}", name) for name in tables)
    if "scans" in tables:
        queries["scans"] = _sql("scans")
    [found] = _query(
        warehouse,
        _PAGE.format(
            parts=",\n".join(_PART.format(name=name, sql=sql) for name, sql in queries.items())
        ),
        now=period.now,
        in_a_week=period.now + WEEK,
        week_ago=period.week_ago,
        start=period.start,
        begin=period.start - WEEK,
        since=period.now - UNSCANNED_AFTER,
        listed_after=period.last - LIST_IS_OLD,
    )
    return {
        name: [
            bigquery.Row(tuple(row.values()), {field: n for n, field in enumerate(row)})
            for row in sorted(rows, key=lambda row: row.get("place", 0))
        ]
        for name, rows in found.items()
    }


def _weeks(rows: list[bigquery.Row], period: Period) -> tuple[list[Week], dict[str, Measures]]:
    """Return the weeks, and what they say of each severity."""
    by_week: dict[datetime, dict[str, bigquery.Row]] = {}
    for row in rows:
        monday = datetime(row.week.year, row.week.month, row.week.day, tzinfo=UTC)
        by_week.setdefault(monday, {})[row.severity] = row
    weeks: list[Week] = []
    for monday in (period.start - WEEK, *period.weeks):
        until = min(monday + WEEK, period.now)
        if found := by_week.get(monday):
            weeks.append(_week(monday, until, found))
        elif by_week and monday > max(by_week):  # without a sync, nothing was seen to change
            weeks.append(Week(monday, until, weeks[-1].open))
        else:
            weeks.append(Week(monday, until, Counter(), is_known=False))
    last = by_week[max(by_week)] if by_week else {}
    due, met = Counter[str](), Counter[str]()
    for row in rows:
        if row.week >= period.start.date():
            due[row.severity] += row.due
            met[row.severity] += row.met
    return weeks, {
        name: Measures(
            row.kaplan_meier_days_to_fix,
            row.share_fixed_90_days,
            met[name] / due[name] if due[name] else None,
        )
        for name, row in last.items()
    }


def _week(monday: datetime, until: datetime, found: Mapping[str, bigquery.Row]) -> Week:
    of_all = found["all"]
    names = ("opened", "reopened", "closed", "fixed", "not_reported", "corrected", "reconstructed")
    return Week(
        monday,
        until,
        Counter({name: row.open for name, row in found.items() if name != "all"}),
        **{name: of_all[name] for name in names},
    )


def _actions(rows: list[bigquery.Row]) -> Actions:
    """Return what to do first, and what of it is new."""
    actions = [(row, Action(*(row[name] for name in Action._fields))) for row in rows]
    return Actions(
        first=[action for row, action in actions if row.is_first],
        all=rows[0].actions if rows else 0,
        new=[action for row, action in actions if row.is_listed_as_new],
        all_new=rows[0].all_new if rows else 0,
    )


def _changes(rows: list[bigquery.Row]) -> tuple[LastDays, list[Closings]]:
    """Return what changed in the last seven days, and what closed within the period."""
    critical = [row for row in rows if row.severity == "critical"]
    closings = [Closings(*(row[name] for name in Closings._fields)) for row in rows]
    return (
        LastDays(
            opened=sum(row.opened_lately for row in rows),
            fixed=sum(row.fixed_lately for row in rows),
            opened_critical=sum(row.opened_lately for row in critical),
            fixed_critical=sum(row.fixed_lately for row in critical),
        ),
        [closed for closed in closings if any(closed[1:])],
    )


def _in_order(*severities: str) -> list[str]:
    """Sort severities as the page shows them, each once: the known, any other, `none`."""
    others = {*severities} - {*SEVERITIES, "none"}
    return [*SEVERITIES, *sorted(others), *sorted({"none"} & {*severities})]


def _fixes(rows: list[bigquery.Row], measures: dict[str, Measures]) -> Fixes:
    """Return how many days the fixes within the period took, and how many were in time."""
    found = {row.severity: DaysToFix(*(row[name] for name in DaysToFix._fields)) for row in rows}
    return Fixes(
        fixed=rows[0].all_fixed if rows else 0,
        not_reported=rows[0].all_not_reported if rows else 0,
        median=rows[0].all_median if rows else None,
        in_time=rows[0].all_in_time if rows else None,
        by_severity=[found.get(severity) or DaysToFix(severity) for severity in _in_order(*found)],
        measures={of: Measures(None, None, None) for of in _in_order(*found)} | measures,
    )


def _coverage(rows: list[bigquery.Row]) -> Coverage:
    """Return which targets were not scanned lately, as the API or the occurrences tell."""
    return Coverage(
        listed_on=rows[0].listed_on if rows else None,
        targets=rows[0].targets if rows else 0,
        recent=rows[0].recent if rows else 0,
        late=rows[0].late if rows else 0,
        latest=[Unscanned(row.target, row.status, row.scanned_at) for row in rows if row.is_late],
    )


def _tables(rows: list[bigquery.Row], looked: list[bigquery.Row]) -> list[TableRows]:
    """Return what each merged table holds, and when the API was read for it."""
    held, read = ({row["name"]: row for row in of} for of in (rows, looked))
    return [
        TableRows(**held[name], looked=read[name].looked if name in read else None)
        for name in TABLES
        if name in held
    ]


def _monday(instant: datetime) -> datetime:
    """Return the beginning of the week of an instant in UTC."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=instant.weekday())
