"""The one session for every request to the API. It retries, and keeps the token at its origin.

It is the `requests` session that dlt's REST client uses. Requests go out through urllib3 alone:
cookies, redirects and merged settings, which `requests` adds, are not needed here and take half of
a request's CPU time.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import requests
import urllib3
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from urllib3.exceptions import HTTPError

from scanner_sync import log
from scanner_sync.deadline import Deadline
from scanner_sync.errors import ApiError, ApiUnavailable, counted, machine_error
from scanner_sync.progress import Traffic
from scanner_sync.reading import Reading
from scanner_sync.source.api import Api
from scanner_sync.source.budget import Budget, LeftOut, Stopped
from scanner_sync.source.connections import HEADERS, ApiRequest, Connections, Reply
from scanner_sync.source.pagination import ApiResponse
from scanner_sync.source.rate_limit import OVERLOADED, REFUSED, AdaptiveRateLimiter, Ticket
from scanner_sync.source.retry import RETRIED_STATUSES, RETRIES, backoff, parse_retry_after
from scanner_sync.source.statuses import FILTER, REJECTED, THROTTLING, Statuses, place_of

CONNECT_TIMEOUT: Final = 10.0
"""Seconds."""
READ_TIMEOUT: Final = 60.0
"""Seconds without a byte."""
SHORT_WAIT: Final = 15.0
"""Seconds. A longer wait than this is asked for by the API: its quota is used up, or it is down."""
ACCEPT: Final = {"Accept": "application/json"}
"""Firewalls refuse requests without it."""


class _Retryable(Exception):
    """An attempt failed in a way that a retry may not."""

    def __init__(
        self,
        reason: str,
        retry_after: float | None = None,
        *,
        is_throttled: bool = False,
        is_overloaded: bool = False,
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.is_throttled = is_throttled
        self.is_overloaded = is_overloaded


class ApiSession(requests.Session):
    """Send requests to the one origin of the API, and return pages or raise a `SyncError`.

    Statuses 404 and 410 are returned for occurrences, and `LACKING` ones for a listing that an
    account may lack, unless it was there before, because what they mean depends on the resource.
    These are retried 3 times: `RETRIED_STATUSES`, lost connections, timeouts, truncated bodies,
    bodies that are not JSON, and a 404 for a listing that was there before. All requests share one
    `AdaptiveRateLimiter`: if a 429 says how long to wait, all wait; if it turns out not to come
    from a full quota, its first two retries are sent at once.

    If the API rejects the first request of a listing that has the parameter `FILTER`, this and all
    later requests are sent without it, and `Reading.filter_rejected` says so.

    With `max_requests`, occurrences are read as far as they fit: see `Budget`. Further issues are
    not read either if the quota is used up, or if the rest of the time is needed for loading. Then
    dlt's `IgnoreResponseException` is raised, with which dlt goes on, and `Reading.stopped` says
    why. An issue that fails after all retries is left out, up to `FAILED_ISSUES` of them.

    Requests for listings go first, and requests for issues in the order in which these were begun,
    so that what was begun is finished.

    If the API rejects a token that it accepted before, `read_token` is called once for the present
    one, and the request is repeated. `on_page` is called for each page of a listing, such as
    `issues/`, with its path and the rows of the whole listing. `sleep` waits before a listing is
    read once more.
    """

    def __init__(
        self,
        api: Api,
        *,
        max_concurrent: int,
        deadline: Deadline,
        traffic: Traffic | None = None,
        reading: Reading | None = None,
        max_requests: int | None = None,
        read_token: Callable[[], str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        on_page: Callable[[str, int], None] = lambda resource, total: None,
    ) -> None:
        super().__init__()
        self.traffic = traffic or Traffic()
        self.reading = reading or Reading()
        self.api = api
        self._read_token = read_token
        self._is_token_accepted = False
        """Whether a response with status 200 has come."""
        self._unanswered = 0
        self._answers = threading.Condition()
        self._new_token: str | None = None
        """What `read_token` returned."""
        self._renewing = threading.Lock()
        self._deadline = deadline
        self._sleep = sleep
        self._limiter = AdaptiveRateLimiter(max_concurrent)
        self._connections = Connections(api.base_url, max_concurrent)
        self._refusal = ""
        """The last response for which all requests waited."""
        self._budget = Budget(max_requests, deadline, self.traffic, self.reading)
        self.leave_out = self._budget.leave_out
        self._statuses = Statuses(api.token_source, self._connections, on_page)

    def __deepcopy__(self, _: object) -> Self:
        """Return itself: dlt copies a configuration to validate it, and there is one session."""
        return self

    @property
    def token(self) -> str:
        """The token that requests are sent with now: the first, or what `read_token` returned."""
        return self._new_token or self.api.token

    def prepare_request(self, request: requests.Request) -> ApiRequest:
        """Return the request as it is sent, without settings from elsewhere.

        `PreparedRequest.prepare` takes a fifth of a request's CPU time, mostly to parse and quote
        URLs, which urllib3 does once more.
        """
        headers = HEADERS | ACCEPT | dict(request.headers)
        prepared = ApiRequest(
            str(request.method).upper(), str(request.url), request.params, headers
        )
        if self.reading.filter_rejected:
            prepared.params.pop(FILTER, None)
        prepared.hooks = request.hooks
        prepared.prepare_auth(request.auth)
        return prepared

    def merge_environment_settings(self, *_: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return nothing: `Connections` has read the environment."""
        return {}

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Return the response to `request`, after as many retries as it takes."""
        assert isinstance(request, ApiRequest)
        resource = self._resource_of(request)
        response: requests.Response
        try:
            if self._budget.is_optional(resource):
                self._budget.begin(resource)
            response = self._send_with_retries(request, resource)
            if response.status_code in REJECTED:
                self.reading.filter_rejected = True
                log.event("remediated_after_rejected", status=response.status_code)
                del request.params[FILTER]
                response = self._send_with_retries(request, resource)
        except Stopped as stopped:
            self.reading.stop(stopped.reason)
            raise IgnoreResponseException from None
        except LeftOut:
            raise IgnoreResponseException from None
        for hook in request.hooks["response"]:
            response = hook(response) or response
        return response

    def page(self, path: str, **params: str) -> ApiResponse:
        """Request a page without dlt. Returns and raises what `send` does."""
        url, auth = self.api.base_url + path, BearerTokenAuth(self.api.token)
        response = self.get(url, params=params, auth=auth)
        assert isinstance(response, ApiResponse)
        response.close()
        return response

    def pause(self, seconds: float) -> None:
        """Wait before a listing is read once more, but not beyond the deadline."""
        self._sleep(min(seconds, self._deadline.remaining))

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def _send_with_retries(self, request: ApiRequest, resource: str) -> ApiResponse:
        started = time.monotonic()
        ticket = Ticket(order=self._budget.order(resource))
        for attempt in range(RETRIES + 1):
            if attempt:
                self.traffic.count("retries")
            try:
                return self._attempt(request, resource, ticket)
            except _Retryable as error:
                failure = error
            # If all wait, the limiter knows how long, and this request keeps its place in line.
            all_wait = failure.is_throttled and failure.retry_after
            if attempt < RETRIES and not all_wait:
                delay = failure.retry_after or backoff(attempt)
                self._wait(ticket, delay, resource, failure)
        if failure.is_throttled and self._budget.is_optional(resource):
            raise Stopped("quota")
        if self.leave_out(resource, str(failure)):
            raise LeftOut
        seconds = failure.retry_after
        others = len(self.reading.failed)
        raise ApiUnavailable(
            f"The API gave {failure} for {place_of(request, resource)}, {RETRIES + 1} times in"
            f" {counted(round(time.monotonic() - started), 'second')}."
            + (f" It failed for {counted(others, 'issue')} before." if others else "")
            + " Nothing was loaded; try again later."
            + (" If this recurs, lower MAX_CONCURRENT_REQUESTS." if failure.is_overloaded else ""),
            retry_after=None if seconds is None else math.ceil(seconds),
        )

    def _attempt(
        self, request: ApiRequest, resource: str, ticket: Ticket, *, is_repeated: bool = False
    ) -> ApiResponse:
        """Send the request once. Raises `_Retryable`, or a `SyncError` if a retry cannot help.

        Only if the token is no longer accepted, send it again, with the present one.
        """
        try:
            with self._slot(ticket, resource):
                timeout = self._timeout(resource)
                if self._new_token:
                    request.prepare_auth(BearerTokenAuth(self._new_token))
                self._budget.sent(resource)
                try:
                    reply = self._send_once(request, resource, timeout)
                except urllib3.exceptions.TimeoutError:
                    self._limiter.overloaded(ticket)
                    raise
                retry_after = parse_retry_after(
                    reply.headers.get("Retry-After", ""), reply.headers.get("Date", "")
                )
                is_throttled = reply.status == 429 or (
                    reply.status in THROTTLING and retry_after is not None
                )
                if is_throttled:
                    self._refusal = f"status {reply.status}"
                    self.traffic.count("throttled")
                self._tell_limiter(ticket, reply.status, retry_after, is_throttled)
        except HTTPError as error:
            if permanent := self._connections.permanent_error(error) or machine_error(error):
                raise permanent from None
            is_late = isinstance(error, urllib3.exceptions.TimeoutError)
            reason = self._connections.describe(error)
            raise _Retryable(reason, is_overloaded=is_late) from None
        is_lost = self._statuses.is_lost(resource, reply.status)
        if is_throttled or reply.status in RETRIED_STATUSES or is_lost:
            raise _Retryable(
                f"status {reply.status}",
                retry_after,
                is_throttled=is_throttled,
                is_overloaded=reply.status in OVERLOADED,
            )
        if reply.status == 401 and self._was_token_accepted():
            if is_repeated:
                raise ApiUnavailable(
                    f"The API no longer accepts the token (status 401 for {resource}), which it"
                    f" accepted before. {self.api.token_source} was read once more meanwhile."
                    " Nothing was loaded; try again later. If the token was revoked, add a new one."
                )
            self._renew_token()
            self.traffic.count("retries")
            return self._attempt(request, resource, ticket, is_repeated=True)
        try:
            return self._statuses.response(request, resource, reply)
        except BaseException as error:
            reply.close()
            if not isinstance(error, ApiUnavailable):
                raise
            reason = "no JSON (if this recurs, check API_BASE_URL)"
            raise _Retryable(reason, retry_after) from None

    def _tell_limiter(
        self, ticket: Ticket, status: int, retry_after: float | None, is_throttled: bool
    ) -> None:
        """Say what an answer means for the requests to come."""
        if is_throttled:
            self._limiter.refused(ticket, retry_after)
        elif status in REFUSED:
            # What a 503 asks to wait is for this request only: the quota may have room.
            self._limiter.refused(ticket, None)
        elif status in OVERLOADED:
            self._limiter.overloaded(ticket)
        elif status not in RETRIED_STATUSES:
            self._limiter.accepted(ticket)

    def _send_once(self, request: ApiRequest, resource: str, timeout: urllib3.Timeout) -> Reply:
        with self._answers:
            self._unanswered += 1
        status = 0
        try:
            reply = self._connections.send(request, resource, timeout)
            status = reply.status
            return reply
        finally:
            with self._answers:
                self._unanswered -= 1
                self._is_token_accepted |= status == 200
                self._answers.notify_all()

    def _was_token_accepted(self) -> bool:
        """Tell whether the API accepted the token, also in requests that are still under way."""
        with self._answers:
            self._answers.wait_for(
                lambda: self._is_token_accepted or not self._unanswered,
                min(SHORT_WAIT, self._deadline.remaining),
            )
            return self._is_token_accepted

    def _renew_token(self) -> None:
        """Read the token that requests are sent with from now on, once."""
        with self._renewing:
            if self._read_token and not self._new_token:
                self._new_token = self._read_token()
                log.event("token_read_again")

    def _resource_of(self, request: ApiRequest) -> str:
        """Return the requested path below the base URL. Raises `ApiError` for any other URL."""
        if not request.url.startswith(self.api.base_url):
            raise ApiError(
                "A request was not sent, because it would have taken the token away from"
                f" {self.api.base_url}. Check API_BASE_URL."
            )
        return request.url.removeprefix(self.api.base_url)

    def _timeout(self, resource: str) -> urllib3.Timeout:
        remaining = self._budget.remaining(resource)
        return urllib3.Timeout(
            connect=min(CONNECT_TIMEOUT, remaining), read=min(READ_TIMEOUT, remaining)
        )

    @contextmanager
    def _slot(self, ticket: Ticket, resource: str) -> Iterator[None]:
        """Wait until the request may be sent, and free its slot in the end."""
        try:
            while seconds := self._limiter.acquire(ticket):
                self._wait(ticket, seconds, resource)
            yield
        finally:
            self._limiter.release(ticket)

    def _wait(
        self, ticket: Ticket, seconds: float, resource: str, failure: _Retryable | None = None
    ) -> None:
        """Wait for these seconds after a failure, or until the limiter wakes the ticket.

        Raises `ApiUnavailable`, `Stopped` or `LeftOut` at once if that is too long.
        """
        remaining = self._budget.remaining(resource)
        is_long = seconds > SHORT_WAIT
        # What is read after the wait has to be loaded, too.
        is_late = self._budget.max_requests is not None and is_long
        patience = self._deadline.remaining_to_read if is_late else remaining
        if patience <= seconds < math.inf:
            reason = str(failure or self._refusal)
            if self._budget.is_optional(resource):
                if not is_long:
                    raise Stopped("deadline")
                if failure is None or failure.is_throttled:
                    raise Stopped("quota")
                raise LeftOut if self.leave_out(resource, reason) else Stopped("unavailable")
            raise ApiUnavailable(
                f"The API gave {reason} for {resource}. The next attempt is due in"
                f" {counted(math.ceil(seconds), 'second')}, which is too late. Nothing was loaded;"
                " try again later.",
                retry_after=math.ceil(seconds),
            )
        # The limiter shortens no wait that the API asks for.
        wait = time.sleep if failure and failure.retry_after else ticket.ready.wait
        wait(min(seconds, remaining))
