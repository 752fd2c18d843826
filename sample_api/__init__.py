"""A vulnerability scanner's REST API (version 1 of Intruder's), to look at and to test with.

It needs starlette and uvicorn only, and knows nothing of the program that reads it. The rows are
invented; paths, envelopes, field names and types are the API's, as its official MCP client and
public connectors describe them. Start it with ``python -m sample_api``, or inside a test:

    with serve(create_app(generate(seed=7), token="secret")) as base_url:
        requests.get(f"{base_url}/issues/", headers={"Authorization": "Bearer secret"})
"""

from sample_api.account import Account, Changes, Row, generate
from sample_api.server import RequestRecord, create_app, serve

__all__ = ["Account", "Changes", "RequestRecord", "Row", "create_app", "generate", "serve"]
