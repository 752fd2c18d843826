"""Writing the report: on an empty, a tiny and a large dataset, and where it cannot be written."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scanner_sync.errors import LoadError, SettingsError
from scanner_sync.report import write_report
from tests.conftest import PROJECT, Dataset

from .account import NOW, insert_states
from .conftest import ReadPage


@pytest.mark.xdist_group("report")
def test_no_issue_one_issue_many_issues(synced: Callable[[], Dataset], tmp_path: Path) -> None:
    """The page says that there is nothing, shows one issue, and does not grow with the rows.

    A day after the last load it warns.
    """
    dataset, out = synced(), tmp_path / "report.html"

    def write(later: timedelta = timedelta(0)) -> ReadPage:
        write_report(dataset.warehouse, out, datetime.now(UTC) + later)
        return ReadPage(out)

    page = write()
    assert page.tables.keys() == {"freshness-table"}
    assert "No issues have been seen since the first sync" in page.text
    first = dataset.client.get_table(f"{dataset.name}.issues_history").created
    one = {"entity_key": "1", "id": 1, "title": "Only", "severity": "critical", "valid_from": first}
    insert_states(dataset, "issues_history", [one])
    page = write()
    assert "These figures are old" not in page.text
    assert "1 critical issue is open. Since the first sync, 0 issues were opened" in page.text
    assert [row[1:] for row in page.tables["flow-table"][1:]] == [["0", "0", "0"]]
    assert page.tables["oldest-table"][1][0] == f"Only #1, open since {first:%Y-%m-%d}"
    dataset.query(
        "INSERT INTO {d}.issues_history (entity_key, id, title, severity, snoozed, state_hash,"
        " valid_from, valid_to, _dlt_load_id, _dlt_id) SELECT CAST(n AS STRING), n, 'Many',"
        " IF(MOD(n, 4) = 0, 'critical', 'low'), MOD(n, 5) = 0, CAST(n AS STRING),"
        f" TIMESTAMP_ADD(TIMESTAMP '{first.isoformat()}', INTERVAL -MOD(n, 7000) HOUR),"
        f" IF(MOD(n, 2) = 0, NULL, TIMESTAMP '{first.isoformat()}'), '1', CAST(n AS STRING)"
        " FROM UNNEST(GENERATE_ARRAY(2, 100001)) AS n"
    )
    page = write(timedelta(hours=25))
    assert "These figures are old. The last load was 25 h ago" in page.text
    assert "20,001 critical issues are open" in page.text
    assert page.tables["open-table"][1][-2:] == ["40,001", "10,000"]
    assert len(page.tables["oldest-table"]) == 11
    assert out.stat().st_size < 300_000


def test_nothing_is_written_on_failure(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without histories, the extra or the directory: one clear error, and the file is kept."""
    out = tmp_path / "report.html"
    out.write_text("last Monday's")
    with pytest.raises(LoadError, match=rf"no histories in {PROJECT}\.{dataset.name}, .*HISTORY"):
        write_report(dataset.warehouse, out, NOW)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(SettingsError, match=r"needs vl_convert, .*\[report\]"):
        write_report(dataset.warehouse, out, NOW)
    assert out.read_text() == "last Monday's"
