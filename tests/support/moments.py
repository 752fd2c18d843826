"""Moments of a sync, told by its requests to BigQuery."""


def is_merge(method: str, path: str, body: bytes) -> bool:
    return method == "POST" and b"MERGE INTO" in body


def is_history(method: str, path: str, body: bytes) -> bool:
    return method == "POST" and b"MERGE `" in body and b"_history" in body
