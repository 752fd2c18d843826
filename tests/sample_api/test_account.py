"""Generated accounts, and how they change from day to day."""

import copy
import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from local.processes import ROOT
from sample_api import generate
from tests.sample_api.conftest import by_id

SNOOZE = ("snoozed", "snooze_reason", "snooze_until")
EITHER = "snoozed:bool snooze_reason:str|null snooze_until:str|null exploit_likelihood:str|null "
EITHER += "cvss_score:float|null"
FIELDS = {
    "issues": "id:int severity:str title:str description:str remediation:str occurrences:str "
    f"{EITHER}",
    "occurrences": "id:int occurrence_id:int|null target:str display_address:str|null "
    "port:int|str|null protocol:str extra_info:dict|null age:str first_seen_at:str|null "
    f"target_last_scanned_at:str|null cves:list|null {EITHER}",
    "scans": "id:int status:str created_at:str scan_type:str schedule_period:str|null",
    "targets": "id:int address:str display_address:str|null tags:list has_api_schemas:bool "
    "has_authentications:bool license_type:str|null target_status:str target_type:str|null "
    "waf_provider:str|null waf_interference:null",
}


def test_generated_rows_have_the_fields_and_types_of_the_api() -> None:
    """Each table has exactly the API's fields, with every type that they may have."""
    account = generate(seed=7)
    tables = {
        "issues": account.issues,
        "occurrences": [row for rows in account.occurrences.values() for row in rows],
        "scans": account.scans,
        "targets": account.targets,
    }
    seen = {
        table: {
            name: {"null" if row[name] is None else type(row[name]).__name__ for row in rows}
            for name in rows[0]
        }
        for table, rows in tables.items()
    }
    assert seen == {
        table: {
            name: set(types.split("|"))
            for name, types in (field.split(":") for field in fields.split())
        }
        for table, fields in FIELDS.items()
    }
    for rows in tables.values():
        assert {frozenset(row) for row in rows} == {frozenset(rows[0])}


def test_a_generated_account_has_the_documented_shape() -> None:
    """Ids are unique, each issue has its occurrences; one has none, and one two pages of them."""
    account = generate(seed=7)
    lengths = sorted(len(rows) for rows in account.occurrences.values())
    assert (len(account.issues), len(account.scans), len(account.targets)) == (400, 1200, 150)
    assert list(account.occurrences) == [row["id"] for row in account.issues]
    assert lengths[0] == 0
    assert (lengths[-2], lengths[-1]) == (8, 130)
    assert 2.5 < sum(lengths) / len(lengths) < 3.5
    for rows in (account.issues, account.scans, account.targets, *account.occurrences.values()):
        assert len(by_id(rows)) == len(rows)
    known = {row["address"] for row in account.targets}
    assert len(known) == 150
    assert {row["target"] for rows in account.occurrences.values() for row in rows} <= known
    assert {row["severity"] for row in account.issues} == {"low", "medium", "high", "critical"}
    assert any(not row["title"].isascii() for row in account.issues)
    assert any(None in row["tags"] for row in account.targets)


@pytest.mark.parametrize(
    "sizes", [{"issues": 0}, {"issues": 1, "targets": 1}, {"issues": 3, "targets": 0, "scans": 0}]
)
def test_small_accounts_work(sizes: dict[str, int]) -> None:
    """Any size can be generated and advanced, and a new issue appears each day."""
    account = generate(1, **sizes)
    assert len(account.issues) == sizes["issues"]
    changes = account.next_day()
    assert len(changes.opened) == 1
    assert set(changes.opened) <= set(by_id(account.issues))


def test_a_seed_gives_the_same_account_in_any_process() -> None:
    """Processes with different hash seeds agree for three days; other seeds give other accounts."""
    program = (
        "import json, dataclasses, sample_api\n"
        "account = sample_api.generate(7)\n"
        "days = [dataclasses.asdict(account.next_day()) for _ in range(3)]\n"
        "print(json.dumps([days, dataclasses.asdict(account)]))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    account = generate(7)
    days = [asdict(account.next_day()) for _ in range(3)]
    here = json.loads(json.dumps([days, asdict(account)]))
    assert [json.loads(output) for output in outputs] == [here, here]
    assert generate(7) == generate(7)
    assert generate(7) != generate(8)


def test_next_day_changes_exactly_what_it_reports() -> None:
    """On ten days, the rows of the day before with the changes applied are the day's rows."""
    account = generate(seed=7)
    used = {row["id"] for row in account.issues}
    for number in range(1, 11):
        before = copy.deepcopy(account)
        kept_by_reference = (list(account.issues), dict(account.occurrences))
        changes = account.next_day()
        assert kept_by_reference == (before.issues, before.occurrences)

        assert changes.day == f"2025-03-{3 + number:02}"
        lists = (changes.fixed, changes.opened, changes.severity_changed, changes.snoozed)
        assert [len(ids) for ids in lists] == [8, 8, 3, 1]
        assert len({issue for ids in lists for issue in ids}) == 20
        assert not used & set(changes.opened)
        used |= set(changes.opened)

        old, new = by_id(before.issues), by_id(account.issues)
        assert list(new) == [i for i in old if i not in changes.fixed] + changes.opened
        assert list(account.occurrences) == list(new)
        scanned_at = f"{changes.day}T02:00:00Z"
        for issue in old.keys() & new.keys():
            expected, snooze = dict(old[issue]), {}
            if issue in changes.severity_changed:
                assert new[issue]["severity"] != old[issue]["severity"]
                expected["severity"] = new[issue]["severity"]
            if issue in changes.snoozed:
                assert (old[issue]["snoozed"], new[issue]["snoozed"]) == (False, True)
                assert new[issue]["snooze_reason"]
                snooze = {name: new[issue][name] for name in SNOOZE}
            assert new[issue] == expected | snooze
            assert account.occurrences[issue] == [
                row
                | {"age": f"{int(row['age'].removesuffix(' days')) + 1} days"}
                | {"target_last_scanned_at": scanned_at}
                | snooze
                for row in before.occurrences[issue]
            ]
        assert {row["age"] for issue in changes.opened for row in account.occurrences[issue]} == {
            "0 days"
        }
        assert account.targets == before.targets
        assert account.scans[1:] == before.scans
        assert (account.scans[0]["id"], account.scans[0]["created_at"]) == (
            changes.scan,
            scanned_at,
        )
