"""What the function needs of Google Cloud, on one machine and with no account."""
