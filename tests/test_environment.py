"""A sync depends only on its settings, and connects only to the API and to Google."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dlt.common import known_env
from dlt.common.configuration.providers import EnvironProvider

from local.processes import ROOT
from sample_api import Account, generate
from scanner_sync.settings import SETTINGS
from tests.conftest import FOUR, Dataset

# Syncs, and prints each name that dlt looks up in its configuration, with the type that it expects.
ASK_DLT = """
import json, sys
from dlt.common.configuration.providers import DictionaryProvider
asked, get_value = {}, DictionaryProvider.get_value
def record(self, key, hint, pipeline_name, *sections):
    asked[(pipeline_name, *sections, key)] = str(hint)
    return get_value(self, key, hint, pipeline_name, *sections)
DictionaryProvider.get_value = record
from scanner_sync.sync import sync
sync(tuple(sys.argv[1:]), abort=print)
print(json.dumps(list(asked.items())))
"""

# Python runs this file before anything else: it writes down each address that is looked up or
# connected to.
SITECUSTOMIZE = """
import os, sys
def audit(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        address = args[1][:2]
    elif event == "socket.getaddrinfo":
        address = args[:2]
    else:
        return
    with open(os.environ["ADDRESSES"], "a") as file:
        print(*address, file=file)
sys.addaudithook(audit)
"""


@pytest.fixture
def account() -> Account:
    return generate(seed=11, issues=5, targets=3, scans=3)


def python(directory: Path, *arguments: str, **environment: str) -> dict[str, Any] | list[Any]:
    """Return the last line that a Python program prints, parsed as JSON."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] | list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def hostile(hint: str, switch: str) -> str:
    """Return a value that is valid for this type, and would change what dlt does."""
    if "Literal" in hint or "Refresh" in hint:
        return "drop_sources" if "drop_sources" in hint else hint.split("'")[-2]
    if "bool" in hint:
        return switch
    return "1" if "int" in hint or "float" in hint else "raw_%s"


def write_toml(path: Path, values: dict[str, str]) -> None:
    """Write the values of names such as A__B__C as those of a.b.c; not those of A.

    A name outside of every table would be taken for a misspelt setting.
    """
    tables: dict[str, list[str]] = {}
    for name, value in values.items():
        section, _, key = name.lower().rpartition("__")
        if section:
            tables.setdefault(section.replace("__", "."), []).append(f"{key} = {json.dumps(value)}")
    sections = tables.keys()
    lines = []
    for section in sorted(sections):
        below = {s.removeprefix(f"{section}.").split(".")[0] for s in sections if s != section}
        lines.append(f"[{section}]")
        lines += [line for line in tables[section] if line.split()[0] not in below]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines))


def test_only_the_settings_count(
    api_url: str, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables hold the same rows with any dlt setting in the environment or in `.dlt/`."""
    asked: Any = python(tmp_path, "-c", ASK_DLT, *FOUR)
    before = {table: dataset.rows(table) for table in FOUR}
    opened = dataset.query("SELECT * EXCEPT (days_open) FROM {d}.open_issues ORDER BY id")
    assert len(opened) == 5
    declared = {name.upper() for name in SETTINGS}
    names = {
        EnvironProvider.get_key_name(path[-1], *filter(None, path[:-1])): hint
        for path, hint in asked
    }
    assert {"REFRESH", "DEV_MODE", "FULL_REFRESH", "DATASET_NAME_LAYOUT"} <= names.keys()
    assert {"RUNTIME__DLTHUB_TELEMETRY", "SCHEMA__NAMING"} <= names.keys()
    apart = [value for name, value in vars(known_env).items() if name.startswith("DLT_")]
    for switch in ("true", "false"):
        values = {n: hostile(hint, switch) for n, hint in names.items() if n not in declared}
        values |= dict.fromkeys(apart, "raw")
        write_toml(tmp_path / ".dlt/config.toml", values)
        write_toml(tmp_path / ".dlt/secrets.toml", values)
        (tmp_path / ".dlt/.workspace").touch()
        command = ("-m", "scanner_sync", "sync", "--json", "--resources", ",".join(FOUR))
        answer: Any = python(tmp_path, *command, **values)
        assert answer["tables"] == {table: {"rows": len(rows)} for table, rows in before.items()}
        nothing = {"opened": 0, "closed": 0, "changed": 0}
        assert set(map(str, answer["history"].values())) == {str(nothing)}
        assert {table: dataset.rows(table) for table in FOUR} == before
        assert (
            dataset.query("SELECT * EXCEPT (days_open) FROM {d}.open_issues ORDER BY id") == opened
        )
        assert dataset.tables() == {*FOUR, "fixed_occurrences"}
        datasets = {found.dataset_id for found in dataset.client.list_datasets()}
        assert {name for name in datasets if dataset.name in name} == {
            dataset.name,
            f"{dataset.name}_staging",
        }


@pytest.mark.usefixtures("dataset")
def test_no_other_host_is_contacted(api_url: str, tmp_path: Path) -> None:
    """Each connection goes to the API or to BigQuery; dlt's vendor gets no usage data."""
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    api, bigquery = (
        f"{url.hostname} {url.port}"
        for url in (urlsplit(api_url), urlsplit(os.environ["BIGQUERY_EMULATOR_HOST"]))
    )
    for command, allowed in (("sync", {api, bigquery}), ("status", {bigquery})):
        addresses = tmp_path / f"{command}.txt"
        settings = {"PYTHONPATH": path, "ADDRESSES": str(addresses)}
        python(tmp_path, "-m", "scanner_sync", command, "--json", **settings)
        assert set(addresses.read_text().splitlines()) == allowed
