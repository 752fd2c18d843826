"""The page of a dataset that combines accounts."""

import re
from collections.abc import Callable
from pathlib import Path

from local.bigquery import at
from scanner_sync.report import render, render_accounts, write_report
from scanner_sync.report.figures import Account, read_figures
from scanner_sync.warehouse.combined import accounts_of, combine
from tests.conftest import PROJECT, Dataset

from .account import NOW, fill, some_issues
from .conftest import ReadPage


def without_ages(page: ReadPage) -> dict[str, list[list[str]]]:
    """Return the tables of a page without the columns that depend on when BigQuery was asked."""
    return {
        name: [
            [
                cell
                for cell, head in zip(row, rows[0], strict=True)
                if not {"age", "oldest"} & {*head.split()}
            ]
            for row in rows
        ]
        for name, rows in page.tables.items()
    }


def test_figures_are_those_of_each_account(synced: Callable[[], Dataset], tmp_path: Path) -> None:
    """Accounts with the same ids do not mix. One that cannot be read leaves the others alone."""
    acme, globex = synced(), synced()
    fill(acme, some_issues()[:40])
    fill(globex, some_issues(7)[:40])
    initech = Dataset(f"{acme.name}_initech", acme.client)
    initech.client.create_dataset(initech.name)
    every = Dataset(f"{acme.name}_all", acme.client)
    read = {"acme": acme, "globex": globex}
    datasets = {"globex": globex.name, "initech": initech.name, "acme": acme.name}
    combine(every.warehouse, datasets)
    assert accounts_of(every.warehouse) == datasets

    out = tmp_path / "report.html"
    progress: list[tuple[int, int]] = []
    with at(NOW):
        errors = write_report(every.warehouse, out, lambda *read: progress.append(read))
        own = {name: read_figures(of.warehouse, NOW) for name, of in read.items()}
    page = ReadPage(out)
    assert list(errors) == ["initech"]
    assert str(errors["initech"]).startswith(f"There are no histories in {PROJECT}.{initech.name}")
    assert f"initech could not be read. {errors['initech']}" in page.text
    pages = {}
    for name, figures in own.items():
        out.write_text(render(figures))
        pages[name] = ReadPage(out)
    assert progress == [(0, 3), (1, 3), (2, 3), (3, 3)]
    pages = {name: pages[name] for name in worst_first(pages)}
    assert page.tables["accounts-table"] == table_of(pages, "initech")
    shown = without_ages(page)
    del shown["accounts-table"]
    assert shown == {
        f"of-{name}-{table}": rows
        for name, of in pages.items()
        for table, rows in without_ages(of).items()
    }

    # The same figures make the same parts, under headings of their own.
    accounts = [Account(name, "fresh", own[name]) for name in pages]
    out.write_text(render_accounts(every.name, accounts, NOW))
    page = ReadPage(out)
    assert page.tables == {"accounts-table": table_of(pages)} | {
        f"of-{name}-{table}": rows
        for name, of in pages.items()
        for table, rows in of.tables.items()
    }
    trend = page.charts.pop("trend")
    assert trend[2:] == [total_weeks(pages)] * 2
    assert page.charts == {
        f"of-{name}-{chart}": drawn
        for name, of in pages.items()
        for chart, drawn in of.charts.items()
    }
    assert not page.tags & {"script", "img", "b", "link", "iframe"}
    assert len(page.ids) == len({*page.ids})
    assert page.links >= {f"#of-{name}" for name in own}
    assert {link[1:] for link in page.links} <= {*page.ids}


def exploited(page: ReadPage) -> int:
    """How much is exploited in the wild, as the page of an account says it."""
    [found] = re.findall(r"Exploited in the wild (\d+) ", page.text)
    return int(found)


def worst_first(pages: dict[str, ReadPage]) -> list[str]:
    """Sort the names of accounts by the worst that is to do."""

    def key(name: str) -> tuple[int, ...]:
        rows = {row[0]: row for row in pages[name].tables["goals-table"][1:]}
        critical = rows["critical"]
        numbers = (critical[5], critical[4])
        return (exploited(pages[name]), *(int(number.split()[0]) for number in numbers))

    assert len({key(name) for name in pages}) == len(pages)
    return sorted(pages, key=key, reverse=True)


def total_weeks(pages: dict[str, ReadPage]) -> list[str]:
    """The marks of the chart of what opened and closed in all accounts."""
    tables = [page.tables["flow-table"][1:] for page in pages.values()]
    marks = []
    for weeks in reversed([*zip(*tables, strict=True)]):
        label = f"week: {weeks[0][0].removesuffix(' (so far)')}; signed:"
        opened = sum(int(week[1]) for week in weeks)
        closed = sum(int(week[3]) for week in weeks)
        marks += [f"{label} {opened}"] * (opened > 0)
        marks += [f"{label} \N{MINUS SIGN}{closed}"] * (closed > 0)
    return marks


def table_of(pages: dict[str, ReadPage], *unread: str) -> list[list[str]]:
    """Return what the table of all accounts shows, from the pages of each."""
    rows = []
    totals = [[0, 0], [0], [0], [0], [0]]
    for name, page in pages.items():
        goals = page.tables["goals-table"][1:]
        to_do = [[int(n) for n in re.findall(r"\d+", row[4])] for row in goals]
        critical = next(row[4].split()[0] for row in goals if row[0] == "critical")
        overdue = sum(int(row[5].split()[0]) for row in goals)
        weeks = page.tables["flow-table"][1:5]
        fixed = sum(int(fixed) for week in weeks for fixed in week[4:6])
        [median] = re.findall(r"Days to fix (\S+) median", page.text)
        findings, issues = map(sum, zip(*to_do, strict=True))
        numbers = [[findings, issues], [exploited(page)], [int(critical)], [overdue], [fixed]]
        totals = [
            [sum(pair) for pair in zip(*both, strict=True)]
            for both in zip(totals, numbers, strict=True)
        ]
        rows.append([name, "fresh", *shown(numbers), median])
    names = ["Account", "state", "to do", "exploited", "critical", "overdue"]
    return [
        [*names, "fixed in 4 weeks", "median days to fix"],
        *([name, "never", *[""] * 6] for name in unread),
        *rows,
        ["all", f"{len(rows)} of {len(rows) + len(unread)} fresh", *shown(totals), ""],
    ]


def shown(numbers: list[list[int]]) -> list[str]:
    """Write numbers, the second of two in brackets."""
    return [f"{first} ({rest[0]})" if rest else f"{first}" for first, *rest in numbers]
