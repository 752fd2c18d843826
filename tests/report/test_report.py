"""Writing the report: on an empty, a tiny and a large dataset, and where it cannot be written."""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from google.cloud import bigquery

from local.bigquery import at
from scanner_sync.errors import LoadError, SettingsError
from scanner_sync.report import check_target, figures, render, write_report
from scanner_sync.report.actions import Action, Actions
from scanner_sync.report.charts import (
    days_to_fix,
    open_by_severity,
    opened_and_closed,
    worst_targets,
)
from scanner_sync.report.figures import (
    WEEK,
    Coverage,
    DaysToFix,
    Figures,
    Fixes,
    Freshness,
    LastDays,
    Measures,
    Now,
    Period,
    Reads,
    Target,
    Trend,
    Week,
    read_figures,
)
from tests.conftest import PROJECT, Dataset
from tests.warehouse.loads import conclude, insert

from .account import insert_states, insert_syncs
from .conftest import ReadPage

MOMENT = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
PERIOD = Period(MOMENT, MOMENT, None, MOMENT)
NOTHING = Figures(
    dataset="d",
    trend=Trend(PERIOD, [], [Week(MOMENT, MOMENT, Counter())] * 2),
    open_now=[Now("critical")],
    actions=Actions([], 0, [], 0),
    last_days=LastDays(0, 0, 0, 0),
    fixes=Fixes(0, 0, None, None, [], {}),
    closings=[],
    targets=[],
    tags=[],
    coverage=Coverage(None, 0, 0, 0, []),
    freshness=Freshness(0, None, None, [], None),
)
"""What the page shows of an account in which nothing was ever seen."""


@pytest.mark.xdist_group("report")
def test_no_issue_one_issue_many_issues(synced: Callable[[], Dataset], tmp_path: Path) -> None:
    """The page says that there is nothing, shows one issue, and does not grow with the rows.

    A day after the last sync it warns. It needs no table that only some settings or accounts have.
    """
    dataset, out = synced(), tmp_path / "report.html"
    for table in ("occurrences_issues", "scans"):
        dataset.client.delete_table(f"{dataset.name}.{table}")

    def write(now: datetime, hours_ago: int = 0) -> ReadPage:
        conclude(dataset, now - timedelta(hours=hours_ago))
        with at(now):
            write_report(dataset.warehouse, out)
        return ReadPage(out)

    # The next day is in another week, month and year.
    first = datetime(2023, 12, 31, 23, 30, tzinfo=UTC)
    dataset.query(f"UPDATE {{d}}._dlt_loads SET inserted_at = TIMESTAMP '{first}' WHERE TRUE")
    dataset.query("DELETE FROM {d}.syncs WHERE TRUE")
    insert_syncs(dataset, [first])
    page = write(first)
    assert page.tables.keys() == {"freshness-table"}
    assert "Nothing has been found since the first sync" in page.text
    only = {"id": 1, "valid_from": first}
    issue = {"entity_key": "1", "title": "Only", "severity": "critical"}
    insert_states(dataset, "issues_history", [only | issue])
    insert_states(
        dataset, "occurrences_issues_history", [only | {"entity_key": "1/id/1", "issue_id": 1}]
    )
    page = write(first + timedelta(minutes=5))
    assert "These figures are old" not in page.text
    assert (
        "1 critical finding is to do, 0 of them overdue. In the last seven days, 1 finding opened"
        " (1 critical) and 0 were fixed."
    ) in page.text
    # Nothing is known of the weeks before.
    week = [f"{first.date() - timedelta(days=6)} (so far)", "1", *"00000"]
    assert page.tables["flow-table"][1:] == [week]
    assert (
        page.lists["first"]
        == [["Only", "(no host)", "critical, due in 6 days, internal", ""]]
        == page.lists["new"]
    )
    assert (
        "All things to do, each an issue on a host. First come findings with a known" in page.text
    )
    assert "Exploit known 0 (0 issues), by the scanner" in page.text  # as nothing asked KEV
    many = (
        "SELECT CAST(n AS STRING), n, MOD(n, 5) = 0, CAST(n AS STRING),"
        f" TIMESTAMP_ADD(TIMESTAMP '{first.isoformat()}', INTERVAL -MOD(n, 1400) HOUR),"
        f" IF(MOD(n, 2) = 0, NULL, TIMESTAMP '{first.isoformat()}'), '1', CAST(n AS STRING),"
        " {more} FROM UNNEST(GENERATE_ARRAY(2, 2001)) AS n"
    )
    columns = "entity_key, id, snoozed, state_hash, valid_from, valid_to, _dlt_load_id, _dlt_id"
    severity = "'Many', IF(MOD(n, 4) = 0, 'critical', 'low')"
    dataset.query(
        f"INSERT INTO {{d}}.issues_history ({columns}, title, severity)"
        f" {many.replace('{more}', severity)}"
    )
    dataset.query(
        f"INSERT INTO {{d}}.occurrences_issues_history ({columns}, issue_id)"
        f" {many.replace('{more}', 'n')}"
    )
    page = write(first + timedelta(hours=26), hours_ago=25)
    assert "These figures are old. The last sync was 25 h ago" in page.text
    assert "401 critical findings are to do" in page.text
    assert page.tables["open-table"][1][-1] == "1,001"
    assert len(page.lists["first"]) == 10
    assert out.stat().st_size < 300_000


