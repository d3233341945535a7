"""The Testery API over HTTP: one session, bounded requests, one mapping of errors.

An answer that can't be believed is no answer: it is retried like any other fault, until the
outage tolerance or the deadline ends it. Documented endpoints: the Testery API documentation.
"""

from __future__ import annotations

import email.utils
import json
import random
import threading
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

import requests
import tenacity
from requests.auth import AuthBase

from testery_gate import __version__
from testery_gate.errors import ApiError, NoAnswer, NotFound, Unauthorized, Unavailable
from testery_gate.model import (
    MalformedAnswer,
    TestResult,
    TestRun,
    clean_text,
    one_line,
    parse_account_name,
    parse_results,
    parse_run,
    parse_runs,
)
from testery_gate.polling import Deadline, Seen

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
REQUEST_TIMEOUT = 60.0
"""Seconds for one request from name resolution to the last byte, however slowly it drips."""
LAST_LOOK_SECONDS = 1.5
"""How far past the deadline the look at the deadline may run."""
ONLY_LOOK_SECONDS = 10.0
"""The same where there is only one look: a deadline of 0 must leave the API time to answer."""
RESULTS_SECONDS = 30.0
"""How far past the deadline test results that are on their way may be received."""
OPTIONAL_PATIENCE = 5.0
"""For how long faults are tolerated where the verdict does not need the answer."""
MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_RESULTS_BYTES = 128 * 1024 * 1024
MAX_REDIRECTS = 5
FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0

_WRONG_ADDRESS = "Check that --api-url is the address of the API, not of the web app."
_NO_CONNECTION = "Check the network, the proxy settings and --api-url."

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An attempt failed and there will be another; ``delay`` is in seconds."""

    error: NoAnswer
    delay: float

    def __str__(self) -> str:
        return f"{self.error.message}; next try in {self.delay:.1f} s"


class BearerToken(AuthBase):
    """The token, set as ``requests`` auth so that a ``.netrc`` entry can't replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "BearerToken(***)"

    def redact(self, value: _T) -> _T:
        """Return a text or decoded JSON without the token, should the API echo it."""
        match value:
            case str() if len(value) >= len(self._token):
                # Cleaned first: a control character could part the token and be dropped later.
                return clean_text(value).replace(self._token, "***")  # type: ignore[return-value]
            case list():
                return [self.redact(item) for item in value]  # type: ignore[return-value]
            case dict():
                return {  # type: ignore[return-value]
                    self.redact(key): self.redact(item) for key, item in value.items()
                }
            case _:
                return value


