"""The tables that cog writes into `docs/tables.md`, from the declarations in the code."""

import json
import re
from collections.abc import Mapping
from datetime import datetime

from local import markdown
from scanner_sync.report.definitions import DEFINITIONS
from scanner_sync.schema.columns import BIGQUERY_TYPES, DLT_COLUMNS, Column, Table
from scanner_sync.schema.cve_intelligence import INTELLIGENCE, INTELLIGENCE_TABLE
from scanner_sync.schema.findings import CONCLUSIONS
from scanner_sync.schema.histories import HISTORIES, HISTORY_COLUMNS, columns_of
from scanner_sync.schema.occurrence_reads import READS, READS_TABLE
from scanner_sync.schema.sla_policy import SLA, SLA_TABLE
from scanner_sync.schema.tables import TABLES
from scanner_sync.schema.views import VIEW_TABLES
from scanner_sync.source.rows import convert


def merged() -> str:
    """Return the columns of the merged tables."""
    return _tables(TABLES, DLT_COLUMNS)


def reads() -> str:
    """Return the columns of `occurrence_reads`."""
    return _tables({READS: READS_TABLE}, {})


def goals() -> str:
    """Return the columns of `sla_policy`."""
    return _tables({SLA: SLA_TABLE}, {})


def intelligence() -> str:
    """Return the columns of `cve_intelligence`."""
    return _tables({INTELLIGENCE: INTELLIGENCE_TABLE}, {})


def histories() -> str:
    """Return the columns of the histories."""
    return _tables({name: _history(name) for name in HISTORIES}, {})


def conclusions() -> str:
    """Return the columns of `findings`, `remediation_metrics` and `syncs`."""
    return _tables(CONCLUSIONS, {})


def views() -> str:
    """Return the columns of the views."""
    return _tables(VIEW_TABLES, {})


def definitions() -> str:
    """Return the definitions of the report's figures."""
    return "\n".join(f"- **{title}:** {text}" for title, text in DEFINITIONS.values())


def _history(name: str) -> Table:
    history = HISTORIES[name]
    columns = columns_of(name)
    identifier = "occurrence_id" if "occurrence_id" in columns else "id"
    key = next(iter(HISTORY_COLUMNS))
    columns[key] = columns[key]._replace(example=str(columns[identifier].example))
    versioned = ", ".join(f"`{column}`" for column in history.versioned)
    meaning = (
        f"States of `{history.table}`. A change of one of these begins a new one: {versioned}."
    )
    return Table(meaning, (key, "valid_from"), columns)


def _tables(tables: Mapping[str, Table], further: dict[str, Column]) -> str:
    return "\n\n".join(_table(name, table, further) for name, table in tables.items())


def _table(name: str, table: Table, further: dict[str, Column]) -> str:
    rows = (
        [
            f"**`{column}`**" if column in table.key else f"`{column}`",
            BIGQUERY_TYPES[declared.type],
            declared.description,
            f"`{_example(name, column, declared)}`",
        ]
        for column, declared in (table.columns | further).items()
    )
    cells = markdown.table(["column", "type", "meaning", "example"], rows)
    return f"### {name}\n\n{table.description}\n\n{cells}"


def _example(table: str, name: str, column: Column) -> str:
    """Return the example of a column as BigQuery shows it."""
    if column.type.endswith("[]"):  # not one of the API's types
        return json.dumps(column.example)
    return _as_shown(convert(table, name, column, column.example))


def _as_shown(value: object) -> str:
    """Format a stored value as BigQuery shows it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def drawing() -> str:
    """Return how the tables join: by the references in their descriptions, and by key."""
    lines = ["```mermaid", "erDiagram"]
    for name, table in {**TABLES, READS: READS_TABLE, **CONCLUSIONS, **VIEW_TABLES}.items():
        for column, declared in table.columns.items():
            found = re.search(r": (\w+)\.(\w+)\.(?= |$)", declared.description)
            if found and found[1] in TABLES:
                is_array = declared.type == "array"
                one = "||" if found[2] in TABLES[found[1]].key and not is_array else "}o"
                many = "o|" if table.key == (column,) else "o{"
                how = f"{found[2]} {'in' if is_array else '='} {column}"
                lines.append(f'    {found[1]} {one}--{many} {name} : "{how}"')
    for name, history in HISTORIES.items():
        # By what persists: the id of an occurrence, and its issue, may change between scans.
        key = "occurrence_id" if "occurrence_id" in columns_of(name) else "id"
        lines.append(f'    {history.table} ||--o{{ {name} : "{key}"')
    return "\n".join([*lines, "```"])
