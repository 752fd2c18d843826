"""A local BigQuery, run by the interpreter of `.venv-bigquery`, never imported.

`python emulator.py start --rest-port 0` prints, among its log lines, the port that it listens on.
"""

import duckdb_extensions
from bqemulator.cli import main

# Installs the extension from its package; the emulator would otherwise download it.
duckdb_extensions.import_extension("spatial")
main()
