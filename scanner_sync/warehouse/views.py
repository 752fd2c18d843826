"""How the views are created and updated, and their SQL."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from google.cloud import bigquery

from scanner_sync.errors import LoadUnavailable
from scanner_sync.schema.views import VIEW_TABLES
from scanner_sync.warehouse.connection import Connection, statement

LABELS: Final = {"made_by": "scanner_sync"}
"""Labels of the views, which tell them from views of the user."""


VIEWS: Final = {name: statement(name) for name in VIEW_TABLES}
"""SQL of the views; a view comes after the views that it reads."""


def is_ours(view: bigquery.Table) -> bool:
    """Return whether this program made a view."""
    return bool(view.table_type == "VIEW" and view.labels.items() >= LABELS.items())


def ensure_views(connection: Connection, existing: Mapping[str, bigquery.Table]) -> None:
    """Create missing views, and update outdated ones.

    `existing` holds the tables and views that exist. Makes API calls only, no jobs.
    """
    for name, text in VIEWS.items():
        query = text.replace("{dataset}", connection.name).strip()
        connection.change(name, existing.get(name), partial(_put, connection, name, query))


def _put(connection: Connection, name: str, query: str, found: bigquery.Table | None) -> None:
    if found is None:
        view = bigquery.Table(f"{connection.name}.{name}")
        view.view_query, view.labels = query, LABELS
        connection.client.create_table(view)
    elif not is_ours(found):
        raise LoadUnavailable(
            f"{connection.name}.{name} was created or changed by something else while the sync ran."
            " The next sync says what to do about it."
        )
    elif found.view_query != query:
        found.view_query = query
        connection.client.update_table(found, ["view_query"])
