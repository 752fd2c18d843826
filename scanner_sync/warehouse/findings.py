"""The statements that conclude: they write `findings`, `remediation_metrics` and `syncs`.

A sync writes them once, in the transaction of the histories, and every reader takes them from
there. docs/metrics.md has the rules. The statements are in files of SQL beside this one, where
`{dataset}` is the dataset. They use the variables `instant`, the time of the sync, and `this_load`.
"""

from collections.abc import Iterable

from scanner_sync.warehouse.connection import statement


def note_sync(dataset: str, tables: Iterable[str], listed: str) -> str:
    """Return the statement that writes the row of `syncs`.

    `listed` is SQL for the issues that were listed, with `issue_id` and `row_count`, which is null
    for those that were not read. It uses the parameter `scanned`, a JSON object of `since` and
    `targets`, or null.
    """
    names = ", ".join(f"'{table}'" for table in tables)
    return statement("syncs", dataset=dataset, listed=listed, tables=f"[{names}]")


def conclude(dataset: str) -> list[str]:
    """Return the statements that bring `findings` and `remediation_metrics` up to date.

    They use the parameters `exposed_tags` and `internal_tags`, which are JSON arrays of tags.
    """
    return [statement(name, dataset=dataset) for name in ("findings", "goals", "metrics")]
