"""The Python interpreters of this machine, and fresh environments made with them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def find_python(version: str) -> str:
    """Find a Python of that version, on PATH or in pyenv; skip the test if there is none.

    In CI, where every test has to run, a missing Python is a failure.
    """
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in (sys.executable, shutil.which(f"python{version}"), *map(str, pyenv)):
        if candidate is None:
            continue
        # A shim of pyenv may be there for a version that is not switched on.
        done = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if done.stdout.startswith(f"Python {version}."):
            return candidate
    reason = f"there is no Python {version} on this machine"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def fresh_environment(version: str, folder: Path) -> Path:
    """Make a virtual environment with the pip that comes with that Python; return its Python."""
    subprocess.run([find_python(version), "-m", "venv", folder], check=True)
    return folder / "bin/python"
