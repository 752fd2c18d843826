"""`scanner-sync policy`: the rules by which findings are due, and how many each holds."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from sample_api import Account
from scanner_sync.errors import LoadError
from scanner_sync.rules import PRESETS, Rule
from scanner_sync.schema.sla_policy import SLA
from scanner_sync.warehouse.sla import read_rules
from tests.conftest import PROJECT, Dataset
from tests.support.commands import findings, run
from tests.warehouse.loads import conclude, insert, insert_states, make_tables

OPENED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def opened(dataset: Dataset) -> Dataset:
    """A dataset with three findings: high, low, and without a severity."""
    make_tables(dataset)
    conclude(dataset, OPENED)
    for number, severity in enumerate(["high", "low", None]):
        own = {"entity_key": f"{number}", "id": number, "valid_from": OPENED}
        insert_states(dataset, "issues_history", [own | {"severity": severity}])
        found = {"issue_id": number, "occurrence_id": number}
        insert_states(dataset, "occurrences_issues_history", [own | found])
    conclude(dataset, OPENED)
    return dataset


VENDOR = """\
rank  rule      fits      days  from       action  open findings
  10  critical  critical  7     opened_at                      0
  20  high      high      30    opened_at                      1
  30  medium    medium    60    opened_at                      0
  40  low       low       120   opened_at                      1
Open findings that no rule fits: 1.
"""


@pytest.mark.usefixtures("api_url")
def test_policy_shows_the_rules_and_writes_others(opened: Dataset) -> None:
    """A table with rules that are no preset's is replaced only if that is asked."""
    assert run("policy") == (0, VENDOR, "")
    done = run("policy", "--preset", "bod-26-04")
    assert (done.status, done.err) == (0, "")
    _, *rows, none, left = done.out.splitlines()
    assert [row.split()[0] for row in rows] == [f"{of.rank}" for of in PRESETS["bod-26-04"]]
    assert re.split(" {2,}", rows[15].strip()) == [
        "160",
        "BOD 26-04: exposed, in KEV, automatable, total",
        "exposed, in KEV, automatable, total impact",
        *("3", "first_known", "forensic triage", "0"),
    ]
    assert "  next upgrade  " in rows[0]
    assert none == "Open findings that no rule fits: 1."
    assert left == "Open findings with rules from before, until the next sync: 2."
    assert read_rules(opened.warehouse) == [*PRESETS["bod-26-04"]]

    conclude(opened, OPENED + timedelta(days=1))
    rows = run("policy").out.splitlines()
    assert [row.rsplit(maxsplit=1)[1] for row in rows[-4:]] == ["1", "0", "1", "1."]

    opened.query(f"UPDATE {{d}}.{SLA} SET days = 2 WHERE `rank` = 160")
    done = run("policy", "--preset", "vendor")
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        f"LoadError: {PROJECT}.{opened.name}.sla_policy was edited. Nothing was written. To replace"
        " what it holds, repeat the command with --replace.\n"
    )
    assert [rule.days for rule in read_rules(opened.warehouse) or () if rule.rank == 160] == [2]
    assert run("policy", "--preset", "vendor", "--replace").status == 0
    assert read_rules(opened.warehouse) == [*PRESETS["vendor"]]


@pytest.mark.usefixtures("api_url")
def test_what_is_wrong_with_the_rules_is_said(opened: Dataset) -> None:
    """By `check`, which fails, and below the rules."""
    assert findings(run("check"))["sla_policy"] == ("ok", "4 rules")
    for rule in (Rule(15, "again", severity="critical", days=-1), Rule(50, severity="low")):
        insert(opened, SLA, [rule._asdict()])
    faults = [
        "rule 15 (again): days is -1, a negative number",
        "rule 50: it can never apply, because rule 40 (low) comes first",
    ]
    done = run("check")
    assert done.status == 1
    said = f"Correct these rules: {'; '.join(faults)}."
    assert findings(done)["sla_policy"] == ("failed", said)
    done = run("policy")
    assert done.status == 0
    assert done.out.splitlines()[-2:] == [f"Correct {fault}." for fault in faults]


@pytest.mark.usefixtures("api_url")
def test_before_the_first_sync(dataset: Dataset) -> None:
    """Without a dataset nothing is written; without the table the next sync creates it."""
    for arguments in ((), ("--preset", "vendor")):
        done = run("policy", *arguments)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith(f"LoadError: Dataset {dataset.name} does not exist")
    created = "the first sync creates it, with the scanner's own goals"
    assert findings(run("check"))["sla_policy"] == ("ok", created)
    dataset.client.create_dataset(dataset.name)
    assert run("policy").out.splitlines() == ["rank  rule  fits  days  from  action  open findings"]
    assert run("policy", "--preset", "vendor").out == VENDOR.replace("  1\n", "  0\n").replace(
        "Open findings that no rule fits: 1.\n", ""
    )


@pytest.mark.usefixtures("api_url")
def test_a_table_without_ranks_is_named(dataset: Dataset) -> None:
    """A version before the rules made such a table. Nothing takes its place until it is dropped."""
    make_tables(dataset)
    dataset.query(f"CREATE TABLE {{d}}.{SLA} (severity STRING, days INT64)")
    said = f"{PROJECT}.{dataset.name}.sla_policy was not created by this program, or by an earlier"
    for command in (["policy"], ["policy", "--preset", "vendor", "--replace"], ["check"]):
        done = run(*command)
        assert done.status == 1
        assert said in done.out + done.err
    with pytest.raises(LoadError, match=r"sla_policy .* was not created by this program"):
        dataset.warehouse.check_names()
    dataset.client.delete_table(f"{dataset.name}.{SLA}")
    conclude(dataset, OPENED)
    assert read_rules(dataset.warehouse) == [*PRESETS["vendor"]]


def test_tags_say_what_is_exposed(
    dataset: Dataset, account: Account, api_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the settings. Otherwise it is what is external."""
    assert api_url
    tags: dict[str, list[str]] = {"a": [], "b": ["lab"], "c": ["dmz"], "d": ["dmz", "lab"]}
    account.targets = [
        {"id": n, "address": f"{address}.{kind}", "target_type": kind, "tags": of}
        for n, (kind, (address, of)) in enumerate(product(("external", "cloud"), tags.items()))
    ]
    account.issues = [{"id": 1, "severity": "high"}]
    account.occurrences = {
        1: [{"id": of["id"], "target": of["address"]} for of in account.targets]
        + [{"id": 9, "target": "unknown"}]
    }
    monkeypatch.setenv("EXPOSED_TAGS", "dmz")
    monkeypatch.setenv("INTERNAL_TAGS", "pci,lab")
    assert run("sync", "--resources", "issues,occurrences_issues,targets").status == 0
    found = dataset.query("SELECT host FROM {d}.open_findings WHERE exposed ORDER BY host")
    assert [row["host"] for row in found] == [
        *("a.external", "c.cloud", "c.external", "d.cloud", "d.external")
    ]
