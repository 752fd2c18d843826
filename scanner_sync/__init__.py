"""Sync a vulnerability scanner's REST API into BigQuery."""

__version__ = "0.2.0"
