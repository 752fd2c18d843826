"""What syncs remember from one to the next.

The labels of the lease keep it, so that it is read and written with the lease, without a job. It
is little: what is known of each issue is in `occurrence_reads`.

Among it is whether the account is quiet. A sync may leave out issues that no signal names only if
full reads have proved that signals name what changes: `FULL_READS` in a row without a change that
had none. A full read that finds one ends that for `LOUD`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

FULL_READS: Final = 3
"""Full reads in a row without a change that no signal named, after which an account is quiet."""
LOUD: Final = timedelta(days=7)
"""For how long everything is read after such a change."""
PUNCTUAL: Final = timedelta(minutes=10)
"""By how much a sync may be early for a full read that is due."""


class Unsignaled(NamedTuple):
    """What a full read found that no signal had named."""

    issues: int
    """Issues of which an occurrence had changed, appeared or disappeared."""
    field: str
    """A field that had changed: `appeared` or `disappeared` if it was all of an occurrence."""


NO_CHANGE: Final = Unsignaled(0, "")


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
    """Listed issues whose occurrences it read."""
    issues_failed: tuple[int, ...] = ()
    """Ids of listed issues whose occurrences could not be read. A label has at most 63 characters,
    which is enough for three ids."""
    issues_skipped: int | None = None
    """Listed issues whose occurrences it left out because nothing named them."""
    full_read_at: datetime | None = None
    """When the last sync began that read the occurrences of all issues; None if one of other tables
    took signals away since then."""
    full_reads: int | None = None
    """How many full reads in a row found no change that no signal had named."""
    loud_until: datetime | None = None
    """Until when everything is read because one did, and `loud_field` is what had changed."""
    loud_field: str = ""
    signals_hash: str = ""
    """`Plan.hash_with` of a sync that changed no table, if it knew all signals: the listings name
    nothing if they are the same again."""
    oldest_read_at: datetime | None = None
    """When the occurrences that were read longest ago were read; None while the occurrences of an
    issue were never read."""
    newest_fix: datetime | None = None
    """The newest `remediated_at` of fixed occurrences that was read."""
    fixes_read: datetime | None = None
    """When all fixed occurrences were last read."""
    token_hash: str = ""
    """A hash of the token that the dataset was last filled with, from which nobody learns it."""
    api_host: str = ""
    """The host of the API that the dataset is filled from, with `_` for what a label cannot
    have."""
    scans_asked: int | None = None
    """The day on which the API was last asked for the targets that were scanned lately, in days
    since 1970."""
    aged: int | None = None
    """The day on which a table was loaded that has the column `age`, in days since 1970."""
    settled: dict[str, str] = field(default_factory=dict)
    """Until when, and under which conditions, nothing is to be concluded: see `settled.Settled`."""
    held: dict[str, str] = field(default_factory=dict)
    """By table: the digest of its rows, and after `_` the load that brought them. Each is a label,
    such as `held_issues`."""
    changed: dict[str, str] = field(default_factory=dict)
    """By table: when it was last changed, in milliseconds since 1970."""
    looked: dict[str, str] = field(default_factory=dict)
    """By table: when the last sync began that read its rows, in seconds since 1970; and after it
    `_unchanged`, if the table held these already."""

    @classmethod
    def read(cls, labels: Mapping[str, str]) -> Self:
        """Return what the labels of a lease say. Anybody may edit them: nonsense counts as none."""
        return cls(**{of.name: _READERS[of.type](labels, of.name) for of in fields(cls)})

    def knows_signals(self, now: datetime) -> bool:
        """Tell whether the signals since the sync before say what has changed, if any are true.

        For that it has to have read everything that it was to read. While everything is read
        because they were not true, they are not asked for.
        """
        is_loud = self.loud_until is not None and now < self.loud_until
        return bool(self.all_read and self.full_read_at and self.started and not is_loud)

    def may_skip(self, now: datetime, hours: int) -> bool:
        """Tell whether a sync that begins now may leave out issues that nothing names.

        It may not if everything is to be read each `hours`, and that is due now.
        """
        return bool(
            hours
            and self.knows_signals(now)
            and (self.full_reads or 0) >= FULL_READS
            and self.full_read_at
            and now + PUNCTUAL < self.full_read_at + timedelta(hours=hours)
        )

    def note_full_read(self, began: datetime, found: Unsignaled | None) -> None:
        """Note that everything was read, and what no signal had named.

        That is None if the signals were not known since the sync before.
        """
        self.full_read_at = began
        if found is None:
            return
        self.full_reads = 0 if found.issues else min(FULL_READS, (self.full_reads or 0) + 1)
        if found.issues:
            self.loud_until, self.loud_field = began + LOUD, found.field

    def note_look(self, table: str, began: datetime, *, is_unchanged: bool) -> None:
        """Note that a sync read the rows of a table, and whether the table held them already."""
        self.looked[table] = f"{int(began.timestamp())}{'_unchanged' if is_unchanged else ''}"

    def look(self, table: str) -> tuple[datetime | None, bool]:
        """Return when a sync last read the rows of a table, and whether the table held them."""
        seconds, _, found = self.looked.get(table, "").partition("_")
        return _moment({"at": seconds}, "at"), found == "unchanged"

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


def _moment(labels: Mapping[str, str], name: str) -> datetime | None:
    seconds = _number(labels, name)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _by_table(labels: Mapping[str, str], name: str) -> dict[str, str]:
    prefix = f"{name}_"
    return {
        key.removeprefix(prefix): value for key, value in labels.items() if key.startswith(prefix)
    }


_READERS: Final[dict[Any, Callable[[Mapping[str, str], str], Any]]] = {
    datetime | None: _moment,
    bool: lambda labels, name: _number(labels, name) != 0,
    int | None: _number,
    str: lambda labels, name: labels.get(name, ""),
    tuple[int, ...]: lambda labels, name: tuple(
        map(int, re.findall("-?[0-9]+", labels.get(name, "")))
    ),
    dict[str, str]: _by_table,
}
