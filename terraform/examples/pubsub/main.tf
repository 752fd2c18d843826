# Runs are started by messages of a topic: those of the schedule, and yours.

module "scanner_sync" {
  source = "../.."

  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
  trigger      = "pubsub"
}
