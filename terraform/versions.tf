# No provider blocks: with them the module could not be called with for_each, count or depends_on. Each resource names its
# project and its region. The lower bounds are versions that the module was applied with.
terraform {
  required_version = ">= 1.11, < 2"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 8.0, < 9"
    }
    # For the one resource that google lacks: google_project_service_identity.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 8.0, < 9"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.7.1, < 3"
    }
    time = {
      source  = "hashicorp/time"
      version = ">= 0.13.1, < 1"
    }
  }
}
