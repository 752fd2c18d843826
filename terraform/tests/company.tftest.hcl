# What the rules of a company demand: each is off by default, and all are on here.

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

run "no_rules" {
  command = plan

  assert {
    condition = (
      length(google_bigquery_dataset.tables.default_encryption_configuration) == 0
      && length(google_bigquery_dataset.staging.default_encryption_configuration) == 0
      && length(google_secret_manager_secret.token[""].replication[0].auto[0].customer_managed_encryption) == 0
      && length(google_storage_bucket.source.encryption) == 0
      && google_artifact_registry_repository.images.kms_key_name == null
      && google_cloudfunctions2_function.sync.kms_key_name == null
      && length(google_cloud_quotas_quota_preference.queries) == 0
    )
    error_message = "everything is encrypted with Google's keys, and no quota is changed"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].vpc_connector == null
      && google_cloudfunctions2_function.sync.service_config[0].vpc_connector_egress_settings == null
      && length(google_cloudfunctions2_function.sync.service_config[0].direct_vpc_network_interface) == 0
      && google_cloudfunctions2_function.sync.build_config[0].worker_pool == null
    )
    error_message = "the function is in no network, and the public pool builds it"
  }

  # There is no function yet whose state could be checked.
  expect_failures = [check.function_is_active]
}

