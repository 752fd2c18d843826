"""The command line: `scanner-sync`, or `python -m scanner_sync`."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner_sync import __version__, log, streams
from scanner_sync.errors import SyncError, answer_of, counted
from scanner_sync.process import exits
from scanner_sync.process.exits import Interrupted, exit_status
from scanner_sync.process.parent import run_worker
from scanner_sync.rules import PRESETS, faults, in_words
from scanner_sync.schema.tables import TABLES
from scanner_sync.settings import (
    ACCOUNT,
    ACCOUNT_FORM,
    DATASET_FORM,
    account_name,
    clean_environment,
    dataset_name,
    read_settings,
)

if TYPE_CHECKING:
    from scanner_sync.warehouse import Warehouse

_Command = Callable[[argparse.Namespace], int]
ROWS_SHOWN = 1000
"""Rows of a query that are printed as a table."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status."""
    streams.guard()
    ending = threading.Lock()
    try:
        status = _run_command(arguments, ending)
    except Interrupted as interrupt:
        print("Interrupted.", file=sys.stderr)
        status = interrupt.status
    except Exception as error:
        found = error if isinstance(error, SyncError) else log.explain(error)
        _print_error(found)
        status = exit_status(found.retryable)
    ending.acquire()  # never released: the status is decided
    return streams.settle(status)


def _run_command(arguments: Sequence[str] | None, ending: threading.Lock) -> int:
    parser = _parser()
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as end:  # after --help, or a usage error
        return int(end.code or 0)
    if parsed.command is None:
        parser.print_help(sys.stderr)
        return exits.EXIT_USAGE
    exits.raise_interrupts(ending)
    log.configure("INFO" if parsed.command == "sync" else "WARNING")
    log.account.set(getattr(parsed, "account", None))
    return int(parsed.run(parsed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scanner-sync",
        description="Sync a vulnerability scanner's API into BigQuery. Settings come from the"
        " environment, .dlt/secrets.toml and .dlt/config.toml. Begin with `scanner-sync check`: it"
        " says what is missing, and changes nothing.",
        epilog="Exit codes: 0 success, 1 permanent failure, 2 usage error, 75 retryable failure,"
        " 129, 130 or 143 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"scanner-sync {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(run: _Command, summary: str, details: str, example: str) -> argparse.ArgumentParser:
        """Add the command that `run` is, under its name."""
        name = run.__name__.removeprefix("_")
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary}. {details}",
            epilog=f"Example: scanner-sync {name}{example}",
        )
        command.set_defaults(run=run)
        return command

    def add_account(command: argparse._ActionsContainer) -> None:
        command.add_argument(
            "--account",
            type=_account,
            metavar="NAME",
            help=f"the account, if the settings hold {ACCOUNT}",
        )

    def add_account_or_dataset(to: argparse.ArgumentParser) -> None:
        which = to.add_mutually_exclusive_group()
        add_account(which)
        which.add_argument(
            "--dataset", type=_dataset, metavar="NAME", help="the dataset, instead of DATASET"
        )

    sync = add(
        _sync,
        "Sync the API into BigQuery once",
        "The function does the same. The log goes to standard error: readable on a terminal, one"
        " JSON object per line elsewhere.",
        " --resources issues,targets",
    )
    sync.add_argument(
        "--resources",
        type=_resources,
        default=tuple(TABLES),
        metavar="NAME,...",
        help=f"what to sync: {', '.join(TABLES)} (default: all)",
    )
    sync.add_argument(
        "--json", action="store_true", help="print the function's answer as a line of JSON"
    )
    add_account(sync)
    check = add(
        _check,
        "Test everything a sync needs",
        "Reads the settings, the secret and the API, and tests the rights in BigQuery. No data"
        " changes, and nothing is left behind.",
        "",
    )
    add_account(check)
    status = add(
        _status,
        "Show rows, freshness and the last syncs",
        "Syncs that failed before they reached BigQuery are only in the log.",
        " --accounts acme,globex",
    )
    status.add_argument("--json", action="store_true", help="print a line of JSON")
    which = status.add_mutually_exclusive_group()
    add_account(which)
    which.add_argument(
        "--accounts", type=_accounts, metavar="NAME,...", help="print a line for each account"
    )
    report = add(
        _report,
        "Write a report page from the dataset",
        "The page is one HTML file that needs no network. For a dataset that `combine` made, it has"
        " a section for each account.",
        " --out scanner.html",
    )
    report.add_argument(
        "--out", required=True, type=_page, metavar="FILE.html", help="the file to write"
    )
    add_account_or_dataset(report)
    combine = add(
        _combine,
        "Create views over the datasets of many accounts, or update them",
        "Each row has its account. Run it again when accounts or columns were added.",
        " --accounts acme,globex --into scanner_all",
    )
    combine.add_argument(
        "--accounts", required=True, type=_accounts, metavar="NAME,...", help="the accounts"
    )
    combine.add_argument(
        "--into",
        required=True,
        type=_dataset,
        metavar="DATASET",
        help="the dataset of the views; created if it is missing",
    )
    policy = add(
        _policy,
        "Show the rules by which findings are due, or choose others",
        "They are the rows of the table sla_policy, which is yours to edit. The first rule that"
        " fits a finding counts. The next sync applies what was changed.",
        " --preset bod-26-04",
    )
    policy.add_argument(
        "--preset",
        choices=list(PRESETS),
        metavar="NAME",
        help=f"write the rules of a preset: {', '.join(PRESETS)}",
    )
    policy.add_argument(
        "--replace", action="store_true", help="with --preset: also if the rules were edited"
    )
    add_account(policy)
    query = add(
        _query,
        "Run a SELECT on the dataset, and print its rows",
        "A table without a dataset is one of this dataset. Nothing else than a SELECT is run.",
        ' "SELECT host, severity FROM open_findings" --csv',
    )
    query.add_argument("sql", metavar="SQL", help="the statement")
    query.add_argument("--csv", action="store_true", help="print all rows as CSV")
    add_account_or_dataset(query)
    return parser


def _resources(names: str) -> tuple[str, ...]:
    given = [name.strip() for name in names.split(",")]
    if unknown := [name for name in given if name not in TABLES]:
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(map(repr, unknown))}; choose from {', '.join(TABLES)}"
        )
    return tuple(name for name in TABLES if name in given)


