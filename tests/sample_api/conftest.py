"""A client of the sample API."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sample_api import Row

TOKEN = "correct-token"


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """Return a client that sends the token and uses no proxy."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        yield session


def numbered(count: int) -> list[Row]:
    """Return rows with different ids."""
    return [{"id": number} for number in range(count)]


def get(http: requests.Session, url: str, **options: Any) -> requests.Response:
    """Send one request, without following redirects."""
    return http.get(url, allow_redirects=False, timeout=10, **options)


def walk(http: requests.Session, url: str | None) -> list[Row]:
    """Follow `next` from this URL to the last page, and return all rows."""
    rows: list[Row] = []
    while url:
        page = get(http, url).json()
        rows += page["results"]
        url = page["next"]
    return rows


def by_id(rows: list[Row]) -> dict[int, Row]:
    """Index rows by their id."""
    return {row["id"]: row for row in rows}
