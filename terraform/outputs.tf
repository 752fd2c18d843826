output "add_token" {
  description = "Command that asks for the API token and stores it; once after the first apply, and to rotate it."
  value       = local.add_token
}

output "run_now" {
  description = "Command that starts a run now; where it calls the function itself, it is for the members in `invokers`."
  value       = local.run_now
}

output "last_runs" {
  description = "Command that lists the last 20 runs: when, outcome, seconds, requests, error."
  value       = local.last_runs
}

output "query_tables" {
  description = "Command that lists the tables with their rows and when they last changed."
  value = join(" ", [
    "bq --project_id=${var.project_id} --location=${var.bigquery_location} query --use_legacy_sql=false",
    "'SELECT table_id, row_count, TIMESTAMP_MILLIS(last_modified_time) AS changed FROM `${var.project_id}.${google_bigquery_dataset.tables.dataset_id}.__TABLES__` ORDER BY table_id'",
  ])
}

output "dead_letters" {
  description = "Command that shows the messages given up after five deliveries; null by `http`, which has none."
  value = var.trigger == "pubsub" ? join(" ", [
    "gcloud pubsub subscriptions pull ${google_pubsub_subscription.dead_letters[0].name}",
    "--project=${var.project_id} --limit=10",
  ]) : null
}

output "function_url" {
  description = "URL of the function, and the audience of an identity token for it."
  value       = google_cloudfunctions2_function.sync.service_config[0].uri
}

output "service_accounts" {
  description = "E-mail addresses of the accounts, by what they do."
  value = {
    runtime   = google_service_account.runtime.email
    build     = google_service_account.build.email
    scheduler = google_service_account.scheduler.email
  }
}
