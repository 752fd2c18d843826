# Log-based metrics. Each line of the function's log is a JSON object, and its `message` is the event's name.

locals {
  # With `accounts`, each entry names its account, and so do metrics, incidents and the commands of the outputs. The metrics
  # have the label without accounts too, with an empty value: a label that comes or goes would replace them.
  account_label   = { account = "EXTRACT(jsonPayload.account)" }
  of_account      = var.accounts == null ? "" : " AND jsonPayload.account=\"'\"$ACCOUNT\"'\""
  log_of_function = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${google_cloudfunctions2_function.sync.name}\""

  # One value per event. In Cloud Monitoring `<name>/rows` is `logging.googleapis.com/user/<name>/rows`. A run that was not
  # asked for occurrences logs an empty `refresh`, and adds nothing to the metrics that read it.
  measurements = {
    rows           = { event = "table_synced", field = "rows", unit = "1", label = "table", description = "Rows loaded, by table." }
    seconds        = { event = "sync_finished", field = "seconds", unit = "s", label = null, description = "Duration of a run, in seconds." }
    requests       = { event = "sync_finished", field = "requests", unit = "1", label = null, description = "Requests to the API per run." }
    throttled      = { event = "sync_finished", field = "throttled", unit = "1", label = null, description = "Responses with status 429 from the API per run." }
    issues_listed  = { event = "sync_finished", field = "refresh.issues_listed", unit = "1", label = null, description = "Issues that the API listed per run." }
    issues_read    = { event = "sync_finished", field = "refresh.issues_read", unit = "1", label = null, description = "Issues whose occurrences were read per run." }
    issues_waiting = { event = "sync_finished", field = "refresh.issues_waiting", unit = "1", label = null, description = "Issues whose occurrences a run left to the next runs." }
    disappeared    = { event = "mass_disappearance", field = "disappeared", unit = "1", label = null, description = "Open occurrences that a run missed all at once. They stay open until another run misses them too." }
    oldest_hours   = { event = "sync_finished", field = "refresh.oldest_hours", unit = "h", label = null, description = "Hours since the occurrences that have waited longest were read." }
  }
}

locals {
  # A distribution needs buckets. Those of a unit grow by a factor, from 1 to more than a run can have: 16 million rows, an
  # hour (a run ends after half of one), and a year of hours.
  buckets = {
    "1" = { factor = 2, number = 24 }
    "s" = { factor = 1.25, number = 37 }
    "h" = { factor = 1.5, number = 23 }
  }
}

resource "google_logging_metric" "runs" {
  project     = var.project_id
  name        = "${var.name}/runs"
  description = "Completed runs, by outcome (finished, failed) and error type."
  filter      = "${local.log_of_function} AND jsonPayload.message=(\"sync_finished\" OR \"sync_failed\")"

  label_extractors = merge(local.account_label, {
    outcome    = "REGEXP_EXTRACT(jsonPayload.message, \"sync_(finished|failed)\")"
    error_type = "EXTRACT(jsonPayload.error_type)"
  })

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key         = "outcome"
      value_type  = "STRING"
      description = "finished or failed"
    }

    labels {
      key         = "error_type"
      value_type  = "STRING"
      description = "error type, as in the function's answer; empty if the run finished"
    }

    dynamic "labels" {
      for_each = local.account_label

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

# A metric that extracts a value from a log entry has to be a distribution. The dashboard uses its sum and its count.
resource "google_logging_metric" "measurement" {
  for_each = local.measurements

  project         = var.project_id
  name            = "${var.name}/${each.key}"
  description     = each.value.description
  filter          = "${local.log_of_function} AND jsonPayload.message=\"${each.value.event}\""
  value_extractor = "EXTRACT(jsonPayload.${each.value.field})"

  bucket_options {
    exponential_buckets {
      num_finite_buckets = local.buckets[each.value.unit].number
      growth_factor      = local.buckets[each.value.unit].factor
      scale              = 1
    }
  }

  label_extractors = merge(local.account_label, each.value.label == null ? {} : {
    (each.value.label) = "EXTRACT(jsonPayload.${each.value.label})"
  })

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit

    dynamic "labels" {
      for_each = toset(concat(keys(local.account_label), each.value.label == null ? [] : [each.value.label]))

      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  depends_on = [time_sleep.until_apis_work]
}
