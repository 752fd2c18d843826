"""The API of an account: where it is, its token, and how many rows a page has."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Api:
    """What a session needs to know of the API."""

    base_url: str
    """It ends in a slash."""
    token: str = field(repr=False)
    token_source: str = ""
    """The setting or secret that holds the token, for messages."""
    page_size: int = 100
    """Rows requested per page."""
