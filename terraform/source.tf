# The archive holds these files and nothing else from the folder, such as a token, a cache or the tests. `.gcloudignore`
# selects the same files for `gcloud functions deploy`; a test compares the two.

locals {
  root = "${path.module}/.."

  source_files = setunion(
    fileset(local.root, "main.py"),
    fileset(local.root, "requirements.txt"),
    fileset(local.root, "scanner_sync/**/*.py"),
    fileset(local.root, "scanner_sync/**/py.typed"),
  )
}

data "archive_file" "source" {
  type             = "zip"
  output_path      = "${path.module}/.terraform/source.zip"
  output_file_mode = "0644" # the same hash whatever the umask

  dynamic "source" {
    for_each = local.source_files

    content {
      filename = source.value
      content  = file("${local.root}/${source.value}")
    }
  }
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62: it holds only archives of the repository; the audit log records who reads them
  #checkov:skip=CKV_GCP_78: an archive's name contains its hash, so it is never overwritten

  name                        = "${var.project_id}-${var.name}-source"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # the archive can be rebuilt from the repository

  depends_on = [google_project_service.required]
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "source-${data.archive_file.source.output_sha256}.zip"
  source = data.archive_file.source.output_path
}
