"""A vulnerability scanner's REST API into BigQuery, by a Cloud Function."""

__version__ = "0.1.0"
