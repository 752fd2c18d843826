# Cloud Scheduler starts a run in one of two ways.
#
# http: Scheduler calls the function and sees its response. It waits at most 30 minutes.
#
# pubsub: Scheduler publishes a message, and a push subscription calls the function with it. The module creates this
# subscription instead of an Eventarc trigger, whose subscription Terraform cannot manage: its retries and its
# dead-letter topic would have to be set by hand after each apply. Pub/Sub waits for a response until the acknowledgment
# deadline, at most 10 minutes, of which the function gets 9.

locals {
  function_uri = google_cloudfunctions2_function.sync.service_config[0].uri

  # Cloud Scheduler is not in every region that Cloud Functions is in.
  scheduler_region = coalesce(var.scheduler_region, var.region)

  accounts = var.accounts == null ? tomap({}) : var.accounts

  # Maps of strings: with maps of objects in `for_each`, the plan of 200 accounts takes longer.
  locations = { for account, given in local.accounts : account => coalesce(given.location, var.bigquery_location) }

  # A number that follows from the account's name alone, so that no account starts at another time because one was added.
  starts = {
    for account, given in local.accounts : account => {
      number = parseint(substr(sha256(account), 0, 8), 16)
      fields = split(" ", coalesce(given.schedule, var.schedule))
    }
  }

  # The accounts of a schedule start one after the other within its period, so that not all need an instance at once:
  #
  #   schedule       | spread over                        | such as
  #   */15 * * * *   | the 15 minutes                     | 7-59/15 * * * *
  #   0 * * * *      | the hour                           | 41 * * * *
  #   0 */6 * * *    | the 6 hours                        | 41 2-23/6 * * *
  #   0 6 * * *      | the hour, here from 6:00 to 6:59   | 41 6 * * *
  #   any other      | taken as it is
  #
  # Steps that do not divide the day or the hour stay: moved, they would lose a run.
  schedules = {
    for account, start in local.starts : account => join(" ", concat(
      can(regex("^\\*/([2-6]|1[025]|20|30)$", start.fields[0])) ? [
        "${start.number % tonumber(trimprefix(start.fields[0], "*/"))}-59/${trimprefix(start.fields[0], "*/")}",
        start.fields[1],
        ] : !can(regex("^[0-9]+$", start.fields[0])) ? [
        start.fields[0],
        start.fields[1],
        ] : can(regex("^\\*/([23468]|12)$", start.fields[1])) ? [
        tostring(start.number % 60),
        "${floor(start.number / 60) % tonumber(trimprefix(start.fields[1], "*/"))}-23/${trimprefix(start.fields[1], "*/")}",
        ] : [
        tostring(start.number % 60),
        start.fields[1],
      ],
      slice(start.fields, 2, 5),
    ))
  }
}

