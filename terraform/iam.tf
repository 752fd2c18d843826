# All grants: each on a single resource where the platform allows it. A test checks the complete list.

locals {
  # The only grants on a whole project. With `project_grants = false` they are made elsewhere, as the output lists them.
  project_grants = {
    # BigQuery jobs belong to a project, not to a dataset.
    runtime_runs_jobs = {
      project   = local.billing_project
      role      = lookup(var.roles, "roles/bigquery.jobUser", "roles/bigquery.jobUser")
      member    = local.members.runtime
      condition = null
    }
    # Cloud Functions copies each archive to a bucket that it creates, and the build reads it from there. That bucket does not
    # exist before the first deployment, so this grant is on the project, with a condition on the name.
    build_reads_copied_source = {
      project   = var.project_id
      role      = lookup(var.roles, "roles/storage.objectViewer", "roles/storage.objectViewer")
      member    = local.members.build
      condition = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")"
    }
    # Logs belong to a project.
    build_writes_logs = {
      project   = var.project_id
      role      = lookup(var.roles, "roles/logging.logWriter", "roles/logging.logWriter")
      member    = local.members.build
      condition = null
    }
  }
}

# Each is read once. Terraform would build all 500 resources again for each reference to one of them, and its plan take
# minutes and gigabytes.
locals {
  secrets                  = { for account, secret in google_secret_manager_secret.token : account => secret.secret_id }
  account_datasets         = { for account, dataset in google_bigquery_dataset.account_tables : account => dataset.dataset_id }
  account_staging_datasets = { for account, dataset in google_bigquery_dataset.account_staging : account => dataset.dataset_id }
}

# The runtime reads the tokens ...
resource "google_secret_manager_secret_iam_member" "runtime_reads_tokens" {
  for_each = local.secret_ids

  project   = var.project_id
  secret_id = local.secrets[each.key]
  role      = lookup(var.roles, "roles/secretmanager.secretAccessor", "roles/secretmanager.secretAccessor")
  member    = local.members.runtime
}

moved {
  from = google_secret_manager_secret_iam_member.runtime_reads_token
  to   = google_secret_manager_secret_iam_member.runtime_reads_tokens[""]
}

moved {
  from = google_secret_manager_secret_iam_member.runtime_reads_account_token
  to   = google_secret_manager_secret_iam_member.runtime_reads_tokens
}

# ... writes the tables ...
resource "google_bigquery_dataset_iam_member" "runtime_writes_tables" {
  project    = var.project_id
  dataset_id = google_bigquery_dataset.tables.dataset_id
  role       = lookup(var.roles, "roles/bigquery.dataEditor", "roles/bigquery.dataEditor")
  member     = local.members.runtime
}

resource "google_bigquery_dataset_iam_member" "runtime_writes_staging" {
  project    = var.project_id
  dataset_id = google_bigquery_dataset.staging.dataset_id
  role       = lookup(var.roles, "roles/bigquery.dataEditor", "roles/bigquery.dataEditor")
  member     = local.members.runtime
}

# ... the datasets of each account too ...
resource "google_bigquery_dataset_iam_member" "runtime_writes_account_tables" {
  for_each = local.locations

  project    = var.project_id
  dataset_id = local.account_datasets[each.key]
  role       = lookup(var.roles, "roles/bigquery.dataEditor", "roles/bigquery.dataEditor")
  member     = local.members.runtime
}

resource "google_bigquery_dataset_iam_member" "runtime_writes_account_staging" {
  for_each = local.locations

  project    = var.project_id
  dataset_id = local.account_staging_datasets[each.key]
  role       = lookup(var.roles, "roles/bigquery.dataEditor", "roles/bigquery.dataEditor")
  member     = local.members.runtime
}

# ... and runs the jobs that do so.
resource "google_project_iam_member" "runtime_runs_jobs" {
  count = var.project_grants ? 1 : 0

  project = local.project_grants.runtime_runs_jobs.project
  role    = local.project_grants.runtime_runs_jobs.role
  member  = local.project_grants.runtime_runs_jobs.member
}

