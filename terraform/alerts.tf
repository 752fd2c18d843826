# Up to seven alerts; the text of each lists the steps to take, and with `runbook_url` it links to its section of the runbook.
# All but the two on missing runs match log entries instead of metrics: an alert on a log-based metric that is created in the
# same apply fails with "Cannot find metric" for up to 10 minutes.

locals {
  # The alert on missing runs counts successful runs in a window, and fires when the count stays at zero for a hold
  # time. The two add up to max_staleness_hours. The hold is long, but at most 23.5 hours, which Cloud Monitoring allows:
  # after the first deployment the window is empty, and only the hold gives the first run time to succeed. The window is
  # an hour, enough for log entries that arrive late, or what the hold leaves.
  #
  #   limit            | window          | hold       | source of the count
  #   up to 24.5 hours | at most an hour | the rest   | log-based metric of the runs
  #   25 hours         | 1.5 hours       | 23.5 hours | the same; Cloud Monitoring looks back 25 hours in it, which
  #                    |                 |            | window and hold share
  #   up to 35 days    | the rest        | 23.5 hours | Cloud Run's own metric of answers, which is kept for 6 weeks
  staleness_minutes         = var.max_staleness_hours == null ? 0 : 60 * var.max_staleness_hours
  no_success_window_minutes = max(min(60, local.staleness_minutes / 4), local.staleness_minutes - 1410)
  no_success_hold_minutes   = local.staleness_minutes - local.no_success_window_minutes

  # A run answers 2xx if and only if it succeeded. With `pubsub`, a message that is dropped is answered so too.
  successes = local.staleness_minutes <= 1500 ? (
    "${local.metric_prefix}runs{${local.metric_selector},outcome=\"finished\"}"
  ) : "run_googleapis_com:request_count{${local.metric_selector},response_code_class=\"2xx\"}"

  # logging.googleapis.com/user/<name>/ in PromQL, where an underscore replaces each character that a name cannot have.
  metric_prefix   = "logging_googleapis_com:user_${replace(var.name, "-", "_")}_"
  metric_selector = "monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloudfunctions2_function.sync.name}\""

  # With `accounts`, the shell's variable ACCOUNT names the account in each command.
  job_to_run     = join("-", concat([google_cloud_scheduler_job.sync.name], var.accounts == null ? [] : ["$ACCOUNT"]))
  secret_to_fill = var.accounts == null ? local.secrets[""] : "${var.name}-$ACCOUNT-token"

  # Cloud Monitoring fills in the account. Each account, and each type of its errors, is a rule of its own for Cloud
  # Monitoring: an incident of one account holds back no notification about another.
  account_of_entry = var.accounts == null ? "" : " The account is the label `account` of the incident; set it for the commands below: `ACCOUNT=$${log.extracted_label.account}`. It is empty if the platform ended the run: the log has the account."
  account_to_set   = var.accounts == null ? "" : " Set an account for the commands below, such as `ACCOUNT=acme`."

  # The alert on an account without a successful run sees the accounts of the last 25 hours, in which a log-based metric can
  # be read. An account whose last run ends is seen for `seen` minutes, and is without success after `window` minutes. The
  # alert has to find both for as long as it holds, which is at most what lies between them.
  account_hold_minutes   = max(0, min(local.no_success_hold_minutes, 1470 - local.staleness_minutes))
  account_seen_minutes   = 1500 - local.account_hold_minutes
  account_window_minutes = min(local.staleness_minutes - local.account_hold_minutes, 1470)

  last_runs = join(" ", [
    "gcloud logging read",
    "'${local.log_of_function} AND jsonPayload.message=(\"sync_finished\" OR \"sync_failed\")${local.of_account}'",
    "--project=${var.project_id} --freshness=60d --limit=20",
    "--format='table(timestamp, jsonPayload.message, jsonPayload.seconds, jsonPayload.requests, jsonPayload.refresh.issues_waiting, jsonPayload.refresh.oldest_hours, jsonPayload.error_type, jsonPayload.error_message)'",
  ])

  add_token = join(" ", [
    "printf 'API token: ' && read -rs TOKEN && printf '%s' \"$TOKEN\" |",
    "gcloud secrets versions add ${local.secret_to_fill}",
    "--project=${var.project_id} --data-file=-; unset TOKEN",
  ])

  # Cloud Scheduler starts the run and waits for nothing. `gcloud functions call` would give up after 5 minutes.
  run_now = "gcloud scheduler jobs run ${local.job_to_run} --location=${local.scheduler_region} --project=${var.project_id}"

  follow_run = join(" ", [
    "until gcloud logging read",
    "'${local.log_of_function} AND jsonPayload.message=(\"sync_finished\" OR \"sync_failed\")${local.of_account}'",
    "--project=${var.project_id} --freshness=2m --limit=1",
    "--format='value(timestamp, jsonPayload.message, jsonPayload.seconds, jsonPayload.error_type, jsonPayload.error_message)'",
    "| grep .; do sleep 10; done",
  ])
}

