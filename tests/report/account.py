"""Months of a made-up account, as the histories keep them. Every text in it is hostile."""

import io
import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from google.cloud import bigquery

from tests.conftest import Dataset
from tests.warehouse.loads import conclude

NOW = datetime(2024, 2, 29, 10, 20, tzinfo=UTC)
"""What time it is in BigQuery for the tests of the account."""
MONDAY = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=NOW.weekday())
START = MONDAY - timedelta(weeks=25)
FIRST = NOW - timedelta(weeks=40)
SYNCS = [FIRST + timedelta(hours=12 * n) for n in range(40 * 14 + 1)]

READ_AT = [None] * 2 + [NOW] * 88 + [NOW - timedelta(hours=hours) for hours in range(1, 31)]
"""When the occurrences of each issue were read."""

IMAGE = '"><img src=x onerror=alert(1)>'
TITLES = ["<script>alert(1)</script>", "Plain", "{{ 7 * 7 }} & &lt;b&gt;", "</style></svg>", ""]
TARGETS = [f"host-{n}.example.com" for n in range(11)] + [f"a{IMAGE}"]
TAGS: dict[str, list[str | None]] = {
    TARGETS[-1]: [f"t{IMAGE}", None],
    **{f"host-{n}.example.com": [f"tag {n % 6}"] for n in range(11)},
}
"""The tags of each target."""
CVES: dict[str, dict[str, Any]] = {
    "CVE-2023-1": {"in_kev": True, "epss": 0.9},
    "CVE-2023-2": {"in_kev": False, "epss": 0.4},
    "CVE-2023-3": {"in_kev": False, "epss": None},
    "CVE-2023-4": {"in_kev": True, "epss": 0.0012},
}
"""What is known of some CVEs."""
SCANNED = {
    "host-0.example.com": NOW - timedelta(days=1),
    "host-1.example.com": NOW - timedelta(days=14),
    "host-2.example.com": NOW - timedelta(days=14, seconds=1),
    "host-3.example.com": NOW - timedelta(days=90),
    "host-6.example.com": NOW - timedelta(days=33),
}
"""When targets were last scanned, as occurrences say it."""
REMOVED = {"host-3.example.com"}
"""Targets that the second sync no longer saw."""
STATUSES = {"host-4.example.com": "unresponsive", "host-5.example.com": "unscanned"}
"""The status of targets that are not live."""
SEVERITIES = ["critical", "high", "medium", "low", "info", IMAGE, None, ""]


class State(NamedTuple):
    """A severity of an issue, from `begin` until `end`, or until now."""

    severity: str | None
    snoozed: bool | None
    begin: datetime
    end: datetime | None


class Occurrence(NamedTuple):
    """Where an issue was found, from its last opening until `end`, or until now."""

    target: str | None
    snoozed: bool
    first_seen: datetime | None
    end: datetime | None
    fixed: datetime | None
    """When the API says that it was fixed."""


class Issue(NamedTuple):
    """An issue and its states, in a list for each time that it was open."""

    id: int
    title: str
    openings: list[list[State]]
    occurrences: list[Occurrence]

    @property
    def cves(self) -> list[str]:
        """The CVEs of its occurrences. Nothing is known of the last of these."""
        chosen = ((), (), (2, 3), (1, 2), (4,), (3,), (9,))[self.id % 7]
        return [f"CVE-2023-{number}" for number in chosen]

    @property
    def exploit_likelihood(self) -> str | None:
        """What the scanner says of all its occurrences."""
        return (None, "known", "likely", "rare", "very_likely")[self.id % 5]

    @property
    def remediation(self) -> str | None:
        """A sentence of its own, and another one."""
        return (
            None if self.id % 9 == 0 else f"Update it to 1.{self.id}\n<b>or later</b>. Restart it."
        )


PORTS = ["443", None, "8080", "443"]
"""The ports of an issue's occurrences, in turn."""


