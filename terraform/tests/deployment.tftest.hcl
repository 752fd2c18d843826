# What an apply creates, with a mocked provider. The tests in tests/terraform read the state of these runs and check what
# is hard to express here: the complete list of grants, the files of the archive, the labels.

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

run "http" {
  assert {
    condition     = google_cloudfunctions2_function.sync.build_config[0].entry_point == "sync_http"
    error_message = "with http the function accepts HTTP requests"
  }

  assert {
    condition     = google_cloudfunctions2_function.sync.build_config[0].runtime == "python313"
    error_message = "the runtime is Python 3.13"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].max_instance_count == 1
      && google_cloudfunctions2_function.sync.service_config[0].max_instance_request_concurrency == 1
    )
    error_message = "one instance, one request: one run at a time"
  }

  assert {
    condition = (
      tonumber(google_cloudfunctions2_function.sync.service_config[0].environment_variables.SYNC_DEADLINE_SECONDS) == 1500
      && google_cloudfunctions2_function.sync.service_config[0].timeout_seconds == 1560
      && google_cloud_scheduler_job.sync.attempt_deadline == "1620s"
    )
    error_message = "the program stops first, then the function times out, then Scheduler stops waiting"
  }

  assert {
    condition = (
      google_cloud_scheduler_job.sync.http_target[0].uri == google_cloudfunctions2_function.sync.service_config[0].uri
      && google_cloud_scheduler_job.sync.http_target[0].http_method == "POST"
      && base64decode(google_cloud_scheduler_job.sync.http_target[0].body) == "{}"
      && google_cloud_scheduler_job.sync.http_target[0].oidc_token[0].audience == google_cloudfunctions2_function.sync.service_config[0].uri
      && google_cloud_scheduler_job.sync.http_target[0].oidc_token[0].service_account_email == google_service_account.scheduler[0].email
    )
    error_message = "Scheduler posts {} to the function with an identity token made for it"
  }

  assert {
    condition = (
      google_cloud_scheduler_job.sync.retry_config[0].retry_count == 2
      && google_cloud_scheduler_job.sync.retry_config[0].min_backoff_duration == "600s"
      && google_cloud_scheduler_job.sync.retry_config[0].max_backoff_duration == "1200s"
      && google_cloud_scheduler_job.sync.retry_config[0].max_doublings == 1
    )
    error_message = "Scheduler retries twice, after 10 and 20 minutes: a refused token is sent three times in half an hour"
  }

  assert {
    condition = (
      length(google_cloud_scheduler_job.sync.pubsub_target) == 0
      && length(google_pubsub_topic.runs) + length(google_pubsub_topic.dead_letters) == 0
      && length(google_pubsub_subscription.runs) + length(google_pubsub_subscription.dead_letters) == 0
    )
    error_message = "with http nothing of Pub/Sub is created"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].service_account_email == google_service_account.runtime[0].email
      && google_cloudfunctions2_function.sync.build_config[0].service_account == google_service_account.build[0].id
    )
    error_message = "the function runs as one account and is built by another"
  }

  assert {
    condition     = google_cloudfunctions2_function.sync.service_config[0].ingress_settings == "ALLOW_ALL"
    error_message = "open to all networks by default, because `gcloud functions call` comes from outside"
  }

  assert {
    condition     = output.run_now == "gcloud scheduler jobs run scanner-sync --location=us-central1 --project=my-project-1"
    error_message = "the command has Scheduler start a run, and waits for nothing"
  }

  assert {
    condition     = output.follow_run == "until gcloud logging read 'resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"scanner-sync\" AND jsonPayload.message=(\"sync_finished\" OR \"sync_failed\")' --project=my-project-1 --freshness=2m --limit=1 --format='value(timestamp, jsonPayload.message, jsonPayload.seconds, jsonPayload.error_type, jsonPayload.error_message)' | grep .; do sleep 10; done"
    error_message = "a second command waits until the log says how the run ended"
  }

  assert {
    condition     = time_sleep.until_build_may_start.create_duration == "120s"
    error_message = "the build waits until the grants work, so that one apply is enough"
  }

  assert {
    condition = (
      { for group, pause in time_sleep.until_apis_work : group => pause.create_duration } == { always = "60s" }
      && length(split(" ", time_sleep.until_apis_work["always"].triggers.services)) == length(google_project_service.required)
    )
    error_message = "what was enabled gets a minute until it works everywhere"
  }

  assert {
    condition = (
      length(google_secret_manager_secret.token[""].replication[0].auto) == 1
      && length(google_secret_manager_secret.token[""].replication[0].user_managed) == 0
    )
    error_message = "Google decides where the secret is"
  }

  assert {
    condition     = google_cloud_scheduler_job.sync.region == "us-central1"
    error_message = "Scheduler's job is in the function's region"
  }

  assert {
    condition     = output.dead_letters == null
    error_message = "with http there are no dead letters"
  }

  assert {
    condition = (
      google_bigquery_dataset.tables.dataset_id == "scanner"
      && google_bigquery_dataset.staging.dataset_id == "scanner_staging"
      && google_bigquery_dataset.tables.location == "US"
      && google_bigquery_dataset.staging.location == "US"
    )
    error_message = "the dataset and its staging dataset have the same location"
  }

  assert {
    condition = (
      google_bigquery_dataset.tables.deletion_policy == "PREVENT"
      && google_bigquery_dataset.staging.deletion_policy == "PREVENT"
      && google_secret_manager_secret.token[""].deletion_policy == "PREVENT"
    )
    error_message = "the data and the secret are protected from destruction by default"
  }

  assert {
    condition     = google_storage_bucket.source.public_access_prevention == "enforced" && google_storage_bucket.source.uniform_bucket_level_access
    error_message = "the source is not public"
  }

  assert {
    condition     = google_cloudfunctions2_function.sync.build_config[0].environment_variables == tomap({ SOURCE_DIGEST = terraform_data.source.output })
    error_message = "the build has the digest of the source, so that what a failed build left is built again"
  }

  assert {
    condition     = google_storage_bucket_object.source.name == "source-${data.archive_file.source.output_sha256}.zip"
    error_message = "the archive's name contains the hash of its content, so that a change is deployed"
  }

  assert {
    condition     = endswith(google_monitoring_alert_policy.occurrences_old[0].conditions[0].condition_matched_log[0].filter, "jsonPayload.refresh.oldest_hours>168")
    error_message = "an alert if syncs stay incomplete for a week"
  }

  assert {
    condition     = alltrue([for service in google_project_service.required : !service.disable_on_destroy])
    error_message = "no API is disabled on destroy"
  }
}

