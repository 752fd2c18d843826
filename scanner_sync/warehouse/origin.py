"""Whether the rows of a sync are from the API and the account that the dataset holds."""

import hashlib
import re
from collections.abc import Iterable

from google.cloud import bigquery

from scanner_sync.errors import SettingsError
from scanner_sync.warehouse.connection import Connection, statement
from scanner_sync.warehouse.lease import Lease


def check_api(lease: Lease, host: str) -> None:
    """Check that the dataset is not filled from another API, and note this one for later.

    Raises `SettingsError` if it is: the rows of both would be merged.
    """
    name = re.sub(r"[^a-z0-9_-]", "_", host.lower())[-63:]
    if (known := lease.last.api_host or name) != name:
        raise SettingsError(
            f"{lease.dataset} holds what another API sent ({known}), but API_BASE_URL names {host}."
            " Nothing was loaded. Set DATASET to another dataset, or, if the API has moved:"
            f" bq update --clear_label api_host {lease.table_name}"
        )
    lease.memory.api_host = name


def is_other_token(connection: Connection, lease: Lease, token: str) -> bool:
    """Tell whether the dataset was last filled with another token, and note this one."""
    # Slow on purpose, and of another result for each dataset.
    salt = connection.name.encode()
    present = hashlib.scrypt(token.encode(), salt=salt, n=2**12, r=8, p=1, dklen=16).hex()
    lease.memory.token_hash = present
    return (lease.last.token_hash or present) != present


def knows_target(connection: Connection, targets: Iterable[tuple[int, str | None]]) -> bool:
    """Tell whether `targets_history` has one of these, by id and address, or nothing at all."""
    names = [f"{identifier} {address or ''}" for identifier, address in targets]
    parameter = bigquery.ArrayQueryParameter("names", "STRING", names)
    [row] = connection.run(statement("known_targets"), parameter)
    return row["known"] is not False
