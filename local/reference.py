"""The tables that cog writes into the documents, from the code."""

import argparse
import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from local.markdown import table
from local.processes import ROOT
from scanner_sync import cli, errors
from scanner_sync.process import exits
from scanner_sync.settings import EMULATORS, SETTINGS

PACKAGE: Final = ROOT / "scanner_sync"

EVENTS: Final = {
    "sync_started": "A sync begins.",
    "sync_progress": "How far it is, every 30 seconds.",
    "table_synced": "A table was loaded.",
    "sync_finished": "The sync succeeded.",
    "sync_failed": "The sync failed. If its process was killed or could not start, only `seconds`"
    " is known of the cost.",
    "reading_stopped": "The occurrences of further issues are left to the next syncs, because the"
    " sync has sent as many requests as it may (`max_requests`), the API's quota is used up"
    " (`quota`), the rest of the time is needed for loading (`deadline`), or the API says that it"
    " will be unavailable for longer than that (`unavailable`).",
    "parameter_ignored": "The API rejects or ignores a parameter that would say what has changed"
    " since the last sync (`since`, `snoozed`, `last_scanned_after`), so the sync does without it."
    " The last one is also asked for once a day, for the targets that were scanned lately.",
    "unsignaled_change": "A full read found that occurrences of so many issues had changed, and"
    " nothing that the API lists had said so. `field` is what had changed, or whether an occurrence"
    " had `appeared` or `disappeared`. For a week, each sync reads everything.",
    "issue_not_found": "The occurrences of an issue were not found while others are left to the"
    " next syncs, and so is this one. If it recurs, the API lists an issue that it does not have.",
    "issue_failed": "The occurrences of an issue could not be read after all retries, so they are"
    " left to the next syncs. What is known of them stays as it is.",
    "text_replaced": "A page had halves of surrogate pairs, such as of an emoji that was cut. They"
    " became U+FFFD in these fields of these rows, which are named by their ids.",
    "token_read_again": "The API rejects the token that it accepted before in this sync, so the"
    " secret was read once more.",
    "listing_unavailable": "The account's plan lacks a listing, so the sync goes on without it.",
    "remediated_after_rejected": "The API rejects the parameter `remediated_after`, so all fixed"
    " occurrences are read.",
    "issue_vanished": "The occurrences of an issue were not found, and the issue is no longer"
    " listed.",
    "feed_failed": "What KEV, EPSS or SSVC say of the CVEs could not be read. What was known stays,"
    " and the first sync of the next day tries again; `failures` counts the days in a row. The"
    " addresses are settings, such as `KEV_URL`.",
    "jobs_not_listed": "The account may not list its jobs in BigQuery, so what a killed sync left"
    " running cannot be ended. Grant it `roles/bigquery.user` on the project.",
    "mass_disappearance": "More than half of what was open, and more than 20 occurrences, are gone"
    " at once. They stay open until a later sync misses them, too. If the token is of another"
    " account, set the right one before that.",
    "dates_not_believed": "How many dates of the API cannot be true: before 1990, in the future, or"
    " after a sync saw what they date. The findings do without them.",
    "history_started": "The history of a table that was synced before was missing, and starts now.",
    "message_dropped": "A Pub/Sub message was acknowledged without a sync, because another try"
    " would not help.",
    "fault": "Where in the code something unexpected happened.",
}
"""What each event of the log means. An event of the code that is not here is an error."""

COST: Final = {
    "requests": "Requests sent to the API.",
    "retries": "Requests that were retries.",
    "throttled": "Answers with status 429, or with 403 or 409 and `Retry-After`.",
    "vanished": "Issues that went away during the sync.",
    "seconds": "Seconds that the sync took.",
    "steps": "Seconds that each step took.",
    "peak_memory_mib": "Most memory that the process used, in MiB.",
}
"""What each field of `Progress.cost` means."""

LAYERS: Final = {
    "function": ("function",),
    "cli": ("cli",),
    "process": ("process",),
    "sync": ("sync",),
    "refresh": ("refresh",),
    "check": ("check",),
    "report": ("report",),
    "source": ("source",),
    "warehouse": ("warehouse",),
    "plan": ("plan",),
    "services": (
        *("terminal", "progress", "reading", "deadline", "settings", "secret", "dlt_config"),
        *("rules", "diagnose"),
        *("log", "scratch", "streams", "archive"),
    ),
    "base": ("schema", "errors"),
}
"""The boxes of the drawing of imports, from top to bottom, and what is in each."""