def test_the_figures_take_two_queries(
    synced: Callable[[], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has a part for each file beside the period's, and one for what tables hold."""
    dataset = synced()
    asked: list[str] = []
    ask = bigquery.Client.query_and_wait

    def note(client: bigquery.Client, sql: str, **options: Any) -> Any:
        asked.append(sql)
        return ask(client, sql, **options)

    monkeypatch.setattr(bigquery.Client, "query_and_wait", note)
    read_figures(dataset.warehouse, datetime.now(UTC))
    files = [*Path(figures.__file__).parent.glob("*.sql")]
    assert [sql.count("SELECT ARRAY_AGG(part) AS ") for sql in asked] == [0, len(files)]


def test_targets_without_an_address_or_with_one(synced: Callable[[], Dataset]) -> None:
    """Each counts, though only its id tells it from another."""
    dataset = synced()
    now = datetime.now(UTC)
    places = [(1, None), (2, None), (3, "a"), (4, "a")]
    states = [
        {"entity_key": f"{id}", "id": id, "address": address, "valid_from": now - WEEK}
        for id, address in places
    ]
    insert_states(dataset, "targets_history", states)
    scanned = {"synced_at": now, "scanned_since": now.date(), "scanned_targets": [2, 4]}
    insert(dataset, "syncs", [scanned])
    found = read_figures(dataset.warehouse, now)
    coverage = found.coverage
    assert (coverage.targets, coverage.recent, coverage.late) == (4, 2, 2)
    assert [target.target for target in coverage.latest] == [None, "a"]
    assert re.findall(r'<th scope="row">(\(no address\)|None)<', render(found)) == ["(no address)"]


def test_the_cve_to_fix_is_the_same_each_time(synced: Callable[[], Dataset]) -> None:
    """Of two findings of which nothing else is known, whichever comes first."""
    dataset = synced()
    now = datetime.now(UTC)
    own = {"entity_key": "", "issue_id": 1, "times_reopened": 0, "snoozed": False, "opened_at": now}
    cves = ["CVE-2026-1", "CVE-2026-2"]
    insert(
        dataset,
        "findings",
        [
            own | {"finding_id": f"{host}{cve}", "host": host, "cves": [], "cve_to_fix": cve}
            for host, ordered in (("a", cves), ("b", cves[::-1]))
            for cve in ordered
        ],
    )
    first = read_figures(dataset.warehouse, now).actions.first
    assert {action.host: action.cve for action in first} == dict.fromkeys("ab", "CVE-2026-1")


def test_nothing_is_written_on_failure(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without histories, the extra or the directory: one clear error, and the file is kept."""
    out = tmp_path / "report.html"
    out.write_text("last Monday's")
    with pytest.raises(LoadError, match=rf"no histories in {PROJECT}\.{dataset.name}, .*sync once"):
        write_report(dataset.warehouse, out)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(SettingsError, match=r"needs vl_convert, .*\[report\]"):
        write_report(dataset.warehouse, out)
    assert out.read_text() == "last Monday's"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_folder/report.html", "No such file or directory"),
        ("folder.html", "Is a directory"),
        ("file/report.html", "Not a directory"),
        (f"{'r' * 300}.html", "File name too long"),
    ],
)
def test_its_target_is_tried_before_any_query(tmp_path: Path, name: str, said: str) -> None:
    """There is no BigQuery here to ask, so a query would fail in another way."""
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").touch()
    out = tmp_path / name
    before = set(tmp_path.rglob("*"))
    message = f"The report cannot be written to {re.escape(str(out))}: {said}."
    with pytest.raises(SettingsError, match=message):
        write_report(cast(Any, None), out)
    assert set(tmp_path.rglob("*")) == before


def test_trying_a_target_leaves_no_trace(tmp_path: Path) -> None:
    """A new file is removed again, and an old one stays as it is."""
    new, old = tmp_path / "new.html", tmp_path / "old.html"
    old.write_text("last Monday's")
    check_target(new)
    check_target(old)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "old.html": "last Monday's"
    }


def test_without_a_goal(tmp_path: Path) -> None:
    """Where `sla_policy` has no goal, no share in time is shown."""
    out = tmp_path / "report.html"
    fixed = DaysToFix("high", 2, 0, 20.0, 12.5, 20.0, 27.5, None)
    measures = {"high": Measures(None, 0.25, None)}
    out.write_text(render(NOTHING._replace(fixes=Fixes(2, 0, 20.0, None, [fixed], measures))))
    page = ReadPage(out)
    dash = "\N{EN DASH}"
    assert page.tables["days-table"][1:] == [["high", "2", "0", "20", "12", "20", "28", dash]]
    assert page.tables["pace-table"][1:] == [["high", dash, "25%", dash]]
    assert "Fixes since 2025-12-22 . The tick is the median" in page.text


def test_weeks_before_the_first_sync(tmp_path: Path) -> None:
    """They are marked, and weeks of which nothing is known are left out."""
    out = tmp_path / "report.html"
    end = MOMENT.replace(hour=0, minute=0)
    mondays = [end - timedelta(weeks=n) for n in (3, 2, 1, 0)]
    then = Week(mondays[1], mondays[2], Counter(high=3), opened=4, reopened=1, closed=2, fixed=2)
    weeks = [
        Week(mondays[0], mondays[1], Counter(), is_known=False),
        then._replace(reconstructed=True),
        Week(mondays[2], end, Counter(high=4), opened=1, closed=1, not_reported=1, corrected=1),
        Week(end, MOMENT, Counter(high=4)),
    ]
    out.write_text(render(NOTHING._replace(trend=Trend(PERIOD, ["high"], weeks))))
    page = ReadPage(out)
    assert page.tables["flow-table"][1:] == [
        ["2026-06-15 (so far)", *"000000"],
        ["2026-06-08", "1", "0", "1", "0", "1", "1"],
        ["2026-06-01 (reconstructed)", "4", "1", "2", "2", "0", "0"],
    ]
    assert page.tables["open-table"][1:] == [
        ["2026-06-15 09:30 (now)", "4", "4"],
        ["2026-06-15 00:00", "4", "4"],
        ["2026-06-08 00:00", "3", "3"],
    ]
    assert (
        "Those before the first sync, which are shaded, are made from the dates that the scanner"
        " gives."
    ) in page.text
    assert "Each severity has its own scale. The time before the first sync is shaded." in page.text
    assert page.charts["flow"] == 2 * [
        [
            "week: 2026-06-01; signed: 4",
            "week: 2026-06-01; signed: \N{MINUS SIGN}2",
            "week: 2026-06-08; signed: 1",
            "week: 2026-06-08; signed: \N{MINUS SIGN}1",
        ]
    ]


def test_the_time_before_the_first_sync_is_shaded() -> None:
    """In both charts of weeks, from their left to the first sync; not if that was before them."""
    mondays = PERIOD.weeks
    weeks = [
        Week(at, min(at + WEEK, MOMENT), Counter(high=1)) for at in (mondays[0] - WEEK, *mondays)
    ]

    def shaded(first: datetime) -> list[tuple[float, float]]:
        """Where the shades begin and end, as shares of the charts."""
        trend = Trend(PERIOD._replace(first=first), ["high"], weeks)
        specs = [open_by_severity(trend, False)["concat"][0], opened_and_closed(trend, False)]
        return [
            (mark["x"] / spec["width"], mark["x2"] / spec["width"])
            for spec in specs
            for mark in [spec["layer"][0]["mark"]]
            if mark["type"] == "rect"
        ]

    assert shaded(mondays[13]) == [(0, pytest.approx(13 * WEEK / (MOMENT - mondays[0]))), (0, 0.5)]
    assert shaded(mondays[0]) == []


def test_texts_are_drawn_as_svg_can_have_them() -> None:
    """What XML has no way to write is replaced, and none is longer than there is room for."""
    severity, address = "odd\uffff", "host\uffff" + 300 * "x"
    shown = NOTHING._replace(
        trend=NOTHING.trend._replace(severities=[severity]),
        fixes=NOTHING.fixes._replace(by_severity=[DaysToFix(severity)]),
        targets=[Target(address, 1, 1, 1, 1, 1, 1, 1, 1, tags=[])],
    )
    for spec, text in (
        (open_by_severity(shown.trend, narrow=False), "Odd\ufffd"),
        (days_to_fix(shown, narrow=False), "odd\ufffd"),
        (worst_targets(shown, narrow=False), "host\ufffd" + 195 * "x"),
    ):
        assert json.dumps(text) in json.dumps(spec)
        assert "uffff" not in json.dumps(spec)


def test_the_grade_of_the_vendor() -> None:
    """The worst severity of which something is to do past the vendor's goal decides."""

    def grade(**oldest: float | None) -> tuple[str, str | None]:
        rows = [Now(of, oldest=days) for of, days in oldest.items()]
        return NOTHING._replace(open_now=rows).grade

    assert grade(critical=7.1, high=31, low=121) == ("F", "critical")
    assert grade(critical=7, high=30.5, medium=61) == ("C", "high")
    assert grade(critical=None, high=30, medium=60.1, low=121) == ("B", "medium")
    assert grade(medium=60, low=120.1) == ("A", "low")
    assert grade(low=120, x=999) == grade() == ("A+", None)


def test_why_something_is_to_do() -> None:
    """In words, with or without what KEV and EPSS say."""
    plain = Action(
        1, "T", "high", "h", [443], 1, None, MOMENT, None, False, None, None, None, 0, ""
    )
    hours, days = timedelta(hours=1), timedelta(days=1)
    for action, said in (
        (plain, "high, without a deadline"),
        (plain._replace(severity=None, exposed=False), "no severity, without a deadline, internal"),
        (
            plain._replace(due_at=MOMENT - 12 * days, in_kev=True, exposed=True, epss=0.944),
            "high, known exploited, due 12 days ago, EPSS 94%, external",
        ),
        (plain._replace(due_at=MOMENT - 1 * hours), "high, due in the last 24 hours"),
        (plain._replace(due_at=MOMENT + 23 * hours), "high, due within 24 hours"),
        (plain._replace(due_at=MOMENT + 47 * hours), "high, due in 1 day"),
        (
            plain._replace(exploit_likelihood="known", epss=0.001),
            "high, an exploit is known, without a deadline",
        ),
        (plain._replace(exploit_likelihood="rare"), "high, without a deadline"),
    ):
        assert " ".join(action.why(MOMENT).split()) == said
    for text, remedy in (
        (None, ""),
        ("Update to 2.4.1 or later. Then restart it.", "Update to 2.4.1 or later."),
        (" Close\n the port ", "Close the port"),
        ("Why? Because.", "Why?"),
        ("word " * 60, f"{('word ' * 60)[:237]}..."),
    ):
        assert plain._replace(remediation=text).remedy == remedy
    for ports, where in (([-1], "h"), ([8080, -1, 22], "h, ports 22, 8080"), ([1], "h, port 1")):
        assert plain._replace(ports=ports).where == where


def test_when_occurrences_were_read(tmp_path: Path) -> None:
    """One sentence says it. The page warns while some were never read, and when some are old."""
    out = tmp_path / "report.html"
    now = PERIOD.now
    recent, yesterday = now - timedelta(hours=5), now - timedelta(hours=24, minutes=1)

    def shown(reads: Reads | None) -> tuple[str | None, bool]:
        """Return what the page says of these reads, and if it warns."""
        out.write_text(render(NOTHING._replace(freshness=NOTHING.freshness._replace(reads=reads))))
        text = ReadPage(out).text
        found = re.findall(r"Occurrences of .*?\.(?= \w)", text)
        warns = "Some occurrences are old or missing." in text
        assert found == found[:1] * (1 + warns if found else 0)
        return (found[0].replace(" ;", ";").replace(" ,", ","), warns) if found else (None, warns)

    def at(moment: datetime) -> str:
        return f"{moment:%Y-%m-%d %H:%M}"

    assert shown(None) == (None, False)
    assert shown(Reads(1, 0, 0, 1, None, None)) == (
        "Occurrences of the only issue have yet to be read.",
        True,
    )
    assert shown(Reads(1, 1, 0, 0, now, now)) == (
        f"Occurrences of the only issue were read at {at(now)} .",
        False,
    )
    assert shown(Reads(2, 2, 0, 0, now, now)) == (
        f"Occurrences of all 2 issues were read at {at(now)} .",
        False,
    )
    both = f"Occurrences of 1 of 2 issues were read at {at(now)}; for 1 issue they "
    assert shown(Reads(2, 1, 0, 1, now, now)) == (f"{both}were never read.", True)
    earlier = f"{both}are from earlier syncs, the oldest from "
    assert shown(Reads(2, 1, 1, 0, now, recent)) == (f"{earlier}{at(recent)}, 5 h ago.", False)
    assert shown(Reads(2, 1, 1, 0, now, yesterday)) == (
        f"{earlier}{at(yesterday)}, 24 h ago.",
        True,
    )
