# A deployment with one account that gets many, and loses one. The tests in tests/terraform read the state after each run.

mock_provider "google" {
  source = "./tests/mocks"
}

mock_provider "google-beta" {
  source = "./tests/mocks"
}

# The same archive in each run.
mock_provider "archive" {
  mock_data "archive_file" {
    defaults = {
      output_sha256 = "0123456789abcdef"
    }
  }
}

mock_provider "time" {}

variables {
  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
}

run "without_accounts" {
  assert {
    condition = (
      google_cloud_scheduler_job.sync.paused == false
      && length(google_cloud_scheduler_job.account) == 0
      && length(google_monitoring_alert_policy.account_no_success) == 0
    )
    error_message = "without accounts there is one job, which runs"
  }
}

run "accounts" {
  variables {
    api_base_url = "https://{account}.example.com/v1"
    accounts = {
      acme   = {}
      globex = { schedule = "0 */2 * * *", location = "EU" }
    }
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].environment_variables.API_BASE_URL == "https://{account}.example.com/v1"
      && google_cloudfunctions2_function.sync.service_config[0].environment_variables.ACCESS_TOKEN_SECRET == "projects/my-project-1/secrets/scanner-sync-{account}-token"
      && google_cloudfunctions2_function.sync.service_config[0].environment_variables.DATASET == "scanner_{account}"
      && google_cloudfunctions2_function.sync.service_config[0].environment_variables.BIGQUERY_LOCATION == "US"
    )
    error_message = "the function has no list of accounts: a call names its account"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].max_instance_count == 10
      && google_cloudfunctions2_function.sync.service_config[0].max_instance_request_concurrency == 1
    )
    error_message = "ten instances with one request each: ten accounts at a time"
  }

  assert {
    condition     = { for account, secret in google_secret_manager_secret.token : account => secret.secret_id if account != "" } == { acme = "scanner-sync-acme-token", globex = "scanner-sync-globex-token" }
    error_message = "each account has a secret"
  }

  assert {
    condition = [
      for account in ["acme", "globex"] : [
        for dataset in [google_bigquery_dataset.account_tables[account], google_bigquery_dataset.account_staging[account]] :
        "${dataset.dataset_id} in ${dataset.location}"
      ]
      ] == [
      ["scanner_acme in US", "scanner_acme_staging in US"],
      ["scanner_globex in EU", "scanner_globex_staging in EU"],
    ]
    error_message = "each account has a dataset and its staging dataset, in its own location"
  }

  assert {
    condition = alltrue(flatten([
      for account in ["acme", "globex"] : [
        for kept in [
          google_bigquery_dataset.account_tables[account],
          google_bigquery_dataset.account_staging[account],
          google_secret_manager_secret.token[account],
        ] : kept.deletion_policy == "ABANDON"
      ]
    ]))
    error_message = "an account that is removed keeps its data and its token"
  }

  assert {
    condition = { for account, job in google_cloud_scheduler_job.account : account => [job.name, job.schedule, base64decode(job.http_target[0].body)] } == {
      acme   = ["scanner-sync-acme", "37 4-23/6 * * *", "{\"account\":\"acme\"}"]
      globex = ["scanner-sync-globex", "45 0-23/2 * * *", "{\"account\":\"globex\"}"]
    }
    error_message = "each account has a job, which starts at a time of its own and names the account"
  }

  assert {
    condition = alltrue([
      for job in google_cloud_scheduler_job.account :
      job.attempt_deadline == google_cloud_scheduler_job.sync.attempt_deadline
      && job.retry_config[0].retry_count == 2
      && job.retry_config[0].min_backoff_duration == "600s"
      && job.retry_config[0].max_backoff_duration == "1200s"
      && job.retry_config[0].max_doublings == 1
      && job.http_target[0].uri == google_cloud_scheduler_job.sync.http_target[0].uri
      && job.http_target[0].http_method == "POST"
      && job.http_target[0].headers == google_cloud_scheduler_job.sync.http_target[0].headers
      && job.http_target[0].oidc_token == google_cloud_scheduler_job.sync.http_target[0].oidc_token
      && length(job.pubsub_target) == 0
      && job.paused == false
    ])
    error_message = "a job of an account calls, waits and retries as the job without an account does"
  }

  assert {
    condition     = google_cloud_scheduler_job.sync.paused == true
    error_message = "the job without an account stays, and does not run"
  }

  assert {
    condition = (
      google_monitoring_alert_policy.account_no_success[0].conditions[0].condition_prometheus_query_language[0].query
      == join(" unless on (account) ", [
        "sum by (account) (sum_over_time(logging_googleapis_com:user_scanner_sync_runs{monitored_resource=\"cloud_run_revision\",service_name=\"scanner-sync\",account!=\"\"}[810m])) > 0.5",
        "sum by (account) (sum_over_time(logging_googleapis_com:user_scanner_sync_runs{monitored_resource=\"cloud_run_revision\",service_name=\"scanner-sync\",outcome=\"finished\"}[90m])) > 0.5",
      ])
      && google_monitoring_alert_policy.account_no_success[0].conditions[0].condition_prometheus_query_language[0].duration == "${690 * 60}s"
    )
    error_message = "each account that ran in 13.5 hours and did not succeed in 1.5 hours, for 11.5 hours: 13 in total, and 25 looked back"
  }

  assert {
    condition     = output.run_now == "gcloud scheduler jobs run scanner-sync-$ACCOUNT --location=us-central1 --project=my-project-1"
    error_message = "the commands take the account from the shell's variable"
  }
}

