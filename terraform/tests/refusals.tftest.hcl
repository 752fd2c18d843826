# Values that the variables refuse, one run each. A run's name is that of its variable, two underscores, and what is
# wrong; tests/test_terraform.py asks for one at least for each validation.

mock_provider "google" {
  source = "./tests/mocks"
}

mock_provider "archive" {}

variables {
  project_id   = "my-project-1"
  api_base_url = "https://api.intruder.io/v1"
}

run "project_id__upper_case" {
  command = plan

  variables {
    project_id = "My-Project"
  }

  expect_failures = [var.project_id]
}

run "project_id__number" {
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

run "labels__key_in_upper_case" {
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

run "schedule__minute_60" {
  command = plan

  variables {
    schedule = "60 * * * *"
  }

  expect_failures = [var.schedule]
}

run "schedule__hour_24" {
  command = plan

  variables {
    schedule = "0 24 * * *"
  }

  expect_failures = [var.schedule]
}

run "schedule__day_0" {
  command = plan

  variables {
    schedule = "0 6 0 * *"
  }

  expect_failures = [var.schedule]
}

run "schedule__day_8_of_week" {
  command = plan

  variables {
    schedule = "0 6 * * 8"
  }

  expect_failures = [var.schedule]
}

run "schedule__once_a_year" {
  command = plan

  variables {
    schedule = "0 6 1 1 *"
  }

  expect_failures = [var.schedule]
}

run "schedule__step_0" {
  command = plan

  variables {
    schedule = "*/0 * * * *"
  }

  expect_failures = [var.schedule]
}

run "schedule__range_backwards" {
  command = plan

  variables {
    schedule = "0 18-8 * * *"
  }

  expect_failures = [var.schedule]
}

run "schedule__names_backwards" {
  command = plan

  variables {
    schedule = "0 6 * * sat-sun"
  }

  expect_failures = [var.schedule]
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

run "run_deadline_seconds__too_short" {
  command = plan

  variables {
    run_deadline_seconds = 59
  }

  expect_failures = [var.run_deadline_seconds]
}

run "run_deadline_seconds__too_long_for_http" {
  command = plan

  variables {
    run_deadline_seconds = 1681
  }

  expect_failures = [var.run_deadline_seconds]
}

run "run_deadline_seconds__fraction" {
  command = plan

  variables {
    run_deadline_seconds = 100.5
  }

  expect_failures = [var.run_deadline_seconds]
}

run "run_deadline_seconds__too_long_for_pubsub" {
  command = plan

  variables {
    run_deadline_seconds = 481
    trigger              = "pubsub"
  }

  expect_failures = [var.run_deadline_seconds]
}

run "run_deadline_seconds__http_default_by_pubsub" {
  command = plan

  variables {
    run_deadline_seconds = 1500
    trigger              = "pubsub"
  }

  expect_failures = [var.run_deadline_seconds]
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

run "invokers__by_pubsub" {
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

run "dataset__hyphen" {
  command = plan

  variables {
    dataset = "scanner-sync"
  }

  expect_failures = [var.dataset]
}

run "dataset__staging" {
  command = plan

  variables {
    dataset = "scanner_staging"
  }

  expect_failures = [var.dataset]
}

run "bigquery_location__lower_case" {
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

run "log_level__lower_case" {
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
