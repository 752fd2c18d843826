"""Signals: what the API says has changed, in a request or two, without reading it.

Each is a hint, because no source says for certain what its parameter means. An API that rejects or
ignores a parameter says nothing, and `parameter_ignored` is logged.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from scanner_sync import log
from scanner_sync.errors import ApiError, ApiRefused, ApiUnavailable
from scanner_sync.schema.tables import FIXED, TABLES
from scanner_sync.source.rows import to_row
from scanner_sync.source.session import ApiSession

HINT_REQUESTS: Final = 2
"""Requests that a hint may take if it is only about the order of reading."""
NEVER: Final = timedelta(days=400)
"""Nothing was scanned so long after today."""


@dataclass(frozen=True)
class Signals:
    """Asks the API what has changed."""

    session: ApiSession
    missing: list[str] = field(default_factory=list)
    """Parameters that the API may know, but was not available to answer."""

    def changed_since(
        self, moment: datetime, listed: int, most_requests: int | None = None
    ) -> set[int]:
        """Return issues with new occurrences since `moment`, as far as so many requests tell.

        `listed` is the number of all issues: as many in the answer mean that the API ignores the
        parameter.
        """
        rows = self._rows("issues", "since", _time(moment), listed, most_requests)
        return {row["id"] for row in rows}

    def snoozed(self, listed: int) -> set[int]:
        """Return the issues that are snoozed, or of which an occurrence is. Sources differ."""
        return {row["id"] for row in self._rows("issues", "snoozed", "true", listed)}

    def scanned_since(self, day: date, listed: int) -> dict[int, str | None] | None:
        """Return the addresses of targets that were scanned on this day or later, by id.

        None stands for an API that does not say. All of them may have been scanned, so a day on
        which none can have been tells whether the API knows the parameter.
        """
        name = "last_scanned_after"
        never = (day + NEVER).isoformat()
        if not listed or self._rows("targets", name, never, 1, 1) is _IGNORED:
            return None
        rows = self._rows("targets", name, day.isoformat())
        return None if rows is _IGNORED else {row["id"]: row["address"] for row in rows}

    def fixed_since(self, moment: datetime) -> list[dict[str, Any]]:
        """Return the fixes since then, as far as two requests tell."""
        return self._rows(FIXED, "remediated_after", _time(moment), None, HINT_REQUESTS)

    def _rows(
        self,
        table: str,
        name: str,
        value: str,
        listed: int | None = None,
        most_requests: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return the rows for a parameter, or `_IGNORED` if there are as many as `listed`."""
        found: list[dict[str, Any]] = []
        offset = requests = 0
        limit = str(self.session.api.page_size)
        while requests != most_requests:
            try:
                page = self.session.page(
                    str(TABLES[table].path), **{name: value, "limit": limit, "offset": str(offset)}
                ).page
                found += [to_row(table, row) for row in page.rows]
            except (ApiError, ApiRefused, ApiUnavailable) as error:
                if isinstance(error, ApiUnavailable):
                    self.missing.append(name)
                return _ignored(name, f"{str(error).partition('. ')[0]}.")
            if listed is not None and page.total >= listed:
                return _ignored(name, "The API returns everything.")
            requests += 1
            offset += len(page.rows)
            # Whatever `next` says: no page may come again and again until the quota is used up.
            if not page.has_next or not page.rows or offset > page.total:
                break
        return found


_IGNORED: Final[list[dict[str, Any]]] = []


def _ignored(name: str, reason: str) -> list[dict[str, Any]]:
    log.event("parameter_ignored", parameter=name, reason=reason)
    return _IGNORED


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
