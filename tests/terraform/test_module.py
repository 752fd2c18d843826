"""The module itself: its format, its own tests, and its variables."""

import re
from pathlib import Path

import pytest

from local.processes import ROOT
from local.terraform_tables import argument, blocks, description
from tests.docs.markdown import table

from .deployment import (
    Message,
    assert_each_run_passed,
    need_terraform,
    run_tests,
    terraform,
)
from .test_grants import KINDS

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

TESTS = ROOT / "terraform/tests"
REFUSALS = TESTS / "variables/refusals.tftest.hcl"


def test_is_formatted() -> None:
    """`terraform fmt` has nothing to change."""
    need_terraform()
    done = terraform(ROOT / "terraform", "fmt", "-check", "-diff", "-recursive", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_is_valid(module: Path) -> None:
    """Each resource has its required arguments, and no unknown one."""
    done = terraform(module, "validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_build_waits_for_its_grants(module: Path) -> None:
    """The function comes after a pause, and the pause after each grant of the build's account."""
    done = terraform(module, "graph")
    assert done.returncode == 0, done.stderr
    edges = set(re.findall(r'"(\S+)" -> "(\S+)"', done.stdout))
    pause = "time_sleep.until_build_may_start"
    granted = re.findall(r'(?m)^resource "(\w+)" "(build_\w+)"', (module / "iam.tf").read_text())
    assert ("google_cloudfunctions2_function.sync", pause) in edges
    assert {after for before, after in edges if before == pause} == {
        ".".join(address) for address in granted
    }


def test_everything_waits_until_apis_work(module: Path) -> None:
    """Each resource of Google comes after the pause that follows the APIs, directly or not."""
    done = terraform(module, "graph")
    edges = re.findall(r'"(\S+)" -> "(\S+)"', done.stdout)
    waiting = {"time_sleep.until_apis_work"}
    while more := {user for user, used in edges if used in waiting} - waiting:
        waiting |= more
    text = "".join(path.read_text() for path in module.glob("*.tf"))
    named = {".".join(of) for of in re.findall(r'(?m)^resource "(google_\w+)" "(\w+)"', text)}
    assert named - waiting == {"google_project_service.required"}


def test_own_tests_pass(module_tests: list[Message]) -> None:
    """Every run of every file in terraform/tests passes."""
    assert_each_run_passed(module_tests, *TESTS.glob("*.tftest.hcl"))


def test_refusals(project: Path) -> None:
    """Every value in refusals.tftest.hcl is refused."""
    need_terraform()
    folder = project / "terraform/tests/variables"
    assert (folder / "variables.tf").read_text() == (ROOT / "terraform/variables.tf").read_text()
    assert_each_run_passed(run_tests(folder), REFUSALS)


def test_each_validation_refuses_something() -> None:
    """Each validation of a variable has at least one run with a value that it refuses."""
    runs = re.findall(
        r'^run "(\w+)__\w+" {\n.*?expect_failures = \[var\.(\w+)\]',
        REFUSALS.read_text(),
        re.M | re.S,
    )
    assert runs
    assert all(name == expected for name, expected in runs)
    refusals = [name for name, _ in runs]
    for name, block in blocks("variables.tf", "variable").items():
        assert refusals.count(name) >= block.count("  validation {"), name


def test_variables_are_typed_described_and_validated() -> None:
    """Each variable has a type, a description and, unless it is a bool, a validation."""
    variables = blocks("variables.tf", "variable")
    for name, block in variables.items():
        assert argument(block, "type"), name
        assert description(block).endswith("."), name
        assert "  validation {" in block or argument(block, "type") == "bool", name
    required = {name for name, block in variables.items() if not argument(block, "default")}
    assert required == {"project_id", "api_base_url"}


def test_the_roles_for_an_apply_cover_what_it_makes() -> None:
    """Each type of resource of Google is in one line of the table of roles, and no other is."""
    lines = table("docs/first-deployment.md", "The roles that you need")
    named = [kind for _, made in lines for kind in re.findall(r"`(google_\w+)`", made)]
    assert sorted(named) == sorted(kind for kind in KINDS if kind.startswith("google_"))


def test_policies_name_variables_that_exist() -> None:
    """What the document says to set can be set, and what it says of a secret is so."""
    lines = table("docs/first-deployment.md", "Policies that stop an apply")
    named = {name for *_, to_set in lines for name in re.findall(r"`([a-z_]+)[`\s]", to_set)}
    assert named <= blocks("variables.tf", "variable").keys()
    assert {"secret_locations", "kms_keys", "service_accounts", "ingress", "egress"} <= named


def test_each_role_can_be_replaced() -> None:
    """The roles that `roles` may replace are those that the module grants."""
    granted = (ROOT / "terraform/iam.tf").read_text()
    listed = re.findall(
        r'^      "(roles/\S+)",$', blocks("variables.tf", "variable")["roles"], re.M
    )
    assert listed == sorted(set(re.findall(r'"(roles/[\w.]+)"', granted)))
    assert all(granted.count(f'"{role}"') % 2 == 0 for role in listed), "each by lookup()"


def test_the_module_has_no_provider_blocks() -> None:
    """With one, nobody could call the module with for_each, count or depends_on."""
    files = [*(ROOT / "terraform").glob("*.tf"), *(ROOT / "terraform/examples").rglob("*.tf")]
    assert not [file for file in files if re.search(r"(?m)^provider ", file.read_text())]


def test_example_of_variables_names_real_ones() -> None:
    """terraform.tfvars.example sets the required variables and names only existing ones."""
    text = (ROOT / "terraform" / "terraform.tfvars.example").read_text()
    variables = blocks("variables.tf", "variable")
    assert set(re.findall(r"^#? ?(\w+) +=", text, re.MULTILINE)) <= set(variables)
    assert set(re.findall(r"^(\w+) +=", text, re.MULTILINE)) == {"project_id", "api_base_url"}
