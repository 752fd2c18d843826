"""The project as a package: its version, its wheel and its command."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from local.processes import ROOT
from scanner_sync import __version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel of this folder with pip, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, ROOT], check=True)
    [path] = folder.iterdir()
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_program_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """It has the files of Python and SQL, the page's templates, the marker for types, metadata."""
    found = (path for kind in ("py", "sql") for path in ROOT.glob(f"scanner_sync/**/*.{kind}"))
    program = {path.relative_to(ROOT).as_posix() for path in found}
    program |= {f"scanner_sync/report/{name}.html" for name in ("figures", "page")}
    program |= {"scanner_sync/py.typed"}
    about = f"scanner_sync-{__version__}.dist-info"
    metadata = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert set(wheel.namelist()) == program | {f"{about}/{name}" for name in metadata}
    for name in program:
        assert wheel.read(name) == (ROOT / name).read_bytes(), name


def test_the_version_is_in_one_place(wheel: zipfile.ZipFile) -> None:
    """The wheel has the version of `scanner_sync/__init__.py`, and no other file repeats it."""
    about = wheel.read(f"scanner_sync-{__version__}.dist-info/METADATA").decode()
    assert re.findall(r"(?m)^Version: (.*)$", about) == [__version__]
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declaring = [
        path.relative_to(ROOT).as_posix()
        for path in (*ROOT.glob("scanner_sync/**/*.py"), *ROOT.glob("*.toml"), *ROOT.glob("*.py"))
        if f'"{__version__}"' in path.read_text()
    ]
    assert declaring == ["scanner_sync/__init__.py"]


def test_the_command_is_installed(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """The wheel declares `scanner-sync`, and `make` installs it; it runs from any folder."""
    points = wheel.read(f"scanner_sync-{__version__}.dist-info/entry_points.txt").decode()
    assert points.split("\n")[:2] == [
        "[console_scripts]",
        "scanner-sync=scanner_sync.cli:main",
    ]
    command = Path(sys.executable).parent / "scanner-sync"
    done = subprocess.run(
        [command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"scanner-sync {__version__}\n", "")
