"""A sample of a vulnerability scanner's REST API (version 1 of Intruder's), for demos and tests.

It needs only starlette and uvicorn, and does not depend on the program that reads it. The rows are
invented; paths, pages, field names and types are the API's, as its official MCP client and
public connectors describe them. Start it with ``python -m sample_api``, or in a test:

    with serve(create_app(generate(seed=7), token="secret")) as base_url:
        requests.get(f"{base_url}/issues/", headers={"Authorization": "Bearer secret"})
"""

from sample_api.account import Account, Changes
from sample_api.generation import generate
from sample_api.rows import Row
from sample_api.server import RequestRecord, create_app, serve

__all__ = ["Account", "Changes", "RequestRecord", "Row", "create_app", "generate", "serve"]