run "rules" {
  variables {
    trigger          = "pubsub"
    secret_locations = ["europe-west1"]
    accounts         = { acme = {}, globex = { location = "EU" } }
    kms_keys = {
      US           = "projects/my-keys/locations/us/keyRings/ring/cryptoKeys/key"
      EU           = "projects/my-keys/locations/europe/keyRings/ring/cryptoKeys/key"
      us-central1  = "projects/my-keys/locations/us-central1/keyRings/ring/cryptoKeys/key"
      europe-west1 = "projects/my-keys/locations/europe-west1/keyRings/ring/cryptoKeys/key"
    }
    egress = {
      network    = "projects/my-host/global/networks/net"
      subnetwork = "projects/my-host/regions/us-central1/subnetworks/sub"
      tags       = ["to-scanner"]
    }
    worker_pool = "projects/my-project-1/locations/us-central1/workerPools/pool"
    service_accounts = {
      runtime   = "sync@my-accounts.iam.gserviceaccount.com"
      build     = "build@my-accounts.iam.gserviceaccount.com"
      scheduler = "call@my-accounts.iam.gserviceaccount.com"
    }
    roles = {
      "roles/bigquery.dataEditor" = "organizations/123/roles/scannerWriter"
      "roles/run.invoker"         = "projects/my-project-1/roles/caller"
    }
    project_grants           = false
    bigquery_billing_project = "my-billing"
    max_daily_query_gib      = 50
  }

  assert {
    condition = (
      google_cloud_quotas_quota_preference.queries[0].quota_id == "QueryUsagePerUserPerDay"
      && google_cloud_quotas_quota_preference.queries[0].parent == "projects/my-billing"
      && tonumber(google_cloud_quotas_quota_preference.queries[0].quota_config[0].preferred_value) == 51200
      && google_project_service.required["cloudquotas.googleapis.com"].service == "cloudquotas.googleapis.com"
    )
    error_message = "queries of the runtime have a budget, which BigQuery counts in MiB"
  }

  assert {
    condition = alltrue([
      for dataset in [google_bigquery_dataset.tables, google_bigquery_dataset.staging, google_bigquery_dataset.account_tables["acme"], google_bigquery_dataset.account_staging["acme"]] :
      dataset.default_encryption_configuration[0].kms_key_name == var.kms_keys.US
      ]) && alltrue([
      for dataset in [google_bigquery_dataset.account_tables["globex"], google_bigquery_dataset.account_staging["globex"]] :
      dataset.default_encryption_configuration[0].kms_key_name == var.kms_keys.EU
    ])
    error_message = "each dataset has the key of its location"
  }

  assert {
    condition = alltrue([
      for secret in [google_secret_manager_secret.token[""], google_secret_manager_secret.token["acme"]] :
      secret.replication[0].user_managed[0].replicas[0].customer_managed_encryption[0].kms_key_name == var.kms_keys.europe-west1
    ])
    error_message = "each copy of a secret has the key of its location"
  }

  assert {
    condition = alltrue([
      for key in [
        google_storage_bucket.source.encryption[0].default_kms_key_name,
        google_artifact_registry_repository.images.kms_key_name,
        google_cloudfunctions2_function.sync.kms_key_name,
        google_pubsub_topic.runs[0].kms_key_name,
        google_pubsub_topic.dead_letters[0].kms_key_name,
      ] : key == var.kms_keys.us-central1
    ])
    error_message = "everything else has the key of the function's region"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].direct_vpc_egress == "VPC_EGRESS_ALL_TRAFFIC"
      && google_cloudfunctions2_function.sync.service_config[0].direct_vpc_network_interface[0].network == "projects/my-host/global/networks/net"
      && google_cloudfunctions2_function.sync.service_config[0].direct_vpc_network_interface[0].subnetwork == "projects/my-host/regions/us-central1/subnetworks/sub"
      && google_cloudfunctions2_function.sync.service_config[0].direct_vpc_network_interface[0].tags == tolist(["to-scanner"])
      && google_cloudfunctions2_function.sync.service_config[0].vpc_connector == null
    )
    error_message = "all traffic leaves through the subnetwork"
  }

  assert {
    condition     = google_cloudfunctions2_function.sync.build_config[0].worker_pool == "projects/my-project-1/locations/us-central1/workerPools/pool"
    error_message = "the private pool builds the function"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.build_config[0].service_account == "projects/my-accounts/serviceAccounts/build@my-accounts.iam.gserviceaccount.com"
      && google_cloudfunctions2_function.sync.service_config[0].service_account_email == "sync@my-accounts.iam.gserviceaccount.com"
      && google_pubsub_subscription.runs[0].push_config[0].oidc_token[0].service_account_email == "call@my-accounts.iam.gserviceaccount.com"
    )
    error_message = "the service accounts are those that were made elsewhere"
  }

  assert {
    condition     = google_cloudfunctions2_function.sync.service_config[0].environment_variables.BIGQUERY_BILLING_PROJECT == "my-billing"
    error_message = "jobs run in the project that pays for them"
  }

  assert {
    condition = output.project_grants == {
      runtime_runs_jobs         = { project = "my-billing", role = "roles/bigquery.jobUser", member = "serviceAccount:sync@my-accounts.iam.gserviceaccount.com", condition = null }
      build_reads_copied_source = { project = "my-project-1", role = "roles/storage.objectViewer", member = "serviceAccount:build@my-accounts.iam.gserviceaccount.com", condition = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")" }
      build_writes_logs         = { project = "my-project-1", role = "roles/logging.logWriter", member = "serviceAccount:build@my-accounts.iam.gserviceaccount.com", condition = null }
    }
    error_message = "the output lists what somebody else grants on the project"
  }
}

run "connector" {
  command = plan

  variables {
    kms_keys = {
      US          = "projects/my-keys/locations/us/keyRings/ring/cryptoKeys/key"
      us-central1 = "projects/my-keys/locations/us-central1/keyRings/ring/cryptoKeys/key"
      global      = "projects/my-keys/locations/global/keyRings/ring/cryptoKeys/key"
    }
    egress = {
      connector   = "projects/my-project-1/locations/us-central1/connectors/connector"
      all_traffic = false
    }
  }

  assert {
    condition = (
      google_cloudfunctions2_function.sync.service_config[0].vpc_connector == "projects/my-project-1/locations/us-central1/connectors/connector"
      && google_cloudfunctions2_function.sync.service_config[0].vpc_connector_egress_settings == "PRIVATE_RANGES_ONLY"
      && length(google_cloudfunctions2_function.sync.service_config[0].direct_vpc_network_interface) == 0
    )
    error_message = "traffic to private addresses leaves through the connector"
  }

  assert {
    condition     = google_secret_manager_secret.token[""].replication[0].auto[0].customer_managed_encryption[0].kms_key_name == var.kms_keys.global
    error_message = "a secret whose place is left to Google has a global key"
  }
}
