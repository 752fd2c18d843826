output "add_token" {
  description = "Command that prompts for the API token and stores it. Run it after the first apply, and to rotate the token. With `accounts`, set the shell's variable first, here and for the commands below: `ACCOUNT=acme`."
  value       = local.add_token
}

output "run_now" {
  description = "Command that has Cloud Scheduler start a run now. It does not wait for the run."
  value       = local.run_now
}

output "follow_run" {
  description = "Command that waits until a run ends, and shows how: time, outcome, seconds, error. Paste it after `run_now`."
  value       = local.follow_run
}

output "last_runs" {
  description = "Command that lists the last 20 runs: time, outcome, seconds, requests, issues waiting, age of the oldest occurrences in hours, error."
  value       = local.last_runs
}

output "query_tables" {
  description = "Command that lists the tables, their row counts and when they last changed."
  value = join(" ", [
    # The dataset of an account may be in another location. BigQuery finds it if none is given.
    "bq --project_id=${local.billing_project}${var.accounts == null ? " --location=${var.bigquery_location}" : ""} query --use_legacy_sql=false",
    "'SELECT table_id, row_count, TIMESTAMP_MILLIS(last_modified_time) AS changed FROM `${var.project_id}.${var.accounts == null ? google_bigquery_dataset.tables.dataset_id : "${var.dataset}_'\"$ACCOUNT\"'"}.__TABLES__` ORDER BY table_id'",
  ])
}

output "dead_letters" {
  description = "Command that shows the messages that failed five deliveries. Null with the trigger `http`."
  value = var.trigger == "pubsub" ? join(" ", [
    "gcloud pubsub subscriptions pull ${google_pubsub_subscription.dead_letters[0].name}",
    "--project=${var.project_id} --limit=10",
  ]) : null
}

output "project_grants" {
  description = "Roles on a whole project that the service accounts need: project, role, member and condition. Made by the module, unless `project_grants` is off."
  value       = local.project_grants
}

output "function_url" {
  description = "URL of the function, and the audience of its identity tokens."
  value       = google_cloudfunctions2_function.sync.service_config[0].uri
}

output "function_state" {
  description = "State of the function: `ACTIVE`, unless its last build or update failed. `make deploy` compares it."
  value       = google_cloudfunctions2_function.sync.state
}

output "service_accounts" {
  description = "Email addresses of the service accounts, by role."
  value = {
    runtime   = local.emails.runtime
    build     = local.emails.build
    scheduler = local.emails.scheduler
  }
}
