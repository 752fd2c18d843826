"""Generated accounts, and how they change from day to day."""

import copy
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from local.processes import ROOT
from sample_api import Account, Row, generate
from tests.sample_api.conftest import by_id

SNOOZE_REASONS = ("ACCEPT_RISK", "FALSE_POSITIVE", "MITIGATING_CONTROLS")
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
    "fixed": "id:int occurrence_id:int title:str description:str remediation:str severity:str "
    "display_address:str affected_host:str affected_port:int|null cvss_score:float|null "
    "exploit_likelihood:str|null extra_info:dict|null first_seen_at:str remediated_at:str "
    "due_date:str|null host_state:str target_last_scanned_at:str tags:list",
    "schedules": "id:int name:str schedule_period:str status:str first_scan_time:str|null "
    "next_scan_date:str|null latest_scan_id:int|null latest_scan_status:str|null "
    "last_scan_start_time:str|null last_scan_end_time:str|null targets:list target_tags:list "
    "scan_all_targets:bool throttled:bool web_ports_only:bool upload_to_drata:bool|null "
    "upload_to_vanta:null",
    "tags": "name:str",
    "licenses": "total_infrastructure_licenses:int available_infrastructure_licenses:int "
    "consumed_infrastructure_licenses:int total_application_licenses:int "
    "available_application_licenses:int consumed_application_licenses:int",
}


