# Who may do what: one block each, on the one resource wherever the platform allows it. A test holds the whole list.

# The runtime reads the token ...
resource "google_secret_manager_secret_iam_member" "runtime_reads_token" {
  project   = var.project_id
  secret_id = google_secret_manager_secret.access_token.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}

# ... writes the tables ...
resource "google_bigquery_dataset_iam_member" "runtime_writes_tables" {
  dataset_id = google_bigquery_dataset.tables.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.runtime.member
}

resource "google_bigquery_dataset_iam_member" "runtime_writes_staging" {
  dataset_id = google_bigquery_dataset.staging.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.runtime.member
}

# ... and runs the jobs that do so. Jobs belong to a project, not to a dataset.
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

# ... in truth a copy of it: Cloud Functions copies each archive to a bucket of its own and the build fetches it from
# there. That bucket is made on the first deployment, so it cannot be named here; the condition admits it alone.
resource "google_project_iam_member" "build_reads_copied_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title       = "source-of-functions"
    description = "Only the bucket to which Cloud Functions copies what it builds."
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")"
  }
}

# ... writes the image ...
resource "google_artifact_registry_repository_iam_member" "build_writes_images" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

# ... and logs how it went. Logs belong to a project.
resource "google_project_iam_member" "build_writes_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# The scheduler's account calls the function. A function's service has the function's name.
resource "google_cloud_run_v2_service_iam_member" "scheduler_calls_function" {
  location = google_cloudfunctions2_function.sync.location
  name     = google_cloudfunctions2_function.sync.name
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}

# So do the people named; `gcloud functions call` looks the function up before it calls.
resource "google_cloud_run_v2_service_iam_member" "invoker_calls_function" {
  for_each = var.invokers

  location = google_cloudfunctions2_function.sync.location
  name     = google_cloudfunctions2_function.sync.name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloudfunctions2_function_iam_member" "invoker_looks_up_function" {
  for_each = var.invokers

  location       = google_cloudfunctions2_function.sync.location
  cloud_function = google_cloudfunctions2_function.sync.name
  role           = "roles/cloudfunctions.viewer"
  member         = each.value
}

# Pub/Sub moves what could not be delivered with the rights of its own service agent: it publishes the message to the
# one topic and acknowledges it on the other's subscription.
data "google_project" "this" {
  count = var.trigger == "pubsub" ? 1 : 0

  project_id = var.project_id

  depends_on = [google_project_service.required]
}

resource "google_pubsub_topic_iam_member" "pubsub_publishes_dead_letters" {
  count = var.trigger == "pubsub" ? 1 : 0

  topic  = google_pubsub_topic.dead_letters[0].name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:service-${data.google_project.this[0].number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_subscription_iam_member" "pubsub_takes_undelivered" {
  count = var.trigger == "pubsub" ? 1 : 0

  subscription = google_pubsub_subscription.runs[0].name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:service-${data.google_project.this[0].number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}