run "pubsub" {
  variables {
    trigger                  = "pubsub"
    max_occurrence_age_hours = null
  }

  assert {
    condition     = length(google_monitoring_alert_policy.occurrences_old) == 0
    error_message = "no alert on old occurrences if max_occurrence_age_hours is null"
  }

  assert {
    condition     = google_cloudfunctions2_function.sync.build_config[0].entry_point == "sync_event"
    error_message = "with pubsub the function accepts events"
  }

  assert {
    condition     = length(google_cloudfunctions2_function.sync.event_trigger) == 0
    error_message = "no Eventarc trigger next to the module's subscription: each message would run twice"
  }

  assert {
    condition = (
      length(google_cloud_scheduler_job.sync.http_target) == 0
      && google_cloud_scheduler_job.sync.pubsub_target[0].topic_name == google_pubsub_topic.runs[0].id
      && base64decode(google_cloud_scheduler_job.sync.pubsub_target[0].data) == "{}"
    )
    error_message = "Scheduler publishes {} to the topic and calls no URL"
  }

  assert {
    condition = (
      google_pubsub_subscription.runs[0].topic == google_pubsub_topic.runs[0].id
      && google_pubsub_subscription.runs[0].push_config[0].push_endpoint == google_cloudfunctions2_function.sync.service_config[0].uri
      && google_pubsub_subscription.runs[0].push_config[0].oidc_token[0].audience == google_cloudfunctions2_function.sync.service_config[0].uri
      && google_pubsub_subscription.runs[0].push_config[0].oidc_token[0].service_account_email == google_service_account.scheduler[0].email
    )
    error_message = "the subscription calls the function with an identity token made for it"
  }

  assert {
    condition = (
      google_pubsub_subscription.runs[0].dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.dead_letters[0].id
      && google_pubsub_subscription.runs[0].dead_letter_policy[0].max_delivery_attempts == 5
      && google_pubsub_subscription.runs[0].retry_policy[0].minimum_backoff == "60s"
      && google_pubsub_subscription.runs[0].retry_policy[0].maximum_backoff == "600s"
      && google_pubsub_subscription.dead_letters[0].topic == google_pubsub_topic.dead_letters[0].id
    )
    error_message = "five deliveries with growing pauses, then the message becomes a dead letter"
  }

  assert {
    condition = (
      google_pubsub_subscription.runs[0].expiration_policy[0].ttl == ""
      && google_pubsub_subscription.dead_letters[0].expiration_policy[0].ttl == ""
    )
    error_message = "no subscription expires"
  }

  assert {
    condition = (
      tonumber(google_cloudfunctions2_function.sync.service_config[0].environment_variables.SYNC_DEADLINE_SECONDS) == 420
      && google_cloudfunctions2_function.sync.service_config[0].timeout_seconds == 480
      && google_pubsub_subscription.runs[0].ack_deadline_seconds == 540
    )
    error_message = "the program stops first, then the function times out, then Pub/Sub stops waiting"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].max_instance_count == 1
      && google_cloudfunctions2_function.sync.service_config[0].max_instance_request_concurrency == 1
    )
    error_message = "one instance, one request: one run at a time"
  }

  assert {
    condition = (
      toset(keys(time_sleep.until_apis_work)) == toset(["always", "pubsub"])
      && time_sleep.until_apis_work["pubsub"].triggers.services == google_project_service.required["pubsub.googleapis.com"].id
    )
    error_message = "Pub/Sub, which is enabled later, gets a minute of its own"
  }

  assert {
    condition = (
      google_project_service_identity.pubsub[0].service == "pubsub.googleapis.com"
      && google_service_account_iam_member.pubsub_calls_as_scheduler[0].service_account_id == google_service_account.scheduler[0].name
    )
    error_message = "Pub/Sub's agent is made, and may call the function as the scheduler's account"
  }
}

