"""Serve a generated account: ``python -m sample_api --help``."""

import argparse
import os
import signal
import sys
from contextlib import ExitStack
from datetime import date
from typing import Any

from starlette.middleware import Middleware

from sample_api import generate
from sample_api.account import FIRST_DAY
from sample_api.faults import Faults, FaultyApi
from sample_api.server import create_app, serve

FAULT_HELP = {
    "fail": "share of answers with --fail-status",
    "fail_status": "the status of these answers",
    "retry_after": "seconds in the Retry-After of these answers; by default, there is none",
    "cut": "share of bodies that are truncated",
    "html": "share of answers that are HTML, with status 200",
    "stall": "share of answers that come 90 seconds late",
    "churn": "share of requests before which rows are deleted and inserted",
    "seed": "the same seed gives the same faults for requests in the same order",
}


def main() -> None:
    """Serve until SIGINT or SIGTERM. The base URL is the only line on standard output."""
    # Until it serves, Ctrl-C ends it without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser(
        prog="python -m sample_api",
        description="Serve a sample of a vulnerability scanner's API, with generated rows, on "
        "127.0.0.1 until interrupted. Prints its base URL once it accepts connections.",
        epilog="The token is the value of the environment variable SAMPLE_API_TOKEN, by default "
        "'sample-token'. POST /sample/next-day/ advances the account by a day and returns what "
        "changed; ?scanned_at=TIME dates it.",
    )
    faults = parser.add_argument_group(
        "faults", "Shares are numbers from 0 to 1; see sample_api/faults.py."
    )

    def add(
        group: argparse._ActionsContainer, option: str, default: Any, meaning: str, **more: Any
    ) -> None:
        shown = "" if default is None else " (default: %(default)s)"
        kind = type(default) if default is not None else int
        group.add_argument(option, type=kind, default=default, help=meaning + shown, **more)

    add(parser, "--port", 8081, "port to listen on; 0 takes a free one")
    add(parser, "--seed", 7, "the same seed gives the same rows")
    add(parser, "--issues", 400, "issues in the account")
    parser.add_argument(
        "--first-day",
        type=_date,
        default=FIRST_DAY,
        metavar="DATE",
        help="the date of the first day; all dates are relative to it (default: %(default)s)",
    )
    add(parser, "--quota", 5000, "requests allowed in an hour; others are answered with 429")
    add(parser, "--quota-per-second", None, "requests allowed in a second; by default, any number")
    add(
        parser,
        "--hour-seconds",
        3600.0,
        "how long the quota's hour lasts, so that a test or benchmark need not wait",
    )
    add(parser, "--latency-ms", 0, "how long each answer is delayed")
    add(parser, "--max-limit", 100, "the largest page, whatever is requested")
    for name, value in vars(Faults()).items():
        option = f"--{name.replace('_', '-')}" if name != "seed" else "--fault-seed"
        add(faults, option, value, FAULT_HELP[name], dest=f"fault_{name}", metavar=name.upper())
    for name in ("since", "remediated_after", "snoozed", "last_scanned_after"):
        add(
            faults,
            f"--{name.replace('_', '-')}",
            "known",
            f"whether the parameter {name} chooses rows, has no effect, or is answered with 400",
            choices=("known", "ignored", "rejected"),
        )
    add(faults, "--fixed-delay-days", 0, "days until a fix is listed", metavar="DAYS")
    faults.add_argument(
        "--missing",
        action="append",
        type=_path_and_status,
        default=[],
        metavar="PATH=STATUS",
        help="a listing that the account's plan lacks, such as /tags/=404; may be repeated",
    )
    faults.add_argument(
        "--schedules-in-array", action="store_true", help="answer /scans/schedules/ without pages"
    )
    faults.add_argument(
        "--licenses-in-envelope", action="store_true", help="answer /licenses/ with a page"
    )
    faults.add_argument(
        "--no-retry-after", action="store_true", help="leave Retry-After out of a 429"
    )
    options = parser.parse_args()
    chosen = Faults(**{name: getattr(options, f"fault_{name}") for name in vars(Faults())})
    try:
        account = generate(options.seed, issues=options.issues, first_day=options.first_day)
    except OverflowError:
        parser.error("argument --first-day: the account's dates would not be between 1 and 9999")

    # Blocked before a thread starts, so that only the wait below receives the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        app = create_app(
            account,
            token=os.environ.get("SAMPLE_API_TOKEN") or "sample-token",
            quota_per_hour=options.quota,
            quota_per_second=options.quota_per_second,
            hour_seconds=options.hour_seconds,
            send_retry_after=not options.no_retry_after,
            since=options.since,
            remediated_after=options.remediated_after,
            snoozed=options.snoozed,
            last_scanned_after=options.last_scanned_after,
            fixed_delay_days=options.fixed_delay_days,
            missing=dict(options.missing),
            schedules_in_array=options.schedules_in_array,
            licenses_in_envelope=options.licenses_in_envelope,
            max_limit=options.max_limit,
            latency_seconds=options.latency_ms / 1000,
            middleware=[Middleware(FaultyApi, account, chosen)] if chosen != Faults() else [],
        )
    except ValueError as error:
        parser.error(str(error))
    with ExitStack() as stack:
        try:
            base_url = stack.enter_context(serve(app, options.port))
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not from 0 to 65535"
            sys.exit(
                f"Port {options.port} cannot be used: {reason}. Choose another one with --port;"
                " 0 takes a free one."
            )
        print(base_url, flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


def _path_and_status(text: str) -> tuple[str, int]:
    path, _, status = text.rpartition("=")
    if not status.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form /tags/=404")
    return path, int(status)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as {FIRST_DAY}") from None


if __name__ == "__main__":
    main()