EXITS: Final = (
    ("0", "success"),
    (f"{exits.EXIT_FAILED}", "permanent failure: something has to be fixed first"),
    (f"{exits.EXIT_USAGE}", "usage error"),
    (f"{exits.EXIT_RETRYABLE}", "retryable failure: the same command may succeed later"),
    ("130", "interrupted with Ctrl-C; 129 by SIGHUP, 143 by SIGTERM"),
)


def settings() -> str:
    """Return each setting with its meaning, form and default, in the order of their declaration."""
    return table(
        ["setting", "meaning", "value", "default"],
        (
            [
                f"`{setting.name.upper()}`",
                setting.metadata["meaning"],
                setting.metadata["form"],
                f"`{_as_set(setting.default)}`" if setting.default else "",
            ]
            for setting in SETTINGS.values()
        ),
    )


def _as_set(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def emulators() -> str:
    """Return the variables that name a local BigQuery and a local Secret Manager."""
    return table(
        ["variable", "value"], ([f"`{name}`", form] for name, (form, _) in EMULATORS.items())
    )


def error_table() -> str:
    """Return each type of error with its HTTP status, its meaning, and whether to try again."""
    return table(
        ["status", "type", "meaning", "retryable"],
        (
            [
                f"{kind.http_status}",
                f"`{kind.__name__}`",
                (kind.__doc__ or "").partition("\n")[0],
                "yes" if kind.retryable else "no",
            ]
            for kind in sorted(errors.TYPES.values(), key=lambda kind: kind.http_status)
        ),
    )


def exit_codes() -> str:
    """Return the exit codes of the commands."""
    return table(["code", "meaning"], EXITS)


def commands() -> str:
    """Return each command with its options, as `--help` has them."""
    parser = cli._parser()
    [subparsers] = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    about = {action.dest: action.help or "" for action in subparsers._choices_actions}

    def rows() -> Iterator[Sequence[str]]:
        for name, command in subparsers.choices.items():
            yield [f"`{name}`", about[name]]
            for action in command._actions:
                if not isinstance(action, argparse._HelpAction):
                    shown = " ".join([*action.option_strings[:1], *filter(None, [action.metavar])])
                    yield [f"`{name} {shown}`", action.help or ""]

    return table(["command", "what it does"], rows())


def events() -> str:
    """Return each event of the log with its severity, meaning and fields."""
    found = _events()
    if found.keys() != EVENTS.keys():
        odd = ", ".join(sorted(found.keys() ^ EVENTS.keys()))
        raise ValueError(f"In the code or in EVENTS, but not in both: {odd}.")
    return table(
        ["event", "severity", "meaning", "fields"],
        (
            [f"`{name}`", found[name][0], meaning, ", ".join(found[name][1])]
            for name, meaning in EVENTS.items()
        ),
    )


def cost() -> str:
    """Return each field of the cost of a sync with its meaning."""
    [declared] = _returned_keys("cost")
    if declared != list(COST):
        raise ValueError(f"The cost has the fields {declared}; COST describes {list(COST)}.")
    return table(["field", "meaning"], ([f"`{name}`", meaning] for name, meaning in COST.items()))


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text())


def _events() -> dict[str, tuple[str, list[str]]]:
    """Return the severity and the fields of each event that the code logs."""
    found: dict[str, tuple[str, list[str]]] = {}
    for path, tree in _trees():
        for node in ast.walk(tree):
            if not (
                isinstance(node, ast.Call) and ast.unparse(node.func) in ("log.event", "event")
            ):
                continue
            match node.args:
                case [ast.Constant(value=str(name))]:
                    severity = "INFO"
                case [ast.Constant(value=str(name)), ast.Attribute(attr=severity)]:
                    pass
                case _:
                    raise ValueError(f"{path}:{node.lineno}: an event needs a name in quotes.")
            _, shown = found.setdefault(name, (severity, []))
            for keyword in node.keywords:
                shown += [field for field in _shown(keyword) if field not in shown]
    return found


def _shown(keyword: ast.keyword) -> list[str]:
    """Return the fields that an argument of `log.event` stands for."""
    if keyword.arg:
        return [f"`{keyword.arg}`"]
    if isinstance(keyword.value, ast.Name):
        return []  # what the callers of this function add, such as `seconds`
    assert isinstance(keyword.value, ast.Call)
    method = ast.unparse(keyword.value.func).rpartition(".")[2]
    [keys] = _returned_keys(method)
    return ["the cost"] if method == "cost" else [f"`{key}`" for key in keys]


