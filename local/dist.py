"""Build what a release consists of, in a folder: `make dist`.

The sdist and the wheel of the program, the archive that Terraform deploys, a list of its packages
(an SBOM of CycloneDX), and the checksums of these files. The same checkout gives the same bytes.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from flit_core import buildapi

from local.processes import ROOT
from scanner_sync import __version__

EPOCH: Final = "315532800"
"""The time of each file, in seconds since 1970: the earliest that a zip can hold."""
COMMAND_LINE: Final = tuple(
    f"scanner_sync/{name}" for name in ("__main__.py", "check.py", "cli.py", "report/")
)
"""What only a laptop runs, and is not deployed."""


def main(folder: Path) -> None:
    """Build everything into a folder, which is made if it is missing."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = EPOCH
    os.chdir(ROOT)
    made = [
        folder / buildapi.build_sdist(str(folder)),
        folder / buildapi.build_wheel(str(folder)),
        write_archive(folder / f"scanner-sync-function-{__version__}.zip"),
        write_sbom(folder / f"scanner-sync-{__version__}.cdx.json"),
    ]
    sums = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in made)
    (folder / "SHA256SUMS").write_text("".join(sums))
    print("\n".join(str(file) for file in made))


def deployed_files() -> list[str]:
    """Return the files that are deployed, relative to the root, as `.gcloudignore` selects them."""
    files = [ROOT / "main.py", ROOT / "requirements.txt"]
    for pattern in ("*.py", "*.sql", "py.typed"):
        files += (ROOT / "scanner_sync").rglob(pattern)
    names = sorted(file.relative_to(ROOT).as_posix() for file in files)
    return [name for name in names if not name.startswith(COMMAND_LINE)]


def checkout_digest() -> str:
    """Return the digest that terraform/source.tf gives to the files of this checkout."""
    sums = ((hashlib.sha256((ROOT / of).read_bytes()).hexdigest(), of) for of in deployed_files())
    text = "".join(f"{digest}  {name}\n" for digest, name in sums)
    return hashlib.sha256(text.encode()).hexdigest()


def write_archive(path: Path) -> Path:
    """Write the archive of the function, which has the files that Terraform's has."""
    contents = {name: (ROOT / name).read_bytes() for name in deployed_files()}
    contents["scanner_sync/archive.sha256"] = checkout_digest().encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def write_sbom(path: Path) -> Path:
    """Write the packages that the function is installed with, with their versions and hashes."""
    described = (ROOT / "pyproject.toml").read_text()
    described = described.replace('dynamic = ["version"]', f'version = "{__version__}"')
    # A package with an extra is there twice, because pip wants it so.
    locked = re.sub(
        r"(?m)^\S+\[\S+\]==.*\n(?:    .*\n)*", "", (ROOT / "requirements.txt").read_text()
    )
    with tempfile.TemporaryDirectory() as directory:
        about, lock = Path(directory) / "pyproject.toml", Path(directory) / "requirements.txt"
        about.write_text(described)
        lock.write_text(locked)
        options = ["--pyproject", str(about), "--output-reproducible", "-o", str(path)]
        subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "cyclonedx_py",
                "requirements",
                *options,
                str(lock),
            ],
            check=True,
        )
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]))