resource "google_monitoring_alert_policy" "run_failed" {
  project               = var.project_id
  display_name          = "${var.name}: a run failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "The function logged a failed run, or the platform ended it"

    # A refused token has its own alert. When the platform ends a run (out of memory, a crash), only the platform logs
    # it.
    condition_matched_log {
      filter = <<-EOT
        ${local.log_of_function}
        AND (
          (jsonPayload.message="sync_failed" AND NOT jsonPayload.error_type="ApiRefused")
          OR (logName="projects/${var.project_id}/logs/run.googleapis.com%2Fvarlog%2Fsystem" AND severity>=ERROR)
        )
      EOT

      label_extractors = merge(var.accounts == null ? {} : local.account_label, {
        error_type = "EXTRACT(jsonPayload.error_type)"
      })
    }
  }

  # While an incident is open, further failures send no notification, so close it soon.
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
      A sync of the vulnerability scanner failed. Each table holds either its previous rows or all rows of this run. The next run starts from scratch.${local.account_of_entry}

      1. List the last runs: `${local.last_runs}`
      2. Act on its `error_type`; `docs/runbook.md` has a section for each:
         - `ApiUnavailable`, `ListingUnstable`, `TokenUnavailable`, `LoadUnavailable`: the API, Secret Manager or BigQuery was down or busy, or the API's list kept changing. Wait for the next run and check again.
         - `ApiError`: the API sent a response or a row in an unexpected form. Check whether the API changed.
         - `DeadlineExceeded`: raise `sync_deadline_seconds` or `max_concurrent_requests`.
         - `TokenError`: the secret has no enabled version, or the function may not read it. Add the token: `${local.add_token}`
         - `SettingsError`: the message names the setting. Correct its variable and apply again.
         - `LoadError`: BigQuery refused a statement. The message names the missing permission; if it does not, look at the job in BigQuery.
         - `AlreadyRunning`: another run was writing to the dataset. No data is lost.
         - `MachineError`: `/tmp` is full. It is kept in memory: raise `memory`.
         - `InternalError`: read the log of the run.
         - No `error_type`: the platform ended the run, and the log says why. If it ran out of memory, raise `memory`.
      3. Run it again: `${local.run_now}`
    EOT

    dynamic "links" {
      for_each = compact([var.runbook_url])

      content {
        display_name = "Runbook"
        url          = "${links.value}#a-run-failed"
      }
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

resource "google_monitoring_alert_policy" "token_refused" {
  project               = var.project_id
  display_name          = "${var.name}: the token was refused"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "The scanner's API refused the token"

    condition_matched_log {
      filter           = "${local.log_of_function} AND jsonPayload.message=\"sync_failed\" AND jsonPayload.error_type=\"ApiRefused\""
      label_extractors = var.accounts == null ? null : local.account_label
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
      The scanner's API refused the token (401 or 403). Every run fails until you add a token that it accepts.${local.account_of_entry}

      1. Create a new token in the scanner.
      2. Add it. The next run uses it; you do not need to deploy: `${local.add_token}`
      3. Run it now: `${local.run_now}`
      4. Disable the old version: `gcloud secrets versions list ${local.secret_to_fill} --project=${var.project_id}`, then `gcloud secrets versions disable`. Keep the newest version enabled: it is the one that is read.
    EOT

    dynamic "links" {
      for_each = compact([var.runbook_url])

      content {
        display_name = "Runbook"
        url          = "${links.value}#the-token-was-refused"
      }
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

resource "google_monitoring_alert_policy" "no_success" {
  count = var.max_staleness_hours == null ? 0 : 1

  project               = var.project_id
  display_name          = "${var.name}: no run succeeded"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "No run succeeded in ${var.max_staleness_hours} hours"

    # Without `or vector(0)` a sum over no samples is empty, and the alert would miss a deployment whose runs never
    # succeed. `sum_over_time` fits a counter whose samples hold the increase since the sample before.
    condition_prometheus_query_language {
      query = join("", [
        "(sum(sum_over_time(${local.successes}",
        "[${local.no_success_window_minutes}m])) or vector(0)) < 0.5",
      ])
      duration            = "${local.no_success_hold_minutes * 60}s"
      evaluation_interval = "300s"

      # The metric is created in the same apply and has no data before the first run.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: no run succeeded"
    content   = <<-EOT
      No sync of the vulnerability scanner succeeded in ${var.max_staleness_hours} hours (`max_staleness_hours`): the tables are out of date.${local.account_to_set}

      1. List the last runs: `${local.last_runs}`
      2. If they failed, follow the steps of the alert "${var.name}: a run failed".
      3. If there are none, check the schedule: `gcloud scheduler jobs describe ${local.job_to_run} --location=${local.scheduler_region} --project=${var.project_id}`. Resume a paused job with `gcloud scheduler jobs resume`. Status code 7 (permission denied) means that the scheduler's account may no longer call the function: apply again.
      4. If they succeeded, `schedule` leaves more time between two runs than `max_staleness_hours`: raise it.
      5. Run it now: `${local.run_now}`
    EOT

    dynamic "links" {
      for_each = compact([var.runbook_url])

      content {
        display_name = "Runbook"
        url          = "${links.value}#no-run-succeeded"
      }
    }
  }

  depends_on = [google_logging_metric.runs]
}

# The one above sees that no account at all succeeds, also if none ever ran. This one sees each account that ran.
resource "google_monitoring_alert_policy" "account_no_success" {
  count = var.accounts == null || var.max_staleness_hours == null ? 0 : 1

  project               = var.project_id
  display_name          = "${var.name}: no run of an account succeeded"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "No run of the account succeeded in ${var.max_staleness_hours} hours"

    # A time series, and so an incident, for each account.
    condition_prometheus_query_language {
      query = join(" unless on (account) ", [
        for counted in [
          "${local.metric_prefix}runs{${local.metric_selector},account!=\"\"}[${local.account_seen_minutes}m]",
          "${local.metric_prefix}runs{${local.metric_selector},outcome=\"finished\"}[${local.account_window_minutes}m]",
        ] : "sum by (account) (sum_over_time(${counted})) > 0.5"
      ])
      duration                  = "${local.account_hold_minutes * 60}s"
      evaluation_interval       = "300s"
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: no run of an account succeeded"
    content   = <<-EOT
      No sync of an account of the vulnerability scanner succeeded in ${var.max_staleness_hours} hours (`max_staleness_hours`): its tables are out of date. The account is the label `account` of the incident. The incident closes when the account has not run for a day, whether it was repaired or not.${local.account_to_set}

      1. List its last runs: `${local.last_runs}`
      2. If they failed, follow the steps of the alert "${var.name}: a run failed".
      3. If there are none, check its schedule: `gcloud scheduler jobs describe ${local.job_to_run} --location=${local.scheduler_region} --project=${var.project_id}`. Resume a paused job with `gcloud scheduler jobs resume`.
      4. If the log of Cloud Scheduler's job has answers with 429, all instances were busy: raise `max_parallel_syncs`.
      5. Run it now: `${local.run_now}`
    EOT

    dynamic "links" {
      for_each = compact([var.runbook_url])

      content {
        display_name = "Runbook"
        url          = "${links.value}#no-run-of-an-account-succeeded"
      }
    }
  }

  depends_on = [google_logging_metric.runs]
}

resource "google_monitoring_alert_policy" "occurrences_old" {
  count = var.max_occurrence_age_hours == null ? 0 : 1

  project               = var.project_id
  display_name          = "${var.name}: occurrences are old"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "A run finished, and its oldest occurrences were older than ${var.max_occurrence_age_hours} hours"

    # A log entry has the age itself. A log-based metric has only the mean of the runs in a window.
    condition_matched_log {
      filter           = "${local.log_of_function} AND jsonPayload.message=\"sync_finished\" AND jsonPayload.refresh.oldest_hours>${var.max_occurrence_age_hours}"
      label_extractors = var.accounts == null ? null : local.account_label
    }
  }

  # Each run that is over the limit matches. One notification a day is enough.
  alert_strategy {
    auto_close = "1800s"

    notification_rate_limit {
      period = "86400s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: occurrences are old"
    content   = <<-EOT
      A sync of the vulnerability scanner succeeded, but the oldest occurrences were last read more than ${var.max_occurrence_age_hours} hours ago (`max_occurrence_age_hours`). The account does not fit into one sync: each reads a part of the issues' occurrences and leaves the others to the next. No data is lost.${local.account_of_entry}

      1. List the last runs: `${local.last_runs}`. `issues_waiting` is the number of issues that a run left to the next ones.
      2. On a laptop, `scanner-sync check` says how many syncs a round takes, and `scanner-sync status` how far it is.
      3. Choose one of these in `terraform.tfvars` and apply; `docs/runbook.md` says more under "Occurrences are old":
         - Sync more often: change `schedule`, down to once an hour.
         - Read more in a sync: raise `max_requests_per_sync`, if the API's quota allows it. If `requests` of the last runs is far below it, the quota or `sync_deadline_seconds` ended them.
         - Accept the age: raise `max_occurrence_age_hours`.
      4. Run it now, to read the next issues: `${local.run_now}`
    EOT

    dynamic "links" {
      for_each = compact([var.runbook_url])

      content {
        display_name = "Runbook"
        url          = "${links.value}#occurrences-are-old"
      }
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

resource "google_monitoring_alert_policy" "mass_disappearance" {
  project               = var.project_id
  display_name          = "${var.name}: many occurrences disappeared at once"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "A run missed more than half of the open occurrences"

    condition_matched_log {
      filter = "${local.log_of_function} AND jsonPayload.message=\"mass_disappearance\""

      label_extractors = merge(var.accounts == null ? {} : local.account_label, {
        disappeared = "EXTRACT(jsonPayload.disappeared)"
        open_before = "EXTRACT(jsonPayload.open_before)"
      })
    }
  }

  # The next run closes them, if it misses them too. So an hour is enough to look, and the run after it needs no second one.
  alert_strategy {
    auto_close = "1800s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: many occurrences disappeared at once"
    content   = <<-EOT
      A sync of the vulnerability scanner no longer found $${log.extracted_label.disappeared} of $${log.extracted_label.open_before} open occurrences. They stay open until another run, at least 15 minutes later, misses them too.${local.account_of_entry}

      1. Look in the scanner whether they are gone: were targets or an agent removed, did a license run out, may the token see less than before?
      2. If they should be there, stop the runs before the next one: `paused = true` in `terraform.tfvars`, and apply. Correct it, then take the line away and apply.
      3. If they are gone, do nothing. The next run closes them, at the time of this one.
      4. To see at once: `${local.run_now}`
    EOT

    dynamic "links" {
      for_each = compact([var.runbook_url])

      content {
        display_name = "Runbook"
        url          = "${links.value}#many-occurrences-disappeared-at-once"
      }
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

resource "google_monitoring_alert_policy" "feed_stale" {
  count = length(var.intelligence) > 0 ? 1 : 0

  project               = var.project_id
  display_name          = "${var.name}: a feed is stale"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = "A feed could not be read for the third day in a row"

    # A feed is asked for once a day, and each failure is logged. One or two pass by themselves.
    condition_matched_log {
      filter = "${local.log_of_function} AND jsonPayload.message=\"feed_failed\" AND jsonPayload.failures>2"

      label_extractors = merge(var.accounts == null ? {} : local.account_label, {
        feed = "EXTRACT(jsonPayload.feed)"
      })
    }
  }

  alert_strategy {
    auto_close = "1800s"

    notification_rate_limit {
      period = "86400s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${var.name}: a feed is stale"
    content   = <<-EOT
      What `$${log.extracted_label.feed}` says of the CVEs could not be read for the third day in a row, or for longer. The findings have what was known before, and everything else is synced.${local.account_of_entry}

      1. See why: `gcloud logging read '${local.log_of_function} AND jsonPayload.message="feed_failed"${local.of_account}' --project=${var.project_id} --freshness=7d --limit=20 --format='table(timestamp, jsonPayload.feed, jsonPayload.failures, jsonPayload.reason)'`
      2. If the network refuses it, let the function reach the address, or name a mirror: `kev_url`, `epss_url` or `ssvc_url`.
      3. If the feed has another form now, look for a newer version of this program. Until then, `intelligence` without it ends the alert.
      4. The first sync of the next day tries again. `${local.run_now}` starts one.
    EOT

    dynamic "links" {
      for_each = compact([var.runbook_url])

      content {
        display_name = "Runbook"
        url          = "${links.value}#a-feed-is-stale"
      }
    }
  }

  depends_on = [time_sleep.until_apis_work]
}
