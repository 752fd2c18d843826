"""What syncs remember from one to the next.

The labels of the lease keep it, so that it is read and written with the lease, without a job. It
is little: what is known of each issue is in `occurrence_reads`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final, Self


@dataclass
class LastSync:
    """What earlier syncs left, and what this one leaves. Each field is a label of the same name.

    Times are BigQuery's, in whole seconds; None stands for never.
    """

    succeeded: datetime | None = None
    """When a sync last succeeded."""
    failed: datetime | None = None
    """When a sync last failed."""
    failure: str = ""
    """The type of error with which it failed, in lower case."""
    started: datetime | None = None
    """When the last sync that was to read occurrences, and succeeded, began."""
    all_read: bool = True
    """Whether the last sync that was to read occurrences read all that can be read; False from when
    it began until then, and for good if it was killed."""
    issues_listed: int | None = None
    """The issues that a sync last listed whose occurrences it was to read."""
    issues_read: int | None = None
    """Those of them whose occurrences it read."""
    issues_failed: tuple[int, ...] = ()
    """The ids of those whose occurrences could not be read. A label has at most 63 characters,
    which is enough for three ids."""
    oldest_read_at: datetime | None = None
    """When the occurrences that were read longest ago were read; None while those of an issue were
    never read."""
    newest_fix: datetime | None = None
    """The newest `remediated_at` of fixed occurrences that was read."""
    fixes_read: datetime | None = None
    """When all fixed occurrences were last read."""
    token_hash: str = ""
    """A hash of the token that the dataset was last filled with, from which nobody learns it."""
    api_host: str = ""
    """The host of the API that the dataset is filled from, with `_` for what a label cannot
    have."""
    aged: int | None = None
    """The day on which a table was loaded that has the column `age`, in days since 1970."""
    held: dict[str, str] = field(default_factory=dict)
    """By table: the digest of its rows, and after `_` the load that brought them. Each is a label,
    such as `held_issues`."""
    changed: dict[str, str] = field(default_factory=dict)
    """By table: when it was last changed, in milliseconds since 1970. Likewise."""

    @classmethod
    def read(cls, labels: Mapping[str, str]) -> Self:
        """Return what the labels of a lease say. Anybody may edit them: nonsense counts as none."""
        return cls(**{of.name: _READERS[of.type](labels, of.name) for of in fields(cls)})

    def labels(self) -> dict[str, str]:
        """Return the labels."""
        found: dict[str, str] = {}
        for name, value in vars(self).items():
            if isinstance(value, dict):
                found |= {f"{name}_{key}": text for key, text in value.items()}
            else:
                found[name] = _text(value)
        return found

    def changes(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return the labels that differ from these."""
        known = {**LastSync().labels(), **labels}
        return {name: text for name, text in self.labels().items() if known.get(name) != text}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "_".join(map(str, value))
    if isinstance(value, datetime):
        return str(int(value.timestamp()))
    return str(int(value)) if isinstance(value, int) else value or ""


def _number(labels: Mapping[str, str], name: str) -> int | None:
    value = labels.get(name, "")
    return int(value) if re.fullmatch("[0-9]{1,10}", value) else None


def _flag(labels: Mapping[str, str], name: str) -> bool:
    return _number(labels, name) != 0


def _moment(labels: Mapping[str, str], name: str) -> datetime | None:
    seconds = _number(labels, name)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _word(labels: Mapping[str, str], name: str) -> str:
    return labels.get(name, "")


def _ids(labels: Mapping[str, str], name: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall("-?[0-9]+", labels.get(name, ""))))


def _by_table(labels: Mapping[str, str], name: str) -> dict[str, str]:
    prefix = f"{name}_"
    return {
        key.removeprefix(prefix): value for key, value in labels.items() if key.startswith(prefix)
    }


_READERS: Final[dict[Any, Callable[[Mapping[str, str], str], Any]]] = {
    datetime | None: _moment,
    bool: _flag,
    int | None: _number,
    str: _word,
    tuple[int, ...]: _ids,
    dict[str, str]: _by_table,
}
