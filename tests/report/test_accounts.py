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
    with at(NOW):
        errors = write_report(every.warehouse, out)
        own = {name: read_figures(of.warehouse, NOW) for name, of in read.items()}
    page = ReadPage(out)
    assert list(errors) == ["initech"]
    assert str(errors["initech"]).startswith(f"There are no histories in {PROJECT}.{initech.name}")
    assert f"initech could not be read. {errors['initech']}" in page.text
    pages = {}
    for name, figures in own.items():
        out.write_text(render(figures))
        pages[name] = ReadPage(out)
    assert page.tables["accounts-table"] == table_of(pages, initech="never")
    shown = without_ages(page)
    del shown["accounts-table"]
    assert shown == {
        f"of-{name}-{table}": rows
        for name, of in pages.items()
        for table, rows in without_ages(of).items()
    }

    # The same figures make the same parts, under headings of their own.
    accounts = [Account(name, "fresh", figures) for name, figures in own.items()]
    out.write_text(render_accounts(every.name, accounts, NOW))
    page = ReadPage(out)
    assert page.tables == {"accounts-table": table_of(pages)} | {
        f"of-{name}-{table}": rows
        for name, of in pages.items()
        for table, rows in of.tables.items()
    }
    assert page.charts == {
        f"of-{name}-{chart}": drawn
        for name, of in pages.items()
        for chart, drawn in of.charts.items()
    }
    assert not page.tags & {"script", "img", "b", "link", "iframe"}
    assert len(page.ids) == len({*page.ids})
    assert page.links >= {f"#of-{name}" for name in own}
    assert {link[1:] for link in page.links} <= {*page.ids}


def table_of(pages: dict[str, ReadPage], **unread: str) -> list[list[str]]:
    """Return what the table of all accounts shows, from the pages of each."""
    rows = []
    for name, page in pages.items():
        now = {row[0]: row[4:6] for row in page.tables["goals-table"][1:]}
        weeks = page.tables["flow-table"][1:5]
        [median] = re.findall(r"Median days to fix definition (\S+)", page.text)
        numbers = (
            sum(int(to_do) for to_do, _ in now.values()),
            int(now["critical"][0]),
            sum(int(overdue) for _, overdue in now.values()),
            sum(int(fixed) for week in weeks for fixed in week[4:6]),
        )
        rows.append([name, "fresh", *map(str, numbers), median])
    sums = [str(sum(int(row[column]) for row in rows)) for column in range(2, 6)]
    names = ["Account", "state", "to do", "critical", "overdue"]
    return [
        [*names, "fixed in 4 weeks", "median days to fix"],
        *rows,
        *([name, state, *[""] * 5] for name, state in unread.items()),
        ["all", f"{len(rows)} of {len(rows) + len(unread)} fresh", *sums, ""],
    ]
