"""Local stand-ins for Google Cloud, and the tools that run on this machine alone."""
