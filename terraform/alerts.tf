# Three alerts, each saying what to do. The first two match log lines and not the metrics: an alert on a log-based metric
# that is made in the same apply fails ("Cannot find metric") until the metric is known, up to 10 minutes later.

locals {
  # How long no run may succeed: twice the longest time between two runs.
  #
  # A metric-absence condition reaches back 23.5 hours at most, which is too little from a schedule of every 12 hours
  # on, and it needs a first success to miss. So this is a PromQL condition: it counts successes in a window (PromQL
  # policies read up to two years of data; a window above a day is in preview since June 2026) and has to hold for some
  # time more, 23.5 hours at most. Window and hold together are the time wanted. The hold takes as much as it can, three
  # quarters, for two reasons: a window of a day or less then serves daily schedules as well, and a deployment is not
  # told that nothing succeeded before its first run was due.
  no_success_minutes        = 2 * local.schedule_period_minutes
  no_success_hold_minutes   = min(floor(0.75 * local.no_success_minutes), 1410)
  no_success_window_minutes = local.no_success_minutes - local.no_success_hold_minutes

  # PromQL's spelling of logging.googleapis.com/user/<name>/: each sign that it has no room for becomes an underscore.
  metric_prefix   = "logging_googleapis_com:user_${replace(var.name, "-", "_")}_"
  metric_selector = "monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloudfunctions2_function.sync.name}\""

  last_runs = join(" ", [
    "gcloud logging read",
    "'${local.log_of_function} AND jsonPayload.message=(\"sync_finished\" OR \"sync_failed\")'",
    "--project=${var.project_id} --freshness=60d --limit=20",
    "--format='table(timestamp, jsonPayload.message, jsonPayload.seconds, jsonPayload.requests, jsonPayload.error_type, jsonPayload.error_message)'",
  ])

  add_token = join(" ", [
    "printf 'API token: ' && read -rs TOKEN && printf '%s' \"$TOKEN\" |",
    "gcloud secrets versions add ${google_secret_manager_secret.access_token.secret_id}",
    "--project=${var.project_id} --data-file=-; unset TOKEN",
  ])

  run_by_scheduler = "gcloud scheduler jobs run ${google_cloud_scheduler_job.sync.name} --location=${var.region} --project=${var.project_id}"

  # `gcloud functions call` calls from where it stands, so it needs a function that answers HTTP to all networks.
  run_now = var.trigger == "http" && var.ingress == "ALLOW_ALL" ? join(" ", [
    "gcloud functions call ${google_cloudfunctions2_function.sync.name} --gen2",
    "--region=${var.region} --project=${var.project_id} --data='{}'",
  ]) : local.run_by_scheduler
}

resource "google_monitoring_alert_policy" "run_failed" {
  display_name          = "${var.name}: a run failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "The function said that a run failed, or the platform ended it"

    # A refused token has an alert of its own. What the platform ends (out of memory, a crash) cannot speak for itself.
    condition_matched_log {
      filter = <<-EOT
        ${local.log_of_function}
        AND (
          (jsonPayload.message="sync_failed" AND NOT jsonPayload.error_type="ApiRefused")
          OR (logName="projects/${var.project_id}/logs/run.googleapis.com%2Fvarlog%2Fsystem" AND severity>=ERROR)
        )
      EOT

      label_extractors = {
        error_type = "EXTRACT(jsonPayload.error_type)"
      }
    }
  }

  # An open incident keeps quiet about the next failure, so it closes soon.
  alert_strategy {
    auto_close = "1800s"

    notification_rate_limit {
      period = "300s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: a run failed"
    content   = <<-EOT
      A sync of the vulnerability scanner failed. Each table is as it was or holds all rows of that run; the next run starts from fresh.

      1. See what failed: `${local.last_runs}`
      2. By `error_type` (`docs/runbook.md` has each of them at length):
         - `ApiUnavailable`, `ListingUnstable`, `TokenUnavailable`, `LoadUnavailable`: the other side was down, busy or moving. It mends itself; look again after the next run.
         - `ApiError`: the API answered something that is no listing, or a row that fits no table. See whether it changed.
         - `DeadlineExceeded`: raise `run_deadline_seconds`, or `max_concurrent_requests`.
         - `TokenError`: the secret has no usable version, or may not be read. Add the token: `${local.add_token}`
         - `SettingsError`: the message names the setting. Correct it and apply again.
         - `LoadError`: BigQuery refused a statement. The message names the right that is missing, or see the job in BigQuery.
         - `AlreadyRunning`: another run was loading into the dataset; nothing is lost.
         - `MachineError`: no space is left in `/tmp`, which is memory: raise `memory`.
         - `InternalError`: read the whole log. Out of memory shows there, with no `error_type`: raise `memory`.
      3. Run it again: `${local.run_now}`
    EOT
  }

  depends_on = [google_project_service.required]
}

resource "google_monitoring_alert_policy" "token_refused" {
  display_name          = "${var.name}: the token was refused"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "The scanner's API refused the token"

    condition_matched_log {
      filter = "${local.log_of_function} AND jsonPayload.message=\"sync_failed\" AND jsonPayload.error_type=\"ApiRefused\""
    }
  }

  alert_strategy {
    auto_close = "1800s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: the token was refused"
    content   = <<-EOT
      The scanner's API refused the token (401 or 403). No run succeeds until it has one that it accepts.

      1. Make a new token in the scanner.
      2. Add it; the next run uses it, with nothing to deploy: `${local.add_token}`
      3. Run it now: `${local.run_now}`
      4. Disable the old version: `gcloud secrets versions list ${google_secret_manager_secret.access_token.secret_id} --project=${var.project_id}`, then `gcloud secrets versions disable`. Not the newest one: that is the one read.
    EOT
  }

  depends_on = [google_project_service.required]
}

resource "google_monitoring_alert_policy" "no_success" {
  display_name          = "${var.name}: no run succeeded"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "No run succeeded in ${local.no_success_minutes} minutes, twice the schedule's period"

    # `or vector(0)`: with no success at all there is nothing to sum, and nothing is not below one.
    condition_prometheus_query_language {
      query = join("", [
        "(sum(increase(${local.metric_prefix}runs{${local.metric_selector},outcome=\"finished\"}",
        "[${local.no_success_window_minutes}m])) or vector(0)) < 0.5",
      ])
      duration            = "${local.no_success_hold_minutes * 60}s"
      evaluation_interval = "300s"

      # The metric is made in the same apply, and has no data before the first run.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: no run succeeded"
    content   = <<-EOT
      No sync of the vulnerability scanner succeeded in twice the time between two runs: the tables are out of date.

      1. See the last runs: `${local.last_runs}`
      2. If they failed, do what the alert on failed runs says.
      3. If there are none, see whether the schedule runs: `gcloud scheduler jobs describe ${google_cloud_scheduler_job.sync.name} --location=${var.region} --project=${var.project_id}`. A job that is paused is resumed with `gcloud scheduler jobs resume`; a status 7 (denied) means that the account lost its right to call: apply again.
      4. Run it now: `${local.run_now}`
    EOT
  }

  depends_on = [google_logging_metric.runs]
}
