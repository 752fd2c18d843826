"""Local stand-ins for Google Cloud, so that the function runs without an account."""