def _account(name: str) -> str:
    try:
        return account_name(name)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name!r} must be {ACCOUNT_FORM}") from None


def _accounts(names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_account(name.strip()) for name in names.split(",")))


def _dataset(name: str) -> str:
    try:
        return dataset_name(name)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name!r} must be {DATASET_FORM}") from None


def _page(name: str) -> Path:
    if Path(name).suffix.lower() != ".html":
        raise argparse.ArgumentTypeError(f"{name!r} must end in .html: the report is a web page")
    return Path(name)


def _sync(arguments: argparse.Namespace) -> int:
    try:
        answer = run_worker(arguments.resources, arguments.account, forward_interrupts=True)
    except SyncError as error:
        if not arguments.json:
            raise
        print(json.dumps(answer_of(error) | log.of_account()))
        return exit_status(error.retryable)
    if arguments.json:
        print(json.dumps(answer | log.of_account()))
    else:
        _print_result(answer)
    return 0


def _print_result(answer: Mapping[str, Any]) -> None:
    from scanner_sync.terminal import print_table

    history = answer["history"]
    counts = ("opened", "closed", "changed") if history else ()
    print_table(
        ["table", "rows", *counts],
        [
            [table, of["rows"], *(history.get(table, {}).get(count) for count in counts)]
            for table, of in answer["tables"].items()
        ],
    )
    print(
        f"Loaded into {answer['dataset']} in {answer['seconds']} seconds, with"
        f" {answer['requests']:,} requests."
    )
    refresh = answer["refresh"]
    if refresh.get("issues_skipped"):
        print(
            f"Occurrences of {refresh['issues_read']:,} of {refresh['issues_listed']:,} issues were"
            " read: nothing named the others."
        )
    if refresh.get("issues_waiting"):
        oldest = "some were never read"
        if refresh["oldest_read_at"]:
            read_at = datetime.fromisoformat(refresh["oldest_read_at"])
            oldest = f"the oldest are from {_utc(read_at)}, {refresh['oldest_hours']:,} h ago"
        print(
            f"Occurrences of {refresh['issues_waiting']:,} of {refresh['issues_listed']:,} issues"
            f" wait for the next syncs; {oldest}{_describe_failed(refresh)}."
        )


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _check(arguments: argparse.Namespace) -> int:
    clean_environment()
    from scanner_sync.check import check

    retryable = []
    for result in check(arguments.account):
        print(f"{result.status:<7}  {result.name:<15}  {result.detail}", flush=True)
        if result.status == "failed":
            retryable.append(result.retryable)
    return exit_status(*retryable)


