# Three service accounts: one runs the sync, one builds the image, one calls the function. None has a key, and none may
# act as another.

resource "google_service_account" "runtime" {
  project      = var.project_id
  account_id   = "${var.name}-runtime"
  display_name = "${var.name}: runs the sync"

  depends_on = [time_sleep.until_apis_work]
}

resource "google_service_account" "build" {
  project      = var.project_id
  account_id   = "${var.name}-build"
  display_name = "${var.name}: builds the function's image"

  depends_on = [time_sleep.until_apis_work]
}

# With both triggers this account calls the function: Cloud Scheduler's job uses it, and so does the push subscription.
resource "google_service_account" "scheduler" {
  project      = var.project_id
  account_id   = "${var.name}-scheduler"
  display_name = "${var.name}: calls the function"

  depends_on = [time_sleep.until_apis_work]
}
