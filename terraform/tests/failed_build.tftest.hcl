# A build that failed: Terraform's state has what was planned, and Google says that the function is not active.

mock_provider "google" {
  source = "./tests/mocks"

  override_resource {
    target = google_cloudfunctions2_function.sync
    values = {
      state = "FAILED"
      service_config = {
        uri = "https://scanner-sync-abc-uc.a.run.app"
      }
    }
  }
}

mock_provider "google-beta" {
  source = "./tests/mocks"
}

mock_provider "archive" {}

mock_provider "time" {}

variables {
  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
}

run "failed" {
  assert {
    condition     = output.function_state == "FAILED"
    error_message = "`make deploy` reads the state of the function from this output"
  }

  expect_failures = [check.function_is_active]
}

run "nothing_was_changed" {
  command = plan

  # A warning: an error would stop the apply that mends it.
  expect_failures = [check.function_is_active]
}

run "built_again" {
  variables {
    rebuild = "2026-01-31"
  }

  assert {
    condition     = google_cloudfunctions2_function.sync.build_config[0].environment_variables == tomap({ SOURCE_DIGEST = terraform_data.source.output, REBUILD = "2026-01-31" })
    error_message = "another text changes a variable of the build, and with that the build"
  }

  expect_failures = [check.function_is_active]
}