run "every_variable_given" {
  variables {
    region                   = "europe-west9"
    scheduler_region         = "europe-west1"
    name                     = "acme-scanner"
    labels                   = { team = "security" }
    invokers                 = ["group:security@example.com", "user:ada@example.com"]
    ingress                  = "ALLOW_INTERNAL_ONLY"
    memory                   = "2Gi"
    dataset                  = "findings"
    bigquery_location        = "EU"
    deletion_protection      = false
    exposed_tags             = ["dmz", "front end"]
    internal_tags            = ["lab"]
    page_size                = 50
    max_concurrent_requests  = 5
    max_requests_per_sync    = 1000000
    full_read_hours          = 0
    intelligence             = ["kev", "epss"]
    kev_url                  = "https://mirror.example.com:8443/kev.json"
    epss_url                 = "https://mirror.example.com/epss.csv.gz"
    ssvc_url                 = "https://mirror.example.com/cve/{cve}.json"
    log_level                = "DEBUG"
    time_zone                = "Europe/Berlin"
    schedule                 = "30 4 * * *"
    max_staleness_hours      = 25
    max_occurrence_age_hours = 36.5
    sync_deadline_seconds    = 1680
    secret_locations         = ["europe-west9", "europe-west1"]
    runbook_url              = "https://github.com/acme/scanner-sync/blob/main/docs/runbook.md"
    notification_channels    = ["projects/my-project-1/notificationChannels/123"]
  }

  assert {
    condition = google_cloudfunctions2_function.sync.service_config[0].environment_variables == tomap({
      API_BASE_URL             = "https://api.intruder.io/v1"
      ACCESS_TOKEN_SECRET      = "projects/my-project-1/secrets/acme-scanner-token"
      GOOGLE_CLOUD_PROJECT     = "my-project-1"
      BIGQUERY_BILLING_PROJECT = "my-project-1"
      DATASET                  = "findings"
      BIGQUERY_LOCATION        = "EU"
      EXPOSED_TAGS             = "dmz,front end"
      INTERNAL_TAGS            = "lab"
      PAGE_SIZE                = "50"
      MAX_CONCURRENT_REQUESTS  = "5"
      MAX_REQUESTS_PER_SYNC    = "1000000"
      FULL_READ_HOURS          = "0"
      SYNC_DEADLINE_SECONDS    = "1680"
      INTELLIGENCE             = "epss,kev"
      KEV_URL                  = "https://mirror.example.com:8443/kev.json"
      EPSS_URL                 = "https://mirror.example.com/epss.csv.gz"
      SSVC_URL                 = "https://mirror.example.com/cve/{cve}.json"
      LOG_LEVEL                = "DEBUG"
    })
    error_message = "each variable sets its setting, and there are no other settings"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].timeout_seconds == 1740
      && google_cloud_scheduler_job.sync.attempt_deadline == "1800s"
    )
    error_message = "the longest deadline fills the 30 minutes that Scheduler waits"
  }

  assert {
    condition = (
      length(google_secret_manager_secret.token[""].replication[0].auto) == 0
      && [for replica in google_secret_manager_secret.token[""].replication[0].user_managed[0].replicas : replica.location] == ["europe-west1", "europe-west9"]
    )
    error_message = "the secret is in the given regions, in whatever order they are given"
  }

  assert {
    condition     = output.run_now == "gcloud scheduler jobs run acme-scanner --location=europe-west1 --project=my-project-1"
    error_message = "the command names the region of Scheduler's job"
  }

  assert {
    condition = (
      google_bigquery_dataset.tables.deletion_policy == "DELETE"
      && google_bigquery_dataset.staging.deletion_policy == "DELETE"
      && google_secret_manager_secret.token[""].deletion_policy == "DELETE"
      && !google_bigquery_dataset.tables.delete_contents_on_destroy
      && !google_bigquery_dataset.staging.delete_contents_on_destroy
    )
    error_message = "without protection they can be destroyed, but never a dataset that has tables"
  }

  assert {
    condition = (
      google_cloud_scheduler_job.sync.schedule == "30 4 * * *"
      && google_cloud_scheduler_job.sync.time_zone == "Europe/Berlin"
      && google_cloud_scheduler_job.sync.region == "europe-west1"
      && google_cloudfunctions2_function.sync.location == "europe-west9"
      && google_storage_bucket.source.location == "europe-west9"
      && google_artifact_registry_repository.images.location == "europe-west9"
    )
    error_message = "the schedule has the given time zone and region, and everything else the function's region"
  }

  assert {
    condition = alltrue([
      for alert in [
        google_monitoring_alert_policy.run_failed,
        google_monitoring_alert_policy.token_refused,
        google_monitoring_alert_policy.no_success[0],
        google_monitoring_alert_policy.occurrences_old[0],
        google_monitoring_alert_policy.mass_disappearance,
      ] : alert.notification_channels == tolist(["projects/my-project-1/notificationChannels/123"])
    ])
    error_message = "every alert uses the given channels"
  }

  assert {
    condition = (
      google_monitoring_alert_policy.occurrences_old[0].conditions[0].condition_matched_log[0].filter
      == "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"acme-scanner\" AND jsonPayload.message=\"sync_finished\" AND jsonPayload.refresh.oldest_hours>36.5"
    )
    error_message = "a finished run whose oldest occurrences are older than max_occurrence_age_hours fires the alert"
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.occurrences_old[0].documentation[0].content, "more than 36.5 hours ago (`max_occurrence_age_hours`)")
    error_message = "the text of the alert names the limit and its variable"
  }
}

run "longest_deadline_with_pubsub" {
  command = plan

  variables {
    trigger               = "pubsub"
    sync_deadline_seconds = 480
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].timeout_seconds == 540
      && google_pubsub_subscription.runs[0].ack_deadline_seconds == 600
    )
    error_message = "the longest deadline fills the function's 9 minutes within Pub/Sub's 10"
  }
}
