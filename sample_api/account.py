"""The data of one customer: generated rows, and how they change from day to day."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle

from sample_api.rows import Row, days_open, fixed_row, license_row, time_text
from sample_api.words import (
    DOMAINS,
    EXPOSURES,
    FLAWS,
    HOSTS,
    NETWORKS,
    SCORES,
    SITES,
    SNOOZE_REASONS,
    SOFTWARE,
    TAGS,
)

FIRST_DAY = date(2025, 3, 3)
"""Day 0, if no other is chosen."""
SCAN_TIME = time(2, 0, tzinfo=UTC)
"""When the scan of a day runs. All times are relative to the one of day 0."""


@dataclass(frozen=True)
class Changes:
    """The changes of one day, as ids. No issue is in two of the lists."""

    day: str
    """The new date, such as ``2025-03-04``."""
    fixed: list[int]
    """Issues that were removed, with their occurrences."""
    opened: list[int]
    """Issues that were added, with their occurrences."""
    severity_changed: list[int]
    """Issues whose severity changed, and nothing else."""
    snoozed: list[int]
    """Issues that were snoozed, with their occurrences."""
    fixed_occurrences: list[int]
    """The ``occurrence_id`` of what was added to ``Account.fixed``, in its order: the occurrences
    of the issues that were fixed, and on some days one of an issue that stays open, and that is in
    none of the other lists. Some occurrences have no such id, and are not there."""
    scan: int
    """The new scan. It scanned every remaining occurrence, each of which is a day older."""


@dataclass
class Account:
    """The rows of each listing, in the order in which they are served.

    ``generate`` fills one; a test may also set any list. ``next_day`` replaces rows and does not
    change them in place, so ``list(account.issues)`` keeps the rows of the day before.
    """

    issues: list[Row] = field(default_factory=list)
    """An ``occurrences`` that begins with a slash is served as a URL below the base URL."""
    occurrences: dict[int, list[Row]] = field(default_factory=dict)
    """By the id of the issue. A missing key is answered with 404, even if the issue is listed; the
    API does the same when an issue vanishes between two requests. A row's ``id`` is unique only
    within its issue, because no source promises more."""
    scans: list[Row] = field(default_factory=list)
    targets: list[Row] = field(default_factory=list)
    fixed: list[Row] = field(default_factory=list)
    """Occurrences that were fixed, newest ``remediated_at`` first. Their ``id`` is the one that
    they had in their issue."""
    schedules: list[Row] = field(default_factory=list)
    tags: list[Row] = field(default_factory=list)
    licenses: Row = field(default_factory=lambda: license_row([]))
    seed: int = 0
    first_day: date = FIRST_DAY
    day: int = 0
    """Days since the first one."""
    last_id: int = 1000
    """The highest id so far; ids are not reused."""
    scanned_at: datetime | None = None
    """When the latest scan ran, if not at ``SCAN_TIME`` of its day."""

    @property
    def now(self) -> datetime:
        """Return the time of the latest scan."""
        on_time = datetime.combine(self.first_day + timedelta(days=self.day), SCAN_TIME)
        return self.scanned_at or on_time

    def next_day(self, scanned_at: datetime | None = None) -> Changes:
        """Advance by a day, always in the same way for the same account.

        What happens on it is dated ``scanned_at``, by default ``SCAN_TIME`` of the day.

        One issue in 50, but at least one, is fixed, and as many are opened. Three get another
        severity and one is snoozed, if that many are left. On every other day or so, one of the
        occurrences of another issue is fixed. What was fixed goes to ``fixed``. Schedules, tags and
        licenses stay. Rows that a test has set must have the fields that ``generate`` gives them.
        """
        self.day += 1
        self.scanned_at = scanned_at
        rows = (*self.issues, *self.scans, *self.targets)
        self.last_id = max([self.last_id, *(row["id"] for row in rows)])
        rng = random.Random(f"{self.seed}/{self.day}")
        count = max(1, len(self.issues) // 50)

        fixed = _some(rng, [row["id"] for row in self.issues], count)
        left = [row for row in self.issues if row["id"] not in fixed]
        regraded = _some(rng, [row["id"] for row in left], 3)
        awake = [row["id"] for row in left if not row["snoozed"] and row["id"] not in regraded]
        snoozes = {issue: self._snooze(rng, 1) for issue in _some(rng, awake, 1)}
        changed = {*fixed, *regraded, *snoozes}
        alone = self._fixed_alone([row["id"] for row in left if row["id"] not in changed])
        fixed_rows = [
            fixed_row(issue, row | {"age": _older(row)}, self._target_of(row), self.now)
            for issue in self.issues
            for row in self.occurrences.get(issue["id"], [])
            if issue["id"] in fixed or row is alone
            if row["occurrence_id"] is not None
        ]
        self.fixed = [*fixed_rows, *self.fixed]
        scanned = {"target_last_scanned_at": time_text(self.now)}

        self.issues = [row | snoozes.get(row["id"], {}) for row in left]
        for place, row in enumerate(self.issues):
            if row["id"] in regraded:
                self.issues[place] = row | {"severity": _other_severity(row["severity"])}
        self.occurrences = {
            issue: [
                row | scanned | {"age": _older(row)} | snoozes.get(issue, {})
                for row in rows
                if row is not alone
            ]
            for issue, rows in self.occurrences.items()
            if issue not in fixed
        }
        opened = [self.open_issue(rng, rng.randint(1, 4), oldest=0) for _ in range(count)]
        self.scans = [self.new_scan(rng, self.now, "completed"), *self.scans]
        day, scan = self.now.date().isoformat(), self.scans[0]["id"]
        fixed_ids = [row["occurrence_id"] for row in fixed_rows]
        return Changes(day, fixed, opened, regraded, list(snoozes), fixed_ids, scan)

    def _fixed_alone(self, issues: list[int]) -> Row | None:
        """Choose the occurrence that is fixed while others of its issue are not, if any."""
        rng = random.Random(f"{self.seed}/{self.day}/alone")
        lists = [self.occurrences.get(issue, []) for issue in issues]
        rows = [row for rows in lists if len(rows) > 1 for row in rows if row["occurrence_id"]]
        return rng.choice(rows) if rows and rng.random() < 0.5 else None

    def _target_of(self, occurrence: Row) -> Row:
        found = (row for row in self.targets if row["address"] == occurrence["target"])
        return next(found, {})

    def _new_id(self, rng: random.Random) -> int:
        self.last_id += rng.randint(1, 9)
        return self.last_id

    def new_target(self, rng: random.Random, number: int) -> Row:
        """Make a target that is not yet listed."""
        host = f"{HOSTS[number % 10]}-{number // 10 + 1}.{rng.choice(DOMAINS)}"
        ip = f"{NETWORKS[number // 250 % 3]}.{number % 250 + 1}"
        return {
            "id": self._new_id(rng),
            "address": rng.choice((host, host, ip)),
            "display_address": rng.choice((host, None)),
            "tags": list(rng.choice(TAGS)),
            "has_api_schemas": rng.random() < 0.1,
            "has_authentications": rng.random() < 0.2,
            "license_type": rng.choice(("infrastructure", "application", None)),
            "target_status": rng.choice(("live", "live", "live", "unresponsive", "unscanned")),
            "target_type": rng.choice(("external", "internal", None)),
            "waf_provider": rng.choice(("Cloudflare", None, None)),
            "waf_interference": None,
        }

    def new_scan(self, rng: random.Random, created_at: datetime, status: str) -> Row:
        """Make a scan that is not yet listed."""
        scheduled = rng.random() < 0.8
        return {
            "id": self._new_id(rng),
            "status": status,
            "created_at": time_text(created_at),
            "scan_type": "assessment_schedule" if scheduled else "new_service",
            "schedule_period": rng.choice(("daily", "weekly")) if scheduled else None,
        }

    def _snooze(self, rng: random.Random, chance: float) -> Row:
        reason = rng.choice(SNOOZE_REASONS) if rng.random() < chance else None
        until = (self.now + timedelta(days=365)).date().isoformat()
        return {
            "snoozed": reason is not None,
            "snooze_reason": reason,
            "snooze_until": until if reason == "ACCEPT_RISK" else None,
        }

    def open_issue(self, rng: random.Random, occurrences: int, *, oldest: int) -> int:
        """Add an issue first seen up to ``oldest`` days ago, and return its id."""
        issue = self._new_id(rng)
        cves, score, likelihood = None, None, None
        if rng.random() < 0.85:
            name, port, protocol = rng.choice(SOFTWARE)
            flaw, severity, likelihood, gain = rng.choice(FLAWS)
            version = f"{rng.randint(1, 17)}.{rng.randint(1, 30)}"
            title = f"{name} < {version} {flaw}"
            description = f"{name} is older than {version}. An attacker could {gain}."
            remediation = f"Update {name} to {version} or later, and restart it."
            info = {"product": name, "fixed_in": version}
            score = rng.randint(*SCORES[severity]) / 10
            # The real CVE numbers of these years are lower, so these do not name real flaws.
            cves = [f"CVE-{rng.randint(2021, 2024)}-{rng.randint(95000, 99999)}"]
        else:
            site, port, protocol = rng.choice(SITES), 443, "tcp"
            title, severity, remediation = rng.choice(EXPOSURES)
            title, info = title.format(site), {"site": site}
            description = f"{title}. Anyone who can reach the server can see it."
        snooze = self._snooze(rng, 0.06 if oldest else 0)
        exploit = {"exploit_likelihood": likelihood, "cvss_score": score}
        row = {
            "id": issue,
            "severity": severity,
            "title": title,
            "description": description,
            "remediation": remediation,
            "occurrences": f"/issues/{issue}/occurrences/",
        }
        self.issues = [*self.issues, row | snooze | exploit]

        self.occurrences[issue] = []
        found_on = cycle(rng.sample(self.targets, len(self.targets)))
        for number, target in zip(range(1, occurrences + 1), found_on, strict=False):
            days = rng.randint(0, oldest)
            seen = time_text(self.now - timedelta(days=days))
            row = {
                "id": number,
                "occurrence_id": rng.choices((self._new_id(rng), None), (19, 1))[0],
                "target": target["address"],
                "display_address": target["display_address"],
                "port": rng.choice((str(port), str(port), port, None)),
                # Drawn, although it is always the same, so that a seed still gives the same rows.
                "protocol": rng.choice((protocol,) * 4),
                "extra_info": rng.choice((info, info, {}, None)),
                "age": f"{days} days",
                "first_seen_at": rng.choices((seen, None), (99, 1))[0],
                "target_last_scanned_at": rng.choices((time_text(self.now), None), (19, 1))[0],
                "cves": rng.choice((cves, cves, [], None)),
            }
            own_snooze = snooze if snooze["snoozed"] else self._snooze(rng, 0.03 if oldest else 0)
            self.occurrences[issue].append(row | own_snooze | exploit)
        return issue


def _some(rng: random.Random, ids: Sequence[int], count: int) -> list[int]:
    return rng.sample(ids, min(count, len(ids)))


def _other_severity(severity: str) -> str:
    return {"low": "medium", "medium": "high", "high": "critical"}.get(severity, "high")


def _older(occurrence: Row) -> str:
    return f"{days_open(occurrence) + 1} days"
