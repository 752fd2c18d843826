# Three service accounts: one runs the sync, one builds the image, one calls the function. None has a key, and none may
# act as another. Those in `service_accounts` were made elsewhere.

locals {
  emails = {
    runtime   = coalesce(var.service_accounts.runtime, one(google_service_account.runtime[*].email))
    build     = coalesce(var.service_accounts.build, one(google_service_account.build[*].email))
    scheduler = coalesce(var.service_accounts.scheduler, one(google_service_account.scheduler[*].email))
  }
  # The project of an account is in its address.
  account_names = { for role, email in local.emails : role => "projects/${regex("@(.+?)\\.", email)[0]}/serviceAccounts/${email}" }
  members       = { for role, email in local.emails : role => "serviceAccount:${email}" }
}

resource "google_service_account" "runtime" {
  count = var.service_accounts.runtime == null ? 1 : 0

  project      = var.project_id
  account_id   = "${var.name}-runtime"
  display_name = "${var.name}: runs the sync"

  depends_on = [time_sleep.until_apis_work]
}

resource "google_service_account" "build" {
  count = var.service_accounts.build == null ? 1 : 0

  project      = var.project_id
  account_id   = "${var.name}-build"
  display_name = "${var.name}: builds the function's image"

  depends_on = [time_sleep.until_apis_work]
}

# With both triggers this account calls the function: Cloud Scheduler's job uses it, and so does the push subscription.
resource "google_service_account" "scheduler" {
  count = var.service_accounts.scheduler == null ? 1 : 0

  project      = var.project_id
  account_id   = "${var.name}-scheduler"
  display_name = "${var.name}: calls the function"

  depends_on = [time_sleep.until_apis_work]
}
