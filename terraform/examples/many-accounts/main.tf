# Three accounts of the scanner, each with its own token, datasets and schedule.

module "scanner_sync" {
  source = "../.."

  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"

  accounts = {
    acme    = {}
    globex  = { schedule = "0 */2 * * *" }
    initech = { location = "EU" }
  }
}
