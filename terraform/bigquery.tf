# Both datasets stand here, and not in the program, so that it needs no right to create datasets.
#
# Destroying them is refused while `deletion_protection` is on; and a dataset that has tables is refused by BigQuery
# itself, whatever that variable says.

resource "google_bigquery_dataset" "tables" {
  #checkov:skip=CKV_GCP_81: Google's keys encrypt it; a key of one's own is a decision of the whole project

  dataset_id                 = var.dataset
  friendly_name              = var.dataset
  description                = "The vulnerability scanner's issues, occurrences, scans and targets, synced by ${var.name}."
  location                   = var.bigquery_location
  labels                     = local.labels
  delete_contents_on_destroy = false
  deletion_policy            = var.deletion_protection ? "PREVENT" : "DELETE"

  depends_on = [google_project_service.required]
}

# dlt loads here first, then merges into the tables; the name is dlt's own.
resource "google_bigquery_dataset" "staging" {
  #checkov:skip=CKV_GCP_81: Google's keys encrypt it; a key of one's own is a decision of the whole project

  dataset_id                 = "${var.dataset}_staging"
  friendly_name              = "${var.dataset}_staging"
  description                = "Rows on their way into ${var.dataset}; written by ${var.name}, read by no one else."
  location                   = var.bigquery_location
  labels                     = local.labels
  delete_contents_on_destroy = false
  deletion_policy            = var.deletion_protection ? "PREVENT" : "DELETE"

  depends_on = [google_project_service.required]
}
