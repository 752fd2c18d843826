"""What syncs remember is read from labels as it was written into them."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner_sync.warehouse.memory import LastSync

moments = st.none() | st.integers(1, 2**31).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
words = st.text("az09_-", max_size=63)
names = st.sampled_from(["issues", "occurrences_issues", "scans"])
memories = st.builds(
    LastSync,
    succeeded=moments,
    failed=moments,
    failure=words,
    started=moments,
    all_read=st.booleans(),
    issues_listed=st.none() | st.integers(0, 10**9),
    issues_read=st.none() | st.integers(0, 10**9),
    issues_failed=st.lists(st.integers(-(2**63), 2**63), max_size=3).map(tuple),
    oldest_read_at=moments,
    newest_fix=moments,
    fixes_read=moments,
    token_hash=words,
    api_host=words,
    aged=st.none() | st.integers(0, 10**6),
    held=st.dictionaries(names, words),
    changed=st.dictionaries(names, words),
    looked=st.dictionaries(names, words),
    issues_skipped=st.none() | st.integers(0, 10**9),
    full_read_at=moments,
    full_reads=st.none() | st.integers(0, 3),
    loud_until=moments,
    loud_field=words,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(memories, memories)
def test_what_is_written_is_read(earlier: LastSync, later: LastSync) -> None:
    """Also over the labels of an earlier sync, and each label is one that BigQuery takes."""
    labels = later.labels()
    assert LastSync.read(labels) == later
    assert all(re.fullmatch("[a-z0-9_-]{0,63}", text) for text in labels.values())
    before = earlier.labels()
    changed = later.changes(before)
    together = ("held", "changed", "looked")
    expected = vars(later) | {of: vars(earlier)[of] | vars(later)[of] for of in together}
    assert vars(LastSync.read(before | changed)) == expected
    assert all(before.get(name) != text for name, text in changed.items())


def test_a_new_lease_has_no_labels_of_it() -> None:
    assert LastSync().changes({}) == {}


@pytest.mark.parametrize("is_unchanged", [True, False])
def test_when_a_table_was_read(*, is_unchanged: bool) -> None:
    memory = LastSync()
    assert memory.look("tags") == (None, False)
    moment = datetime(2026, 11, 24, 6, tzinfo=UTC)
    memory.note_look("tags", moment, is_unchanged=is_unchanged)
    assert LastSync.read(memory.labels()).look("tags") == (moment, is_unchanged)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*LastSync().labels()]), st.text()))
def test_labels_that_somebody_edited_count_as_none(labels: dict[str, str]) -> None:
    """They are read, whatever they say."""
    LastSync.read(labels)