resource "google_cloud_scheduler_job" "sync" {
  project          = var.project_id
  name             = var.name
  region           = local.scheduler_region
  description      = "Starts the sync of the vulnerability scanner."
  schedule         = var.schedule
  time_zone        = var.time_zone
  attempt_deadline = var.trigger == "http" ? "${local.caller_deadline_seconds}s" : null

  # Each account has a job of its own. This one stays, without runs, as the datasets and the secret without an account do:
  # a deployment keeps what it had before its first account. Never null, with which the provider keeps a job paused.
  paused = var.paused || var.accounts != null

  # Cloud Scheduler repeats a call whatever it was answered, if not with 2xx, and ignores Retry-After. So a refused token
  # and a wrong setting are tried again too. Two more attempts, 10 and then 20 minutes later, give an outage or a quota
  # time to pass, and send a refused token three times in half an hour.
  retry_config {
    retry_count          = 2
    min_backoff_duration = "600s"
    max_backoff_duration = "1200s"
    max_doublings        = 1
  }

  dynamic "http_target" {
    for_each = var.trigger == "http" ? [1] : []

    content {
      uri         = local.function_uri
      http_method = "POST"
      headers     = { "Content-Type" = "application/json" }
      body        = base64encode("{}")

      oidc_token {
        service_account_email = local.emails.scheduler
        audience              = local.function_uri
      }
    }
  }

  # Cloud Scheduler's service agent publishes the message; it has the right to do so in its project.
  dynamic "pubsub_target" {
    for_each = var.trigger == "pubsub" ? [1] : []

    content {
      topic_name = google_pubsub_topic.runs[0].id
      data       = base64encode("{}")
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.scheduler_calls_function]
}

# The same for each account: the call or the message names it.
resource "google_cloud_scheduler_job" "account" {
  for_each = local.schedules

  project          = var.project_id
  name             = "${var.name}-${each.key}"
  region           = local.scheduler_region
  description      = "Starts the sync of the account ${each.key}."
  schedule         = each.value
  time_zone        = var.time_zone
  paused           = var.paused
  attempt_deadline = var.trigger == "http" ? "${local.caller_deadline_seconds}s" : null

  retry_config {
    retry_count          = 2
    min_backoff_duration = "600s"
    max_backoff_duration = "1200s"
    max_doublings        = 1
  }

  dynamic "http_target" {
    for_each = var.trigger == "http" ? [1] : []

    content {
      uri         = local.function_uri
      http_method = "POST"
      headers     = { "Content-Type" = "application/json" }
      body        = base64encode(jsonencode({ account = each.key }))

      oidc_token {
        service_account_email = local.emails.scheduler
        audience              = local.function_uri
      }
    }
  }

  dynamic "pubsub_target" {
    for_each = var.trigger == "pubsub" ? [1] : []

    content {
      topic_name = google_pubsub_topic.runs[0].id
      data       = base64encode(jsonencode({ account = each.key }))
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.scheduler_calls_function]
}

resource "google_pubsub_topic" "runs" {
  #checkov:skip=CKV_GCP_83: encrypted with Google's keys unless `kms_keys` names others

  count = var.trigger == "pubsub" ? 1 : 0

  project      = var.project_id
  name         = "${var.name}-runs"
  labels       = local.labels
  kms_key_name = lookup(var.kms_keys, var.region, null)

  depends_on = [time_sleep.until_apis_work]
}

resource "google_pubsub_subscription" "runs" {
  count = var.trigger == "pubsub" ? 1 : 0

  project                    = var.project_id
  name                       = "${var.name}-runs"
  topic                      = google_pubsub_topic.runs[0].id
  labels                     = local.labels
  ack_deadline_seconds       = local.caller_deadline_seconds
  message_retention_duration = "86400s"

  push_config {
    push_endpoint = local.function_uri

    oidc_token {
      service_account_email = local.emails.scheduler
      audience              = local.function_uri
    }
  }

  # The function acknowledges what cannot succeed later, such as a refused token, so only the rest is delivered again.
  retry_policy {
    minimum_backoff = "60s"
    maximum_backoff = "600s"
  }

  # Pub/Sub's minimum.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters[0].id
    max_delivery_attempts = 5
  }

  # Never: by default Pub/Sub deletes a subscription after 31 days without activity.
  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_v2_service_iam_member.scheduler_calls_function]
}

resource "google_pubsub_topic" "dead_letters" {
  #checkov:skip=CKV_GCP_83: encrypted with Google's keys unless `kms_keys` names others

  count = var.trigger == "pubsub" ? 1 : 0

  project      = var.project_id
  name         = "${var.name}-dead-letters"
  labels       = local.labels
  kms_key_name = lookup(var.kms_keys, var.region, null)

  depends_on = [time_sleep.until_apis_work]
}

# Without a subscription the topic would lose its messages.
resource "google_pubsub_subscription" "dead_letters" {
  count = var.trigger == "pubsub" ? 1 : 0

  project                    = var.project_id
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead_letters[0].id
  labels                     = local.labels
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
}
