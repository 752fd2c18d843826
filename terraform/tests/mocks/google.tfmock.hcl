# Values that the provider computes, in the format that its validation expects.

override_resource {
  target = google_service_account.runtime
  values = {
    id     = "projects/my-project-1/serviceAccounts/runtime@my-project-1.iam.gserviceaccount.com"
    name   = "projects/my-project-1/serviceAccounts/runtime@my-project-1.iam.gserviceaccount.com"
    email  = "runtime@my-project-1.iam.gserviceaccount.com"
    member = "serviceAccount:runtime@my-project-1.iam.gserviceaccount.com"
  }
}

override_resource {
  target = google_service_account.build
  values = {
    id     = "projects/my-project-1/serviceAccounts/build@my-project-1.iam.gserviceaccount.com"
    name   = "projects/my-project-1/serviceAccounts/build@my-project-1.iam.gserviceaccount.com"
    email  = "build@my-project-1.iam.gserviceaccount.com"
    member = "serviceAccount:build@my-project-1.iam.gserviceaccount.com"
  }
}

override_resource {
  target = google_service_account.scheduler
  values = {
    id     = "projects/my-project-1/serviceAccounts/scheduler@my-project-1.iam.gserviceaccount.com"
    name   = "projects/my-project-1/serviceAccounts/scheduler@my-project-1.iam.gserviceaccount.com"
    email  = "scheduler@my-project-1.iam.gserviceaccount.com"
    member = "serviceAccount:scheduler@my-project-1.iam.gserviceaccount.com"
  }
}

mock_resource "google_artifact_registry_repository" {
  defaults = {
    id = "projects/my-project-1/locations/us-central1/repositories/scanner-sync"
  }
}

mock_resource "google_cloudfunctions2_function" {
  defaults = {
    state = "ACTIVE"
    service_config = {
      uri = "https://scanner-sync-abc-uc.a.run.app"
    }
  }
}

override_resource {
  target = google_pubsub_topic.runs
  values = {
    id = "projects/my-project-1/topics/scanner-sync-runs"
  }
}

override_resource {
  target = google_pubsub_topic.dead_letters
  values = {
    id = "projects/my-project-1/topics/scanner-sync-dead-letters"
  }
}

mock_resource "google_project_service_identity" {
  defaults = {
    member = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
  }
}
