"""Start local-bigquery. Run this with the Python of `.venv-second-bigquery`; it is never imported.

`python second_bigquery.py --port 0 --data-dir EMPTY` logs the URL that it listens on.
"""

import duckdb_extensions
from local_bigquery.cli import main

# Installs the extensions from their packages. Otherwise they would be downloaded.
for extension in ("icu", "ducklake", "spatial"):
    duckdb_extensions.import_extension(extension)

main()
