"""Queries of a user: SQL that reads the dataset, and nothing else."""

from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery
from google.cloud.bigquery.table import RowIterator

from scanner_sync.errors import RequestError, printable
from scanner_sync.warehouse.connection import Connection


def query(connection: Connection, sql: str) -> RowIterator:
    """Run a SELECT, in which a table without a dataset is one of this dataset; return its rows.

    BigQuery says what kind of statement it is before it runs, which costs nothing. Raises
    `RequestError` if it is another one or cannot be run, with BigQuery's reason.
    """
    default = bigquery.DatasetReference(connection.client.project, connection.dataset)
    try:
        dry_run = bigquery.QueryJobConfig(default_dataset=default, dry_run=True)
        kind = connection.client.query(sql, dry_run, job_retry=None).statement_type
        if kind != "SELECT":
            raise RequestError(
                f"Only SELECT is run here, and this is {kind or 'something else'}. Nothing was"
                " changed."
            )
        config = bigquery.QueryJobConfig(default_dataset=default)
        return connection.client.query(sql, config, job_retry=None).result()
    except (BadRequest, NotFound) as error:
        details = error.errors[0] if error.errors else {}
        said = printable(" ".join(str(details.get("message") or error.message).split()))
        raise RequestError(f"BigQuery refused the query: {said}") from None
