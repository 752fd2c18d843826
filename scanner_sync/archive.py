"""Which code this is: the digest of the archive that was deployed."""

from pathlib import Path
from typing import Final

DIGEST: Final = Path(__file__).with_name("archive.sha256")
"""A file that only the archive holds. Terraform writes it there (terraform/source.tf)."""


def archive_digest() -> str:
    """Return the SHA-256 of the deployed files, or "a checkout" where none were deployed."""
    try:
        return DIGEST.read_text()
    except FileNotFoundError:
        return "a checkout"
