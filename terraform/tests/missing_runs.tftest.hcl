# The alert on missing runs: window and hold together are twice the longest time between two runs, and the hold stays
# within the 23.5 hours that a condition can be held.

mock_provider "google" {
  source = "./tests/mocks"
}

mock_provider "archive" {}

variables {
  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
}

run "every_six_hours" {
  command = plan

  assert {
    condition     = google_monitoring_alert_policy.no_success.conditions[0].condition_prometheus_query_language[0].query == "(sum(increase(logging_googleapis_com:user_scanner_sync_runs{monitored_resource=\"cloud_run_revision\",service_name=\"scanner-sync\",outcome=\"finished\"}[180m])) or vector(0)) < 0.5"
    error_message = "successes are counted over 3 hours"
  }

  assert {
    condition     = google_monitoring_alert_policy.no_success.conditions[0].condition_prometheus_query_language[0].duration == "${9 * 3600}s"
    error_message = "and have to be missing for 9 hours more: 12 in all"
  }
}

run "every_twenty_minutes" {
  command = plan

  variables {
    schedule = "*/20 * * * *"
  }

  assert {
    condition     = local.schedule_period_minutes == 20 && local.no_success_window_minutes == 10 && local.no_success_hold_minutes == 30
    error_message = "40 minutes in all"
  }
}

run "daily" {
  command = plan

  variables {
    schedule = "30 4 * * *"
  }

  assert {
    condition     = local.schedule_period_minutes == 1440 && local.no_success_window_minutes == 1470 && local.no_success_hold_minutes == 1410
    error_message = "two days in all, held for 23.5 hours"
  }
}

run "weekly" {
  command = plan

  variables {
    schedule = "0 6 * * MON"
  }

  assert {
    condition     = local.schedule_period_minutes == 7 * 1440 && local.no_success_window_minutes == 14 * 1440 - 1410 && local.no_success_hold_minutes == 1410
    error_message = "two weeks in all, held for 23.5 hours"
  }
}

run "working_hours" {
  command = plan

  variables {
    schedule = "0 8-18/2 * * mon-fri"
  }

  assert {
    condition     = local.schedule_period_minutes == 62 * 60
    error_message = "the longest pause is the weekend, Friday 18:00 to Monday 08:00"
  }
}

run "twice_a_month" {
  command = plan

  variables {
    schedule = "0 6 1,15 * *"
  }

  assert {
    condition     = local.schedule_period_minutes == 17 * 1440
    error_message = "the longest pause is from the 15th to the 1st"
  }
}

run "either_day_field" {
  command = plan

  variables {
    schedule = "0 6 1 * 7"
  }

  assert {
    condition     = local.schedule_period_minutes == 7 * 1440
    error_message = "a day that either field names is a day of the schedule, and 7 is Sunday"
  }
}
