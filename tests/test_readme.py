"""The README says what the code does."""

import re
from dataclasses import fields

import pytest

from local.processes import ROOT
from scanner_sync import errors
from scanner_sync.settings import EMULATORS, Settings
from scanner_sync.tables import TABLES
from tests.test_log import COST, FIELDS

README = (ROOT / "README.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading or sentence, its head left out."""
    lines = README.partition(heading)[2].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_settings() -> None:
    """Each setting with its meaning, form and default, in the order of their declaration."""
    assert table("\n## Settings\n") == [
        [
            f"`{setting.name.upper()}`",
            setting.metadata["meaning"],
            setting.metadata["form"],
            f"`{setting.default}`" if setting.default else "",
        ]
        for setting in fields(Settings)
    ]
    assert all(f"`{name}`" in README for name in EMULATORS)


def test_errors() -> None:
    """Each type of error with the status that answers it and whether to try again."""
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.SyncError)
    ]
    assert table("\n## Answers and errors\n") == [
        [
            str(kind.http_status),
            f"`{kind.__name__}`",
            (kind.__doc__ or "").splitlines()[0].rstrip("."),
            "yes" if kind.retryable else "no",
        ]
        for kind in sorted(kinds, key=lambda kind: kind.http_status)
        if kind is not errors.SyncError
    ]


def test_tables() -> None:
    """Each table with what it holds, and what a row is told apart by."""
    assert [row[:3] for row in table("\n## What you get\n")] == [
        [
            f"`{name}`",
            declaration.description,
            ", ".join(f"`{column}`" for column in declaration.key),
        ]
        for name, declaration in TABLES.items()
    ]


def test_events() -> None:
    """Each event with its fields, as the tests of the log find them; and no other."""
    cost = re.findall(r"`(\w+)`", README.partition("\nThe cost is ")[2].partition("\n\n")[0])
    fields = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in table("\n## Logs\n")}
    for event, expected in FIELDS.items():
        assert set(fields[event]) | (set(cost) if expected >= COST else set()) == expected
    sources = "".join(path.read_text() for path in (ROOT / "scanner_sync").glob("*.py"))
    assert fields.keys() == set(re.findall(r'log\.event\(\s*"(\w+)"', sources))


@pytest.mark.parametrize("test", re.findall(r"`(test_\w+)`", README))
def test_each_promise_has_its_test(test: str) -> None:
    """A test that the README names exists."""
    sources = [path.read_text() for path in (ROOT / "tests").glob("test_*.py")]
    assert any(f"def {test}(" in source for source in sources)


@pytest.mark.parametrize("target", re.findall(r"`make (\w+)`", README))
def test_each_target_exists(target: str) -> None:
    """A make target that the README names is one that `make help` lists."""
    assert re.search(rf"(?m)^{target}:.*## ", (ROOT / "Makefile").read_text())


def test_each_module_imports_only_what_comes_after_it() -> None:
    """The order of the modules that the README gives is that of their imports."""
    order = re.findall(r"`(\w+)`", README.partition("comes after it here:")[2].partition(". `")[0])
    sources = {path.stem: path.read_text() for path in (ROOT / "scanner_sync").glob("*.py")}
    assert set(order) == sources.keys() - {"__init__", "__main__"}
    for number, module in enumerate(order):
        imported = re.findall(r"(?m)^ *from scanner_sync\.(\w+) import", sources[module])
        imported += re.findall(r"(?m)^ *from scanner_sync import (.+)$", sources[module])
        names = {name.strip() for line in imported for name in line.split(",")}
        assert names - {"__version__"} <= set(order[number + 1 :]), module
