"""Preflight: everything a sync needs is tried for real, and nothing is left behind.

No data changes. Nothing is retried for long; the result says whether a later try may succeed.
"""

import contextlib
import math
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import google.auth
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
from google.auth.transport.requests import Request
from google.cloud import bigquery

from scanner_sync import log
from scanner_sync.archive import archive_digest
from scanner_sync.deadline import Deadline
from scanner_sync.diagnose import diagnose
from scanner_sync.errors import ApiError, ApiUnavailable, DeadlineExceeded, LoadError, SettingsError
from scanner_sync.plan import requests_for
from scanner_sync.rules import faults
from scanner_sync.schema.tables import TABLES
from scanner_sync.secret import read_token
from scanner_sync.settings import Settings, read_settings
from scanner_sync.source.api import Api
from scanner_sync.source.connections import origin_of
from scanner_sync.source.feed_reader import FeedFault
from scanner_sync.source.intelligence import KNOWN_CVE, try_feed
from scanner_sync.source.pagination import ApiResponse, Page
from scanner_sync.source.rows import to_row
from scanner_sync.source.session import ApiSession
from scanner_sync.source.statuses import GONE, LACKING
from scanner_sync.warehouse import Warehouse, describe_loud, read_rules

TIMEOUT: Final = 5.0
"""Seconds in which the API, or Secret Manager, has to answer."""
FEED_TIMEOUT: Final = 20.0
"""Seconds in which a feed has to arrive. EPSS has 2.5 MB."""
CALL: Final[dict[str, Any]] = {"retry": None, "timeout": 10.0}
"""How BigQuery is called: once, without retries."""
CLOUD_PLATFORM: Final = "https://www.googleapis.com/auth/cloud-platform"


class CheckResult(NamedTuple):
    """The outcome of one check."""

    name: str
    status: Literal["ok", "failed", "skipped"]
    detail: str
    """What was found, or what is wrong and what to do about it."""
    retryable: bool = False
    """Whether a failed check may succeed later with nothing changed."""


def check(account: str | None = None) -> Iterator[CheckResult]:
    """Check everything a sync needs, of an account or of the only one, in the order of need.

    A check is skipped if one that it depends on failed.
    """
    checks = _Checks(account)
    steps: list[tuple[str, Callable[[], str], str | None]] = [
        ("archive", archive_digest, None),
        ("settings", checks.settings, None),
        ("Google account", checks.google_account, "settings"),
        ("secret", checks.secret, "settings"),
        ("token", checks.token, "secret"),
        ("listings", checks.listings, "token"),
        ("requests", checks.requests, "listings"),
        ("feeds", checks.feeds, "settings"),
        ("dataset", checks.dataset, "Google account"),
        ("BigQuery jobs", checks.jobs, "Google account"),
        ("BigQuery tables", checks.tables, "dataset"),
        ("sla_policy", checks.sla_policy, "dataset"),
    ]
    for name, step, needed in steps:
        try:
            checks.require(needed)
            result = CheckResult(name, "ok", step())
        except _Missing as missing:
            result = CheckResult(name, "skipped", f"needs {missing}")
        except Exception as error:
            found = log.explain(error, diagnose)
            result = CheckResult(name, "failed", " ".join(str(found).split()), found.retryable)
        if result.status != "ok":
            checks.not_ok.add(name)
        yield result


class _Missing(Exception):
    """The check that this one depends on, which is not ok."""


