"""The statements that conclude: they write `findings` and `remediation_metrics`.

A sync runs them once, in the transaction of the histories, and every reader takes the result from
there. docs/metrics.md has the rules. They use the variable `instant`, the time of the sync, and the
parameters `exposed_tags` and `internal_tags`, which are JSON arrays of tags.
"""

from scanner_sync.warehouse.connection import statement


def conclude() -> list[str]:
    """Return these statements, in their order."""
    return [statement(name) for name in ("findings", "goals", "metrics")]
