"""Run the command line: `python -m scanner_sync`."""

import sys

from scanner_sync.cli import main

sys.exit(main())
