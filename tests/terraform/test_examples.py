"""The module is called by others: each example is planned, and one configuration calls it twice."""

import shutil
from pathlib import Path

import pytest

from local.processes import ROOT

from .deployment import (
    Resource,
    assert_each_run_passed,
    need_terraform,
    resources,
    run_tests,
    states_of,
    terraform,
)

# In one process, so that the fixtures run once.
pytestmark = pytest.mark.xdist_group("terraform")

EXAMPLES = sorted(path.name for path in (ROOT / "terraform/examples").iterdir())

MOCKS = """
mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = { email = "any@my-project-1.iam.gserviceaccount.com" }
  }
  mock_resource "google_artifact_registry_repository" {
    defaults = { id = "projects/my-project-1/locations/us-central1/repositories/any" }
  }
  mock_resource "google_cloudfunctions2_function" {
    defaults = {
      state          = "ACTIVE"
      service_config = { uri = "https://any.a.run.app" }
    }
  }
  mock_resource "google_pubsub_topic" {
    defaults = { id = "projects/my-project-1/topics/any" }
  }
  mock_resource "google_compute_network" {
    defaults = { id = "projects/my-project-1/global/networks/any" }
  }
  mock_resource "google_compute_subnetwork" {
    defaults = { id = "projects/my-project-1/regions/europe-west1/subnetworks/any" }
  }
  mock_resource "google_compute_address" {
    defaults = {
      self_link = "https://www.googleapis.com/compute/v1/projects/p/regions/r/addresses/any"
    }
  }
}
mock_provider "google-beta" {
  mock_resource "google_project_service_identity" {
    defaults = { member = "serviceAccount:any@gcp-sa-pubsub.iam.gserviceaccount.com" }
  }
}
mock_provider "archive" {}
mock_provider "time" {}
"""

TWICE = """
module "scanner_sync" {
  for_each   = toset(["one", "two"])
  source     = "../.."
  depends_on = [terraform_data.before]

  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
  name         = "sync-${each.key}"
  dataset      = "scanner_${each.key}"
  region       = each.key == "one" ? "us-central1" : "europe-west1"
}
resource "terraform_data" "before" {}
"""


@pytest.fixture
def folder(project: Path) -> Path:
    """Return a folder for a configuration that calls the module by its path."""
    need_terraform()
    return project / "terraform/examples"


def applied(configuration: Path) -> list[Resource]:
    """Plan and apply a configuration with mocked providers; return the resources of its modules."""
    initialized = terraform(configuration, "init", "-backend=false", "-input=false", "-no-color")
    assert initialized.returncode == 0, initialized.stderr
    test = configuration / "tests/applied.tftest.hcl"
    test.parent.mkdir()
    test.write_text(f'{MOCKS}\nrun "applied" {{}}\n')
    messages = run_tests(configuration, "-verbose")
    assert_each_run_passed(messages, test)
    state = states_of(messages)["applied"]
    return [
        resource
        for module in state["root_module"]["child_modules"]
        for resource in resources({"root_module": module})
    ]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_applied(folder: Path, module: Path, name: str) -> None:
    """It is complete, and what it makes is in its project."""
    assert (module / "examples" / name) == (folder / name)
    made = applied(folder / name)
    projects = {
        resource["values"]["project"]
        for resource in made
        if resource["mode"] == "managed" and "project" in resource["values"]
    }
    assert projects == {"my-project-1"}
    [function] = [of for of in made if of["type"] == "google_cloudfunctions2_function"]
    [service] = function["values"]["service_config"]
    assert bool(service["direct_vpc_network_interface"]) is (name == "company-network")


def test_a_configuration_can_have_two(folder: Path, module: Path) -> None:
    """The module can be called with for_each and depends_on, and the two share no file or name."""
    configuration = folder / "twice"
    shutil.rmtree(configuration, ignore_errors=True)
    configuration.mkdir()
    (configuration / "main.tf").write_text(TWICE)
    shutil.copy(folder / "one-account/versions.tf", configuration)
    made = applied(configuration)
    for kind, argument in {
        "archive_file": "output_path",
        "google_storage_bucket": "name",
        "google_cloudfunctions2_function": "name",
        "google_bigquery_dataset": "dataset_id",
        "google_secret_manager_secret": "secret_id",
        "google_artifact_registry_repository": "repository_id",
        "google_cloud_scheduler_job": "name",
        "google_logging_metric": "name",
    }.items():
        named = [of["values"][argument] for of in made if of["type"] == kind]
        assert len(named) >= 2, kind
        assert len(named) == len(set(named)), kind
    locations = {of["values"]["location"] for of in made if of["type"] == "google_storage_bucket"}
    assert locations == {"us-central1", "europe-west1"}
