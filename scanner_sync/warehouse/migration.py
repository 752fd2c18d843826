"""The migration from version 0.1: two columns of the histories and a view had other names.

The first sync of a later version renames the columns, and deletes the view, which
`issue_lifecycle` and `occurrence_lifecycle` replace. The rows of the histories stay as they are.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from google.cloud import bigquery

from scanner_sync.warehouse.connection import Connection
from scanner_sync.warehouse.history import HISTORIES

COLUMNS: Final[Mapping[str, str]] = {"thing": "entity_key", "state": "state_hash"}
"""Columns of the histories in version 0.1, and their present names."""

VIEW: Final = "remediation"
"""The view of version 0.1 that is no longer made."""

_HASHES: Final = {
    "971ae32248a485ba2ed321a022e2be888f8e5fce2190599d0b2ef329b1f1a012",  # pragma: allowlist secret
    "9df03a0f4b139e5d383b19537d0a7fe954105ac868b009ae061d18b7908d0cec",  # pragma: allowlist secret
    "9b00ce3b11f0451c1d3107afa8623c2d44cf787fd76d4d0b062b44b87707c35d",  # pragma: allowlist secret
}
"""SHA-256 of the SQL of the views of version 0.1.0, which had no label; the dataset is `{d}`."""


def is_view_of_0_1(view: bigquery.Table, connection: Connection) -> bool:
    """Return whether a view is as version 0.1.0 made it."""
    text = (view.view_query or "").replace(connection.name, "{d}")
    return hashlib.sha256(text.encode()).hexdigest() in _HASHES


def rename_columns(
    connection: Connection, existing: Mapping[str, bigquery.Table]
) -> Mapping[str, bigquery.Table]:
    """Rename the columns of histories that version 0.1 made.

    `existing` holds the tables that exist; it is returned with the histories as they are now.
    BigQuery renames the columns of one table at once and touches no row. Runs one job if a history
    is of version 0.1, and otherwise does nothing.
    """
    statements = {}
    for name in HISTORIES.keys() & existing.keys():
        present = {field.name for field in existing[name].schema}
        renamed = [
            f"RENAME COLUMN {old} TO {new}" for old, new in COLUMNS.items() if old in present
        ]
        if renamed:
            statements[name] = f"ALTER TABLE `{connection.name}.{name}` {', '.join(renamed)}"
    if not statements:
        return existing
    connection.client.query_and_wait(";\n".join(statements.values()))
    return {**existing, **connection.find_tables(statements)}
