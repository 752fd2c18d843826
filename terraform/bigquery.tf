# Terraform creates both datasets, so the program does not need the right to create datasets.
#
# While `deletion_protection` is on, Terraform refuses to destroy them. BigQuery itself refuses to delete a dataset that
# has tables, whatever that variable says.

resource "google_bigquery_dataset" "tables" {
  #checkov:skip=CKV_GCP_81: encrypted with Google's keys unless `kms_keys` names others

  project                    = var.project_id
  dataset_id                 = var.dataset
  friendly_name              = var.dataset
  description                = "The vulnerability scanner's issues, occurrences, fixed occurrences, scans, targets, schedules, tags and licenses, synced by ${var.name}."
  location                   = var.bigquery_location
  labels                     = local.labels
  delete_contents_on_destroy = false
  deletion_policy            = var.deletion_protection ? "PREVENT" : "DELETE"

  dynamic "default_encryption_configuration" {
    for_each = compact([lookup(var.kms_keys, var.bigquery_location, null)])

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

# dlt loads rows here first, then merges them into the tables. dlt sets the name.
resource "google_bigquery_dataset" "staging" {
  #checkov:skip=CKV_GCP_81: encrypted with Google's keys unless `kms_keys` names others

  project                    = var.project_id
  dataset_id                 = "${var.dataset}_staging"
  friendly_name              = "${var.dataset}_staging"
  description                = "Staging for ${var.dataset}: rows of the last load. Used by ${var.name} only."
  location                   = var.bigquery_location
  labels                     = local.labels
  delete_contents_on_destroy = false
  deletion_policy            = var.deletion_protection ? "PREVENT" : "DELETE"

  dynamic "default_encryption_configuration" {
    for_each = compact([lookup(var.kms_keys, var.bigquery_location, null)])

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

# The same for each account, in its own location. An account that is removed from `accounts` keeps its datasets: Terraform
# only forgets them.

resource "google_bigquery_dataset" "account_tables" {
  #checkov:skip=CKV_GCP_81: encrypted with Google's keys unless `kms_keys` names others

  for_each = local.locations

  project                    = var.project_id
  dataset_id                 = "${var.dataset}_${each.key}"
  friendly_name              = "${var.dataset}_${each.key}"
  description                = "The vulnerability scanner's data of the account ${each.key}, synced by ${var.name}."
  location                   = each.value
  labels                     = local.labels
  delete_contents_on_destroy = false
  deletion_policy            = var.deletion_protection ? "ABANDON" : "DELETE"

  dynamic "default_encryption_configuration" {
    for_each = compact([lookup(var.kms_keys, each.value, null)])

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

resource "google_bigquery_dataset" "account_staging" {
  #checkov:skip=CKV_GCP_81: encrypted with Google's keys unless `kms_keys` names others

  for_each = local.locations

  project                    = var.project_id
  dataset_id                 = "${var.dataset}_${each.key}_staging"
  friendly_name              = "${var.dataset}_${each.key}_staging"
  description                = "Staging for ${var.dataset}_${each.key}: rows of the last load. Used by ${var.name} only."
  location                   = each.value
  labels                     = local.labels
  delete_contents_on_destroy = false
  deletion_policy            = var.deletion_protection ? "ABANDON" : "DELETE"

  dynamic "default_encryption_configuration" {
    for_each = compact([lookup(var.kms_keys, each.value, null)])

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

# Per day and per user: a service account is a user too. BigQuery counts in MiB.
resource "google_cloud_quotas_quota_preference" "queries" {
  count = var.max_daily_query_gib == null ? 0 : 1

  parent   = "projects/${local.billing_project}"
  name     = "${var.name}-queries"
  service  = "bigquery.googleapis.com"
  quota_id = "QueryUsagePerUserPerDay"

  # It is far below the default of 200 TiB.
  ignore_safety_checks = "QUOTA_DECREASE_PERCENTAGE_TOO_HIGH"

  quota_config {
    preferred_value = 1024 * var.max_daily_query_gib
  }

  depends_on = [time_sleep.until_apis_work]
}
