"""Compute the cost of a month, and the limits for a growing account or number of accounts.

The inputs are measured figures, and prices and limits that Google and the API publish. Prices are
list prices of us-central1 in US dollars.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass

from benchmarks.server import Sizes

# https://cloud.google.com/run/pricing (functions are billed as Cloud Run services, by request)
VCPU_SECOND, GIB_SECOND, MILLION_REQUESTS = 0.000024, 0.0000025, 0.40
FREE_VCPU_SECONDS, FREE_GIB_SECONDS = 180_000, 360_000
# https://cloud.google.com/bigquery/pricing: load jobs are free
TIB_OF_QUERIES, FREE_TIB, LEAST_BYTES_A_TABLE = 6.25, 1, 10 * 10**6
# https://cloud.google.com/scheduler/pricing, https://cloud.google.com/secret-manager/pricing
SCHEDULER_JOB, SECRET_VERSION = 0.10, 0.06
# https://cloud.google.com/bigquery/quotas
LOADS_A_TABLE_A_DAY, LOADS_A_PROJECT_A_DAY, MUTATIONS_QUEUED = 1500, 100_000, 20
# https://cloud.google.com/functions/quotas
FUNCTIONS_A_REGION, INSTANCES = 1000, 100
# The scanner's own quota, per token, and the defaults of terraform/variables.tf and function.tf.
REQUESTS_AN_HOUR = 5000
DEADLINE, DEADLINE_PUBSUB, LONGEST_DEADLINE, MEMORY_GIB = 1500, 420, 1680, 1
SYNCS_A_DAY, DAYS = 4, 30
AT_ONCE, LATENCY = 20, 0.2


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


def sizes(issues: int) -> Sizes:
    """Return the sizes of an account with the benchmark's proportions."""
    return Sizes(issues, 3 * issues, 2 * issues, issues)


def seconds_of_a_sync(issues: int, measured: Measured) -> float:
    """Return the seconds for which a sync is billed."""
    requests = sizes(issues).least_requests()
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
    requests = sizes(issues).least_requests()
    if requests > REQUESTS_AN_HOUR:
        text += f"; its {requests:,} requests need a quota above {REQUESTS_AN_HOUR} an hour"
    return total, beyond, text


def section(measured: Measured) -> str:
    """Return the section about limits: which one is reached first, and at what size."""
    # The largest account whose requests fit into the quota; each issue takes one at least.
    quota = (
        bisect_right(
            range(REQUESTS_AN_HOUR), REQUESTS_AN_HOUR, lo=1, key=lambda n: sizes(n).least_requests()
        )
        - 1
    )
    asked = DEADLINE * AT_ONCE / LATENCY / measured.overhead
    memory = (MEMORY_GIB * 1024 - measured.memory_least) / max(measured.memory_each, 1e-9)
    lines = [
        f"With {AT_ONCE} concurrent requests to an API that takes {LATENCY * 1000:.0f} ms, three"
        " occurrences an issue, and a sync every 6 hours.",
        "",
        "| issues | requests a sync | seconds a sync | share of an hour's quota | what limits it |",
        "|---|---|---|---|---|",
    ]
    for issues in (10, 1000, 100_000):
        requests = sizes(issues).least_requests()
        share = requests / REQUESTS_AN_HOUR
        if share <= 1:
            limit = "BigQuery's jobs" if requests * LATENCY / AT_ONCE < measured.bigquery else "API"
        else:
            limit = f"the quota: {share:.1f} hours of it for one sync"
        seconds = seconds_of_a_sync(issues, measured)
        shown = f"{seconds:,.0f}" if share <= 1 else "not in one sync"
        lines.append(f"| {issues:,} | {requests:,} | {shown} | {share:.0%} | {limit} |")
    lines += [
        "",
        f"- **Quota of the token**, {REQUESTS_AN_HOUR} requests an hour: reached first, at"
        f" {quota:,} issues. A larger account ends in `ApiUnavailable`, because the quota is"
        " restored only after the sync's deadline. The API needs a request for each issue; it has"
        " no list of all occurrences or of changes. Larger accounts need a larger quota.",
        f"- **Function time**, {DEADLINE} s: {asked:,.0f} requests, {asked / REQUESTS_AN_HOUR:.0f}"
        f" times the quota of an hour. With Pub/Sub, {DEADLINE_PUBSUB} s:"
        f" {asked * DEADLINE_PUBSUB / DEADLINE:,.0f} requests.",
        f"- **Memory**, {MEMORY_GIB} GiB: about {memory:,.0f} occurrences"
        f" ({measured.memory_least:.0f} MiB, and {measured.memory_each * 1024:.2f} KiB for each"
        " occurrence); `memory` can be up to 4Gi.",
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
