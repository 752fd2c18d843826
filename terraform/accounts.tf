# Three accounts, one for each thing that acts. None has a key, and none may act as another.

resource "google_service_account" "runtime" {
  account_id   = "${var.name}-runtime"
  display_name = "${var.name}: runs the sync"

  depends_on = [google_project_service.required]
}

resource "google_service_account" "build" {
  account_id   = "${var.name}-build"
  display_name = "${var.name}: builds the function's image"

  depends_on = [google_project_service.required]
}

# Also the account of the push subscription: it is what calls the function, whichever way the call comes.
resource "google_service_account" "scheduler" {
  account_id   = "${var.name}-scheduler"
  display_name = "${var.name}: calls the function"

  depends_on = [google_project_service.required]
}
