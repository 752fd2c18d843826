"""Writes `docs/tables.md` from the declarations: `make docs`."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from local.processes import ROOT
from scanner_sync.source.rows import convert
from scanner_sync.tables import BIGQUERY_TYPES, DLT_COLUMNS, TABLES, Column, Table
from scanner_sync.warehouse.history import HISTORIES, columns_of
from scanner_sync.warehouse.views import VIEW_TABLES

HEAD: Final = """\
# Tables

What a sync keeps in the dataset. `make docs` writes this page from the declarations in
[tables.py](../scanner_sync/tables.py) and [history.py](../scanner_sync/history.py); BigQuery's
console shows the same meanings for the tables. **Bold** columns tell the rows apart. A row without
`id` fails the sync; every other field of the API may be null. A field that the API adds becomes a
column with the next sync. Dates and times are UTC's, to the microsecond: a date that comes with a
time and an offset is the day in UTC, and a time without an offset is UTC. Integers outside
[-2^63, 2^64) inside JSON are strings of their digits.
"""

HISTORIES_HEAD: Final = """\
## Histories

A row for each state that a thing was in, from `valid_from` until `valid_to`; the
[README](../README.md#what-was-open-and-when-it-was-fixed) has queries. `id` is as it was when the
state was first seen. With `HISTORY=false` there are no histories and no views.
"""

BOOKKEEPING: Final = """\
## Bookkeeping

| table | what it holds |
|---|---|
| `_dlt_loads` | A row for each load: its `load_id`, `status` (0 is done) and `inserted_at`. |
| `_dlt_version` | dlt's schema of the tables, a row for each version. |
| `_sync_lease` | No rows: its labels say which run is under way and how the last one ended. |

The twin of the dataset, with `_staging` at the end of its name, holds the rows of the last load on
their way in: no table of it is for queries.
"""


def document() -> str:
    """The page, as Markdown."""
    histories = {name: _history(name) for name in HISTORIES}
    parts = [HEAD, "## How they join\n", *_drawing(histories)]
    parts += ["## Merged tables\n", *_sections(TABLES, DLT_COLUMNS)]
    parts += [HISTORIES_HEAD, *_sections(histories, {})]
    parts += ["## Views\n", *_sections(VIEW_TABLES, {})]
    return "\n".join([*parts, BOOKKEEPING])


def _history(name: str) -> Table:
    history = HISTORIES[name]
    columns = columns_of(name)
    parts = ("issue_id", "occurrence_id") if "occurrence_id" in columns else ("id",)
    thing = "/".join(str(columns[part].example) for part in parts)
    columns["thing"] = columns["thing"]._replace(example=thing)
    made_by = ", ".join(f"`{column}`" for column in history.versioned)
    meaning = f"States of `{history.table}`. A change of one of these begins a new one: {made_by}."
    return Table(meaning, ("thing", "valid_from"), columns)


def _sections(tables: Mapping[str, Table], further: dict[str, Column]) -> Iterator[str]:
    for name, table in tables.items():
        yield f"### {name}\n\n{table.description}\n"
        yield "| column | type | meaning | example |\n|---|---|---|---|"
        for column, declared in (table.columns | further).items():
            shown = f"**`{column}`**" if column in table.key else f"`{column}`"
            example = _as_shown(convert(name, column, declared, declared.example))
            kind = BIGQUERY_TYPES[declared.type]
            yield f"| {shown} | {kind} | {declared.description} | `{example}` |"
        yield ""


def _as_shown(value: object) -> str:
    """A stored value as BigQuery shows it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def _drawing(histories: Mapping[str, Table]) -> Iterator[str]:
    """How they join: along the references that the meanings name, and to what is kept of each."""
    yield "```mermaid\nerDiagram"
    for name, table in {**TABLES, **VIEW_TABLES}.items():
        for column, declared in table.columns.items():
            if found := re.search(r": (\w+)\.(\w+)\.$", declared.description):
                one = "||" if found[2] in TABLES[found[1]].key else "}o"
                yield f'    {found[1]} {one}--o{{ {name} : "{found[2]} = {column}"'
    yield '    issues ||--o| open_issues : "id"'
    for name, history in histories.items():
        # By what persists: an occurrence's own id may change between scans.
        key = "issue_id, occurrence_id" if "occurrence_id" in history.columns else "id"
        yield f'    {HISTORIES[name].table} ||--o{{ {name} : "{key}"'
    yield "```\n"


def main() -> None:
    """Write the page."""
    (ROOT / "docs/tables.md").write_text(document())


if __name__ == "__main__":
    main()
