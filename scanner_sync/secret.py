"""The API token, read from Secret Manager."""

from typing import Final

import google_crc32c
from google.api_core import exceptions as google_exceptions
from google.api_core.retry import Retry
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.cloud.secretmanager_v1 import AccessSecretVersionResponse, SecretManagerServiceClient

from scanner_sync.deadline import Deadline
from scanner_sync.errors import TokenError, TokenUnavailable
from scanner_sync.settings import TOKEN_FORM, hint, token

RETRY_SECONDS: Final = 10.0
"""Seconds for which transient failures of Secret Manager, or of the network, are retried."""


def read_token(secret: str, emulator: str | None, deadline: Deadline) -> str:
    """Return the token that `secret` holds, in the named version or else the latest.

    `secret` is `projects/P/secrets/S` or `projects/P/secrets/S/versions/V`; `emulator` is HOST:PORT
    of a local Secret Manager. Raises `TokenError`, which names the cause, and `TokenUnavailable` if
    Secret Manager does not answer.
    """
    version = secret if "/versions/" in secret else f"{secret}/versions/latest"
    try:
        response = _access(version, emulator, min(RETRY_SECONDS, deadline.remaining))
    except google_exceptions.NotFound:
        raise TokenError(
            f"{version} does not exist. Create the secret, and add the token to it:"
            f" gcloud secrets versions add {secret.split('/')[3]} --data-file=-"
        ) from None
    except google_exceptions.InvalidArgument:
        raise TokenError(
            f"{version} is not a valid secret name. Check ACCESS_TOKEN_SECRET."
        ) from None
    except google_exceptions.PermissionDenied:
        raise TokenError(
            f"Access to {version} is denied, or it does not exist. Grant"
            " roles/secretmanager.secretAccessor on the secret to the function's service account."
        ) from None
    except google_exceptions.FailedPrecondition:
        raise TokenError(
            f"{version} is disabled or destroyed. Enable it, or add a new version. `latest` is the"
            " newest version, even if it is disabled."
        ) from None
    except (DefaultCredentialsError, google_exceptions.Unauthenticated):
        raise TokenError(
            f"There are no Google credentials to read {version} with. On a laptop, run: gcloud auth"
            " application-default login; or put the token into .dlt/secrets.toml, as access_token."
        ) from None
    except (google_exceptions.GoogleAPICallError, google_exceptions.RetryError) as error:
        raise TokenUnavailable(
            f"Secret Manager did not return {version} ({type(error).__name__}). Check the network"
            " of this machine, its DNS and its proxy, or try again later."
        ) from None
    except GoogleAuthError as error:
        raise TokenUnavailable(
            f"The Google credentials could not be used to read {version}"
            f" ({type(error).__name__}). Try again later."
        ) from None
    return _decode(response, version)


def _access(version: str, emulator: str | None, timeout: float) -> AccessSecretVersionResponse:
    if emulator:
        import grpc
        from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
            SecretManagerServiceGrpcTransport,
        )

        channel = grpc.insecure_channel(emulator)
        transport = SecretManagerServiceGrpcTransport(channel=channel)
        client = SecretManagerServiceClient(transport=transport)
    else:
        client = SecretManagerServiceClient()
    unavailable = Retry(
        predicate=lambda error: isinstance(error, google_exceptions.ServiceUnavailable),
        timeout=timeout,
    )
    with client:
        return client.access_secret_version(name=version, retry=unavailable, timeout=timeout)


def _decode(response: AccessSecretVersionResponse, version: str) -> str:
    data = response.payload.data
    if response.payload.data_crc32c != google_crc32c.value(data):
        raise TokenError(f"{version} is corrupt: its checksum does not match. Add a new version.")
    # `echo TOKEN | gcloud secrets versions add` stores the newline, too.
    text = data.decode("ascii", "replace").strip()
    try:
        return token(text)
    except ValueError:
        raise TokenError(
            f"{version} does not hold a token: {TOKEN_FORM}{hint(text)}. Add a new version."
        ) from None
