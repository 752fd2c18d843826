"""The requirements are what `pyproject.toml` asks for, pinned, and plain pip installs them."""

import hashlib
import json
import platform
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from local.processes import ROOT
from tests.support.pythons import fresh_environment

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHONS = ["3.11", "3.12", "3.13"]
HERE = f"3.{sys.version_info.minor}"
LOCKS = (
    "requirements.txt",
    *(f"requirements/{of}.txt" for of in ("dev", "bigquery", "checks", "airbyte")),
)


class Pin(NamedTuple):
    name: str
    extras: frozenset[str]
    version: str
    marker: Marker | None
    hashes: int

    def applies(self, python: str) -> bool:
        return self.marker is None or self.marker.evaluate(environment(python))


def environment(python: str, extra: str = "") -> dict[str, str]:
    """Return the values of markers that differ between the supported Pythons."""
    full = platform.python_version() if python == HERE else f"{python}.99"
    return {"python_version": python, "python_full_version": full, "extra": extra}


def lines_of(name: str) -> Iterator[Pin]:
    """Read the lines of a requirements file."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / name).read_text()).replace("\\\n", " ")
    for line in text.splitlines():
        requirement = Requirement(re.sub(r"--hash=\S+", "", line).strip())
        [pinned] = requirement.specifier
        assert pinned.operator == "=="
        yield Pin(
            canonicalize_name(requirement.name),
            frozenset(requirement.extras),
            pinned.version,
            requirement.marker,
            line.count("--hash=sha256:"),
        )


def pins_of(name: str, python: str) -> dict[str, str]:
    """Return the packages that a requirements file installs on that Python, with their versions."""
    return {pin.name: pin.version for pin in lines_of(name) if pin.applies(python)}


def closure(requirements: list[str], python: str) -> set[str]:
    """Return all that these requirements bring on that Python, as the installed packages say."""
    found: set[str] = set()
    left = [Requirement(text) for text in requirements]
    while left:
        requirement = left.pop()
        key = canonicalize_name(requirement.name)
        wanted = {key} | {f"{key}[{extra}]" for extra in requirement.extras}
        if wanted <= found:
            continue
        found |= wanted
        for text in distribution(requirement.name).requires or []:
            dependency = Requirement(text)
            if dependency.marker is None or any(
                dependency.marker.evaluate(environment(python, extra))
                for extra in requirement.extras or {""}
            ):
                left.append(dependency)
    return {name for name in found if "[" not in name}


@pytest.mark.parametrize("python", PYTHONS)
def test_requirements_are_what_the_project_asks_for(python: str) -> None:
    """Nothing is missing, nothing is there that nothing asks for, and each pin is allowed."""
    asked = PROJECT["project"]["dependencies"]
    pins = pins_of("requirements.txt", python)
    assert closure(asked, python) == pins.keys()
    for text in asked:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_what_the_extra_of_dlt_would_bring() -> None:
    """pyarrow, and by db-dtypes pandas; the function has the client that it needs without them."""
    requires = map(Requirement, distribution("dlt").requires or [])
    extra = {one.name for one in requires if str(one.marker) == 'extra == "bigquery"'}
    assert extra == {"db-dtypes", "gcsfs", "google-cloud-bigquery", "grpcio", "pyarrow"}
    assert pins_of("requirements.txt", HERE).keys() & extra == {"google-cloud-bigquery", "grpcio"}


def test_each_requirements_file_is_known() -> None:
    """The tests below try all of them."""
    found = [*ROOT.glob("requirements*.txt"), *ROOT.glob("requirements/*")]
    assert {path.relative_to(ROOT).as_posix() for path in found} == set(LOCKS)


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes(name: str) -> None:
    assert all(pin.hashes for pin in lines_of(name))


@pytest.mark.parametrize("python", PYTHONS)
def test_the_tests_run_with_what_is_deployed(python: str) -> None:
    """The development environment pins the function's packages to the same versions."""
    deployed = pins_of("requirements.txt", python)
    here = pins_of("requirements/dev.txt", python)
    assert {name: here[name] for name in deployed} == deployed


def test_each_extra_is_named_beside_its_package() -> None:
    """A package that is asked for with an extra is pinned both with the extra and without it.

    pip before 23.3 takes the two for different packages, and takes the newest release of the one
    that is not pinned, for which there is no hash.
    """
    pins = list(lines_of("requirements.txt"))
    named: dict[str, frozenset[str]] = {}
    for pin in pins:
        named[pin.name] = named.get(pin.name, frozenset()) | pin.extras
    for name in pins_of("requirements.txt", HERE):
        extras = {"", *named[name]}
        markers = [environment(python, extra) for python in PYTHONS for extra in extras]
        for requirement in map(Requirement, distribution(name).requires or []):
            if requirement.marker is None or any(map(requirement.marker.evaluate, markers)):
                key = canonicalize_name(requirement.name)
                assert requirement.extras <= named.get(key, requirement.extras), name
    assert {pin[2:] for pin in pins if pin.extras} <= {pin[2:] for pin in pins if not pin.extras}


