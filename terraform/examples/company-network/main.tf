# All that the function sends leaves from one fixed address, which the scanner's API can be told to expect. Nobody calls the
# function from outside the company's networks.

locals {
  project_id = "my-project-1"
  region     = "europe-west1"
}

resource "google_compute_network" "scanner" {
  #checkov:skip=CKV2_GCP_18: nothing in it takes connections, and no rule allows any

  project                 = local.project_id
  name                    = "scanner"
  auto_create_subnetworks = false
}

# Direct VPC needs a /26 at least. Google's own APIs are reached from it without a public address.
resource "google_compute_subnetwork" "scanner" {
  #checkov:skip=CKV_GCP_26: one function uses it, whose log names each run

  project                  = local.project_id
  region                   = local.region
  name                     = "scanner"
  network                  = google_compute_network.scanner.id
  ip_cidr_range            = "10.10.0.0/26"
  private_ip_google_access = true
}

resource "google_compute_address" "scanner" {
  project = local.project_id
  region  = local.region
  name    = "scanner"
}

resource "google_compute_router" "scanner" {
  project = local.project_id
  region  = local.region
  name    = "scanner"
  network = google_compute_network.scanner.id
}

resource "google_compute_router_nat" "scanner" {
  project                            = local.project_id
  region                             = local.region
  name                               = "scanner"
  router                             = google_compute_router.scanner.name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = [google_compute_address.scanner.self_link]
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.scanner.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }
}

module "scanner_sync" {
  source = "../.."

  project_id        = local.project_id
  api_base_url      = "https://api.intruder.io/v1"
  region            = local.region
  bigquery_location = "EU"
  secret_locations  = [local.region]
  ingress           = "ALLOW_INTERNAL_ONLY"

  egress = {
    network    = google_compute_network.scanner.name
    subnetwork = google_compute_subnetwork.scanner.name
  }
}

output "address" {
  description = "The address from which the API is read."
  value       = google_compute_address.scanner.address
}
