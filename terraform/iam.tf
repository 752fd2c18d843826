# All grants: each on a single resource where the platform allows it. A test checks the complete list.

# Each is read once. Terraform would build all 500 resources again for each reference to one of them, and its plan take
# minutes and gigabytes.
locals {
  account_secrets          = { for account, secret in google_secret_manager_secret.account_token : account => secret.secret_id }
  account_datasets         = { for account, dataset in google_bigquery_dataset.account_tables : account => dataset.dataset_id }
  account_staging_datasets = { for account, dataset in google_bigquery_dataset.account_staging : account => dataset.dataset_id }
}

# The runtime reads the token ...
resource "google_secret_manager_secret_iam_member" "runtime_reads_token" {
  project   = var.project_id
  secret_id = google_secret_manager_secret.access_token.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}

# ... writes the tables ...
resource "google_bigquery_dataset_iam_member" "runtime_writes_tables" {
  project    = var.project_id
  dataset_id = google_bigquery_dataset.tables.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.runtime.member
}

resource "google_bigquery_dataset_iam_member" "runtime_writes_staging" {
  project    = var.project_id
  dataset_id = google_bigquery_dataset.staging.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.runtime.member
}

# ... does both for each account ...
resource "google_secret_manager_secret_iam_member" "runtime_reads_account_token" {
  for_each = local.accounts

  project   = var.project_id
  secret_id = local.account_secrets[each.key]
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}

resource "google_bigquery_dataset_iam_member" "runtime_writes_account_tables" {
  for_each = local.accounts

  project    = var.project_id
  dataset_id = local.account_datasets[each.key]
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.runtime.member
}

resource "google_bigquery_dataset_iam_member" "runtime_writes_account_staging" {
  for_each = local.accounts

  project    = var.project_id
  dataset_id = local.account_staging_datasets[each.key]
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.runtime.member
}

# ... and runs the jobs that do so. BigQuery jobs belong to a project, not to a dataset.
resource "google_project_iam_member" "runtime_runs_jobs" {
  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.runtime.member
}

# The build reads the archive ...
resource "google_storage_bucket_iam_member" "build_reads_source" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}

# ... and its copy: Cloud Functions copies each archive to a bucket that it creates, and the build reads it from there.
# That bucket does not exist before the first deployment, so this grant is on the project, with a condition on the name.
resource "google_project_iam_member" "build_reads_copied_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title       = "source-of-functions"
    description = "Only the bucket that Cloud Functions copies source archives to."
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")"
  }
}

# ... writes the image ...
resource "google_artifact_registry_repository_iam_member" "build_writes_images" {
  project    = var.project_id
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

# ... and writes its log. Logs belong to a project.
resource "google_project_iam_member" "build_writes_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# The scheduler's account calls the function, which is a Cloud Run service with the same name.
resource "google_cloud_run_v2_service_iam_member" "scheduler_calls_function" {
  project  = var.project_id
  location = google_cloudfunctions2_function.sync.location
  name     = google_cloudfunctions2_function.sync.name
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}

# So may the members in `invokers`. `gcloud functions call` looks the function up before it calls it.
resource "google_cloud_run_v2_service_iam_member" "invoker_calls_function" {
  for_each = var.invokers

  project  = var.project_id
  location = google_cloudfunctions2_function.sync.location
  name     = google_cloudfunctions2_function.sync.name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloudfunctions2_function_iam_member" "invoker_looks_up_function" {
  for_each = var.invokers

  project        = var.project_id
  location       = google_cloudfunctions2_function.sync.location
  cloud_function = google_cloudfunctions2_function.sync.name
  role           = "roles/cloudfunctions.viewer"
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
  role    = "roles/pubsub.publisher"
  member  = google_project_service_identity.pubsub[0].member
}

resource "google_pubsub_subscription_iam_member" "pubsub_takes_undelivered" {
  count = var.trigger == "pubsub" ? 1 : 0

  project      = var.project_id
  subscription = google_pubsub_subscription.runs[0].name
  role         = "roles/pubsub.subscriber"
  member       = google_project_service_identity.pubsub[0].member
}

# It calls the function in the name of the scheduler's account. In projects from before April 2021 it needs this grant.
resource "google_service_account_iam_member" "pubsub_calls_as_scheduler" {
  count = var.trigger == "pubsub" ? 1 : 0

  service_account_id = google_service_account.scheduler.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_project_service_identity.pubsub[0].member
}