def _status(arguments: argparse.Namespace) -> int:
    from scanner_sync.terminal import ago, print_table

    if arguments.accounts:
        return _summaries(arguments.accounts, as_json=arguments.json)
    with _warehouse(arguments.account) as warehouse:
        status = warehouse.read_status()
    now = status.pop("now")
    if arguments.json:
        print(json.dumps(status | log.of_account(), default=datetime.isoformat))
        return 0

    def when(moment: datetime | None) -> str:
        return f"{_utc(moment)}, {ago(moment, now)}" if moment else "never"

    def describe(sync: Mapping[str, Any] | None) -> str:
        if sync is None:
            return "none"
        return ", ".join(
            [*(sync[key] for key in ("outcome", "error_type") if key in sync), when(sync["at"])]
        )

    def describe_look(table: Mapping[str, Any]) -> str | None:
        if not table.get("read_at"):
            return None
        found = "unchanged" if table["unchanged"] else "changed"
        return f"{ago(table['read_at'], now)}, {found}"

    print_table(
        ["table", "rows", "newest row loaded", "last read"],
        [
            [of["table"], of["rows"], when(of["loaded_at"]), describe_look(of)]
            for of in status["tables"]
        ],
    )
    print()
    print_table(
        ["load", "finished"], [[load["load_id"], when(load["at"])] for load in status["loads"]]
    )
    print(f"\nlast sync: {describe(status['last_run'])}")
    if status["last_failure"]:
        print(f"last failure: {describe(status['last_failure'])}")
    if refresh := status["refresh"]:
        print(f"occurrences: {_describe_refresh(refresh, when)}")
    return 0


def _summaries(accounts: Sequence[str], *, as_json: bool) -> int:
    """Print a line for each account, and then the errors of the accounts that cannot be read."""
    from scanner_sync.terminal import ago, print_table

    clean_environment()
    from scanner_sync.warehouse import describe_state

    read_settings(accounts[0])  # what is wrong with the settings is said once

    def summarize(account: str) -> dict[str, Any] | SyncError:
        log.account.set(account)
        try:
            with _warehouse(account) as warehouse:
                return warehouse.summarize()
        except SyncError as error:
            return error

    with ThreadPoolExecutor(8, "accounts") as pool:
        found = dict(zip(accounts, pool.map(summarize, accounts), strict=True))
    errors = {account: of for account, of in found.items() if isinstance(of, SyncError)}
    rows = []
    for account, of in found.items():
        if isinstance(of, SyncError):
            answer, cells = answer_of(of), ["unknown", None, None, None, None]
        else:
            now, at = of.pop("now"), of["succeeded_at"]
            answer = of
            cells = [
                describe_state(of),
                ago(at, now) if at else "never",
                *(of[f"{which}_to_do"] for which in ("issues", "critical", "high")),
            ]
        if as_json:
            print(json.dumps({"account": account} | answer, default=datetime.isoformat))
        rows.append([account, *cells])
    if not as_json:
        print_table(["account", "state", "last success", "issues to do", "critical", "high"], rows)
    return _print_errors(errors)


def _print_errors(errors: Mapping[str, SyncError]) -> int:
    """Print what went wrong, by account, and return the exit status."""
    for account, error in errors.items():
        log.account.set(account)
        _print_error(error)
    return exit_status(*(error.retryable for error in errors.values()))


