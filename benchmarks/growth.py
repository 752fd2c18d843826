"""Compute the cost of a month, and the limits for a growing account or number of accounts.

The inputs are measured figures, and prices and limits that Google and the API publish. Prices are
list prices of us-central1 in US dollars. The number of requests follows from the program's own
arithmetic.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.server import Sizes
from scanner_sync.plan import ListedIssue, requests_for
from scanner_sync.settings import Settings
from scanner_sync.source.signals import HINT_REQUESTS
from scanner_sync.warehouse.reads import as_parameter

# https://cloud.google.com/run/pricing (functions are billed as Cloud Run services, by request)
VCPU_SECOND, GIB_SECOND, MILLION_REQUESTS = 0.000024, 0.0000025, 0.40
FREE_VCPU_SECONDS, FREE_GIB_SECONDS = 180_000, 360_000
# https://cloud.google.com/bigquery/pricing: load jobs are free
TIB_OF_QUERIES, FREE_TIB, LEAST_BYTES_A_TABLE = 6.25, 1, 10 * 10**6
# https://cloud.google.com/scheduler/pricing, https://cloud.google.com/secret-manager/pricing
SCHEDULER_JOB, SECRET_VERSION, TEN_THOUSAND_ACCESSES = 0.10, 0.06, 0.03
# https://cloud.google.com/bigquery/quotas
LOADS_A_TABLE_A_DAY, LOADS_A_PROJECT_A_DAY, MUTATIONS_QUEUED = 1500, 100_000, 20
BYTES_OF_A_REQUEST = 10 * 10**6
API_CALLS_A_SECOND = 100
"""Of one user and one method."""
# https://cloud.google.com/scheduler/quotas: in a region, by default and at most
SCHEDULER_JOBS, MOST_SCHEDULER_JOBS = 1000, 5000
# https://cloud.google.com/secret-manager/quotas
ACCESSES_A_MINUTE = 90_000
# `max_parallel_syncs` in terraform/variables.tf: its default, and the most that it may be
PARALLEL, MOST_PARALLEL = 10, 1000
# The scanner's own quota, per token, and the defaults of terraform/variables.tf and function.tf.
REQUESTS_AN_HOUR = 5000
DEADLINE, DEADLINE_PUBSUB, MEMORY_GIB = 1500, 420, 1
SYNCS_A_DAY, DAYS = 4, 30
CHANGES_A_DAY = 4
"""Of how many syncs a day we take it that they find changes."""
BUSY = 0.88
"""Share of the time for which processes work on syncs while messages wait, as `--only accounts`
measures it."""
AT_ONCE, LATENCY = 20, 0.2
MOST_REQUESTS, PAGE_SIZE = Settings.max_requests_per_sync, Settings.page_size
FURTHER_REQUESTS = 4
"""For what was fixed, schedules, tags and licenses, a page each. The first sync, and one a week,
take more, because they read all that was ever fixed."""


@dataclass
class Measured:
    """The measured inputs."""

    overhead: float
    """Seconds to read, as a multiple of requests x latency / concurrent requests."""
    cold: float
    """Seconds until a cold function responds."""
    bigquery: float
    """Seconds in BigQuery, as `jobs.MODEL` has it."""
    memory_least: float
    memory_each: float
    """MiB of a sync, and MiB that each occurrence adds."""


@dataclass(frozen=True)
class Work:
    """What a sync takes."""

    seconds: float
    tables: int
    """Tables that its queries refer to, counted for each statement."""
    loads: int
    calls: int
    """Calls to BigQuery, with those that start its jobs."""


Syncs = Sequence[tuple[Work, float]]
"""Syncs, and how many of each."""


def _total(syncs: Syncs, figure: Callable[[Work], float]) -> float:
    return sum(figure(of) * times for of, times in syncs)


def dollars(syncs: Syncs) -> dict[str, float]:
    """Return dollars by product for so many syncs, without free tiers."""
    second = VCPU_SECOND + MEMORY_GIB * GIB_SECOND
    number = _total(syncs, lambda _: 1)
    seconds = _total(syncs, lambda of: of.seconds)
    return {
        "the function": seconds * second + number * MILLION_REQUESTS / 1e6,
        "queries": _tib(syncs) * TIB_OF_QUERIES,
        "accesses to the secret": number * TEN_THOUSAND_ACCESSES / 10_000,
    }


def _tib(syncs: Syncs) -> float:
    """Return what queries are billed for at least."""
    return _total(syncs, lambda of: of.tables) * LEAST_BYTES_A_TABLE / 2**40


@dataclass(frozen=True)
class Requests:
    """The requests by which an account that does not change is read."""

    listings: int
    """Of each sync, for everything but the occurrences of issues."""
    whole: int
    """Of one read of everything."""
    syncs: int
    """Of a round: until the occurrences of each issue were read."""
    round: int
    """Of all syncs of a round."""
    steady: int
    """Of each sync."""


def sizes(issues: int) -> Sizes:
    """Return the sizes of an account: three occurrences an issue, the rest as in the benchmark."""
    return Sizes(issues, 3 * issues)


def requests_of(
    account: Sizes,
    most: int = MOST_REQUESTS,
    page_size: int = PAGE_SIZE,
    hint: int = HINT_REQUESTS,
) -> Requests:
    """Return the requests for an account whose issues have a page of occurrences each.

    A sync that cannot read all sends as many requests as it may. `hint` of them ask which issues
    have changed, except in the first sync.
    """
    rows = (account.issues, account.scans, account.targets)
    listings = FURTHER_REQUESTS + sum(requests_for(number, page_size) for number in rows)
    whole = listings + account.issues
    if whole <= most:
        return Requests(listings, whole, 1, whole, whole)
    first = max(1, most - listings)
    each = max(1, most - listings - hint)
    syncs = 1 + math.ceil((account.issues - first) / each)
    return Requests(listings, whole, syncs, syncs * most, most)


def seconds_of_a_sync(issues: int, measured: Measured) -> float:
    """Return the seconds for which a sync is billed."""
    requests = requests_of(sizes(issues)).steady
    reading = requests * LATENCY / AT_ONCE * measured.overhead
    return measured.cold + reading + measured.bigquery


def month(work: Work, issues: int) -> str:
    """Return what a month of syncs costs that each find changes, with the computation."""
    number = SYNCS_A_DAY * DAYS
    syncs = [(work, number)]
    seconds, tib, parts = number * work.seconds, _tib(syncs), dollars(syncs)
    total = sum(parts.values()) + SCHEDULER_JOB + SECRET_VERSION
    beyond = (
        max(0, seconds - FREE_VCPU_SECONDS) * VCPU_SECOND
        + max(0, seconds * MEMORY_GIB - FREE_GIB_SECONDS) * GIB_SECOND
        + max(0, tib - FREE_TIB) * TIB_OF_QUERIES
    )
    return (
        f"{issues:,} issues, and a sync every {24 // SYNCS_A_DAY} hours that finds changes:"
        f" {number} syncs of {work.seconds:.1f} s with"
        f" 1 vCPU and {MEMORY_GIB} GiB (${parts['the function']:.2f}), {work.tables} x 10 MB"
        f" queried each (${parts['queries']:.2f}), a Scheduler job (${SCHEDULER_JOB:.2f}), a secret"
        f" (${SECRET_VERSION:.2f}): **${total:.2f} a month**, ${beyond:.2f} beyond the free tiers"
    )


def _issues_whose_listing_takes(requests: int) -> int:
    """Return the number of issues at which a sync's listings take so many requests."""
    return bisect_right(
        range(10**7), requests, key=lambda issues: requests_of(sizes(issues)).listings
    )