def test_generated_rows_have_the_fields_and_types_of_the_api() -> None:
    """Each table has exactly the API's fields, with every type that they may have."""
    account = generate(seed=7)
    tables = {
        "issues": account.issues,
        "occurrences": [row for rows in account.occurrences.values() for row in rows],
        "scans": account.scans,
        "targets": account.targets,
        "fixed": account.fixed,
        "schedules": account.schedules,
        "tags": account.tags,
        "licenses": [account.licenses],
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
def test_small_accounts_work(sizes: dict[str, Any]) -> None:
    """Any size can be generated and advanced, and a new issue appears each day."""
    account = generate(1, **sizes)
    assert len(account.issues) == sizes["issues"]
    changes = account.next_day()
    assert len(changes.opened) == 1
    assert set(changes.opened) <= set(by_id(account.issues))


def test_a_year_lies_behind_a_generated_account() -> None:
    """Each month of it has fixes. Some came back; some were on a target that is not listed."""
    account = generate(seed=7)
    fixed = account.fixed
    assert all(row["first_seen_at"] < row["remediated_at"] for row in fixed)
    times = [row["remediated_at"] for row in fixed]
    assert times == sorted(times, reverse=True)
    months = Counter(time[:7] for time in times)
    year = ["2025-03", "2025-02", "2025-01", *(f"2024-{month:02}" for month in range(12, 2, -1))]
    assert list(months) == year
    assert all(months[month] > 80 for month in year[1:-1])
    assert {row["severity"] for row in fixed} == {"low", "medium", "high", "critical"}

    numbers = Counter(row["occurrence_id"] for row in fixed)
    assert Counter(numbers.values()).keys() == {1, 2}
    assert len({(row["occurrence_id"], row["remediated_at"]) for row in fixed}) == len(fixed)
    found = {row["occurrence_id"]: row for rows in account.occurrences.values() for row in rows}
    reopened = [row for row in fixed if row["occurrence_id"] in found]
    assert len(reopened) > 10
    for row in reopened:
        again = found[row["occurrence_id"]]
        assert (row["id"], row["affected_host"]) == (again["id"], again["target"])
        seen = account.now - timedelta(days=int(again["age"].removesuffix(" days")))
        assert row["first_seen_at"] == seen.strftime("%Y-%m-%dT%H:%M:%SZ")

    tags = {row["address"]: row["tags"] for row in account.targets}
    removed = [row for row in fixed if row["affected_host"] not in tags]
    assert len({row["affected_host"] for row in removed}) == 1
    assert len(removed) > 5
    assert {row["remediated_at"] for row in removed} == {"2025-02-01T02:00:00Z"}
    assert all(row["tags"] == tags[row["affected_host"]] for row in fixed if row not in removed)

    rows = [row for rows in account.occurrences.values() for row in rows]
    for snoozed in (account.issues, rows):
        assert {row["snooze_reason"] for row in snoozed} == {None, *SNOOZE_REASONS}


def test_tags_licenses_and_schedules_fit_the_targets() -> None:
    """Each tag is listed once, licenses are counted, and schedules name targets and scans."""
    account = generate(seed=7)
    names = ["büro", "pci", "production", "staging"]
    assert account.tags == [{"name": name} for name in names]
    kinds = Counter(row["license_type"] for row in account.targets)
    assert account.licenses == {
        "total_infrastructure_licenses": 75,
        "available_infrastructure_licenses": 75 - kinds["infrastructure"],
        "consumed_infrastructure_licenses": kinds["infrastructure"],
        "total_application_licenses": 50,
        "available_application_licenses": 50 - kinds["application"],
        "consumed_application_licenses": kinds["application"],
    }
    assert set(Account().licenses.values()) == {0}
    for row in account.schedules:
        tags = set(row["target_tags"])
        assert row["targets"] == [
            target["id"] for target in account.targets if not tags or tags & set(target["tags"])
        ]
        latest = by_id(account.scans).get(row["latest_scan_id"], {})
        assert latest.get("created_at") == row["last_scan_start_time"]
        assert latest.get("status") == row["latest_scan_status"]
    periods = ["daily", "weekly", "monthly", "quarterly", "one_off"]
    assert [row["schedule_period"] for row in account.schedules] == periods
    assert [bool(row["latest_scan_id"]) for row in account.schedules] == [True] * 2 + [False] * 3


def test_another_first_day_moves_all_dates() -> None:
    """And nothing else, also on the days after it."""
    account, moved = generate(7, issues=40), generate(7, issues=40, first_day=date(2026, 3, 3))
    assert (str(account.now), str(moved.now)) == (
        "2025-03-03 02:00:00+00:00",
        "2026-03-03 02:00:00+00:00",
    )
    for _ in range(3):
        texts = [json.dumps(asdict(each), default=str) for each in (account, moved)]
        days = re.compile(r"20\d\d-\d\d-\d\d")
        assert days.sub("", texts[0]) == days.sub("", texts[1])
        first, second = (days.findall(text) for text in texts)
        apart = {
            date.fromisoformat(b) - date.fromisoformat(a)
            for a, b in zip(first, second, strict=True)
        }
        assert apart == {timedelta(days=365)}
        account.next_day()
        moved.next_day()


def test_a_seed_gives_the_same_account_in_any_process() -> None:
    """Processes with different hash seeds agree for three days; other seeds give other accounts."""
    program = (
        "import json, dataclasses, sample_api\n"
        "account = sample_api.generate(7)\n"
        "days = [dataclasses.asdict(account.next_day()) for _ in range(3)]\n"
        "print(json.dumps([days, dataclasses.asdict(account)], default=str))"
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
    here = json.loads(json.dumps([days, asdict(account)], default=str))
    assert [json.loads(output) for output in outputs] == [here, here]
    assert generate(7) == generate(7)
    assert generate(7) != generate(8)


def test_next_day_changes_exactly_what_it_reports() -> None:
    """On ten days, the rows of the day before with the changes applied are the day's rows."""
    account = generate(seed=7)
    used = {row["id"] for row in account.issues}
    fixed_alone = 0
    for number in range(1, 11):
        before = copy.deepcopy(account)
        kept_by_reference = (account.issues, account.occurrences, account.fixed)
        changes = account.next_day()
        assert kept_by_reference == (before.issues, before.occurrences, before.fixed)

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
        in_lists = {issue for ids in lists for issue in ids}
        of_fixed = [
            fixed_row(old[issue], row, before.targets, scanned_at)
            for issue, rows in before.occurrences.items()
            for row in rows
            if row["occurrence_id"] in changes.fixed_occurrences
        ]
        assert account.fixed == of_fixed + before.fixed
        assert [row["occurrence_id"] for row in of_fixed] == changes.fixed_occurrences
        alone = [
            (issue, row["occurrence_id"])
            for issue, rows in before.occurrences.items()
            for row in rows
            if row["occurrence_id"] in changes.fixed_occurrences and issue not in changes.fixed
        ]
        assert all(
            issue not in in_lists and len(before.occurrences[issue]) > 1 for issue, _ in alone
        )
        assert len(alone) <= 1
        fixed_alone += len(alone)
        expected_ids = {
            row["occurrence_id"] for issue in changes.fixed for row in before.occurrences[issue]
        } - {None} | {number for _, number in alone}
        assert set(changes.fixed_occurrences) == expected_ids
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
                if (issue, row["occurrence_id"]) not in alone
            ]
        assert {row["age"] for issue in changes.opened for row in account.occurrences[issue]} == {
            "0 days"
        }
        for name in ("targets", "schedules", "tags", "licenses"):
            assert getattr(account, name) == getattr(before, name)
        assert account.scans[1:] == before.scans
        assert (account.scans[0]["id"], account.scans[0]["created_at"]) == (
            changes.scan,
            scanned_at,
        )
    assert 0 < fixed_alone < 10


def test_an_issue_changes_in_one_way_a_day() -> None:
    """One that loses an occurrence is not opened, regraded or snoozed on that day."""
    account, alone = generate(seed=7, issues=8), 0
    for _ in range(30):
        before = account.occurrences
        changes = account.next_day()
        fewer = {n for n, rows in account.occurrences.items() if len(rows) < len(before.get(n, []))}
        assert not fewer & {*changes.opened, *changes.severity_changed, *changes.snoozed}
        alone += len(fewer)
    assert 5 < alone < 25


def fixed_row(issue: Row, occurrence: Row, targets: list[Row], scanned_at: str) -> Row:
    """Return the row of the listing of fixed ones for an occurrence of the day before."""
    [target] = [row for row in targets if row["address"] == occurrence["target"]]
    days = timedelta(days=int(occurrence["age"].removesuffix(" days")) + 1)
    seen = (datetime.fromisoformat(scanned_at) - days).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert occurrence["first_seen_at"] in {None, seen}
    goal = {"critical": 7, "high": 30, "medium": 60, "low": 120}[issue["severity"]]
    due = date.fromisoformat(seen[:10]) + timedelta(days=goal)
    same = ("title", "description", "remediation", "severity")
    also_same = ("id", "occurrence_id", "cvss_score", "exploit_likelihood", "extra_info")
    return {
        **{name: issue[name] for name in same},
        **{name: occurrence[name] for name in also_same},
        "display_address": occurrence["display_address"] or occurrence["target"],
        "affected_host": occurrence["target"],
        "affected_port": occurrence["port"] and int(occurrence["port"]),
        "first_seen_at": seen,
        "remediated_at": scanned_at,
        "due_date": None if occurrence["snoozed"] else str(due),
        "host_state": target["target_status"],
        "target_last_scanned_at": scanned_at,
        "tags": target["tags"],
    }
