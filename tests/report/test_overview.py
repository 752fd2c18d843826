"""The Monday report: its figures against Python's own count, and its page in a real Chromium."""

import io
import json
import os
import random
import re
import statistics
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from local.processes import ROOT
from sample_api import Account, create_app
from sample_api import serve as serve_api
from scanner_sync.errors import LoadError, SettingsError
from scanner_sync.report import write_report
from tests.conftest import PROJECT, TOKEN, Dataset

from . import chromium

# One dataset and one page serve most of these tests.
pytestmark = pytest.mark.xdist_group("overview")

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)  # a Monday
MONDAY = datetime(2026, 6, 15, tzinfo=UTC)
START = MONDAY - timedelta(weeks=25)
FIRST = NOW - timedelta(weeks=40)
SYNCS = [FIRST + timedelta(hours=12 * n) for n in range(40 * 14 + 1)]

IMAGE = '"><img src=x onerror=alert(1)>'
TITLES = ["<script>alert(1)</script>", "Plain", "{{ 7 * 7 }} & &lt;b&gt;", "</style></svg>", ""]
TARGETS = [f"host-{n}.example.com" for n in range(11)] + [f"a{IMAGE}"]
SEVERITIES = ["critical", "high", "medium", "low", "info", IMAGE, None, ""]
SHOWN = ["critical", "high", "medium", "low", IMAGE, "info", "none"]


class State(NamedTuple):
    severity: str | None
    snoozed: bool | None
    begin: datetime
    end: datetime | None


class Place(NamedTuple):
    target: str | None
    snoozed: bool
    first_seen: datetime | None
    end: datetime | None


class Issue(NamedTuple):
    id: int
    title: str
    openings: list[list[State]]
    places: list[Place]


def some_issues() -> list[Issue]:
    """Months of an account: opened, changed, snoozed, fixed, reopened."""
    rng = random.Random(7)
    return [some_issue(rng, number) for number in range(1, 121)]


def some_issue(rng: random.Random, number: int) -> Issue:
    openings: list[list[State]] = []
    at = 0 if number % 6 == 0 else rng.randrange(1, len(SYNCS) - 1)
    while at < len(SYNCS) and len(openings) < 3:
        states = []
        severity = rng.choice(SEVERITIES)
        for _ in range(rng.randint(1, 3)):
            lasts = rng.choice([1, 9, 30, 120, 400])
            end = SYNCS[at + lasts] if at + lasts < len(SYNCS) else None
            snoozed = rng.choice([False, False, False, None, True])
            states.append(State(severity, snoozed, SYNCS[at], end))
            at += lasts
            if end is None:
                break
            severity = rng.choice([severity, severity, "critical"])
        openings.append(states)
        at += rng.choice([2, 1000, 1000])
    end = openings[-1][-1].end
    places = [
        Place(
            rng.choice([*TARGETS, TARGETS[-1], None]),
            rng.random() < 0.2,
            rng.choice([None, FIRST - timedelta(days=rng.randrange(90))]),
            rng.choice([None, end, SYNCS[-3]]) if end is None else end,
        )
        for _ in range(rng.randrange(5))
    ]
    return Issue(number, rng.choice(TITLES), openings, places)


def insert(dataset: Dataset, table: str, rows: list[dict[str, Any]]) -> None:
    name = f"{dataset.name}.{table}"
    config = bigquery.LoadJobConfig(
        schema=dataset.client.get_table(name).schema,
        source_format="NEWLINE_DELIMITED_JSON",
        write_disposition="WRITE_APPEND",
    )
    lines = "\n".join(json.dumps(row, default=str) for row in rows).encode()
    dataset.client.load_table_from_file(io.BytesIO(lines), name, job_config=config).result()