def _describe_refresh(refresh: Mapping[str, Any], when: Callable[[datetime | None], str]) -> str:
    listed, oldest = refresh["issues_listed"], refresh["oldest_read_at"]
    loud = ""
    if refresh["loud_until"]:
        loud = (
            f"; everything is read until {_utc(refresh['loud_until'])}, because no signal named a"
            f" change ({refresh['loud_field']})"
        )
    if not refresh["issues_waiting"] and refresh["issues_skipped"]:
        return (
            f"{refresh['issues_read']:,} of {listed:,} issues read by the last sync of occurrences;"
            f" nothing named the others since all were read {when(refresh['full_read_at'])}"
        )
    if not refresh["issues_waiting"]:
        return f"all {listed:,} issues read by the last sync of occurrences{loud}"
    return (
        f"{refresh['issues_read']:,} of {listed:,} issues read by the last sync of occurrences,"
        f" {refresh['issues_waiting']:,} waiting;"
        f" {f'the oldest are from {when(oldest)}' if oldest else 'some were never read'}"
        f"{_describe_failed(refresh)}"
    )


def _describe_failed(refresh: Mapping[str, Any]) -> str:
    failed = refresh["issues_failed"]
    return f"; the API failed for issue {', '.join(map(str, failed))}" if failed else ""


def _report(arguments: argparse.Namespace) -> int:
    from scanner_sync.report import check_target, write_report
    from scanner_sync.terminal import spinning

    check_target(arguments.out)
    with (
        _warehouse(arguments.account, arguments.dataset) as warehouse,
        spinning("reading the dataset") as say,
    ):
        errors = write_report(
            warehouse, arguments.out, lambda read, all: say(f"{read} of {all} accounts read")
        )
    print(arguments.out)
    return _print_errors(errors)


def _combine(arguments: argparse.Namespace) -> int:
    from scanner_sync.terminal import print_table

    with _warehouse(dataset=arguments.into) as into:
        from scanner_sync.warehouse import combine

        datasets = {name: read_settings(name).dataset for name in arguments.accounts}
        views = combine(into, datasets)
    print_table(["view", "accounts"], list(views.items()))
    return 0


def _policy(arguments: argparse.Namespace) -> int:
    from scanner_sync.terminal import print_table

    with _warehouse(arguments.account) as warehouse:
        if arguments.preset:
            warehouse.choose_preset(arguments.preset, replace=arguments.replace)
        rules, counts = warehouse.read_policy()
    print_table(
        ["rank", "rule", "fits", "days", "from", "action", "open findings"],
        [
            [
                rule.rank,
                rule.due_rule,
                in_words(rule),
                "next upgrade" if rule.days is None else f"{rule.days:,}",
                None if rule.days is None else rule.starts or "opened_at",
                rule.action,
                counts.pop(rule.due_rule, 0),
            ]
            for rule in rules
        ],
    )
    if without := counts.pop(None, 0):
        print(f"Open findings that no rule fits: {without:,}.")
    if left := sum(counts.values()):
        print(f"Open findings with rules from before, until the next sync: {left:,}.")
    for fault in faults(rules):
        print(f"Correct {fault}.")
    return 0


def _query(arguments: argparse.Namespace) -> int:
    from scanner_sync.terminal import print_csv, print_rows

    with _warehouse(arguments.account, arguments.dataset) as warehouse:
        found = warehouse.query(arguments.sql)
        columns = [field.name for field in found.schema]
        rows = (row.values() for row in found)
        if arguments.csv:
            print_csv(columns, rows)
            return 0
        shown = list(islice(rows, ROWS_SHOWN))
    print_rows(columns, shown)
    count = found.total_rows or 0
    if count > len(shown):
        print(f"{len(shown):,} of {count:,} rows; --csv prints all.")
    else:
        print(counted(count, "row") + ".")
    return 0


@contextmanager
def _warehouse(account: str | None = None, dataset: str | None = None) -> Iterator[Warehouse]:
    """Connect to BigQuery, and turn what goes wrong inside into a `SyncError`."""
    clean_environment()
    from scanner_sync.diagnose import diagnose
    from scanner_sync.warehouse import Warehouse

    try:
        yield Warehouse.connect(read_settings(account, dataset=dataset)).located()
    except Exception as error:
        raise log.explain(error, diagnose) from None


def _print_error(error: SyncError) -> None:
    of = "".join(f" (account {name})" for name in log.of_account().values())
    print(f"{type(error).__name__}{of}: {error}", file=sys.stderr)
    if error.retry_after:
        print(f"Try again in {error.retry_after} seconds.", file=sys.stderr)
