# One account of the scanner, synced every 6 hours.

module "scanner_sync" {
  source = "../.."

  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
}
