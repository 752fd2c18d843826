"""What the tests of the source share."""

import pytest

from scanner_sync.source import retry


@pytest.fixture
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a hundredth of the time before a retry."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 0.02)
