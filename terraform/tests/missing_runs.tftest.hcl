# The alert on missing runs: its window and its hold add up to max_staleness_hours, and fit the 25 hours that Cloud
# Monitoring allows for both in a log-based metric, and the 23.5 hours that it allows for the hold. Beyond 25 hours it
# reads Cloud Run's own metric.

mock_provider "google" {
  source = "./tests/mocks"
}

mock_provider "google-beta" {
  source = "./tests/mocks"
}

mock_provider "archive" {}

mock_provider "time" {}

variables {
  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
}

# Applied, because a check of a function that is not there yet fails a run that only plans.
run "by_default" {
  assert {
    condition     = google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].query == "(sum(sum_over_time(logging_googleapis_com:user_scanner_sync_runs{monitored_resource=\"cloud_run_revision\",service_name=\"scanner-sync\",outcome=\"finished\"}[60m])) or vector(0)) < 0.5"
    error_message = "successful runs of the last hour are counted, and no samples at all count as zero"
  }

  assert {
    condition     = google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].duration == "${12 * 3600}s"
    error_message = "the alert fires when the count stays at zero for 12 hours more, 13 in total"
  }

  assert {
    condition     = google_cloud_scheduler_job.sync.schedule == "0 */6 * * *"
    error_message = "the first run is due 6 hours after the deployment at the latest, before the 12 hours are over"
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.no_success[0].documentation[0].content, "succeeded in 13 hours (`max_staleness_hours`)")
    error_message = "the text of the alert names the limit and its variable"
  }
}

run "after_one_hour" {
  command = plan

  variables {
    max_staleness_hours = 1
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].query, "outcome=\"finished\"}[15m]")
    error_message = "successful runs of the last 15 minutes are counted"
  }

  assert {
    condition     = google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].duration == "${45 * 60}s"
    error_message = "the alert fires when the count stays at zero for 45 minutes more, 1 hour in total"
  }
}

run "after_25_hours" {
  command = plan

  variables {
    schedule            = "0 4 * * *"
    max_staleness_hours = 25
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].query, "logging_googleapis_com:user_scanner_sync_runs{monitored_resource=\"cloud_run_revision\",service_name=\"scanner-sync\",outcome=\"finished\"}[90m]")
    error_message = "successful runs of the last 1.5 hours are counted, in the log-based metric still"
  }

  assert {
    condition     = google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].duration == "${1410 * 60}s"
    error_message = "the alert fires when the count stays at zero for 23.5 hours more, 25 in total"
  }
}

run "after_26_hours" {
  command = plan

  variables {
    schedule            = "0 4 * * *"
    max_staleness_hours = 26
  }

  assert {
    condition     = google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].query == "(sum(sum_over_time(run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"scanner-sync\",response_code_class=\"2xx\"}[150m])) or vector(0)) < 0.5"
    error_message = "beyond 25 hours, Cloud Run's answers are counted: 2xx is a successful run"
  }

  assert {
    condition     = google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].duration == "${1410 * 60}s"
    error_message = "the alert fires when the count stays at zero for 23.5 hours more, 26 in total"
  }
}

run "of_a_monthly_schedule" {
  command = plan

  variables {
    schedule            = "0 4 1 * *"
    max_staleness_hours = 840
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.no_success[0].conditions[0].condition_prometheus_query_language[0].query, "response_code_class=\"2xx\"}[${840 * 60 - 1410}m]")
    error_message = "window and hold are 35 days in total, within the 6 weeks for which the metric is kept"
  }
}

run "never" {
  command = plan

  variables {
    schedule            = "0 6 * * MON"
    max_staleness_hours = null
  }

  assert {
    condition     = length(google_monitoring_alert_policy.no_success) == 0
    error_message = "null turns the alert off"
  }

  assert {
    condition     = google_cloud_scheduler_job.sync.schedule == "0 6 * * MON"
    error_message = "a weekly schedule is accepted"
  }
}
