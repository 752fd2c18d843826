"""Whether a sync would work: each thing that it needs is tried for real, and nothing stays behind.

The data are not touched. What takes a retry is not waited for: what may pass is said to.
"""

import contextlib
import logging
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import google.auth
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.transport.requests import Request
from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.api import GONE, ApiSession
from scanner_sync.deadline import Deadline
from scanner_sync.errors import ApiError, InternalError
from scanner_sync.lease import check_location
from scanner_sync.listing import ApiResponse, Page
from scanner_sync.pipeline import diagnose, google_account
from scanner_sync.rows import to_row
from scanner_sync.settings import Settings, read_settings
from scanner_sync.token import read_token

PATIENCE: Final = 5.0
"""Seconds in which the API, or Secret Manager, has to answer."""
CALL: Final[dict[str, Any]] = {"retry": None, "timeout": 10.0}
"""How BigQuery is called: once."""
CLOUD_PLATFORM: Final = "https://www.googleapis.com/auth/cloud-platform"


class Finding(NamedTuple):
    """What came of one thing that was tried."""

    name: str
    state: Literal["fine", "wrong", "not tried"]
    said: str
    """What is there, or what is wrong and what to do about it."""
    may_pass: bool = False
    """Whether what is wrong may be gone at a later try."""


def check() -> Iterator[Finding]:
    """Try all that a sync needs, in its order; not what depends on a thing that is wrong."""
    tried = _Tried()
    steps: list[tuple[str, Callable[[], str], str | None]] = [
        ("settings", tried.settings_are_read, None),
        ("Google account", tried.account_is_known, "settings"),
        ("secret", tried.secret_is_read, "settings"),
        ("token", tried.token_is_taken, "secret"),
        ("listings", tried.listings_are_read, "token"),
        ("dataset", tried.dataset_is_there, "Google account"),
        ("BigQuery jobs", tried.job_is_taken, "Google account"),
        ("BigQuery tables", tried.tables_are_made, "dataset"),
    ]
    for name, step, needed in steps:
        try:
            tried.require(needed)
            finding = Finding(name, "fine", step())
        except _Missing as missing:
            finding = Finding(name, "not tried", f"it needs the {missing}")
        except Exception as error:
            found = diagnose(error)
            if isinstance(found, InternalError):
                log.event("fault", logging.ERROR, frames=log.frames_of(error))
            finding = Finding(name, "wrong", " ".join(str(found).split()), found.retryable)
        if finding.state != "fine":
            tried.without.add(name)
        yield finding


class _Missing(Exception):
    """The step that this one needs, which was not fine."""


class _Tried:
    """What the steps found, which later ones need. Each step says what is there, or raises."""

    def __init__(self) -> None:
        self.without: set[str] = set()
        """Names of the steps that were not fine."""
        self._settings: Settings
        self._token: str
        self._client: bigquery.Client
        self._datasets: dict[str, bool] = {}
        """The dataset and its twin, and whether each is there."""

    def require(self, needed: str | None) -> None:
        if needed in self.without:
            raise _Missing(needed)

    def settings_are_read(self) -> str:
        self._settings = read_settings()
        return f"from {self._settings.api_base_url} into {self._settings.dataset}"

    def account_is_known(self) -> str:
        project, credentials = google_account(self._settings)
        location = self._settings.bigquery_location
        self._client = bigquery.Client(project, credentials, location=location)
        if self._settings.bigquery_emulator:
            return f"project {project}; a local BigQuery needs no credentials"
        found, _ = google.auth.default(scopes=[CLOUD_PLATFORM])
        found.refresh(Request())  # type: ignore[no-untyped-call]
        return f"project {project}, as {getattr(found, 'service_account_email', 'a user')}"

    def secret_is_read(self) -> str:
        if self._settings.access_token:
            self._token = self._settings.access_token
            return "none needed: ACCESS_TOKEN holds the token"
        secret = str(self._settings.access_token_secret)
        emulator = self._settings.secret_manager_emulator
        if not emulator:
            self.require("Google account")
        self._token = read_token(secret, emulator, Deadline(PATIENCE))
        return f"{secret} holds a token"

    def token_is_taken(self) -> str:
        self._first_page("targets/")
        return "the API takes it"

    def listings_are_read(self) -> str:
        issues = self._first_page("issues/")
        counts = {"issues": issues.total}
        for issue in issues.rows[:1]:
            path = f"issues/{to_row('issues', issue)['id']}/occurrences/"
            counts["occurrences of the first"] = self._first_page(path).total
        for name in ("scans", "targets"):
            counts[name] = self._first_page(f"{name}/").total
        return ", ".join(f"{count:,} {name}" for name, count in counts.items())

    def _first_page(self, path: str) -> Page:
        settings = self._settings
        with ApiSession(
            settings.api_base_url,
            token_source=settings.token_source,
            max_concurrent=1,
            deadline=Deadline(PATIENCE),
        ) as session:
            response = session.get(
                settings.api_base_url + path,
                params={"limit": 1, "offset": 0},
                auth=BearerTokenAuth(self._token),
            )
        assert isinstance(response, ApiResponse)
        if response.status_code in GONE:
            status = response.status_code
            raise ApiError(f"The API has no {path} (status {status}). Check API_BASE_URL.")
        return response.page

    def dataset_is_there(self) -> str:
        name = self._settings.dataset
        self._datasets = {}
        for each in (name, f"{name}_staging"):
            try:
                found = self._client.get_dataset(each, **CALL)
            except NotFound:
                self._datasets[each] = False
            else:
                check_location(found, str(self._client.location))
                self._datasets[each] = True
        missing = [each for each, is_there in self._datasets.items() if not is_there]
        if not missing:
            return f"{name} and its _staging twin, in {self._client.location}"
        # To be allowed to make one is to be allowed to make the other, whatever its name.
        dataset = bigquery.Dataset(f"{self._client.project}.{name}_check_{uuid.uuid4().hex}")
        dataset.location = str(self._client.location)
        made = self._client.create_dataset(dataset, **CALL)
        self._client.delete_dataset(made, not_found_ok=True, **CALL)
        return f"{' and '.join(missing)} not there yet: the first sync makes it"

    def job_is_taken(self) -> str:
        dry = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
        self._client.query("SELECT 1", job_config=dry, job_retry=None, **CALL)
        return "the account may run them"

    def tables_are_made(self) -> str:
        there = [name for name, is_there in self._datasets.items() if is_there]
        for name in there:
            table = bigquery.Table(f"{self._client.project}.{name}._check_{uuid.uuid4().hex}")
            # Should this process end here, BigQuery removes it.
            table.expires = datetime.now(UTC) + timedelta(hours=1)
            self._client.create_table(table, **CALL)
            try:
                self._client.get_table(table.reference, **CALL)
            finally:
                with contextlib.suppress(GoogleAPIError):
                    self._client.delete_table(table, not_found_ok=True, **CALL)
        return "the account may make them" if there else "the account's own, with the dataset"