def _returned_keys(method: str) -> list[list[str]]:
    """Return the keys of the dict that a method of this name returns."""
    return [
        [str(ast.literal_eval(key)) for key in returned.value.keys if key]
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == method
        for returned in ast.walk(node)
        if isinstance(returned, ast.Return) and isinstance(returned.value, ast.Dict)
    ]


def modules() -> str:
    """Return each module and package with the first line of its docstring, and what is in it."""
    about = {path: (ast.get_docstring(tree) or "").partition("\n")[0] for path, tree in _trees()}

    def rows() -> Iterator[Sequence[str]]:
        for path, purpose in about.items():
            if path.parent == PACKAGE and purpose:
                yield [f"`{path.name}`", purpose]
            elif path.name == "__init__.py" and path.parent != PACKAGE:
                inside = sorted(of.stem for of in about if of.parent == path.parent and of != path)
                named = ", ".join(f"`{name}`" for name in inside)
                yield [f"`{path.parent.name}/`", f"{purpose} {named}"]

    return table(["in `scanner_sync`", "purpose"], rows())


def findings() -> str:
    """Return each script of `findings/` with what its head says."""
    headings = re.findall(r"(?m)^## (.*)$", (ROOT / "docs/decisions.md").read_text())
    decisions = {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-"): name for name in headings}

    def place(name: str) -> str:
        _, _, anchor = name.partition("docs/decisions.md#")
        return f"[{decisions[anchor]}](decisions.md#{anchor})" if anchor else f"`{name}`"

    def rows() -> Iterator[Sequence[str]]:
        for path in sorted((ROOT / "findings").glob("*.sh")):
            head = head_of(path)
            used = ", ".join(map(place, head["Used in"].split(", "))) if "Used in" in head else ""
            yield [
                f"[{path.stem}](../findings/{path.name})",
                re.sub(r" \(.*?\)| beside .*|, its .*", "", head["Library"]),
                head["Summary"],
                used or "not at all",
            ]

    return table(
        ["script", "library, version", "behavior", "where this program depends on it"], rows()
    )


def head_of(script: Path) -> dict[str, str]:
    """Return the fields of the comment at the head of a finding; `Output` is not one of them."""
    head = script.read_text().partition("\nset -eu\n")[0]
    head = re.sub(r"(?m)^# Output:\n(#     .*\n)+", "", head)
    found = re.findall(r"(?m)^# ([A-Z][a-z ]+): (.*(?:\n#   .*)*)", head)
    return {name: text.replace("\n#   ", " ") for name, text in found}


def imports() -> str:
    """Return a drawing of the imports between the layers.

    Edges that follow from others are left out. Raises `ValueError` if an import runs upward.
    """
    layer_of = {unit: layer for layer, units in LAYERS.items() for unit in units}
    order = list(LAYERS)
    edges: dict[str, set[str]] = {layer: set() for layer in order}
    for path, tree in _trees():
        unit = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if not unit.startswith("__"):
            imported = {layer_of[name] for name in _imported(tree)} - {layer_of[unit]}
            edges[layer_of[unit]] |= imported
    for layer, below in edges.items():
        if upward := [name for name in below if order.index(name) < order.index(layer)]:
            raise ValueError(f"{layer} imports {', '.join(upward)}, which is above it.")
    if "warehouse" in edges["source"]:
        raise ValueError("source imports warehouse.")

    def reach(layer: str) -> set[str]:
        return edges[layer].union(*map(reach, edges[layer]))

    lines = ["```mermaid", "flowchart TD"]
    lines += [
        f'    {layer}["{", ".join(units)}"]' for layer, units in LAYERS.items() if units != (layer,)
    ]
    for layer, below in edges.items():
        direct = below - {name for other in below for name in reach(other)}
        lines += [f"    {layer} --> {name}" for name in sorted(direct, key=order.index)]
    return "\n".join([*lines, "```"])


def _imported(tree: ast.Module) -> Iterator[str]:
    """Give the modules and packages of this program that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE.name:
            yield from (name.name for name in node.names if not name.name.startswith("__"))
        elif isinstance(node, ast.ImportFrom) and f"{node.module}".startswith(f"{PACKAGE.name}."):
            yield f"{node.module}".split(".")[1]
