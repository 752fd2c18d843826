"""Compute the cost of a month, and the limits for a growing account or number of accounts.

The inputs are measured figures, and prices and limits that Google and the API publish. Prices are
list prices of us-central1 in US dollars. The number of requests follows from the program's own
arithmetic.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass

from benchmarks.server import Sizes
from scanner_sync.refresh import Listed, requests_for
from scanner_sync.settings import Settings
from scanner_sync.source.occurrences import HINT_REQUESTS
from scanner_sync.warehouse.reads import as_parameter

# https://cloud.google.com/run/pricing (functions are billed as Cloud Run services, by request)
VCPU_SECOND, GIB_SECOND, MILLION_REQUESTS = 0.000024, 0.0000025, 0.40
FREE_VCPU_SECONDS, FREE_GIB_SECONDS = 180_000, 360_000
# https://cloud.google.com/bigquery/pricing: load jobs are free
TIB_OF_QUERIES, FREE_TIB, LEAST_BYTES_A_TABLE = 6.25, 1, 10 * 10**6
# https://cloud.google.com/scheduler/pricing, https://cloud.google.com/secret-manager/pricing
SCHEDULER_JOB, SECRET_VERSION = 0.10, 0.06
# https://cloud.google.com/bigquery/quotas
LOADS_A_TABLE_A_DAY, LOADS_A_PROJECT_A_DAY, MUTATIONS_QUEUED = 1500, 100_000, 20
BYTES_OF_A_REQUEST = 10 * 10**6
# https://cloud.google.com/functions/quotas
FUNCTIONS_A_REGION, INSTANCES = 1000, 100
# The scanner's own quota, per token, and the defaults of terraform/variables.tf and function.tf.
REQUESTS_AN_HOUR = 5000
DEADLINE, DEADLINE_PUBSUB, LONGEST_DEADLINE, MEMORY_GIB = 1500, 420, 1680, 1
SYNCS_A_DAY, DAYS = 4, 30
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
    """Seconds in BigQuery, its jobs at 1.5 seconds each."""
    tables: int
    """Tables that the queries of a sync refer to, added up over the queries."""
    loads: int
    memory_least: float
    memory_each: float
    """MiB of a sync, and MiB that each occurrence adds."""


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


def cost(issues: int, measured: Measured) -> tuple[float, float, str]:
    """Return dollars a month without free tiers, the same beyond them, and the computation."""
    syncs = SYNCS_A_DAY * DAYS
    each = math.ceil(seconds_of_a_sync(issues, measured) * 10) / 10
    seconds = syncs * each
    tib = syncs * measured.tables * LEAST_BYTES_A_TABLE / 2**40
    function = seconds * (VCPU_SECOND + MEMORY_GIB * GIB_SECOND) + syncs * MILLION_REQUESTS / 1e6
    queries = tib * TIB_OF_QUERIES
    total = function + queries + SCHEDULER_JOB + SECRET_VERSION
    beyond = (
        max(0, seconds - FREE_VCPU_SECONDS) * VCPU_SECOND
        + max(0, seconds * MEMORY_GIB - FREE_GIB_SECONDS) * GIB_SECOND
        + max(0, tib - FREE_TIB) * TIB_OF_QUERIES
    )
    text = (
        f"{issues:,} issues: {syncs} syncs of {each:.1f} s with 1 vCPU and {MEMORY_GIB} GiB"
        f" (${function:.2f}), {syncs} x {measured.tables} tables x 10 MB queried (${queries:.2f}),"
        f" a Scheduler job (${SCHEDULER_JOB:.2f}), a secret (${SECRET_VERSION:.2f}):"
        f" **${total:.2f} a month**, ${beyond:.2f} beyond the free tiers"
    )
    if (of := requests_of(sizes(issues))).syncs > 1:
        text += f"; {of.syncs} syncs read the occurrences of all issues"
    return total, beyond, text


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
    bytes_each = len(as_parameter([Listed(10**6, None, None)] * 1000)) / 1000
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
        "",
        "| accounts | load jobs a day | function time in 6 hours | what limits it |",
        "|---|---|---|---|",
    ]
    each = seconds_of_a_sync(1000, measured)
    for accounts in (1, 100, 10_000):
        loads = accounts * SYNCS_A_DAY * measured.loads
        hours = accounts * each / 3600
        if loads > LOADS_A_PROJECT_A_DAY:
            limit = f"load jobs: {math.ceil(loads / LOADS_A_PROJECT_A_DAY)} projects are needed"
        elif hours > 6:
            limit = "function time"
        else:
            limit = "nothing"
        lines.append(f"| {accounts:,} | {loads:,} of {LOADS_A_PROJECT_A_DAY:,} | {hours:,.1f} h"
                     f" | {limit} |")  # fmt: skip
    most = LOADS_A_PROJECT_A_DAY // (SYNCS_A_DAY * measured.loads)
    lines += [
        "",
        "Each account has its own token and quota, and its own dataset with lease and staging"
        " tables. Accounts share only the project, so they scale independently:",
        "",
        f"- **One deployment for each account** (with its own name and dataset) works for up to"
        f" {FUNCTIONS_A_REGION:,} functions a region.",
        "- **Beyond that, Pub/Sub can fan out**: one message for each account, and as many"
        " instances of one function as needed. Pub/Sub and Cloud Run provide retries, dead letters"
        f" and the distribution. At {each:.0f} s for a sync of 1,000 issues, {INSTANCES} instances"
        f" take {10_000 * each / INSTANCES / 60:,.0f} minutes for 10,000 accounts. This is not"
        " implemented: messages would have to name the account, and `max_instance_count` would"
        " have to be raised.",
        f"- **BigQuery's load jobs**, {LOADS_A_PROJECT_A_DAY:,} a project a day:"
        f" {most:,} accounts a project. A query over all accounts reads all their datasets.",
    ]
    return "\n".join(lines)
