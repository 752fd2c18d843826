# Values that the validations refuse, one run each. The name of a run is the variable, two underscores and the fault; a
# test in tests/terraform checks that each validation has a run.
#
# This folder contains only variables.tf, as a symbolic link, and no resources: a run takes milliseconds.

variables {
  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
}

run "project_id__uppercase" {
  command = plan

  variables {
    project_id = "My-Project"
  }

  expect_failures = [var.project_id]
}

run "project_id__starts_with_digit" {
  command = plan

  variables {
    project_id = "123456789012x_"
  }

  expect_failures = [var.project_id]
}

run "api_base_url__no_tls" {
  command = plan

  variables {
    api_base_url = "http://api.intruder.io/v1"
  }

  expect_failures = [var.api_base_url]
}

run "api_base_url__password" {
  command = plan

  variables {
    api_base_url = "https://user:password@api.intruder.io/v1"
  }

  expect_failures = [var.api_base_url]
}

run "api_base_url__query" {
  command = plan

  variables {
    api_base_url = "https://api.intruder.io/v1?token=abc"
  }

  expect_failures = [var.api_base_url]
}

run "api_base_url__account_of_none" {
  command = plan

  variables {
    api_base_url = "https://{account}.example.com/v1"
  }

  expect_failures = [var.api_base_url]
}

run "api_base_url__underscore_of_account" {
  command = plan

  variables {
    api_base_url = "https://{account}.example.com/v1"
    accounts     = { acme = {}, acme_eu = {} }
  }

  expect_failures = [var.api_base_url]
}

run "region__multi_region" {
  command = plan

  variables {
    region = "US"
  }

  expect_failures = [var.region]
}

run "region__zone" {
  command = plan

  variables {
    region = "europe-west1-b"
  }

  expect_failures = [var.region]
}

run "scheduler_region__zone" {
  command = plan

  variables {
    scheduler_region = "europe-west1-b"
  }

  expect_failures = [var.scheduler_region]
}

run "name__underscore" {
  command = plan

  variables {
    name = "scanner_sync"
  }

  expect_failures = [var.name]
}

run "name__too_long" {
  command = plan

  variables {
    name = "a-name-of-more-than-20"
  }

  expect_failures = [var.name]
}

run "name__google" {
  command = plan

  variables {
    name = "my-google-sync"
  }

  expect_failures = [var.name]
}

run "name__g00gle" {
  command = plan

  variables {
    name = "my-g00gle-sync"
  }

  expect_failures = [var.name]
}

run "name__goog" {
  command = plan

  variables {
    name = "goog-sync"
  }

  expect_failures = [var.name]
}

run "accounts__uppercase" {
  command = plan

  variables {
    accounts = { Acme = {} }
  }

  expect_failures = [var.accounts]
}

run "accounts__hyphen" {
  command = plan

  variables {
    accounts = { acme-corp = {} }
  }

  expect_failures = [var.accounts]
}

run "accounts__two_underscores" {
  command = plan

  variables {
    accounts = { acme__corp = {} }
  }

  expect_failures = [var.accounts]
}

run "accounts__too_long" {
  command = plan

  variables {
    accounts = { a23456789_123456789_123456789_1 = {} }
  }

  expect_failures = [var.accounts]
}

run "accounts__staging_dataset_of_another" {
  command = plan

  variables {
    accounts = { acme = {}, acme_staging = {} }
  }

  expect_failures = [var.accounts]
}

run "accounts__staging" {
  command = plan

  variables {
    accounts = { staging = {} }
  }

  expect_failures = [var.accounts]
}

run "accounts__schedule_in_words" {
  command = plan

  variables {
    accounts = { acme = { schedule = "every 6 hours" } }
  }

  expect_failures = [var.accounts]
}

run "accounts__country" {
  command = plan

  variables {
    accounts = { acme = { location = "Germany" } }
  }

  expect_failures = [var.accounts]
}

run "max_parallel_syncs__zero" {
  command = plan

  variables {
    max_parallel_syncs = 0
  }

  expect_failures = [var.max_parallel_syncs]
}

run "max_parallel_syncs__fraction" {
  command = plan

  variables {
    max_parallel_syncs = 1.5
  }

  expect_failures = [var.max_parallel_syncs]
}

run "labels__key_in_uppercase" {
  command = plan

  variables {
    labels = { Team = "security" }
  }

  expect_failures = [var.labels]
}

run "labels__value_with_a_space" {
  command = plan

  variables {
    labels = { team = "the security team" }
  }

  expect_failures = [var.labels]
}

run "trigger__eventarc" {
  command = plan

  variables {
    trigger = "eventarc"
  }

  expect_failures = [var.trigger]
}

