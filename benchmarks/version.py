"""What one version of the program does in a local BigQuery, in a process of its own.

`python version.py prepare|script|page URL DATASET [JSON]`, where `PYTHONPATH` is the version's
folder. In the earlier version some modules and names were others.
"""

import importlib
import importlib.util
import json
import sys
from datetime import UTC, datetime
from typing import Any

from google.cloud import bigquery
from google.oauth2.credentials import Credentials

PROJECT = "benchmark"


def client_of(url: str) -> bigquery.Client:
    """Return a client of the local BigQuery at `url`."""
    credentials = Credentials(token="none")  # type: ignore[no-untyped-call]
    return bigquery.Client(PROJECT, credentials, client_options={"api_endpoint": url})


def main() -> None:
    """Do one thing in a dataset."""
    what, url, dataset, *more = sys.argv[1:]
    client = client_of(url)
    is_earlier = importlib.util.find_spec("scanner_sync.schema") is None

    def names(now: str, before: str) -> Any:
        return importlib.import_module(f"scanner_sync.{before if is_earlier else now}")

    warehouse = names("warehouse", "warehouse").Warehouse(client, dataset)
    history = {"history": True} if is_earlier else {}
    if what == "prepare":
        client.create_dataset(dataset)
        columns = names("schema.columns", "tables")
        for name, table in names("schema.tables", "tables").TABLES.items():
            fields = [
                bigquery.SchemaField(column, columns.BIGQUERY_TYPES[of.type])
                for column, of in (table.columns | columns.DLT_COLUMNS).items()
            ]
            client.create_table(bigquery.Table(f"{PROJECT}.{dataset}.{name}", fields))
        warehouse.complete_load({}, None, warehouse.check_names(**history), **history)
    elif what == "script":
        rows = json.loads(more[0])
        issue = getattr(names("plan", "refresh"), "Listed" if is_earlier else "ListedIssue")
        listed = [issue(number, 32, "") for number in range(1, rows["issues"] + 1)]
        existing = warehouse.check_names(**history)
        warehouse.complete_load(rows, "1", existing, listed=listed, **history)
    else:
        names("report.figures", "report.figures").read_figures(warehouse, datetime.now(UTC))


if __name__ == "__main__":
    main()