def section(measured: Measured) -> str:
    """Return the section about limits: which one is reached first, and at what size."""
    # The largest account that one sync reads whole.
    fits = (
        bisect_right(
            range(MOST_REQUESTS), MOST_REQUESTS, lo=1, key=lambda n: requests_of(sizes(n)).whole
        )
        - 1
    )
    asked = DEADLINE * AT_ONCE / LATENCY / measured.overhead
    # Of an issue whose occurrences were not read, as of most of so many.
    bytes_each = len(as_parameter([ListedIssue(10**6, None, None)] * 1000)) / 1000
    memory = (MEMORY_GIB * 1024 - measured.memory_least) / max(measured.memory_each, 1e-9)
    lines = [
        f"With {AT_ONCE} concurrent requests to an API that takes {LATENCY * 1000:.0f} ms, three"
        " occurrences an issue, 2000 scans, 1000 targets, a page each of the other listings,"
        " and a sync every"
        f" {24 // SYNCS_A_DAY} hours. A sync sends at most {MOST_REQUESTS} requests"
        f" (`MAX_REQUESTS_PER_SYNC`); the quota allows {REQUESTS_AN_HOUR} an hour. A round is as"
        " many syncs as it takes to read the occurrences of each issue once. The first sync, and"
        " one a week, also read all that was ever fixed, with a request for each"
        f" {PAGE_SIZE}. These are computed; the section above measures a round of 20,000 issues.",
        "",
        "| issues | requests to read all | syncs of a round | requests of a round"
        " | requests of a steady sync | seconds of it | occurrences are read at least every |",
        "|---|---|---|---|---|---|---|",
    ]
    for issues in (1000, 5000, 20_000, 100_000):
        of = requests_of(sizes(issues))
        age = of.syncs * 24 // SYNCS_A_DAY
        every = f"{age} hours" if age <= 48 else f"{age / 24:.1f} days"
        lines.append(
            f"| {issues:,} | {of.whole:,} | {of.syncs} | {of.round:,} | {of.steady:,}"
            f" | {seconds_of_a_sync(issues, measured):,.0f} | {every} |"
        )
    lines += [
        "",
        "If issues are new or have changed, they are read first, but at most half of a sync goes to"
        " them while others wait: a round then takes at most twice as many syncs. With a sync every"
        f" hour it takes {24 // SYNCS_A_DAY} times less time.",
        "",
        f"- **Requests of a sync**, {MOST_REQUESTS}: reached first, at {fits:,} issues. The API"
        " needs a request for each issue; it has no list of all occurrences or of changes. Larger"
        " accounts are read in rounds, and with a larger quota `MAX_REQUESTS_PER_SYNC` can be"
        " raised.",
        f"- **The listings** are read whole by each sync. At"
        f" {_issues_whose_listing_takes(MOST_REQUESTS // 2):,} issues they take half of its"
        " requests.",
        f"- **Function time**, {DEADLINE} s: {asked:,.0f} requests, {asked / REQUESTS_AN_HOUR:.0f}"
        f" times the quota of an hour. With Pub/Sub, {DEADLINE_PUBSUB} s:"
        f" {asked * DEADLINE_PUBSUB / DEADLINE:,.0f} requests. When the time for reading is over,"
        " the rest is left to the next sync.",
        f"- **Memory**, {MEMORY_GIB} GiB: about {memory:,.0f} occurrences in one sync"
        f" ({measured.memory_least:.0f} MiB, and {measured.memory_each * 1024:.2f} KiB for each"
        " occurrence); `memory` can be up to 4Gi.",
        f"- **BigQuery, per request**, {BYTES_OF_A_REQUEST // 10**6} MB: a sync sends the list of"
        f" all issues with one query, about {bytes_each:.0f} bytes each: at"
        f" {BYTES_OF_A_REQUEST / bytes_each:,.0f} issues.",
        f"- **BigQuery, per table**: a sync runs one load job into each staging table, and"
        f" {LOADS_A_TABLE_A_DAY} a day are allowed: a sync every"
        f" {86400 / LOADS_A_TABLE_A_DAY:.0f} s. `MERGE`, `UPDATE`, `INSERT` and `TRUNCATE` do not"
        f" count. One statement at a time changes a table; 2 may run and"
        f" {MUTATIONS_QUEUED} may wait.",
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Schedule:
    """What all of many accounts take together."""

    name: str
    accounts: int
    syncs: int
    """Of each account, a day."""
    changed: Work
    """A sync that finds changes. That is `CHANGES_A_DAY` at most."""
    asked: Work
    """A sync after one of these, if it finds none."""
    unchanged: Work
    """A sync after a sync that found none."""

    @property
    def day(self) -> Syncs:
        """Return the syncs of an account and a day."""
        changed = min(self.syncs, CHANGES_A_DAY)
        asked = min(self.syncs - changed, changed)
        rest = self.syncs - changed - asked
        return [(self.changed, changed), (self.asked, asked), (self.unchanged, rest)]

    @property
    def seconds(self) -> float:
        """Return the mean of the seconds of a sync."""
        return _total(self.day, lambda of: of.seconds) / self.syncs

    @property
    def calls(self) -> float:
        """Return the mean of the calls of a sync to BigQuery."""
        return _total(self.day, lambda of: of.calls) / self.syncs

    @property
    def loads(self) -> float:
        """Return the load jobs of an account and a day."""
        return _total(self.day, lambda of: of.loads)

    @property
    def instances(self) -> int:
        """Return how many instances have to run all the time."""
        return math.ceil(self.accounts * self.syncs * self.seconds / (86400 * BUSY))

    @property
    def accounts_a_project(self) -> int:
        """Return how many accounts fit into a project: by its load jobs, or its Scheduler jobs."""
        return min(int(LOADS_A_PROJECT_A_DAY / self.loads), MOST_SCHEDULER_JOBS)

    @property
    def projects(self) -> int:
        """Return how many projects are needed."""
        return math.ceil(self.accounts / self.accounts_a_project)

    @property
    def costs(self) -> dict[str, float]:
        """Return dollars a month by product, without free tiers."""
        month = [(of, times * DAYS * self.accounts) for of, times in self.day]
        return dollars(month) | {
            "Scheduler": self.accounts * SCHEDULER_JOB,
            "secrets": self.accounts * SECRET_VERSION,
        }


def many_accounts(changed: Work, asked: Work, unchanged: Work, issues: int) -> list[str]:
    """Return what 10,000 accounts of so many issues would take, with the arithmetic."""
    accounts = 10_000
    hourly, *_ = schedules = [
        Schedule(name, accounts, syncs, changed, asked, unchanged)
        for name, syncs in (("every hour", 24), ("every 6 hours", SYNCS_A_DAY), ("every day", 1))
    ]
    calls = hourly.accounts_a_project * hourly.calls / 3600
    parts = " + ".join(f"${cost:,.0f} for {name}" for name, cost in hourly.costs.items())
    fit = PARALLEL * 3600 * BUSY / hourly.seconds
    rest = hourly.syncs - CHANGES_A_DAY
    return [
        f"### {accounts:,} accounts, on paper",
        "",
        "One deployment syncs [many accounts](../docs/accounts.md), each with its own token and"
        " quota, and its own dataset with lease and staging tables. They share only what a project"
        f" shares. {accounts:,} were never synced: this is computed from the figures of this"
        f" section, for accounts of {issues:,} issues in which a scan ends {CHANGES_A_DAY} times a"
        " day, or once between two syncs. A sync that finds"
        f" a change takes {changed.seconds:.1f} s, {changed.loads} load jobs and {changed.calls}"
        f" calls to BigQuery, and its statements refer to {changed.tables} tables; one that finds"
        f" none, in an account that is known as quiet, {unchanged.seconds:.1f} s, {unchanged.loads}"
        f" load jobs, {unchanged.calls} calls and {unchanged.tables} tables, or"
        f" {asked.seconds:.1f} s, {asked.calls} calls and {asked.tables} tables if it comes after"
        " one that found a change. With messages waiting,"
        f" {100 * BUSY:.0f} % of the processes' time went into syncs.",
        "",
        "| schedule | instances | load jobs a day | accounts a project | projects"
        " | dollars a month | for each account |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {of.name} | {of.instances:,} | {accounts * of.loads:,.0f}"
            f" | {of.accounts_a_project:,} | {of.projects} | {sum(of.costs.values()):,.0f}"
            f" | {sum(of.costs.values()) / accounts:.2f} |"
            for of in schedules
        ),
        "",
        "With a sync every hour:",
        "",
        f"- **Instances:** {accounts:,} x {hourly.seconds:.1f} s / (3600 s x {BUSY:.2f}) ="
        f" {hourly.instances}, if the starts are spread over the hour, as Terraform spreads them."
        f" `max_parallel_syncs` is {PARALLEL} by default, enough for {fit:,.0f} such accounts,"
        f" and {MOST_PARALLEL} at most.",
        "- **BigQuery's load jobs:** by its [quotas](https://cloud.google.com/bigquery/quotas),"
        f" {LOADS_A_PROJECT_A_DAY:,} are allowed a day, and {LOADS_A_PROJECT_A_DAY:,} /"
        f" ({CHANGES_A_DAY} x {changed.loads}) = {LOADS_A_PROJECT_A_DAY / hourly.loads:,.0f}"
        f" accounts. Of the {LOADS_A_TABLE_A_DAY} of a table, {CHANGES_A_DAY} are used. If each"
        f" sync found a change, {LOADS_A_PROJECT_A_DAY // (hourly.syncs * changed.loads):,}"
        " accounts would fit.",
        "- **BigQuery's statements:** the limits on changing a table are those of each table, and"
        " no two accounts share one.",
        f"- **BigQuery's calls:** a project with {hourly.accounts_a_project:,} accounts makes"
        f" {hourly.accounts_a_project:,} x {hourly.calls:.1f} / 3600 s = {calls:.1f} a second, of"
        f" all methods together; {API_CALLS_A_SECOND} a second are allowed of each.",
        "- **Cloud Scheduler:** one job for each account. A region has"
        f" [{SCHEDULER_JOBS:,} by default and {MOST_SCHEDULER_JOBS:,} at"
        " most](https://cloud.google.com/scheduler/quotas).",
        f"- **Secret Manager:** {accounts / 60:,.0f} accesses a minute in all;"
        f" [{ACCESSES_A_MINUTE:,}](https://cloud.google.com/secret-manager/quotas) are allowed in"
        " each project.",
        f"- **Cost a month:** {parts}. An account has {CHANGES_A_DAY} syncs a day that find a"
        f" change, and {rest} that find none; a second has a vCPU (${VCPU_SECOND:.6f}) and"
        f" {MEMORY_GIB} GiB (${GIB_SECOND:.7f}), a table of a statement 10 MB (${TIB_OF_QUERIES} a"
        f" TiB), and an account a Scheduler job (${SCHEDULER_JOB:.2f}), a secret"
        f" (${SECRET_VERSION:.2f}), and an access of it with each sync"
        f" (${TEN_THOUSAND_ACCESSES:.2f} for 10,000). Pub/Sub, storage and logs are not counted.",
        "- **Split by project**, with a deployment in each, beyond the accounts that the table has"
        " for one.",
    ]
