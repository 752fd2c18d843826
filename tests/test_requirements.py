"""`requirements.txt` is what `pyproject.toml` asks for, pinned, for each supported Python."""

import re
import tomllib
from importlib.metadata import distribution
from typing import NamedTuple

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


class Pin(NamedTuple):
    version: str
    marker: Marker | None
    hashes: int


def pins_of(name: str) -> dict[str, Pin]:
    """The pinned packages of a requirements file."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / name).read_text()).replace("\\\n", " ")
    pins: dict[str, Pin] = {}
    for line in text.splitlines():
        requirement = Requirement(re.sub(r"--hash=\S+", "", line).strip())
        [pinned] = requirement.specifier
        assert pinned.operator == "=="
        key = canonicalize_name(requirement.name)
        pins[key] = Pin(pinned.version, requirement.marker, line.count("--hash=sha256:"))
    return pins


def applies(marker: Marker | None, python: str) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    return marker is None or marker.evaluate(environment)


def closure(requirements: list[str], python: str) -> set[str]:
    """All that these requirements bring on that Python, as the installed packages say."""
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
            extras = requirement.extras or {""}
            environment = {"python_version": python, "python_full_version": f"{python}.0"}
            if dependency.marker is None or any(
                dependency.marker.evaluate(environment | {"extra": extra}) for extra in extras
            ):
                left.append(dependency)
    return {name for name in found if "[" not in name}


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_requirements_are_what_the_project_asks_for(python: str) -> None:
    """Nothing is missing, nothing is there that nothing asks for, and each pin is allowed."""
    asked = PROJECT["project"]["dependencies"]
    pins = pins_of("requirements.txt")
    here = {name for name, pin in pins.items() if applies(pin.marker, python)}
    assert closure(asked, python) == here
    for text in asked:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)].version)


@pytest.mark.parametrize("name", [path.name for path in ROOT.glob("requirements*.txt")])
def test_every_pin_has_hashes(name: str) -> None:
    assert all(pin.hashes for pin in pins_of(name).values())


def test_the_tests_run_with_what_is_deployed() -> None:
    """The development environment pins the function's packages to the same versions."""
    deployed, here = pins_of("requirements.txt"), pins_of("requirements-dev.txt")
    assert {n: here[n].version for n in deployed} == {n: p.version for n, p in deployed.items()}


def test_the_runtime_dependencies_are_the_five() -> None:
    """A further one needs a reason that the README gives."""
    assert [Requirement(text).name for text in PROJECT["project"]["dependencies"]] == [
        "dlt",
        "functions-framework",
        "google-cloud-bigquery",
        "google-cloud-secret-manager",
        "google-crc32c",
    ]
