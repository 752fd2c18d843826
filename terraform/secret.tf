locals {
  # A map, because a set in `for_each` makes the plan of 200 accounts take a third longer.
  secret_ids = merge(
    { "" = "${var.name}-token" },
    { for account, _ in local.accounts : account => "${var.name}-${account}-token" },
  )
}

# Each account's secret, and the one of a deployment without accounts (""), without their values. You add a token with the command
# in the output `add_token`, so that it never enters Terraform's state. An account that is removed from `accounts` keeps its
# secret: Terraform only forgets it.
resource "google_secret_manager_secret" "token" {
  for_each = local.secret_ids

  project         = var.project_id
  secret_id       = each.value
  labels          = local.labels
  deletion_policy = !var.deletion_protection ? "DELETE" : each.key == "" ? "PREVENT" : "ABANDON"

  replication {
    dynamic "auto" {
      for_each = var.secret_locations == null ? [1] : []

      content {
        dynamic "customer_managed_encryption" {
          for_each = compact([lookup(var.kms_keys, "global", null)])

          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }

    dynamic "user_managed" {
      for_each = var.secret_locations == null ? [] : [1]

      content {
        dynamic "replicas" {
          for_each = var.secret_locations

          content {
            location = replicas.value

            dynamic "customer_managed_encryption" {
              for_each = compact([lookup(var.kms_keys, replicas.value, null)])

              content {
                kms_key_name = customer_managed_encryption.value
              }
            }
          }
        }
      }
    }
  }

  depends_on = [time_sleep.until_apis_work]
}

moved {
  from = google_secret_manager_secret.access_token
  to   = google_secret_manager_secret.token[""]
}

moved {
  from = google_secret_manager_secret.account_token
  to   = google_secret_manager_secret.token
}