run "schedule__words" {
  command = plan

  variables {
    schedule = "every 6 hours"
  }

  expect_failures = [var.schedule]
}

run "schedule__four_fields" {
  command = plan

  variables {
    schedule = "0 6 * *"
  }

  expect_failures = [var.schedule]
}

run "schedule__six_fields" {
  command = plan

  variables {
    schedule = "0 0 6 * * *"
  }

  expect_failures = [var.schedule]
}

run "schedule__space_before" {
  command = plan

  variables {
    schedule = " 0 6 * * *"
  }

  expect_failures = [var.schedule]
}

run "max_staleness_hours__zero" {
  command = plan

  variables {
    max_staleness_hours = 0
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_staleness_hours__longer_than_the_platform_looks_back" {
  command = plan

  variables {
    max_staleness_hours = 841
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_staleness_hours__longer_than_the_platform_looks_back_with_pubsub" {
  command = plan

  variables {
    trigger             = "pubsub"
    max_staleness_hours = 26
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_staleness_hours__longer_than_the_platform_looks_back_with_accounts" {
  command = plan

  variables {
    accounts            = { acme = {} }
    max_staleness_hours = 26
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_staleness_hours__shorter_than_the_weekend_of_an_account" {
  command = plan

  variables {
    accounts            = { acme = {}, globex = { schedule = "0 */6 * * 1-5" } }
    max_staleness_hours = 25
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_staleness_hours__shorter_than_the_day_of_an_account" {
  command = plan

  variables {
    accounts = { acme = {}, globex = { schedule = "0 4 * * *" } }
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_staleness_hours__shorter_than_a_weekend" {
  command = plan

  variables {
    schedule            = "0 */6 * * 1-5"
    max_staleness_hours = 25
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_staleness_hours__shorter_than_a_day" {
  command = plan

  variables {
    schedule = "*/30 4 * * *"
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_staleness_hours__fraction" {
  command = plan

  variables {
    max_staleness_hours = 1.5
  }

  expect_failures = [var.max_staleness_hours]
}

run "max_occurrence_age_hours__zero" {
  command = plan

  variables {
    max_occurrence_age_hours = 0
  }

  expect_failures = [var.max_occurrence_age_hours]
}

run "max_occurrence_age_hours__negative" {
  command = plan

  variables {
    max_occurrence_age_hours = -1
  }

  expect_failures = [var.max_occurrence_age_hours]
}

run "time_zone__offset" {
  command = plan

  variables {
    time_zone = "UTC+2"
  }

  expect_failures = [var.time_zone]
}

run "time_zone__abbreviation" {
  command = plan

  variables {
    time_zone = "CEST"
  }

  expect_failures = [var.time_zone]
}

run "time_zone__city" {
  command = plan

  variables {
    time_zone = "Berlin"
  }

  expect_failures = [var.time_zone]
}

run "sync_deadline_seconds__too_short" {
  command = plan

  variables {
    sync_deadline_seconds = 59
  }

  expect_failures = [var.sync_deadline_seconds]
}

run "sync_deadline_seconds__too_long_with_http" {
  command = plan

  variables {
    sync_deadline_seconds = 1681
  }

  expect_failures = [var.sync_deadline_seconds]
}

run "sync_deadline_seconds__fraction" {
  command = plan

  variables {
    sync_deadline_seconds = 100.5
  }

  expect_failures = [var.sync_deadline_seconds]
}

run "sync_deadline_seconds__too_long_with_pubsub" {
  command = plan

  variables {
    sync_deadline_seconds = 481
    trigger               = "pubsub"
  }

  expect_failures = [var.sync_deadline_seconds]
}

run "sync_deadline_seconds__http_default_with_pubsub" {
  command = plan

  variables {
    sync_deadline_seconds = 1500
    trigger               = "pubsub"
  }

  expect_failures = [var.sync_deadline_seconds]
}

run "ingress__word" {
  command = plan

  variables {
    ingress = "internal"
  }

  expect_failures = [var.ingress]
}

run "invokers__all_users" {
  command = plan

  variables {
    invokers = ["allUsers"]
  }

  expect_failures = [var.invokers]
}

run "invokers__all_authenticated_users" {
  command = plan

  variables {
    invokers = ["allAuthenticatedUsers"]
  }

  expect_failures = [var.invokers]
}

run "invokers__domain" {
  command = plan

  variables {
    invokers = ["domain:example.com"]
  }

  expect_failures = [var.invokers]
}

run "invokers__address_only" {
  command = plan

  variables {
    invokers = ["ada@example.com"]
  }

  expect_failures = [var.invokers]
}

run "invokers__with_pubsub" {
  command = plan

  variables {
    invokers = ["user:ada@example.com"]
    trigger  = "pubsub"
  }

  expect_failures = [var.invokers]
}

run "memory__too_small" {
  command = plan

  variables {
    memory = "256Mi"
  }

  expect_failures = [var.memory]
}

run "memory__too_large_for_one_cpu" {
  command = plan

  variables {
    memory = "8Gi"
  }

  expect_failures = [var.memory]
}

run "memory__number" {
  command = plan

  variables {
    memory = "1024"
  }

  expect_failures = [var.memory]
}

run "rebuild__two_lines" {
  command = plan

  variables {
    rebuild = "2026\n01"
  }

  expect_failures = [var.rebuild]
}

run "dataset__hyphen" {
  command = plan

  variables {
    dataset = "scanner-sync"
  }

  expect_failures = [var.dataset]
}

run "dataset__staging_suffix" {
  command = plan

  variables {
    dataset = "scanner_staging"
  }

  expect_failures = [var.dataset]
}

run "bigquery_location__lowercase" {
  command = plan

  variables {
    bigquery_location = "us"
  }

  expect_failures = [var.bigquery_location]
}

run "bigquery_location__country" {
  command = plan

  variables {
    bigquery_location = "Germany"
  }

  expect_failures = [var.bigquery_location]
}

run "secret_locations__none" {
  command = plan

  variables {
    secret_locations = []
  }

  expect_failures = [var.secret_locations]
}

run "secret_locations__global" {
  command = plan

  variables {
    secret_locations = ["global"]
  }

  expect_failures = [var.secret_locations]
}

run "exposed_tags__comma" {
  command = plan

  variables {
    exposed_tags = ["web,dmz"]
  }

  expect_failures = [var.exposed_tags]
}

run "exposed_tags__bracket" {
  command = plan

  variables {
    exposed_tags = ["[dmz]"]
  }

  expect_failures = [var.exposed_tags]
}

run "internal_tags__quote" {
  command = plan

  variables {
    internal_tags = ["\"lab\""]
  }

  expect_failures = [var.internal_tags]
}

run "internal_tags__empty" {
  command = plan

  variables {
    internal_tags = ["lab", " "]
  }

  expect_failures = [var.internal_tags]
}

run "page_size__zero" {
  command = plan

  variables {
    page_size = 0
  }

  expect_failures = [var.page_size]
}

run "page_size__fraction" {
  command = plan

  variables {
    page_size = 1.5
  }

  expect_failures = [var.page_size]
}

run "max_concurrent_requests__zero" {
  command = plan

  variables {
    max_concurrent_requests = 0
  }

  expect_failures = [var.max_concurrent_requests]
}

run "max_concurrent_requests__fraction" {
  command = plan

  variables {
    max_concurrent_requests = 1.5
  }

  expect_failures = [var.max_concurrent_requests]
}

run "full_read_hours__negative" {
  command = plan

  variables {
    full_read_hours = -1
  }

  expect_failures = [var.full_read_hours]
}

run "full_read_hours__more_than_the_program_accepts" {
  command = plan

  variables {
    full_read_hours = 721
  }

  expect_failures = [var.full_read_hours]
}

run "full_read_hours__fraction" {
  command = plan

  variables {
    full_read_hours = 1.5
  }

  expect_failures = [var.full_read_hours]
}

run "max_requests_per_sync__zero" {
  command = plan

  variables {
    max_requests_per_sync = 0
  }

  expect_failures = [var.max_requests_per_sync]
}

run "max_requests_per_sync__more_than_the_program_accepts" {
  command = plan

  variables {
    max_requests_per_sync = 1000001
  }

  expect_failures = [var.max_requests_per_sync]
}

run "max_requests_per_sync__fraction" {
  command = plan

  variables {
    max_requests_per_sync = 1.5
  }

  expect_failures = [var.max_requests_per_sync]
}

run "intelligence__unknown" {
  command = plan

  variables {
    intelligence = ["kev", "nvd"]
  }

  expect_failures = [var.intelligence]
}

run "intelligence__uppercase" {
  command = plan

  variables {
    intelligence = ["KEV"]
  }

  expect_failures = [var.intelligence]
}

run "kev_url__no_tls" {
  command = plan

  variables {
    kev_url = "http://mirror.example.com/kev.json"
  }

  expect_failures = [var.kev_url]
}

run "kev_url__query" {
  command = plan

  variables {
    kev_url = "https://mirror.example.com/kev.json?key=abc"
  }

  expect_failures = [var.kev_url]
}

run "epss_url__password" {
  command = plan

  variables {
    epss_url = "https://user:password@mirror.example.com/epss.csv.gz"
  }

  expect_failures = [var.epss_url]
}

run "ssvc_url__no_cve" {
  command = plan

  variables {
    ssvc_url = "https://mirror.example.com/cve/"
  }

  expect_failures = [var.ssvc_url]
}

run "ssvc_url__two_cves" {
  command = plan

  variables {
    ssvc_url = "https://mirror.example.com/{cve}/{cve}"
  }

  expect_failures = [var.ssvc_url]
}

run "log_level__lowercase" {
  command = plan

  variables {
    log_level = "info"
  }

  expect_failures = [var.log_level]
}

run "log_level__too_quiet" {
  command = plan

  variables {
    log_level = "WARNING"
  }

  expect_failures = [var.log_level]
}

run "notification_channels__address" {
  command = plan

  variables {
    notification_channels = ["ada@example.com"]
  }

  expect_failures = [var.notification_channels]
}

run "notification_channels__id" {
  command = plan

  variables {
    notification_channels = ["123"]
  }

  expect_failures = [var.notification_channels]
}

run "kms_keys__version" {
  command = plan

  variables {
    kms_keys = {
      US          = "projects/my-keys/locations/us/keyRings/ring/cryptoKeys/key/cryptoKeyVersions/1"
      us-central1 = "projects/my-keys/locations/us-central1/keyRings/ring/cryptoKeys/key"
      global      = "projects/my-keys/locations/global/keyRings/ring/cryptoKeys/key"
    }
  }

  expect_failures = [var.kms_keys]
}

run "kms_keys__name_of_bigquery" {
  command = plan

  variables {
    kms_keys = {
      US          = "projects/my-keys/locations/US/keyRings/ring/cryptoKeys/key"
      us-central1 = "projects/my-keys/locations/us-central1/keyRings/ring/cryptoKeys/key"
      global      = "projects/my-keys/locations/global/keyRings/ring/cryptoKeys/key"
    }
  }

  expect_failures = [var.kms_keys]
}

run "kms_keys__none_for_an_account" {
  command = plan

  variables {
    accounts = { acme = { location = "EU" } }
    kms_keys = {
      US          = "projects/my-keys/locations/us/keyRings/ring/cryptoKeys/key"
      us-central1 = "projects/my-keys/locations/us-central1/keyRings/ring/cryptoKeys/key"
      global      = "projects/my-keys/locations/global/keyRings/ring/cryptoKeys/key"
    }
  }

  expect_failures = [var.kms_keys]
}

run "kms_keys__none_for_the_secret" {
  command = plan

  variables {
    kms_keys = {
      US          = "projects/my-keys/locations/us/keyRings/ring/cryptoKeys/key"
      us-central1 = "projects/my-keys/locations/us-central1/keyRings/ring/cryptoKeys/key"
    }
  }

  expect_failures = [var.kms_keys]
}

run "egress__two_ways" {
  command = plan

  variables {
    egress = { connector = "connector", subnetwork = "sub" }
  }

  expect_failures = [var.egress]
}

run "egress__network_only" {
  command = plan

  variables {
    egress = { network = "net" }
  }

  expect_failures = [var.egress]
}

run "worker_pool__name_only" {
  command = plan

  variables {
    worker_pool = "pool"
  }

  expect_failures = [var.worker_pool]
}

run "service_accounts__default" {
  command = plan

  variables {
    service_accounts = { runtime = "123-compute@developer.gserviceaccount.com" }
  }

  expect_failures = [var.service_accounts]
}

run "roles__unknown" {
  command = plan

  variables {
    roles = { "roles/owner" = "projects/my-project-1/roles/own" }
  }

  expect_failures = [var.roles]
}

run "roles__name_only" {
  command = plan

  variables {
    roles = { "roles/run.invoker" = "caller" }
  }

  expect_failures = [var.roles]
}

run "runbook_url__fragment" {
  command = plan

  variables {
    runbook_url = "https://github.com/acme/scanner-sync/blob/main/docs/runbook.md#alerts"
  }

  expect_failures = [var.runbook_url]
}

run "bigquery_billing_project__number" {
  command = plan

  variables {
    bigquery_billing_project = "123456789012"
  }

  expect_failures = [var.bigquery_billing_project]
}

run "max_daily_query_gib__zero" {
  command = plan

  variables {
    max_daily_query_gib = 0
  }

  expect_failures = [var.max_daily_query_gib]
}

run "max_daily_query_gib__fraction" {
  command = plan

  variables {
    max_daily_query_gib = 1.5
  }

  expect_failures = [var.max_daily_query_gib]
}
