locals {
  labels = merge(var.labels, { app = var.name, managed-by = "terraform" })

  # By what they are needed for. All groups but the first are empty by default.
  services = {
    always = [
      "artifactregistry.googleapis.com",
      "bigquery.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudfunctions.googleapis.com",
      "cloudresourcemanager.googleapis.com",
      "cloudscheduler.googleapis.com",
      "iam.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "storage.googleapis.com",
    ]
    quotas = var.max_daily_query_gib == null ? [] : ["cloudquotas.googleapis.com"]
    pubsub = var.trigger == "pubsub" ? ["pubsub.googleapis.com"] : []
  }
}

# Destroy leaves the APIs enabled: other parts of the project may need them.
resource "google_project_service" "required" {
  for_each = toset(flatten(values(local.services)))

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

# An API that was enabled a moment ago answers with 403 SERVICE_DISABLED now and then, which the provider does not repeat.
# Each other resource waits here. Where all APIs of a group were enabled before, there is no pause.
resource "time_sleep" "until_apis_work" {
  for_each = { for group, services in local.services : group => services if length(services) > 0 }

  create_duration = "60s"
  triggers        = { services = join(" ", [for service in each.value : google_project_service.required[service].id]) }
}
