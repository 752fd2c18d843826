# The module says which versions. Without their names here, `mock_provider` in a test would not reach the module.
terraform {
  required_version = ">= 1.11"

  required_providers {
    google      = { source = "hashicorp/google" }
    google-beta = { source = "hashicorp/google-beta" }
    archive     = { source = "hashicorp/archive" }
    time        = { source = "hashicorp/time" }
  }
}