def new_session(token: BearerToken, base_url: str) -> requests.Session:
    """Return the one session of a process."""
    session = requests.Session()
    # Plain http is for addresses of this machine only, and no proxy knows those.
    session.trust_env = base_url.startswith("https:")
    session.auth = token
    session.headers["User-Agent"] = f"testery-gate/{__version__}"
    session.headers["Accept"] = "application/json"
    return session


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much; times in seconds, sizes in bytes after decompression."""

    deadline: Deadline
    outage_tolerance: float
    grace: float = LAST_LOOK_SECONDS
    """How long a request may take to begin answering when the deadline is near or past."""
    transfer: float = 0.0
    """How long a request may take as a whole then; at least ``grace``."""
    answer_bytes: int = MAX_ANSWER_BYTES


class TesteryClient:
    """Asks the API and returns what it says as :mod:`testery_gate.model` types.

    Every method raises :class:`Unauthorized`, :class:`NotFound` or :class:`Unavailable`.
    """

    def __init__(
        self,
        base_url: str,
        token: BearerToken,
        limits: Limits,
        *,
        session: requests.Session,
        sleep: Callable[[float], None],
        on_retry: Callable[[Retry], None] = lambda _: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._limits = limits
        self._session = session
        self._sleep = sleep
        self._on_retry = on_retry
        self._jitter = jitter
        self._failing_since: float | None = None

    def run(self, run_id: int) -> TestRun:
        """Return one run."""

        def parse(data: object) -> TestRun:
            run = parse_run(data)
            if run.id != run_id:
                raise MalformedAnswer(f"run {run.id} was sent for run {run_id}")
            return run

        return self._get(f"test-runs/{run_id}", parse, self._limits)

    def look(self, run_ids: Sequence[int]) -> Mapping[int, Seen]:
        """Return what there is of each run; a run that can't be had is no end of the others.

        A token that is rejected as such is: then :class:`Unauthorized` is raised. So is an API
        that gives none of the runs: then :class:`Unavailable` is.
        """
        seen: dict[int, Seen] = {}
        for run_id in run_ids:
            failed = [error for error in seen.values() if isinstance(error, Unavailable)]
            # Two in a row are the API's fault; asking for the rest would only take longer.
            seen[run_id] = failed[-1] if len(failed) > 1 else self._seen(run_id)
        errors = [error for error in seen.values() if isinstance(error, Unavailable)]
        if errors and len(errors) == len(seen):
            raise errors[0]
        return seen

    def _seen(self, run_id: int) -> Seen:
        try:
            return self.run(run_id)
        except (NotFound, Unavailable) as error:
            return error
        except Unauthorized as error:
            if error.token_rejected:
                raise
            return error

    def page(self, number: int, limit: int, *, optional: bool = False) -> Sequence[TestRun]:
        """Return a page of the list of runs, from page 0 on; what is optional is soon given up."""
        limits = self._optional if optional else self._limits
        return self._get(f"test-runs?page={number}&limit={limit}", parse_runs, limits)

    def deployed(self, deploy_id: int) -> Sequence[TestRun]:
        """Return the runs that a deploy triggered, from an endpoint that is not promised."""
        return self._get(f"test-runs/by-deploy/{deploy_id}", parse_runs, self._optional)

    def results(self, run_id: int) -> Sequence[TestResult]:
        """Return the tests of a run, from an endpoint that is seen but not promised."""
        limits = replace(self._optional, transfer=RESULTS_SECONDS, answer_bytes=MAX_RESULTS_BYTES)
        return self._get(f"test-runs/{run_id}/results", parse_results, limits)

    def account_name(self) -> str | None:
        """Return the account's name in web addresses, from an endpoint that is not promised."""
        return self._get("account", parse_account_name, self._optional)

    @property
    def _optional(self) -> Limits:
        patience = min(self._limits.outage_tolerance, OPTIONAL_PATIENCE)
        return replace(self._limits, outage_tolerance=patience)

    def _get(self, path: str, parse: Callable[[object], _T], limits: Limits) -> _T:
        url = f"{self._base_url}/{path}"
        clock = limits.deadline.clock

        def attempt() -> _T:
            try:
                answer = self._answer(url, parse, limits)
            except ApiError as error:
                # Whatever a message quotes, it shows neither the token nor what a terminal obeys.
                error.message = one_line(self._token.redact(error.message))
                if isinstance(error, NoAnswer) and self._failing_since is None:
                    self._failing_since = clock()
                raise
            self._failing_since = None
            return answer

        def tolerated() -> float:
            failing = 0.0 if self._failing_since is None else clock() - self._failing_since
            return limits.outage_tolerance - failing

        def delay(state: tenacity.RetryCallState) -> float:
            backoff = min(FIRST_DELAY * 2.0 ** min(state.attempt_number - 1, 10), LONGEST_DELAY)
            asked = _no_answer(state).retry_after or 0.0
            wanted = max(backoff * (0.5 + 0.5 * self._jitter()), asked)
            return max(0.0, min(wanted, limits.deadline.remaining(), tolerated()))

        def tell(state: tenacity.RetryCallState) -> None:
            self._on_retry(Retry(error=_no_answer(state), delay=state.upcoming_sleep))

        def give_up(state: tenacity.RetryCallState) -> _T:
            error = _no_answer(state)
            span = "" if state.attempt_number == 1 else f" ({state.attempt_number} tries in a row)"
            raise Unavailable(f"{error.message}{span}", advice=error.advice) from error

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NoAnswer),
            stop=lambda _: limits.deadline.passed or tolerated() <= 0,
            wait=delay,
            sleep=self._sleep,
            before_sleep=tell,
            retry_error_callback=give_up,
        )
        return retrying(attempt)

    def _answer(self, url: str, parse: Callable[[object], _T], limits: Limits) -> _T:
        body, content_type = self._body(url, limits)
        try:
            data = self._token.redact(json.loads(body, parse_constant=_no_constant))
        except (ValueError, RecursionError):
            raise NoAnswer(
                f"{url} answered {self._described(body, content_type)}, not JSON",
                advice=_WRONG_ADDRESS,
            ) from None
        try:
            return parse(data)
        except MalformedAnswer as error:
            raise NoAnswer(
                f"{url} answered something unbelievable: {error}",
                advice=_WRONG_ADDRESS,
            ) from None

    def _described(self, body: bytes, content_type: str) -> str:
        if not body.strip():
            return "nothing"
        start = one_line(self._token.redact(body[:200].decode("utf-8", "replace")))
        return f"{content_type or 'an unnamed type'} ({start[:60]}...)"

    def _body(self, url: str, limits: Limits) -> tuple[bytes, str]:
        """Fetch in a thread, because nothing else bounds name resolution and dripping headers."""
        remaining = limits.deadline.remaining()
        patience = max(remaining, limits.grace)
        limit = min(REQUEST_TIMEOUT, max(patience, limits.transfer))
        timeout = (min(CONNECT_TIMEOUT, patience), min(READ_TIMEOUT, patience))
        abandoned = threading.Event()
        outcome: SimpleQueue[tuple[bytes, str] | BaseException] = SimpleQueue()

        def fetch() -> None:
            try:
                outcome.put(self._fetch(url, timeout, limits.answer_bytes, abandoned))
            except BaseException as error:  # noqa: BLE001  (it is raised again, by the waiter)
                outcome.put(error)

        threading.Thread(target=fetch, daemon=True).start()
        try:
            found = outcome.get(timeout=limit)
        except Empty:
            raise NoAnswer(
                f"no whole answer from {url} within {limit:.0f} s", advice=_NO_CONNECTION
            ) from None
        finally:
            abandoned.set()
        if isinstance(found, BaseException):
            raise found
        return found

    def _fetch(
        self, url: str, timeout: tuple[float, float], most: int, abandoned: threading.Event
    ) -> tuple[bytes, str]:
        try:
            with self._response(url, timeout) as response:
                body = bytearray()
                for chunk in response.iter_content(65536):
                    body += chunk
                    if len(body) > most:
                        raise NoAnswer(
                            f"{url} answered more than {most // 2**20} MiB", advice=_WRONG_ADDRESS
                        )
                    if abandoned.is_set():
                        break
                return bytes(body), response.headers.get("Content-Type", "")
        except (requests.RequestException, OSError, ValueError) as error:
            raise _explained(error, url) from error

    def _response(self, url: str, timeout: tuple[float, float]) -> requests.Response:
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            response = self._session.get(
                target, timeout=timeout, stream=True, allow_redirects=False
            )
            location = response.headers.get("Location")
            if not (300 <= response.status_code < 400 and location):
                _check_status(response, url)
                return response
            response.close()
            target = _normal(urllib.parse.urljoin(target, location))
            if _origin(target) != _origin(_normal(url)):
                raise NoAnswer(
                    f"{url} redirects to another host, which must not see the token",
                    advice=_WRONG_ADDRESS,
                )
        raise NoAnswer(f"{url} redirects without end", advice=_WRONG_ADDRESS)