def states(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a history, with the columns that dlt fills."""
    return [
        {**row, "state": f"{n}", "_dlt_load_id": "1", "_dlt_id": f"{n}"}
        for n, row in enumerate(rows)
    ]


def fill(dataset: Dataset, issues: list[Issue]) -> None:
    insert(
        dataset,
        "issues_history",
        states(
            [
                {
                    **{"thing": f"{issue.id}", "id": issue.id, "title": issue.title},
                    **{"severity": state.severity, "snoozed": state.snoozed},
                    **{"valid_from": state.begin, "valid_to": state.end},
                }
                for issue in issues
                for opening in issue.openings
                for state in opening
            ]
        ),
    )
    insert(
        dataset,
        "occurrences_issues_history",
        states(
            [
                {
                    **{"thing": f"{issue.id}/{n}", "issue_id": issue.id, "id": n},
                    **{"target": place.target, "snoozed": place.snoozed},
                    **{"first_seen_at": place.first_seen},
                    **{"valid_from": issue.openings[-1][0].begin, "valid_to": place.end},
                }
                for issue in issues
                for n, place in enumerate(issue.places)
            ]
        ),
    )
    tagged = {"id": 1, "address": TARGETS[-1], "tags": [f"t{IMAGE}", None]}
    insert(
        dataset,
        "targets_history",
        states([{"thing": "1", "valid_from": FIRST, "valid_to": None, **tagged}]),
    )
    dataset.query("DELETE FROM {d}._dlt_loads WHERE TRUE")
    loads = [*SYNCS[:-9], *SYNCS[-4:]]
    insert(
        dataset,
        "_dlt_loads",
        [{"load_id": f"{n}", "status": 0, "inserted_at": at} for n, at in enumerate(loads)],
    )
    scan = {"_dlt_load_id": f"{len(loads) - 2}", "_dlt_id": "1"}
    insert(dataset, "scans", [{"id": 1, "created_at": NOW - timedelta(days=1), **scan}])


@pytest.fixture(scope="module")
def synced(bigquery_url: str) -> Callable[[], Dataset]:
    """Makes datasets as a sync of an empty account leaves them."""

    def make() -> Dataset:
        name = f"d{uuid.uuid4().hex[:12]}"
        with (
            serve_api(create_app(Account(), token=TOKEN)) as api,
            pytest.MonkeyPatch.context() as m,
        ):
            m.setenv("BIGQUERY_EMULATOR_HOST", bigquery_url)
            settings = {"API_BASE_URL": api, "ACCESS_TOKEN": TOKEN, "DATASET": name}
            subprocess.run(
                [sys.executable, "-m", "scanner_sync", "sync", "--json"],
                cwd=ROOT,
                env={**os.environ, **settings, "GOOGLE_CLOUD_PROJECT": PROJECT},
                capture_output=True,
                check=True,
            )
            credentials = Credentials(token="anonymous")  # type: ignore[no-untyped-call]
            return Dataset(name, bigquery.Client(PROJECT, credentials))

    return make


@pytest.fixture(scope="module")
def written(synced: Callable[[], Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on some months of an account whose every text is hostile."""
    dataset = synced()
    fill(dataset, some_issues())
    out = tmp_path_factory.mktemp("report") / "report.html"
    write_report(dataset.warehouse, out, NOW)
    return out


class Read(HTMLParser):
    """What a page says: its tables, the text outside of them, its tags and attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self._cell: list[str] | None = None
        self.feed(path.read_text())
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "table":
            self._rows = self.tables.setdefault(f"{dict(attrs)['id']}", [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self._rows[-1].append(" ".join(" ".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        (self.words if self._cell is None else self._cell).append(data)


def shown(severity: str | None) -> str:
    return severity or "none"


def last_severity(issue: Issue) -> str:
    """The last that was not null, as `remediation` has it."""
    found = [state.severity for opening in issue.openings for state in opening]
    return shown(next((severity for severity in reversed(found) if severity is not None), None))


def open_at(issues: list[Issue], at: datetime) -> tuple[Counter[str], int]:
    """What is open by severity, and how many are snoozed."""
    then = [
        state
        for issue in issues
        for opening in issue.openings
        for state in opening
        if state.begin <= at and (state.end is None or at < state.end)
    ]
    return (
        Counter(shown(state.severity) for state in then if not state.snoozed),
        sum(state.snoozed is True for state in then),
    )


def days(number: float) -> str:
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"


def number(counted: int) -> str:
    return f"{counted:,}"


def quartiles(values: list[float]) -> list[str]:
    found = statistics.quantiles(values, n=4, method="inclusive") if values[1:] else values * 3
    return [days(value) for value in found]


def test_the_figures(written: Path) -> None:  # noqa: PLR0915 - one page
    """Each table and headline, counted once more in Python from the states themselves."""
    issues, page = some_issues(), Read(written)
    openings = [
        (issue, opening[0].begin, opening[-1].end, last_severity(issue))
        for issue in issues
        for opening in issue.openings
    ]
    now, snoozed = open_at(issues, NOW)
    week_ago = NOW - timedelta(days=7)

    weeks = [START + timedelta(weeks=n) for n in range(26)]
    assert page.tables["open-table"] == [
        ["At", *SHOWN, "all", "snoozed"],
        *(
            [
                f"{at:%Y-%m-%d %H:%M}" + (" (now)" if at == NOW else ""),
                *(number(counted[severity]) for severity in SHOWN),
                number(counted.total()),
                number(asleep),
            ]
            for at in reversed([*weeks, NOW])
            for counted, asleep in [open_at(issues, at)]
        ),
    ]
    flow = []
    for week in reversed(weeks):
        end = week + timedelta(weeks=1)
        opened = sum(begin > FIRST and week <= begin < end for _, begin, _, _ in openings)
        fixed = sum(to is not None and week <= to < end for _, _, to, _ in openings)
        label = f"{week:%Y-%m-%d}" + (" (so far)" if week == MONDAY else "")
        sign = f"{opened - fixed:+}" if opened != fixed else "0"
        flow.append([label, number(opened), number(fixed), sign])
    assert page.tables["flow-table"] == [["Week from", "opened", "fixed", "difference"], *flow]

    took: dict[str, list[float]] = {severity: [] for severity in SHOWN}
    for _, begin, to, severity in openings:
        if to is not None and to >= START:
            took[severity].append((to - begin) / timedelta(days=1))
    assert page.tables["days-table"][1:] == [
        [severity, number(len(values)), *quartiles(values)]
        for severity, values in took.items()
        if values
    ]

    criticals = []
    for issue in issues:
        last = issue.openings[-1]
        if last[-1].end is None and last[-1].severity == "critical" and not last[-1].snoozed:
            still = [place for place in issue.places if place.end is None]
            seen = min((p.first_seen for p in still if p.first_seen), default=None)
            again = len(issue.openings) - 1
            words = (
                f"{issue.title or '(no title)'} #{issue.id}, open since {last[0].begin:%Y-%m-%d}"
            )
            words += f" , first seen {seen:%Y-%m-%d}" if seen else ""
            words += f" , reopened {'once' if again == 1 else f'{again} times'}" if again else ""
            key = (last[0].begin, seen is None, seen or NOW, issue.id)
            places = sum(not place.snoozed for place in still)
            age = days((NOW - last[0].begin) / timedelta(days=1))
            criticals.append((key, [words.replace(" ,", ","), age, number(places)]))
    assert len(criticals) > 10
    assert [
        [cell.replace(" ,", ",") for cell in row] for row in page.tables["oldest-table"][1:]
    ] == [row for _, row in sorted(criticals)[:10]]

    on: dict[str, dict[int, str]] = {}
    for issue in issues:
        current = issue.openings[-1][-1]
        for place in issue.places:
            shut = current.end or current.snoozed or place.end or place.snoozed
            if place.target is not None and not shut:
                on.setdefault(place.target, {})[issue.id] = shown(current.severity)
    counted_on = {target: Counter(found.values()) for target, found in on.items()}

    def worst_first(target: str) -> tuple[Any, ...]:
        found = counted_on[target]
        return (-found.total(), *(-found[severity] for severity in SHOWN[:4]), target)

    assert page.tables["targets-table"][1:] == [
        [
            target + (f" t{IMAGE}" if target == TARGETS[-1] else ""),
            number(found.total()),
            *(number(found[severity]) for severity in SHOWN[:4]),
            number(found.total() - sum(found[severity] for severity in SHOWN[:4])),
        ]
        for target in sorted(counted_on, key=worst_first)[:10]
        for found in [counted_on[target]]
    ]
    assert f"a{IMAGE}" in {row[0].split(" t")[0] for row in page.tables["targets-table"]}

    before = open_at(issues, week_ago)[0]["critical"]
    change = now["critical"] - before
    opened_lately = [s for _, begin, _, s in openings if begin > week_ago]
    fixed_lately = [s for _, _, to, s in openings if to is not None and to > week_ago]
    everything = [value for values in took.values() for value in values]
    than = f"{abs(change)} {'more' if change > 0 else 'fewer'} than" if change else "as many as"
    for words in (
        f"{now['critical']} critical issues are open, {than} seven days ago.",
        f"In those seven days {len(opened_lately)} issues were opened"
        f" ({opened_lately.count('critical') or 'none'} critical) and {len(fixed_lately)} fixed"
        f" ({fixed_lately.count('critical') or 'none'} critical).",
        f"Open, all severities {now.total()} {snoozed} more snoozed",
        f"Last seven days {len(opened_lately)} opened {len(fixed_lately)} fixed",
        f"Median days to fix {quartiles(everything)[1]} {len(everything)} fixed since 2025-12-22",
        f"What the first sync found ({sum(b == FIRST for _, b, _, _ in openings)}) is not",
        "Last load 0 min ago 2026-06-15 09:30",
        "9 loads in the last seven days, at most 3 days apart.",
        "The newest scan was created at 2026-06-14 09:30 .",
    ):
        assert words in page.text
    assert page.tables["freshness-table"][1:] == [
        ["issues", "0", "no row yet"],
        ["occurrences_issues", "0", "no row yet"],
        ["scans", "1", "2026-06-14 21:30"],
        ["targets", "0", "no row yet"],
    ]


def test_what_the_api_sends_is_text(written: Path) -> None:
    """Titles, tags, addresses and severities are shown, in tables and charts; none is markup."""
    page = Read(written)
    assert not page.tags & {"script", "img", "b", "link", "iframe"}
    assert not {name for name in page.attributes if name.startswith("on")}
    assert page.attributes & {"src", "href", "xlink:href"} == set()
    assert page.text.count(f"a{IMAGE}") == 2  # the chart of the targets, for a desk and a phone
    assert "49 &" not in written.read_text()
    titles = {row[0].split(" #")[0] for row in page.tables["oldest-table"]}
    assert {"<script>alert(1)</script>", "(no title)"} <= titles


def test_no_row_one_row_and_a_hundred_thousand(
    synced: Callable[[], Dataset], tmp_path: Path
) -> None:
    """The page says that there is nothing, shows one issue, and does not grow with the rows."""
    dataset, out = synced(), tmp_path / "report.html"

    def write() -> Read:
        write_report(dataset.warehouse, out, datetime.now(UTC))
        return Read(out)

    page = write()
    assert page.tables.keys() == {"freshness-table"}
    assert "No issue has been seen since the first sync" in page.text
    first = dataset.client.get_table(f"{dataset.name}.issues_history").created
    one = {"thing": "1", "id": 1, "title": "Only", "severity": "critical", "valid_from": first}
    insert(dataset, "issues_history", states([{**one, "valid_to": None}]))
    page = write()
    assert "1 critical issue is open. Since the first sync 0 issues were opened" in page.text
    assert [row[1:] for row in page.tables["flow-table"][1:]] == [["0", "0", "0"]]
    assert page.tables["oldest-table"][1][0] == f"Only #1, open since {first:%Y-%m-%d}"
    dataset.query(
        "INSERT INTO {d}.issues_history (thing, id, title, severity, snoozed, state, valid_from,"
        " valid_to, _dlt_load_id, _dlt_id) SELECT CAST(n AS STRING), n, 'Many',"
        " IF(MOD(n, 4) = 0, 'critical', 'low'), MOD(n, 5) = 0, CAST(n AS STRING),"
        f" TIMESTAMP_ADD(TIMESTAMP '{first.isoformat()}', INTERVAL -MOD(n, 7000) HOUR),"
        f" IF(MOD(n, 2) = 0, NULL, TIMESTAMP '{first.isoformat()}'), '1', CAST(n AS STRING)"
        " FROM UNNEST(GENERATE_ARRAY(2, 100001)) AS n"
    )
    page = write()
    assert "20,001 critical issues are open" in page.text
    assert page.tables["open-table"][1][-2:] == ["40,001", "10,000"]
    assert len(page.tables["oldest-table"]) == 11
    assert out.stat().st_size < 300_000


SPEAKS = {
    *("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"),
    "Page.javascriptDialogOpening",
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Page]:
    if not chromium.installed():
        reason = "no Chromium here: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with chromium.chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 360])
def test_the_page_in_chromium(
    browser: chromium.Page, written: Path, width: int, dark: bool
) -> None:
    """Nothing runs, nothing is asked for, nothing overflows, and all can be read."""
    browser.open(written, width, dark)
    assert [e for e in browser.events if e["method"] in SPEAKS] == []
    asked = [e for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert [e["params"]["request"]["url"] for e in asked] == [written.as_uri()]
    assert browser.ask("document.querySelectorAll('script, img, b').length") == 0
    assert browser.ask("document.documentElement.scrollWidth") == width
    # Charts: those for this width, inside of it, each with words for who cannot see it.
    assert (
        browser.ask(
            "[...document.querySelectorAll('.chart')].filter(c => c.offsetWidth).map(c =>"
            " [c.classList[1], c.role, c.getAttribute('aria-label').length > 20,"
            "  c.querySelector('svg').getBoundingClientRect().right <= innerWidth])"
        )
        == [["narrow" if width == 360 else "wide", "img", True, True]] * 4
    )
    # WCAG AA: text has 4.5 to 1 against what it stands on.
    for text in ("ink", "muted", "accent", "critical", "fixed"):
        for ground in ("face", "page"):
            assert contrast(colour(browser, text), colour(browser, ground)) >= 4.5, (text, ground)
    assert contrast(colour(browser, "warn-ink"), colour(browser, "warn")) >= 4.5
    assert (luminance(colour(browser, "page")) < 0.1) == dark
    # The figures behind each chart open without a script.
    assert browser.ask(
        "[...document.querySelectorAll('details')].every(d => { d.open = true;"
        " return d.querySelector('table').offsetHeight > 0 })"
    )
    assert browser.ask("document.documentElement.scrollWidth") == width


def colour(browser: chromium.Page, name: str) -> str:
    value = browser.ask(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}')")
    return str(value).strip()


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_script_in_the_page_would_not_run(browser: chromium.Page, written: Path) -> None:
    """Its policy holds even against what no escaping caught."""
    browser.open(written)
    assert browser.ask(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.head.append(s); return window.ran === undefined })()"
    )


def test_the_printed_page(browser: chromium.Page, written: Path) -> None:
    """Light and wide, whatever the screen is, on a few pages of paper."""
    browser.open(written, 360, dark=True)
    assert len(re.findall(rb"/Type /Page\b(?!s)", browser.pdf())) in (3, 4)
    browser.do("Emulation.setEmulatedMedia", media="print")
    assert colour(browser, "page") == colour(browser, "face") == "#ffffff"
    assert browser.ask(
        "['.wide', '.narrow', 'details'].map(s => document.querySelector(s).offsetHeight > 0)"
    ) == [True, False, False]


def test_what_is_missing_is_said(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No histories, no extra, no such directory: one clear line, and no file is touched."""
    out = tmp_path / "report.html"
    out.write_text("last Monday's")
    with pytest.raises(LoadError, match=rf"no histories in {PROJECT}\.{dataset.name}, .*HISTORY"):
        write_report(dataset.warehouse, out, NOW)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(SettingsError, match=r"needs vl_convert, .*--extra report"):
        write_report(dataset.warehouse, out, NOW)
    assert out.read_text() == "last Monday's"
