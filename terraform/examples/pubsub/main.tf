# Runs are started by messages of a topic, which the schedule and your own programs publish.

module "scanner_sync" {
  source = "../.."

  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
  trigger      = "pubsub"
}