def some_issues(seed: int = 37) -> list[Issue]:
    """Make issues that were opened, changed, snoozed, fixed and reopened."""
    rng = random.Random(seed)
    issues = [_some_issue(rng, number) for number in range(1, 121)]
    return [_new_issue(issue) if issue.id % 20 == 17 else issue for issue in issues]


def _new_issue(issue: Issue) -> Issue:
    """Make an issue one that a sync of this week was the first to see, on two ports of a host."""
    begin, seen = SYNCS[-3], SYNCS[-3] - timedelta(days=issue.id % 9)
    severity = ("high", "critical", "low")[issue.id % 3]
    host = TARGETS[issue.id % 3]
    found = [Occurrence(host, False, at, None, None) for at in (seen, begin, begin)]
    return issue._replace(openings=[[State(severity, False, begin, None)]], occurrences=found)


def _some_issue(rng: random.Random, number: int) -> Issue:
    openings: list[list[State]] = []
    at = 0 if number % 6 == 0 else rng.randrange(1, len(SYNCS) - 1)
    while at < len(SYNCS) and len(openings) < 3:
        states = []
        severity = rng.choice(SEVERITIES)
        for _ in range(rng.randint(1, 3)):
            lasts = rng.choice([1, 9, 30, 120, 400])
            end = SYNCS[at + lasts] if at + lasts < len(SYNCS) else None
            snoozed = rng.choice([False, False, False, None, True])
            states.append(State(severity, snoozed, SYNCS[at], end))
            at += lasts
            if end is None:
                break
            severity = rng.choice([severity, severity, "critical"])
        openings.append(states)
        at += rng.choice([2, 1000, 1000])
    end = openings[-1][-1].end
    occurrences = [
        _some_occurrence(rng, openings[-1][0].begin, end) for _ in range(rng.randrange(5))
    ]
    return Issue(number, rng.choice(TITLES), openings, occurrences)


def _some_occurrence(rng: random.Random, begin: datetime, end: datetime | None) -> Occurrence:
    if end is None and begin < SYNCS[-3]:
        end = rng.choice([None, SYNCS[-3]])
    return Occurrence(
        rng.choice([*TARGETS, TARGETS[-1], None]),
        rng.random() < 0.2,
        rng.choice([None, begin - timedelta(days=rng.randrange(90))]),
        end,
        rng.choice([None, end - timedelta(hours=rng.randrange(1, 6))]) if end else None,
    )


