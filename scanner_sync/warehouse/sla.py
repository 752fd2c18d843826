"""The goals for fixing, which the user may change: the table `sla_policy`."""

import contextlib
import io
import json
import uuid
from typing import Final

from google.api_core.exceptions import Conflict
from google.cloud import bigquery

from scanner_sync.tables import Column, Table
from scanner_sync.warehouse.connection import Connection, schema_of
from scanner_sync.warehouse.jobs import repeat, start_load

SLA: Final = "sla_policy"
"""The name of the table."""

SLA_TABLE: Final = Table(
    "The goals: days within which something is to be fixed, by severity. Yours to edit.",
    ("severity",),
    {
        "severity": Column("text", "Severity, as the API names it.", "high"),
        "days": Column("bigint", "Days from when it was opened; without snoozed time.", 30),
    },
)

GOALS: Final = {"critical": 7, "high": 30, "medium": 60, "low": 120}
"""The scanner's own goals, in days, which a new table holds."""


def create_sla_policy(connection: Connection) -> None:
    """Create `sla_policy` with the scanner's goals. Runs one load job, which is free.

    Raises Google's errors, and leaves no table without its rows. A table that was made in the
    meantime is left as it is.
    """
    rows = (json.dumps({"severity": severity, "days": days}) for severity, days in GOALS.items())
    client, job_id = connection.client, str(uuid.uuid4())
    job = start_load(
        client,
        job_id,
        lambda: client.load_table_from_file(
            io.BytesIO("\n".join(rows).encode()),
            f"{connection.name}.{SLA}",
            job_id=job_id,
            job_config=bigquery.LoadJobConfig(
                schema=schema_of(SLA_TABLE.columns),
                source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                destination_table_description=SLA_TABLE.description,
                write_disposition=bigquery.WriteDisposition.WRITE_EMPTY,
            ),
        ),
    )
    with contextlib.suppress(Conflict):  # the table was made in the meantime
        job.result(retry=repeat("LOAD"))