run "one_account_less" {
  variables {
    accounts           = { globex = { schedule = "0 */2 * * *", location = "EU" } }
    max_parallel_syncs = 3
  }

  assert {
    condition     = google_cloudfunctions2_function.sync.service_config[0].max_instance_count == 3
    error_message = "max_parallel_syncs is the number of instances"
  }
}

run "accounts_by_pubsub" {
  variables {
    trigger             = "pubsub"
    deletion_protection = false
    max_staleness_hours = 25
    accounts            = { acme = { schedule = "0 4 * * *" } }
  }

  assert {
    condition = (
      length(google_cloud_scheduler_job.account["acme"].http_target) == 0
      && google_cloud_scheduler_job.account["acme"].pubsub_target[0].topic_name == google_pubsub_topic.runs[0].id
      && base64decode(google_cloud_scheduler_job.account["acme"].pubsub_target[0].data) == "{\"account\":\"acme\"}"
    )
    error_message = "the message names the account"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].max_instance_count == 10
      && google_cloudfunctions2_function.sync.service_config[0].max_instance_request_concurrency == 1
    )
    error_message = "ten instances with one request each, as with http"
  }

  assert {
    condition = (
      google_bigquery_dataset.account_tables["acme"].deletion_policy == "DELETE"
      && google_bigquery_dataset.account_staging["acme"].deletion_policy == "DELETE"
      && google_secret_manager_secret.token["acme"].deletion_policy == "DELETE"
      && !google_bigquery_dataset.account_tables["acme"].delete_contents_on_destroy
      && !google_bigquery_dataset.account_staging["acme"].delete_contents_on_destroy
    )
    error_message = "without protection they can be destroyed, but never a dataset that has tables"
  }

  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.account_no_success[0].conditions[0].condition_prometheus_query_language[0].query, "[1500m]")
      && strcontains(google_monitoring_alert_policy.account_no_success[0].conditions[0].condition_prometheus_query_language[0].query, "[1470m]")
      && google_monitoring_alert_policy.account_no_success[0].conditions[0].condition_prometheus_query_language[0].duration == "0s"
    )
    error_message = "a daily account that ran in 25 hours and did not succeed in 24.5: it can be seen no longer"
  }
}

run "without_accounts_again" {
  assert {
    condition     = google_cloud_scheduler_job.sync.paused == false
    error_message = "the job without an account runs again"
  }
}

run "new_schedule" {
  variables {
    schedule = "30 */6 * * *"
  }
}

run "paused" {
  command = plan

  variables {
    paused   = true
    schedule = "30 */6 * * *"
    accounts = { acme = {} }
  }

  assert {
    condition     = google_cloud_scheduler_job.sync.paused && google_cloud_scheduler_job.account["acme"].paused
    error_message = "paused stops all jobs"
  }
}

run "secrets_of_accounts" {
  command = plan

  variables {
    secret_locations = ["europe-west1"]
    accounts         = { acme = {} }
  }

  assert {
    condition     = google_secret_manager_secret.token["acme"].replication[0].user_managed[0].replicas[0].location == "europe-west1"
    error_message = "the secrets of the accounts are where the other one is"
  }
}

run "paused_without_accounts" {
  command = plan

  variables {
    paused = true
  }

  assert {
    condition     = google_cloud_scheduler_job.sync.paused
    error_message = "paused stops the job without an account"
  }
}

run "schedules_of_accounts" {
  command = plan

  variables {
    max_staleness_hours = null
    accounts = {
      a = { schedule = "*/15 * * * *" }
      b = { schedule = "0 * * * *" }
      c = { schedule = "0 */12 * * *" }
      d = { schedule = "30 6 * * MON" }
      e = { schedule = "0 */5 * * *" }
      f = { schedule = "*/7 * * * *" }
      g = { schedule = "0,30 * * * *" }
      h = { schedule = "*/10 8-18 * * *" }
      i = { schedule = "* * * * *" }
    }
  }

  assert {
    condition = { for account, job in google_cloud_scheduler_job.account : account => job.schedule } == {
      a = "5-59/15 * * * *"
      b = "6 * * * *"
      c = "23 1-23/12 * * *"
      d = "43 6 * * MON"
      e = "59 */5 * * *"
      f = "*/7 * * * *"
      g = "0,30 * * * *"
      h = "6-59/10 8-18 * * *"
      i = "* * * * *"
    }
    error_message = "each schedule keeps its period"
  }
}
