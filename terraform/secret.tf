# The container of the API token only. Its value is added by hand (the output `add_token` has the command), so that it
# never enters Terraform's state.
resource "google_secret_manager_secret" "access_token" {
  secret_id       = "${var.name}-token"
  labels          = local.labels
  deletion_policy = var.deletion_protection ? "PREVENT" : "DELETE"

  replication {
    auto {}
  }

  depends_on = [google_project_service.required]
}
