# What is uploaded is named file by file, so that nothing else in the folder (a token, a cache, the tests) can slip in.
# `.gcloudignore` says the same for `gcloud functions deploy`; a test holds the two together.

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
  output_file_mode = "0644" # the same archive, hence the same hash, whatever the umask of who applies

  dynamic "source" {
    for_each = local.source_files

    content {
      filename = source.value
      content  = file("${local.root}/${source.value}")
    }
  }
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62: it holds one archive, made from the repository; the audit log tells who reads it
  #checkov:skip=CKV_GCP_78: an archive's name holds its hash, so that none is ever overwritten

  name                        = "${var.project_id}-${var.name}-source"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # the archive is made again from the repository

  depends_on = [google_project_service.required]
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "source-${data.archive_file.source.output_sha256}.zip"
  source = data.archive_file.source.output_path
}
