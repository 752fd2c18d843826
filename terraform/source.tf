# The archive holds what the function runs and nothing else from the folder, such as a token, a cache, the tests, or the
# command line with its report. `.gcloudignore` selects the same files for `gcloud functions deploy`; a test compares the two.

locals {
  root = "${path.module}/.."

  source_files = toset([
    for name in setunion(
      fileset(local.root, "main.py"),
      fileset(local.root, "requirements.txt"),
      fileset(local.root, "scanner_sync/**/*.py"),
      fileset(local.root, "scanner_sync/**/*.sql"),
      fileset(local.root, "scanner_sync/**/py.typed"),
    ) : name if !can(regex("^scanner_sync/((__main__|check|cli)\\.py$|report/)", name))
  ])

  # What `sha256sum FILES | sha256sum` prints in the root of the repository, with the files in the order of their names.
  source_digest = sha256(join("", [for name in local.source_files : "${filesha256("${local.root}/${name}")}  ${name}\n"]))
}

# While this is to change, the archive is not read: it is written at apply, on the machine that applies and from the files
# that are there. Files that are not the planned ones end the apply here, before anything is uploaded.
resource "terraform_data" "source" {
  input = local.source_digest
}

data "archive_file" "source" {
  type = "zip"

  # Not in path.module: two instances of the module may share that folder.
  output_path = "${path.root}/.terraform/${var.project_id}-${var.name}.zip"

  dynamic "source" {
    for_each = local.source_files

    content {
      filename = source.value
      content  = file("${local.root}/${source.value}")
    }
  }

  # The program logs it, so that everybody can see which code runs.
  source {
    filename = "scanner_sync/archive.sha256"
    content  = local.source_digest
  }

  depends_on = [terraform_data.source]
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62: it holds only archives of the repository; the audit log records who reads them
  #checkov:skip=CKV_GCP_78: an archive's name contains its hash, so it is never overwritten

  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-source"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # the archive can be rebuilt from the repository

  dynamic "encryption" {
    for_each = compact([lookup(var.kms_keys, var.region, null)])

    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "source-${data.archive_file.source.output_sha256}.zip"
  source = data.archive_file.source.output_path

  # The new archive is uploaded before the old one is deleted. If the upload fails, the function can still be built again.
  lifecycle {
    create_before_destroy = true
  }
}
