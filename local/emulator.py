"""Start bqemulator. Run this with the Python of `.venv-bigquery`; it is never imported.

`python emulator.py start --rest-port 0` logs the port that it listens on.
"""

import functools
from typing import Any

import duckdb_extensions
import sqlglot
from bqemulator.cli import main

# Installs the extension from its package. Otherwise the emulator would download it.
duckdb_extensions.import_extension("spatial")

# The emulator parses each statement several times, and with each of them the same twenty templates.
# A copy of what was parsed before takes less: a quarter of the emulator's time, by the tests.
_remembered = functools.lru_cache(10_000)(sqlglot.parse_one)


def _parse_one(*arguments: Any, **options: Any) -> Any:
    return _remembered(*arguments, **options).copy()


sqlglot.parse_one = _parse_one
main()
