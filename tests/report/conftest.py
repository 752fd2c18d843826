"""A dataset with months of an account, the page written from it, and a Chromium to show it."""

import os
import uuid
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from local.bigquery import at
from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync.report import write_report
from tests.conftest import PROJECT, TOKEN, Dataset
from tests.support.commands import run

from . import chromium
from .account import NOW, fill, some_issues


@pytest.fixture(scope="session")
def synced(bigquery_url: str) -> Callable[[], Dataset]:
    """Make a dataset as a sync of an empty account leaves it."""

    def make() -> Dataset:
        name = f"d{uuid.uuid4().hex[:12]}"
        with (
            serve_api(create_app(Account(), token=TOKEN)) as api,
            pytest.MonkeyPatch.context() as m,
        ):
            m.setenv("BIGQUERY_EMULATOR_HOST", bigquery_url)
            settings = {"API_BASE_URL": api, "ACCESS_TOKEN": TOKEN, "DATASET": name}
            done = run("sync", **settings, GOOGLE_CLOUD_PROJECT=PROJECT)
            assert done.status == 0, done.err
            credentials = Credentials(token="anonymous")  # type: ignore[no-untyped-call]
            return Dataset(name, bigquery.Client(PROJECT, credentials))

    return make


@pytest.fixture(scope="session")
def written(synced: Callable[[], Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page on the made-up account. Tests only look at it."""
    dataset = synced()
    fill(dataset, some_issues())
    out = tmp_path_factory.mktemp("report") / "report.html"
    with at(NOW):
        write_report(dataset.warehouse, out)
    return out


@pytest.fixture(scope="session")
def page(written: Path) -> "ReadPage":
    """What this page says."""
    return ReadPage(written)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Page]:
    """A Chromium. Without one, tests fail in CI and are skipped elsewhere."""
    if not chromium.installed():
        reason = "Chromium is not installed: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with chromium.chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


def days(number: float) -> str:
    """A number of days as the page writes it."""
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"


class ReadPage(HTMLParser):
    """What a page says: its tables, the text outside of them, its tags and attributes.

    `charts` has the labels of the marks of each chart, for each of its drawings, and `lists` the
    paragraphs of each entry of a list, both by the id of the heading above.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.charts: dict[str, list[list[str]]] = {}
        self.lists: dict[str, list[list[str]]] = {}
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.words: list[str] = []
        self._cell: list[str] | None = None
        self._items: list[list[str]] = []
        self._paragraph: list[str] | None = None
        self.feed(path.read_text())
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        attributes = {name: value or "" for name, value in attrs}
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "a":
            self.links.add(attributes["href"])
        if tag in ("h2", "h3"):
            self._heading = attributes["id"]
        elif tag == "div" and attributes.get("class", "").startswith("chart "):
            self.charts.setdefault(self._heading, []).append([])
        elif tag == "path" and "aria-label" in attributes:
            self.charts[self._heading][-1].append(attributes["aria-label"])
        elif tag == "li":
            self._items = self.lists.setdefault(self._heading, [])
            self._items.append([])
        elif tag == "p" and self._items:
            self._paragraph = []
        elif tag == "table":
            self._rows = self.tables.setdefault(attributes["id"], [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self._rows[-1].append(" ".join(" ".join(self._cell).split()))
            self._cell = None
        elif tag == "p" and self._paragraph is not None:
            self._items[-1].append(" ".join(" ".join(self._paragraph).split()))
            self._paragraph = None
        elif tag == "ol":
            self._items = []

    def handle_data(self, data: str) -> None:
        (self.words if self._cell is None else self._cell).append(data)
        if self._paragraph is not None:
            self._paragraph.append(data)
