"""A local Secret Manager: AccessSecretVersion over gRPC, for Google's client."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import google_crc32c
import grpc
from google.cloud.secretmanager_v1 import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)


@dataclass
class Version:
    """One version of a secret."""

    data: bytes
    enabled: bool = True
    damaged: bool = False
    """Whether it is served with a wrong checksum."""


@dataclass
class SecretManager:
    """The secrets by name, `projects/P/secrets/S`, each with its versions in order.

    They may be changed while they are served.
    """

    secrets: dict[str, list[Version]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    """Names of secrets that must not be read."""
    unavailable: bool = False
    accesses: list[str] = field(default_factory=list)
    """Names of the requested versions."""

    def access(
        self, request: AccessSecretVersionRequest, context: grpc.ServicerContext
    ) -> AccessSecretVersionResponse:
        """Return the payload, or fail with Google's status."""
        self.accesses.append(request.name)
        name, _, number = request.name.partition("/versions/")
        versions = self.secrets.get(name, [])
        if self.unavailable:
            context.abort(grpc.StatusCode.UNAVAILABLE, "The service is unavailable.")
        if name in self.denied:
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Permission 'secretmanager.versions.access' denied for resource '{request.name}'"
                " (or it may not exist).",
            )
        # latest is the newest version created, even while it is disabled.
        index = len(versions) if number == "latest" else int(number)
        if not 1 <= index <= len(versions):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Secret Version [{request.name}] not found.")
        version = versions[index - 1]
        if not version.enabled:
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"Secret Version [{request.name}] is in DISABLED state.",
            )
        checksum = google_crc32c.value(version.data) ^ version.damaged
        return AccessSecretVersionResponse(
            name=f"{name}/versions/{index}",
            payload=SecretPayload(data=version.data, data_crc32c=checksum),
        )


@contextmanager
def serve(secret_manager: SecretManager) -> Iterator[str]:
    """Serve it on a free local port; yields HOST:PORT."""
    handler = grpc.unary_unary_rpc_method_handler(
        secret_manager.access,
        request_deserializer=AccessSecretVersionRequest.deserialize,
        response_serializer=AccessSecretVersionResponse.serialize,
    )
    service = "google.cloud.secretmanager.v1.SecretManagerService"
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
