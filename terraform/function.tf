locals {
  billing_project       = coalesce(var.bigquery_billing_project, var.project_id)
  sync_deadline_seconds = coalesce(var.sync_deadline_seconds, var.trigger == "pubsub" ? 420 : 1500)

  # The program stops first, so that it can log why. Then the platform ends the request, then the caller stops waiting.
  # In any other order the caller could start a second run while the first is still running.
  function_timeout_seconds = local.sync_deadline_seconds + 60
  caller_deadline_seconds  = local.function_timeout_seconds + 60

  # With `accounts`, a call names its account, and the program puts the name in the place of `{account}`. So it has no list
  # of accounts, and is not deployed again for a new one.
  secret_of_call  = var.accounts == null ? local.secrets[""] : "${var.name}-{account}-token"
  dataset_of_call = var.accounts == null ? google_bigquery_dataset.tables.dataset_id : "${var.dataset}_{account}"

  # All settings that the program reads in the cloud. The token is not one of them: the program reads it from Secret
  # Manager on every run, so a new token is used at once.
  settings = {
    API_BASE_URL             = var.api_base_url
    ACCESS_TOKEN_SECRET      = "projects/${var.project_id}/secrets/${local.secret_of_call}"
    GOOGLE_CLOUD_PROJECT     = var.project_id
    BIGQUERY_BILLING_PROJECT = local.billing_project
    DATASET                  = local.dataset_of_call
    BIGQUERY_LOCATION        = var.bigquery_location
    EXPOSED_TAGS             = join(",", var.exposed_tags)
    INTERNAL_TAGS            = join(",", var.internal_tags)
    PAGE_SIZE                = tostring(var.page_size)
    MAX_CONCURRENT_REQUESTS  = tostring(var.max_concurrent_requests)
    MAX_REQUESTS_PER_SYNC    = tostring(var.max_requests_per_sync)
    FULL_READ_HOURS          = tostring(var.full_read_hours)
    SYNC_DEADLINE_SECONDS    = tostring(local.sync_deadline_seconds)
    INTELLIGENCE             = join(",", var.intelligence)
    KEV_URL                  = var.kev_url
    EPSS_URL                 = var.epss_url
    SSVC_URL                 = var.ssvc_url
    LOG_LEVEL                = var.log_level
  }
}

# A separate repository for the function's images, so that the build may write to this one only.
resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84: encrypted with Google's keys unless `kms_keys` names others

  project       = var.project_id
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the function ${var.name}."
  labels        = local.labels
  kms_key_name  = lookup(var.kms_keys, var.region, null)

  cleanup_policies {
    id     = "keep-the-last-five"
    action = "KEEP"

    most_recent_versions {
      keep_count = 5
    }
  }

  cleanup_policies {
    id     = "delete-after-30-days"
    action = "DELETE"

    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

# A grant takes up to two minutes to work. Terraform does not wait for that, and a build that starts too early fails.
resource "time_sleep" "until_build_may_start" {
  create_duration = "120s"

  # A new account waits again.
  triggers = { account = local.members.build }

  depends_on = [
    google_artifact_registry_repository_iam_member.build_writes_images,
    google_project_iam_member.build_reads_copied_source,
    google_project_iam_member.build_writes_logs,
    google_storage_bucket_iam_member.build_reads_source,
  ]
}

resource "google_cloudfunctions2_function" "sync" {
  #checkov:skip=CKV_GCP_124: `gcloud functions call` comes from outside; IAM decides who may call, and `ingress` can close it

  project      = var.project_id
  name         = var.name
  location     = var.region
  description  = "Syncs the vulnerability scanner's API into BigQuery."
  labels       = local.labels
  kms_key_name = lookup(var.kms_keys, var.region, null)

  build_config {
    runtime           = "python313"
    entry_point       = var.trigger == "pubsub" ? "sync_event" : "sync_http"
    docker_repository = google_artifact_registry_repository.images.id
    service_account   = local.account_names.build
    worker_pool       = var.worker_pool

    # After an update that failed, Terraform's state has the new archive although the old code runs. The archive is not read
    # back from Google, but these variables are: what differs there is built again by the next apply.
    environment_variables = merge(
      { SOURCE_DIGEST = local.source_digest },
      var.rebuild == null ? {} : { REBUILD = var.rebuild },
    )

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  # There is no event_trigger, not even with `pubsub`: see trigger.tf.
  service_config {
    service_account_email = local.emails.runtime
    available_memory      = var.memory
    available_cpu         = "1"
    timeout_seconds       = local.function_timeout_seconds
    ingress_settings      = var.ingress
    environment_variables = local.settings

    # One run at a time: two would load into the same staging tables. Accounts have their own, so theirs run side by side.
    min_instance_count               = 0
    max_instance_count               = var.accounts == null ? 1 : var.max_parallel_syncs
    max_instance_request_concurrency = 1

    # Through a connector, or directly into a subnetwork.
    vpc_connector                 = var.egress.connector
    vpc_connector_egress_settings = var.egress.connector == null ? null : var.egress.all_traffic ? "ALL_TRAFFIC" : "PRIVATE_RANGES_ONLY"
    direct_vpc_egress             = var.egress.subnetwork == null ? null : var.egress.all_traffic ? "VPC_EGRESS_ALL_TRAFFIC" : "VPC_EGRESS_PRIVATE_RANGES_ONLY"

    dynamic "direct_vpc_network_interface" {
      for_each = compact([var.egress.subnetwork])

      content {
        network    = var.egress.network
        subnetwork = var.egress.subnetwork
        tags       = var.egress.tags
      }
    }
  }

  depends_on = [time_sleep.until_build_may_start]
}

# A function whose update failed may be reported with the new configuration all the same. Then only its state tells. This is
# a warning: an error would stop the apply that mends it.
check "function_is_active" {
  assert {
    condition     = google_cloudfunctions2_function.sync.state == "ACTIVE"
    error_message = "The function ${google_cloudfunctions2_function.sync.name} is ${google_cloudfunctions2_function.sync.state}, not ACTIVE: its last build or update failed, and older code may be running. Correct what the log of the build says. If the plan has no change of the function, set the variable rebuild to another value, such as the date, and apply again. docs/runbook.md says more under \"A build failed\"."
  }
}
