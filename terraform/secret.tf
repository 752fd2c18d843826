# The secret without its value. You add the token with the command in the output `add_token`, so that it never enters
# Terraform's state.
resource "google_secret_manager_secret" "access_token" {
  project         = var.project_id
  secret_id       = "${var.name}-token"
  labels          = local.labels
  deletion_policy = var.deletion_protection ? "PREVENT" : "DELETE"

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

# One for each account. An account that is removed from `accounts` keeps its secret: Terraform only forgets it.
resource "google_secret_manager_secret" "account_token" {
  for_each = local.accounts

  project         = var.project_id
  secret_id       = "${var.name}-${each.key}-token"
  labels          = local.labels
  deletion_policy = var.deletion_protection ? "ABANDON" : "DELETE"

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
