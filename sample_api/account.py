"""The data of one customer: generated rows, and how they change from day to day."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

Row = dict[str, Any]
"""One row as the API sends it: a JSON object."""

FIRST_DAY = datetime(2025, 3, 3, 2, 0, tzinfo=UTC)
"""Day 0. All dates are relative to it, so that a seed always gives the same rows."""

SOFTWARE = (
    ("OpenSSH", 22, "tcp"),
    ("Exim", 25, "tcp"),
    ("BIND", 53, "udp"),
    ("Apache HTTP Server", 443, "tcp"),
    ("nginx", 443, "tcp"),
    ("GitLab", 443, "tcp"),
    ("MySQL", 3306, "tcp"),
    ("PostgreSQL", 5432, "tcp"),
    ("Redis", 6379, "tcp"),
    ("Jenkins", 8080, "tcp"),
)
FLAWS = (  # kind, severity, exploit likelihood, what an attacker could do
    ("remote code execution", "critical", "known", "run commands of their choice"),
    ("authentication bypass", "high", "very_likely", "sign in without a password"),
    ("arbitrary file read", "high", "likely", "read files that hold passwords and keys"),
    ("denial of service", "medium", "unlikely", "stop the service with one request"),
    ("memory disclosure", "medium", "rare", "read parts of the server's memory"),
    ("request smuggling", "medium", "unknown", "answer requests of other users"),
    ("user name enumeration", "low", "rare", "find out which user names exist"),
    ("version disclosure", "low", None, "learn which known flaws to try"),
)
EXPOSURES = (  # title, severity, remediation
    ("Login form of {} sent without encryption", "high", "Serve the form over HTTPS only."),
    ("Backup of {} can be downloaded", "high", "Delete it, and change the passwords in it."),
    ("TLS certificate of {} expires within 14 days", "medium", "Renew the certificate."),
    ("Directory listing enabled on {}", "low", "Turn directory listings off."),
)
SITES = ("the customer portal", "the wiki", "“Büro-Kalender”", "顧客ポータル", "« Espace réservé »")
SCORES = {"low": (10, 39), "medium": (40, 69), "high": (70, 89), "critical": (90, 100)}  # tenths
HOSTS = ("www", "api", "mail", "vpn", "db", "git", "ci", "shop", "intranet", "staging")
DOMAINS = ("example.com", "example.org", "example.net")
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # reserved for documentation by RFC 5737
TAGS: tuple[list[str | None], ...] = ([], ["production", "pci"], ["staging"], ["büro", None])
SNOOZE_REASONS = ("ACCEPT_RISK", "FALSE_POSITIVE", "MITIGATING_CONTROLS")


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
    scan: int
    """The new scan. It scanned every remaining occurrence, each of which is a day older."""


@dataclass
class Account:
    """The rows of the four tables, in the order in which they are served.

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
    seed: int = 0
    day: int = 0
    """Days since ``FIRST_DAY``."""
    last_id: int = 1000
    """The highest id so far; ids are not reused."""

    @property
    def now(self) -> datetime:
        """Return the time of the latest scan."""
        return FIRST_DAY + timedelta(days=self.day)

    def next_day(self) -> Changes:
        """Advance by a day, always in the same way for the same account.

        One issue in 50, but at least one, is fixed, and as many are opened. Three get another
        severity and one is snoozed, if that many are left. Rows that a test has set must have the
        fields that ``generate`` gives them.
        """
        self.day += 1
        rows = (*self.issues, *self.scans, *self.targets)
        self.last_id = max([self.last_id, *(row["id"] for row in rows)])
        rng = random.Random(f"{self.seed}/{self.day}")
        count = max(1, len(self.issues) // 50)

        fixed = _some(rng, [row["id"] for row in self.issues], count)
        left = [row for row in self.issues if row["id"] not in fixed]
        regraded = _some(rng, [row["id"] for row in left], 3)
        awake = [row["id"] for row in left if not row["snoozed"] and row["id"] not in regraded]
        snoozes = {issue: self._snooze(rng, 1) for issue in _some(rng, awake, 1)}
        scanned = {"target_last_scanned_at": _time(self.now)}

        self.issues = [row | snoozes.get(row["id"], {}) for row in left]
        for place, row in enumerate(self.issues):
            if row["id"] in regraded:
                self.issues[place] = row | {"severity": _other_severity(row["severity"])}
        self.occurrences = {
            issue: [
                row | scanned | {"age": _older(row["age"])} | snoozes.get(issue, {}) for row in rows
            ]
            for issue, rows in self.occurrences.items()
            if issue not in fixed
        }
        opened = [self._open_issue(rng, rng.randint(1, 4), oldest=0) for _ in range(count)]
        self.scans = [self._scan(rng, self.now, "completed"), *self.scans]
        day, scan = self.now.date().isoformat(), self.scans[0]["id"]
        return Changes(day, fixed, opened, regraded, list(snoozes), scan)

    def _new_id(self, rng: random.Random) -> int:
        self.last_id += rng.randint(1, 9)
        return self.last_id

    def _target(self, rng: random.Random, number: int) -> Row:
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

    def _scan(self, rng: random.Random, created_at: datetime, status: str) -> Row:
        scheduled = rng.random() < 0.8
        return {
            "id": self._new_id(rng),
            "status": status,
            "created_at": _time(created_at),
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

    def _open_issue(self, rng: random.Random, occurrences: int, *, oldest: int) -> int:
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
            seen = _time(self.now - timedelta(days=days))
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
                "first_seen_at": rng.choices((seen, None), (19, 1))[0],
                "target_last_scanned_at": rng.choices((_time(self.now), None), (19, 1))[0],
                "cves": rng.choice((cves, cves, [], None)),
            }
            own_snooze = snooze if snooze["snoozed"] else self._snooze(rng, 0.03 if oldest else 0)
            self.occurrences[issue].append(row | own_snooze | exploit)
        return issue


def generate(seed: int, issues: int = 400, targets: int = 150, scans: int = 1200) -> Account:
    """Return an account. The same arguments give the same rows in any process.

    An issue has three occurrences on average, and some have none. The one in the middle of the list
    has 130, more than fit on a page. The default account has about 3000 rows in all.
    """
    account, rng = Account(seed=seed), random.Random(seed)
    account.targets = [account._target(rng, number) for number in range(targets)]
    for number in reversed(range(scans)):
        status = rng.choice(("completed", "completed", "completed", "cancelled"))
        created_at = account.now - timedelta(hours=8 * number)
        account.scans.insert(0, account._scan(rng, created_at, status))
    for number in range(issues):
        usual = rng.choices((0, 1, 2, 3, 4, 5, 8), (1, 3, 4, 4, 3, 2, 1))[0]
        account._open_issue(rng, 130 if number == issues // 2 else usual, oldest=400)
    return account


def _some(rng: random.Random, ids: Sequence[int], count: int) -> list[int]:
    return rng.sample(ids, min(count, len(ids)))


def _other_severity(severity: str) -> str:
    return {"low": "medium", "medium": "high", "high": "critical"}.get(severity, "high")


def _older(age: str) -> str:
    return f"{int(age.split(maxsplit=1)[0]) + 1} days"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