# The build reads the archive ...
resource "google_storage_bucket_iam_member" "build_reads_source" {
  bucket = google_storage_bucket.source.name
  role   = lookup(var.roles, "roles/storage.objectViewer", "roles/storage.objectViewer")
  member = local.members.build
}

# ... and the copy that Cloud Functions makes of it ...
resource "google_project_iam_member" "build_reads_copied_source" {
  count = var.project_grants ? 1 : 0

  project = var.project_id
  role    = local.project_grants.build_reads_copied_source.role
  member  = local.project_grants.build_reads_copied_source.member

  condition {
    title       = "source-of-functions"
    description = "Only the bucket that Cloud Functions copies source archives to."
    expression  = local.project_grants.build_reads_copied_source.condition
  }
}

# ... writes the image ...
resource "google_artifact_registry_repository_iam_member" "build_writes_images" {
  project    = var.project_id
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.repository_id
  role       = lookup(var.roles, "roles/artifactregistry.writer", "roles/artifactregistry.writer")
  member     = local.members.build
}

# ... and writes its log.
resource "google_project_iam_member" "build_writes_logs" {
  count = var.project_grants ? 1 : 0

  project = var.project_id
  role    = local.project_grants.build_writes_logs.role
  member  = local.project_grants.build_writes_logs.member
}

# The scheduler's account calls the function, which is a Cloud Run service with the same name.
resource "google_cloud_run_v2_service_iam_member" "scheduler_calls_function" {
  project  = var.project_id
  location = google_cloudfunctions2_function.sync.location
  name     = google_cloudfunctions2_function.sync.name
  role     = lookup(var.roles, "roles/run.invoker", "roles/run.invoker")
  member   = local.members.scheduler
}

# So may the members in `invokers`. `gcloud functions call` looks the function up before it calls it.
resource "google_cloud_run_v2_service_iam_member" "invoker_calls_function" {
  for_each = var.invokers

  project  = var.project_id
  location = google_cloudfunctions2_function.sync.location
  name     = google_cloudfunctions2_function.sync.name
  role     = lookup(var.roles, "roles/run.invoker", "roles/run.invoker")
  member   = each.value
}

resource "google_cloudfunctions2_function_iam_member" "invoker_looks_up_function" {
  for_each = var.invokers

  project        = var.project_id
  location       = google_cloudfunctions2_function.sync.location
  cloud_function = google_cloudfunctions2_function.sync.name
  role           = lookup(var.roles, "roles/cloudfunctions.viewer", "roles/cloudfunctions.viewer")
  member         = each.value
}

# Pub/Sub's service agent. In a new project it does not exist until somebody asks for it, and a grant to it fails.
resource "google_project_service_identity" "pubsub" {
  count = var.trigger == "pubsub" ? 1 : 0

  provider = google-beta
  project  = var.project_id
  service  = "pubsub.googleapis.com"

  depends_on = [time_sleep.until_apis_work]
}

# It moves undelivered messages: it publishes them to the dead-letter topic and acknowledges them on the subscription.
resource "google_pubsub_topic_iam_member" "pubsub_publishes_dead_letters" {
  count = var.trigger == "pubsub" ? 1 : 0

  project = var.project_id
  topic   = google_pubsub_topic.dead_letters[0].name
  role    = lookup(var.roles, "roles/pubsub.publisher", "roles/pubsub.publisher")
  member  = google_project_service_identity.pubsub[0].member
}

resource "google_pubsub_subscription_iam_member" "pubsub_takes_undelivered" {
  count = var.trigger == "pubsub" ? 1 : 0

  project      = var.project_id
  subscription = google_pubsub_subscription.runs[0].name
  role         = lookup(var.roles, "roles/pubsub.subscriber", "roles/pubsub.subscriber")
  member       = google_project_service_identity.pubsub[0].member
}

# It calls the function in the name of the scheduler's account. In projects from before April 2021 it needs this grant.
resource "google_service_account_iam_member" "pubsub_calls_as_scheduler" {
  count = var.trigger == "pubsub" ? 1 : 0

  service_account_id = local.account_names.scheduler
  role               = lookup(var.roles, "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountTokenCreator")
  member             = google_project_service_identity.pubsub[0].member
}