def fill(dataset: Dataset, issues: list[Issue]) -> None:
    """Write what the syncs at `SYNCS` would have left. Some found nothing to load."""
    insert_states(
        dataset,
        "issues_history",
        [
            {
                "entity_key": f"{issue.id}",
                "id": issue.id,
                "title": issue.title,
                "severity": state.severity,
                "snoozed": state.snoozed,
                "valid_from": state.begin,
                "valid_to": state.end,
            }
            for issue in issues
            for opening in issue.openings
            for state in opening
        ],
    )
    insert_states(
        dataset,
        "occurrences_issues_history",
        [
            {
                "entity_key": f"{10 * issue.id + n}",
                "issue_id": issue.id,
                "id": n,
                "occurrence_id": 10 * issue.id + n,
                "target": occurrence.target,
                "snoozed": occurrence.snoozed,
                "first_seen_at": occurrence.first_seen,
                "port": PORTS[n % 4],
                "cves": issue.cves,
                "exploit_likelihood": issue.exploit_likelihood,
                "valid_from": issue.openings[-1][0].begin,
                "valid_to": occurrence.end,
                "last_seen_at": occurrence.end and occurrence.end - timedelta(hours=12),
            }
            for issue in issues
            for n, occurrence in enumerate(issue.occurrences)
        ],
    )
    _insert(
        dataset,
        "fixed_occurrences",
        [
            {
                "occurrence_id": 10 * issue.id + n,
                "remediated_at": occurrence.fixed,
                "first_seen_at": occurrence.first_seen,
                "_dlt_load_id": "1",
                "_dlt_id": f"{issue.id}/{n}",
            }
            for issue in issues
            for n, occurrence in enumerate(issue.occurrences)
            if occurrence.fixed
        ],
    )
    insert_states(
        dataset,
        "targets_history",
        [
            {
                "entity_key": f"{n}",
                "id": n,
                "address": address,
                "tags": TAGS.get(address, []),
                "target_status": STATUSES.get(address, "live"),
                "valid_from": FIRST,
                "valid_to": SYNCS[1] if address in REMOVED else None,
            }
            for n, address in enumerate(TARGETS)
        ],
    )
    own = {"_dlt_load_id": "1"}
    _insert(
        dataset,
        "issues",
        [
            own | {"id": of.id, "remediation": of.remediation, "_dlt_id": f"{of.id}"}
            for of in issues
        ],
    )
    _insert(
        dataset,
        "occurrences_issues",
        [
            own
            | {"issue_id": 1, "id": n, "target": target, "target_last_scanned_at": at}
            | {"_dlt_id": f"{n}"}
            for n, (target, at) in enumerate(SCANNED.items())
        ],
    )
    _insert(dataset, "cve_intelligence", [{"cve": cve} | known for cve, known in CVES.items()])
    _insert(
        dataset,
        "occurrence_reads",
        [
            {"issue_id": of.id, "listed_at": FIRST, "read_at": at, "rows": len(of.occurrences)}
            for of, at in zip(issues, READ_AT, strict=False)
        ],
    )
    for table in ("_dlt_loads", "licenses", "syncs"):  # what the sync that made the tables left
        dataset.query(f"DELETE FROM {{d}}.{table} WHERE TRUE")
    loads = [*SYNCS[:-9], *SYNCS[-4:]]
    insert_syncs(dataset, SYNCS, {at: f"{n}" for n, at in enumerate(loads)})
    _insert(
        dataset,
        "_dlt_loads",
        [{"load_id": f"{n}", "status": 0, "inserted_at": at} for n, at in enumerate(loads)],
    )
    conclude(dataset, NOW)
    # The row of this is a moment later than the last of these syncs, which it stands for.
    dataset.query(f"DELETE FROM {{d}}.syncs WHERE synced_at > TIMESTAMP '{NOW}'")
    scan = {"id": 1, "created_at": NOW - timedelta(days=1)}
    _insert(dataset, "scans", [{**scan, "_dlt_load_id": f"{len(loads) - 2}", "_dlt_id": "1"}])


def insert_syncs(
    dataset: Dataset, instants: list[datetime], loads: Mapping[datetime, str] = MappingProxyType({})
) -> None:
    """Note syncs, and their loads, that read all but the occurrences of an issue nobody knows."""
    read = {
        "tables": ["issues", "occurrences_issues", "targets", "fixed_occurrences"],
        "unread_issues": [0],
        "is_held": False,
    }
    syncs = [{"synced_at": at, "load_id": loads.get(at, ""), **read} for at in instants]
    _insert(dataset, "syncs", syncs)


def insert_states(dataset: Dataset, history: str, states: list[dict[str, Any]]) -> None:
    """Append states to a history, with the columns that every state has."""
    rows = [
        {**state, "state_hash": f"{n}", "_dlt_load_id": "1", "_dlt_id": f"{n}"}
        for n, state in enumerate(states)
    ]
    _insert(dataset, history, rows)


def _insert(dataset: Dataset, table: str, rows: list[dict[str, Any]]) -> None:
    name = f"{dataset.name}.{table}"
    config = bigquery.LoadJobConfig(
        schema=dataset.client.get_table(name).schema,
        source_format="NEWLINE_DELIMITED_JSON",
        write_disposition="WRITE_APPEND",
    )
    lines = "\n".join(json.dumps(row, default=str) for row in rows).encode()
    dataset.client.load_table_from_file(io.BytesIO(lines), name, job_config=config).result()
