"""A vulnerability scanner's REST API into BigQuery, by a Cloud Function."""
