"""Rows that a table holds already are not loaded again, whatever somebody else did to it."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local.bigquery import proxy
from sample_api import Account, generate
from scanner_sync.schema.columns import Column
from scanner_sync.schema.tables import TABLES
from scanner_sync.warehouse.lease import LEASE_TABLE
from scanner_sync.warehouse.load_files import LoadFile
from tests.conftest import Dataset
from tests.support.rows import all_rows, expected_rows
from tests.warehouse.conftest import Run

RESOURCES = ("issues", "occurrences_issues", "targets", "tags")


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=3, targets=2, scans=2)


@pytest.mark.parametrize("resources", [RESOURCES], indirect=True)
def test_only_what_changed_is_loaded(
    run: Run,
    dataset: Dataset,
    account: Account,
    api_url: str,
    emulator_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A table is loaded if its rows differ from its last load's, or somebody changed it.

    Besides the script, a query merges two tables.
    """
    loaded: Counter[str] = Counter()

    def count(method: str, path: str, body: bytes) -> None:
        if method == "POST" and "/upload/" in path:
            loaded.update(name for name in RESOURCES if f'"{name}"'.encode() in body)
        elif b'"query"' in body:
            loaded["query"] += 1

    def load() -> dict[str, int]:
        loaded.clear()
        run()
        expected = expected_rows(account, api_url)
        assert all_rows(dataset, RESOURCES) == {name: expected[name] for name in RESOURCES}
        return dict(loaded)

    with proxy(emulator_port, count) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        assert load().keys() >= {*RESOURCES}
        histories = [dataset.rows(f"{name}_history") for name in ("issues", "targets")]
        assert load() == {"query": 1}
        assert [dataset.rows(f"{name}_history") for name in ("issues", "targets")] == histories

        account.issues[0] = account.issues[0] | {"severity": "changed"}
        account.tags.append({"name": "new"})
        assert load() == {"issues": 1, "tags": 1, "query": 2}

        # What somebody else did.
        dataset.query("UPDATE {d}.targets SET address = 'x' WHERE TRUE")
        dataset.query("DELETE FROM {d}.tags WHERE name = 'new'")
        dataset.client.delete_table(f"{dataset.name}.issues")
        assert load().keys() >= {"targets", "tags", "issues"}
        assert "occurrences_issues" not in loaded
        assert load() == {"query": 1}

        # On the next day, each occurrence says another age.
        lease = dataset.client.get_table(f"{dataset.name}.{LEASE_TABLE}")
        lease.labels |= {"aged": str(int(lease.labels["aged"]) - 1)}
        dataset.client.update_table(lease, ["labels"])
        for rows in account.occurrences.values():
            for row in rows:
                row["age"] = "another"
        assert load() == {"occurrences_issues": 1, "query": 2}
        for rows in account.occurrences.values():
            for row in rows:
                row["age"] = "a third"
        loaded.clear()
        run()
        assert loaded == {"query": 1}

        # A later version of this program has another column.
        columns = TABLES["tags"].columns | {"color": Column("text", "Its color.", "red")}
        monkeypatch.setitem(TABLES, "tags", TABLES["tags"]._replace(columns=columns))
        loaded.clear()
        run()
        assert loaded["tags"] == 1
        assert dataset.rows("tags")[0]["color"] is None


def test_a_digest_is_of_the_rows_in_any_order(tmp_path: Path) -> None:
    """Neither the load nor the age of an occurrence is in it, nor the pages that they came in."""

    def digest(rows: list[dict[str, Any]], *parts: list[dict[str, Any]], load: str = "1") -> str:
        file = LoadFile("occurrences_issues", tmp_path / f"{uuid4()}.jsonl.gz", load, {})
        file.write(rows)
        for part in parts:
            for number, row in enumerate(part, 1):
                file.write_page(part[0]["issue_id"], [row], is_last=number == len(part))
        file.close()
        return file.digest

    one, two, three = ({"issue_id": n % 2, "id": n, "port": "80"} for n in (1, 2, 3))
    expected = digest([one, two, three])
    assert digest([three, one | {"age": "1 day"}, two], load="2") == expected
    assert digest([two], [one, three]) == expected
    assert len({expected, digest([one, two]), digest([one, two, three | {"port": "81"}])}) == 3
    assert digest([one, two, three, three]) != expected
