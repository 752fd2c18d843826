"""What a release consists of: its files, its notes, and the image for Cloud Run."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import requests
import yaml

from local.dist import checkout_digest, deployed_files
from local.processes import ROOT, serving
from scanner_sync import __version__

NAMES = (
    f"scanner_sync-{__version__}.tar.gz",
    f"scanner_sync-{__version__}-py3-none-any.whl",
    f"scanner-sync-function-{__version__}.zip",
    f"scanner-sync-{__version__}.cdx.json",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which `make dist` has built a release."""
    folder = tmp_path_factory.mktemp("release") / "dist"
    build(folder)
    return folder


def build(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "local.dist", folder], cwd=ROOT, check=True)


def test_a_checkout_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Whoever builds it again can compare, and the checksums fit the files."""
    build(tmp_path)
    contents = {path.name: path.read_bytes() for path in built.iterdir()}
    assert contents.keys() == {*NAMES, "SHA256SUMS"}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == contents
    sums = [line.split("  ") for line in contents["SHA256SUMS"].decode().splitlines()]
    assert {name: digest for digest, name in sums} == {
        name: hashlib.sha256(contents[name]).hexdigest() for name in NAMES
    }


def test_the_archive_is_what_is_deployed(built: Path) -> None:
    """Its files and its digest are the same as Terraform's. The sdist has the program."""
    with zipfile.ZipFile(built / NAMES[2]) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            **{name: (ROOT / name).read_bytes() for name in deployed_files()},
            "scanner_sync/archive.sha256": checkout_digest().encode(),
        }
    with tarfile.open(built / NAMES[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    program = {name for name in deployed_files() if name.startswith("scanner_sync/")}
    assert program < names
    assert not any(name.startswith(("tests", ".dlt")) for name in names)


def test_the_list_of_packages_is_the_lock(built: Path) -> None:
    """Each package once, in its version and with all hashes that pip accepts for it."""
    sbom = json.loads((built / NAMES[3]).read_text())
    about = sbom["metadata"]["component"]
    assert (sbom["bomFormat"], about["name"], about["version"]) == (
        *("CycloneDX", "scanner-sync", __version__),
    )
    lock = (ROOT / "requirements.txt").read_text()
    pinned = {
        (name.partition("[")[0], version): set(re.findall("sha256:([0-9a-f]{64})", hashes))
        for name, version, hashes in re.findall(r"(?m)^(\S+)==(\S+)(.*\n(?:    --hash.*\n)+)", lock)
    }
    listed = [(of["name"], of["version"]) for of in sbom["components"]]
    assert len(set(listed)) == len(listed)
    assert {
        (of["name"], of["version"]): {
            given["content"]
            for reference in of["externalReferences"]
            for given in reference.get("hashes", [])
        }
        for of in sbom["components"]
    } == pinned


@pytest.mark.parametrize(("tag", "status"), [(f"v{__version__}", 0), ("v0.1.0", 1)])
def test_the_workflow_takes_the_tag_of_this_version(tag: str, status: int, tmp_path: Path) -> None:
    """Of another it builds nothing. The notes of the release are a section of the changelog."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    run = {step.get("name"): step.get("run") for step in workflow["jobs"]["build"]["steps"]}
    (tmp_path / "dist").mkdir()
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    shutil.copytree(ROOT / "scanner_sync", tmp_path / "scanner_sync")

    def step(name: str) -> int:
        environment = os.environ | {"GITHUB_REF_NAME": tag}
        done = subprocess.run(
            ["bash", "-euc", run[name]], cwd=tmp_path, env=environment, check=False
        )
        return done.returncode

    assert step("The tag is the version") == status
    assert step("What has changed, from the changelog") == 0
    notes = (tmp_path / "dist/CHANGES.md").read_text()
    sections = re.split(r"(?m)^## \[(.*?)\].*\n", (ROOT / "CHANGELOG.md").read_text())
    assert notes == ("" if status else sections[sections.index(__version__) + 1])


def test_the_changelog_has_this_version() -> None:
    """It begins with what is not released yet, if anything, and then with this version."""
    versions = re.findall(r"(?m)^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text())
    assert next(version for version in versions if version != "Unreleased") == __version__


def test_an_image_has_what_is_deployed() -> None:
    """What may be copied into it is what `gcloud functions deploy` uploads."""
    kept = [
        [line for line in (ROOT / name).read_text().splitlines() if line[0] in "!*/"]
        for name in (".dockerignore", ".gcloudignore")
    ]
    assert kept[0] == kept[1]


def test_the_image_serves_the_function(tmp_path: Path) -> None:
    """With its files, environment and command, the server starts and answers what is missing."""
    _, image = (ROOT / "Dockerfile").read_text().split("\nFROM ", maxsplit=1)[1].split("\nFROM ")
    for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", image):
        *sources, target = line.split()
        for source in sources:
            kept = [name for name in deployed_files() if f"{name}/".startswith(f"{source}/")]
            assert kept, source
            for name in kept:
                path = tmp_path / target / name.removeprefix(f"{target.removeprefix('./')}/")
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, path)
    environment = dict(
        re.findall(r"(\w+)=(\S+)", re.findall(r"(?s)^ENV .*?\n(?=\S)", image, re.M)[0])
    )
    assert environment.pop("PATH") == "/packages/bin:$PATH"
    environment |= {"PORT": "0", "GUNICORN_LOG_LEVEL": "info", "PYTHONPATH": ""}
    [command] = json.loads(re.findall(r"(?m)^CMD (.*)$", image)[0])
    program = str(Path(sys.executable).with_name(command))
    moved = ["sh", "-c", f"cd {tmp_path} && exec {program}"]
    with serving(moved, environment, r"Listening at: http://\S+:(\d+)") as port:
        answer = requests.post(f"http://127.0.0.1:{port}", timeout=60)
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "SettingsError")
