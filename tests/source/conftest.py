"""What the tests of the source share."""

from pathlib import Path

import pytest

from scanner_sync.source import retry
from tests.support.tls import make_certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of 127.0.0.1, with its key."""
    return make_certificate(tmp_path)


@pytest.fixture
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a hundredth of the time before a retry."""
    monkeypatch.setattr(retry, "BACKOFF_FACTOR", 0.02)
