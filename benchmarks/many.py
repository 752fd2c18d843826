"""Sync many accounts at once, each for the first time. `local.accounts` says how."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.quota import compare
from local.accounts import PROJECT, Customer, sync_all
from sample_api import generate

ACCOUNTS = 200
"""Accounts of the benchmark, unless `--accounts` says otherwise."""
LATENCY_SECONDS = 0.05
"""Of each response of an API in the benchmark."""
INSTANCES = 4


@dataclass
class Measured:
    """The figures of a round."""

    accounts: int
    issues: int
    occurrences: int
    """Both of all accounts together."""
    seconds: float
    syncs: list[float]
    """Seconds of each sync."""
    steps: dict[str, float]
    """Seconds of each step, of all syncs together."""
    redelivered: int
    """Pushes that were not acknowledged."""
    differing: int
    """Rows that the APIs do not have."""
    rows: int
    """Rows that were compared."""
    mixed: int
    """Accounts of which two syncs had jobs at once."""

    @property
    def busy(self) -> float:
        """Return the share of the processes' time that syncs took."""
        return sum(self.steps.values()) / (INSTANCES * self.seconds)


def measure(advance: Callable[[str], None], accounts: int) -> Measured:
    """Sync each account for the first time, and compare the rows."""
    customers = [
        Customer(
            f"customer_{number:03}",
            generate(number, issues=number % 40 + 1, targets=number % 25 + 2, scans=number),
            latency_seconds=LATENCY_SECONDS,
        )
        for number in range(accounts)
    ]
    advance(f"{accounts} accounts at once")
    with sync_all(customers, INSTANCES) as found:
        differing = rows = 0
        for of in customers:
            advance(f"{of.name}: comparing the rows")
            wrong, number = compare(
                of.account, found.api_url, found.bigquery_url, PROJECT, of.dataset
            )
            differing, rows = differing + sum(wrong.values()), rows + number
    finished = found.events("sync_finished")
    steps: Counter[str] = Counter()
    for entry in finished:
        steps.update(entry["steps"])
    return Measured(
        accounts=accounts,
        issues=sum(len(of.account.issues) for of in customers),
        occurrences=sum(len(rows) for of in customers for rows in of.account.occurrences.values()),
        seconds=found.seconds,
        syncs=[entry["seconds"] for entry in finished],
        steps=dict(steps),
        redelivered=sum(of.status >= 300 for of in found.deliveries),
        differing=differing,
        rows=rows,
        mixed=len(found.mixed()),
    )
