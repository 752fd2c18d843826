"""Start bqemulator. Run this with the Python of `.venv-bigquery`; it is never imported.

`python emulator.py start --rest-port 0` logs the port that it listens on.
"""

import duckdb_extensions
from bqemulator.cli import main

# Installs the extension from its package. Otherwise the emulator would download it.
duckdb_extensions.import_extension("spatial")
main()
