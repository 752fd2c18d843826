"""What one sync did."""

from collections.abc import Mapping
from dataclasses import dataclass

from scanner_sync.api import Traffic


@dataclass(frozen=True)
class Report:
    """What one sync did: the rows it merged, and what that took."""

    load_id: str | None
    """Row of `_dlt_loads`; None where there was nothing to load."""
    dataset: str
    rows: Mapping[str, int]
    """Rows merged, by table."""
    history: Mapping[str, Mapping[str, int]]
    """Things opened, closed and changed, by table; empty where no history is kept."""
    traffic: Traffic
    seconds: float

    def body(self) -> dict[str, object]:
        """The report as `sync_http` answers it, in JSON's types."""
        return {
            "status": "ok",
            "load_id": self.load_id,
            "dataset": self.dataset,
            "tables": {table: {"rows": rows} for table, rows in self.rows.items()},
            "history": self.history,
            "requests": self.traffic.requests,
            "seconds": round(self.seconds, 1),
        }