class Release(NamedTuple):
    """A wheel that holds nothing but what a package says about itself."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    def publish(self, folder: Path) -> str:
        """Write the wheel into a folder that pip searches; return its hash."""
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        about = [
            *("Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"),
            *(f"Provides-Extra: {extra}" for extra in self.extras),
            *(f"Requires-Dist: {requirement}" for requirement in self.requires),
        ]
        kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        path = folder / f"{stem}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{stem}.dist-info/METADATA", "\n".join(about) + "\n")
            wheel.writestr(f"{stem}.dist-info/WHEEL", kind)
            wheel.writestr(f"{stem}.dist-info/RECORD", "")
        return hashlib.sha256(path.read_bytes()).hexdigest()


def newer(version: str) -> str:
    """Return a later version, which ranges such as `<3` still allow."""
    return f"{Version(version).base_version}.9999"


def pip(python: str | Path, *arguments: str | Path) -> str:
    """Run the pip of that Python; return what it printed."""
    command = [python, "-m", "pip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def taken(python: str | Path, lock: Path, *options: str | Path) -> dict[str, str]:
    """Let pip say which packages it takes by hash, with their versions."""
    dry = ("--quiet", "--dry-run", "--ignore-installed", "--report", "-")
    report = json.loads(pip(python, "install", *dry, "--require-hashes", "-r", lock, *options))
    found = [package["metadata"] for package in report["install"]]
    return {canonicalize_name(about["name"]): about["version"] for about in found}


def test_pip_accepts_the_lock_after_new_releases(tmp_path: Path) -> None:
    """Every pin is taken by its hash while a newer release of each package is there.

    The packages are empty, but ask for what the real ones ask for, so no network is needed.
    """
    lines = []
    for pin in lines_of("requirements.txt"):
        if not pin.applies(HERE):
            continue
        about = distribution(pin.name)
        extras = tuple(about.metadata.get_all("Provides-Extra") or ())
        release = Release(pin.name, pin.version, tuple(about.requires or ()), extras)
        release._replace(version=newer(pin.version)).publish(tmp_path)
        wanted = f"{pin.name}[{','.join(pin.extras)}]" if pin.extras else pin.name
        lines.append(f"{wanted}=={pin.version} --hash=sha256:{release.publish(tmp_path)}")
    lock = tmp_path / "requirements.txt"
    lock.write_text("\n".join(lines))
    options = ("--isolated", "--no-index", "--find-links", tmp_path)
    assert taken(sys.executable, lock, *options) == pins_of("requirements.txt", HERE)


def test_the_runtime_dependencies_are_the_six() -> None:
    """A further one needs a reason that the README gives."""
    assert [Requirement(text).name for text in PROJECT["project"]["dependencies"]] == [
        "dlt",
        "functions-framework",
        "google-cloud-bigquery",
        "google-cloud-secret-manager",
        "google-crc32c",
        "ijson",
    ]


@pytest.mark.network
@pytest.mark.parametrize("python", PYTHONS)
def test_pip_installs_what_is_deployed(python: str, tmp_path: Path) -> None:
    """The pip of each Python installs it from PyPI, by hash, while newer releases are there."""
    pins = pins_of("requirements.txt", python)
    for name, version in pins.items():
        Release(name, newer(version)).publish(tmp_path)
    fresh = fresh_environment(python, tmp_path / "venv")
    wanted = ("--require-hashes", "-r", ROOT / "requirements.txt", "--find-links", tmp_path)
    pip(fresh, "install", "--quiet", "--no-compile", *wanted)
    pip(fresh, "check")
    found = json.loads(pip(fresh, "list", "--format", "json"))
    versions = {canonicalize_name(about["name"]): about["version"] for about in found}
    assert {name: version for name, version in versions.items() if name != "pip"} == pins


@pytest.mark.network
def test_uv_installs_the_lock_of_the_benchmark(tmp_path: Path) -> None:
    """The one environment that neither `make demo` nor `make test` makes can be made."""
    uv, lock = Path(sys.prefix) / "bin/uv", ROOT / "requirements/airbyte.txt"
    subprocess.run([uv, "venv", "--python", sys.executable, tmp_path / "venv"], check=True)
    into = ("--python", tmp_path / "venv")
    subprocess.run([uv, "pip", "install", *into, "--require-hashes", "-r", lock], check=True)