class _Checks:
    """The checks. Each returns what it found, or raises; later ones use what earlier ones made."""

    def __init__(self, account: str | None) -> None:
        self._account = account
        self.not_ok: set[str] = set()
        """Names of the checks that failed or were skipped."""
        self._settings: Settings
        self._token: str
        self._counts: dict[str, int]
        """How many rows each listing has."""
        self._warehouse: Warehouse
        self._datasets: dict[str, bool] = {}
        """The dataset and its twin, and whether each exists."""

    def require(self, needed: str | None) -> None:
        if needed in self.not_ok:
            raise _Missing(needed)

    def settings(self) -> str:
        self._settings = read_settings(self._account)
        return f"from {self._settings.api_base_url} into {self._settings.dataset}"

    def google_account(self) -> str:
        self._warehouse = Warehouse.connect(self._settings)
        project = self._warehouse.client.project
        if self._warehouse.is_emulator:
            return f"project {project}; a local BigQuery needs no credentials"
        found, _ = google.auth.default(scopes=[CLOUD_PLATFORM])
        found.refresh(Request())  # type: ignore[no-untyped-call]
        return f"project {project}, as {getattr(found, 'service_account_email', 'a user')}"

    def secret(self) -> str:
        if self._settings.access_token:
            self._token = self._settings.access_token
            return "not needed: ACCESS_TOKEN holds the token"
        secret = str(self._settings.access_token_secret)
        emulator = self._settings.secret_manager_emulator_host
        if not emulator:
            self.require("Google account")
        self._token = read_token(secret, emulator, Deadline(TIMEOUT))
        return f"{secret} holds a token"

    def token(self) -> str:
        self._first_page("targets/")
        return "the API accepts it"

    def listings(self) -> str:
        issues = self._first_page("issues/")
        self._counts = {"issues": issues.total}
        found, lacking = [f"{issues.total:,} issues"], []
        for issue in issues.rows[:1]:
            path = f"issues/{to_row('issues', issue)['id']}/occurrences/"
            found.append(f"{self._first_page(path).total:,} occurrences of the first")
        for name, table in TABLES.items():
            if table.path is None or name == "issues":
                continue
            response = self._request(table.path)
            if table.is_optional and response.status_code in LACKING:
                lacking.append(name)
                self._counts[name] = 0  # which is a request all the same
                continue
            self._counts[name] = _page_of(response).total
            # There is one row of licenses, whatever their number.
            number = "" if name == "licenses" else f"{self._counts[name]:,} "
            found.append(number + name.replace("_", " "))
        text = ", ".join(found)
        return f"{text}; the account's plan lacks {', '.join(lacking)}" if lacking else text

    def requests(self) -> str:
        """Say how many requests it takes to read everything, and how many syncs."""
        limit = self._settings.max_requests_per_sync
        page_size = self._settings.page_size
        listings = sum(requests_for(count, page_size) for count in self._counts.values())
        # One for each issue; an issue with more occurrences than a page holds takes more.
        issues = self._counts["issues"]
        needed = f"everything takes about {listings + issues:,}"
        maximum = f"MAX_REQUESTS_PER_SYNC ({limit:,})"
        if listings + issues <= limit:
            return f"{needed}, which fits into {maximum}"
        # A sync reads the listings whole, and the occurrences of one issue at least.
        syncs = max(1, math.ceil(issues / max(1, limit - listings)))
        return f"{needed}, more than {maximum}: a round takes {syncs:,} sync{'s' * (syncs > 1)}"

    def feeds(self) -> str:
        """Read each feed, without the token. Nothing is kept."""
        known: list[str] = []
        unknown: list[str] = []
        faults = {}
        for name, url in self._settings.feeds.items():
            today = datetime.now(UTC).date()
            try:
                # Half of the time that is left is for a file.
                of = known if try_feed(name, url, today, Deadline(2 * FEED_TIMEOUT)) else unknown
                of.append(name)
            except FeedFault as fault:
                faults[f"{name.upper()}_URL ({url}): {fault}"] = fault.passes
        if faults:
            kind = ApiUnavailable if all(faults.values()) else SettingsError
            raise kind(
                f"{'; '.join(faults)}. Let this machine reach the address, or name a mirror. A sync"
                " goes on without it, and says so; without a feed in INTELLIGENCE it is not asked."
            )
        if unknown:
            return f"read, but {KNOWN_CVE} is not in {', '.join(unknown)}: check the address"
        return f"read: {', '.join(known)}" if known else "not asked for: INTELLIGENCE is empty"

    def _first_page(self, path: str) -> Page:
        return _page_of(self._request(path))

    def _request(self, path: str) -> ApiResponse:
        """Request the first row of a listing."""
        settings = self._settings
        with ApiSession(
            Api(settings.api_base_url, self._token, settings.token_source),
            max_concurrent=1,
            deadline=Deadline(TIMEOUT),
        ) as session:
            try:
                return session.page(path, limit="1", offset="0")
            except DeadlineExceeded:
                raise ApiUnavailable(
                    f"{origin_of(settings.api_base_url)} did not answer the request for {path}"
                    f" within {TIMEOUT:g} seconds. Check API_BASE_URL and the network of this"
                    " machine, or try again later."
                ) from None

    def dataset(self) -> str:
        if self._settings.account:
            self._warehouse = self._warehouse.located()
        warehouse = self._warehouse
        self._datasets = {}
        for each in (warehouse.dataset, f"{warehouse.dataset}_staging"):
            try:
                found = warehouse.client.get_dataset(each, **CALL)
            except NotFound:
                self._datasets[each] = False
            else:
                self._datasets[each] = True
                warehouse.check_location(found)
        missing = [each for each, exists in self._datasets.items() if not exists]
        if not missing:
            both = f"{warehouse.dataset} and its _staging twin, in {warehouse.location}"
            return both + describe_loud(warehouse)
        # The right to create one dataset is the right to create any, whatever its name.
        dataset = bigquery.Dataset(f"{warehouse.name}_check_{uuid.uuid4().hex}")
        dataset.location = warehouse.location
        created = warehouse.client.create_dataset(dataset, **CALL)
        warehouse.client.delete_dataset(created, not_found_ok=True, **CALL)
        return f"the first sync creates {' and '.join(missing)}, in {warehouse.location}"

    def jobs(self) -> str:
        dry = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
        client = self._warehouse.client
        client.query("SELECT 1", job_config=dry, job_retry=None, **CALL)
        try:
            list(client.list_jobs(max_results=1, **CALL))
        except Forbidden as error:
            if not isinstance(found := diagnose(error), LoadError):
                raise found from None
            return (
                "the account may run them, but not list its own: a sync cannot end what a killed"
                " one left running. Grant it roles/bigquery.user on the project"
            )
        return f"the account may run them in {self._warehouse.billing_project or client.project}"

    def tables(self) -> str:
        client = self._warehouse.client
        existing = [name for name, exists in self._datasets.items() if exists]
        for name in existing:
            table = bigquery.Table(f"{client.project}.{name}._check_{uuid.uuid4().hex}")
            # Should this process end here, BigQuery removes it.
            table.expires = datetime.now(UTC) + timedelta(hours=1)
            client.create_table(table, **CALL)
            try:
                client.get_table(table.reference, **CALL)
            finally:
                with contextlib.suppress(GoogleAPIError):
                    client.delete_table(table, not_found_ok=True, **CALL)
        return "the account may create them" if existing else "it may in a dataset that it creates"

    def sla_policy(self) -> str:
        rules = read_rules(self._warehouse, CALL)
        if rules is None:
            return "the first sync creates it, with the scanner's own goals"
        if found := list(faults(rules)):
            raise SettingsError(f"Correct these rules: {'; '.join(found)}.")
        return f"{len(rules):,} rules"


def _page_of(response: ApiResponse) -> Page:
    """Return the page of a response. Raises `ApiError` if its listing was not found."""
    status = response.status_code
    if status in GONE:
        raise ApiError(f"The API gave status {status} for {response.resource}. Check API_BASE_URL.")
    return response.page