def _no_answer(state: tenacity.RetryCallState) -> NoAnswer:
    """Return what the last attempt ended with; nothing else is retried."""
    return cast("NoAnswer", cast("tenacity.Future", state.outcome).exception())


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _normal(url: str) -> str:
    """Return the address as it will be connected to: what reads one way may resolve another."""
    return str(requests.Request("GET", url).prepare().url)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _check_status(response: requests.Response, url: str) -> None:
    """Raise unless the status is 200; ``url`` is named in the message."""
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    response.close()
    if status == HTTPStatus.UNAUTHORIZED:
        raise Unauthorized(
            f"{url} does not accept the token (HTTP 401)",
            advice="Copy the token again (Testery: Settings, Integrations, Show API Token);"
            " 'testery-gate explain' shows where it is taken from.",
        )
    if status == HTTPStatus.FORBIDDEN:
        raise Unauthorized(
            f"the token may not see {url} (HTTP 403)",
            advice="Use a token of the account that the run belongs to.",
            token_rejected=False,
        )
    if status == HTTPStatus.NOT_FOUND:
        raise NotFound(
            f"there is nothing at {url} (HTTP 404)",
            advice="Check the run's id, the token's account and --api-url.",
        )
    raise NoAnswer(
        f"HTTP {_status_text(status)} from {url}",
        advice="Try again later, or wait longer with --outage-tolerance.",
        retry_after=_retry_after(response.headers.get("Retry-After")),
    )


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _retry_after(value: str | None) -> float | None:
    """Read both forms of the header, in seconds from now (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _explained(error: Exception, url: str) -> NoAnswer:
    """Say in a person's words why a request brought nothing."""
    cause = _root_cause(error)
    if isinstance(error, requests.exceptions.SSLError):
        return NoAnswer(
            f"no trusted connection to {url}: {cause}",
            advice="For a private authority, name its certificates in REQUESTS_CA_BUNDLE.",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return NoAnswer(f"no connection to {url} through the proxy: {cause}", advice=_NO_CONNECTION)
    if isinstance(error, requests.ConnectTimeout):
        return NoAnswer(f"no connection to {url} in time", advice=_NO_CONNECTION)
    if isinstance(error, requests.Timeout):
        return NoAnswer(
            f"{url} accepted the connection and did not answer in time", advice=_NO_CONNECTION
        )
    return NoAnswer(f"no answer from {url}: {cause}", advice=_NO_CONNECTION)


def _root_cause(error: BaseException) -> str:
    """Return the innermost reason; the layers above it only repeat it with object addresses."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        reason = getattr(following, "reason", None)
        following = (
            reason
            if isinstance(reason, BaseException)
            else following.__cause__ or following.__context__
        )
    innermost = seen[-1]
    if isinstance(innermost, OSError) and innermost.strerror:
        return one_line(clean_text(innermost.strerror))
    return one_line(clean_text(str(innermost))) or type(innermost).__name__
