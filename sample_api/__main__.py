"""Serve a generated account: ``python -m sample_api --help``."""

import argparse
import os
import signal

from sample_api.account import generate
from sample_api.server import create_app, serve


def main() -> None:
    """Serve until SIGINT or SIGTERM; the base URL is the only line on standard output."""
    parser = argparse.ArgumentParser(
        prog="python -m sample_api",
        description="Serve a vulnerability scanner's API with generated rows on 127.0.0.1, until "
        "interrupted. Prints its base URL once it accepts connections.",
        epilog="It accepts the token in the environment variable SAMPLE_API_TOKEN, or else "
        "'sample-token'. POST /sample/next-day/ moves the account on by a day and answers what "
        "changed.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )

    def add(option: str, default: int, meaning: str) -> None:
        parser.add_argument(option, type=int, default=default, help=meaning)

    add("--port", 8081, "port to listen on; 0 takes a free one")
    add("--seed", 7, "the same seed gives the same rows")
    add("--issues", 400, "issues in the account")
    add("--quota", 5000, "requests allowed in an hour; one more is answered 429")
    add("--latency-ms", 0, "how long each answer is held back")
    add("--max-limit", 100, "most rows on a page, whatever is asked for")
    options = parser.parse_args()

    # Blocked before a thread starts, so that the signals reach the wait below and nothing else.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    app = create_app(
        generate(options.seed, issues=options.issues),
        token=os.environ.get("SAMPLE_API_TOKEN") or "sample-token",
        quota_per_hour=options.quota,
        max_limit=options.max_limit,
        latency_seconds=options.latency_ms / 1000,
    )
    with serve(app, options.port) as base_url:
        print(base_url, flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    main()
