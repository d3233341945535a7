"""Requests to a code host, with one time limit for all of them, and with retries where they help.

Before a retry it waits as long as the code host asks, if there is time: by ``Retry-After``, or by
the end of the rate limit of GitHub and GitLab. The token is in no message.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from requests.auth import AuthBase

from testery_gate.api import faults
from testery_gate.api.address import check_address
from testery_gate.api.connection import find_route
from testery_gate.api.transport import Bounds, Reply, Request, Transport
from testery_gate.errors import NoAnswer, UsageError
from testery_gate.model import MalformedAnswer, decode_json
from testery_gate.text import one_line, shorten
from testery_gate.waiting.deadline import Deadline

LARGEST_ANSWER = 32 * 1024 * 1024
MOST_VALUES = 1_000_000
FIRST_DELAY = 0.5
"""Seconds, doubled before each further attempt, and not less if the code host asks for less."""
LONGEST_MESSAGE = 300
_REFUSED = {203, 401, 403, 404}
"""Azure DevOps sends its page to sign in with 203."""


class HostError(Exception):
    """The code host did not do what was requested; the message may be shown.

    ``status`` is the HTTP status of its answer, if there was one.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NoRights(HostError):
    """The token may not do this (401, 403, and 404 where the system hides what it refuses)."""


class Gone(NoRights):
    """The object does not exist any more, or is hidden (404)."""


class Lost(HostError):
    """There was no answer to a request that must not be sent twice: it may have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A code host's answer to a request that it has done."""

    data: object
    """The JSON; ``None`` if there was none."""
    headers: Mapping[str, str] = field(default_factory=dict)


class _Busy(Exception):
    """A request wasn't done, and may be sent again after ``delay`` seconds."""

    def __init__(self, error: HostError, delay: float = 0) -> None:
        super().__init__(str(error))
        self.error = error
        self.delay = delay


class Http:
    """Sends requests to one code host, until the deadline.

    Raises :class:`HostError` if the address, or the proxy for it, can't be used.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        auth: AuthBase | None = None,
        sleep: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        """Check the address; ``now`` returns seconds since 1970, in which some limits are given."""
        try:
            self.base_url = check_address(
                base_url, "the code host's address", "https://api.github.com"
            )
            self._origin = _origin(self.base_url)
            # In user:password the password alone is a secret too.
            password = token.partition(":")[2]
            secrets = [password] if password else []
            self._transport = Transport(find_route(self.base_url), token, auth, secrets=secrets)
        except UsageError as error:
            raise HostError(error.message) from None
        self._deadline = Deadline.after(0)
        self._sleep = sleep
        self._now = now

    def limit(self, deadline: Deadline) -> None:
        """Allow requests until a deadline; before this call no request is sent."""
        self._deadline = deadline

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        data: object = None,
        once: bool = False,
    ) -> Answer:
        """Send a request to a path below the base address, or to a full address on its host.

        A request with ``once`` is sent again only if the answer says that it was not done, and
        raises :class:`Lost` if there is no answer. Also raises :class:`Gone`, :class:`NoRights` or
        :class:`HostError`.
        """
        url = path if "://" in path else f"{self.base_url}/{path.lstrip('/')}"
        if _origin(url) != self._origin:
            raise HostError(f"{self.base_url} names an address on another host")
        if params:
            url = f"{url}?{urllib.parse.urlencode(params)}"
        body = None if data is None else json.dumps(data).encode()
        request = Request(method=method, url=url, body=body)
        attempts = 0
        while True:
            attempts += 1
            try:
                return self._attempt(request, once=once)
            except _Busy as busy:
                self.wait(attempts, busy.error, busy.delay)

    def wait(self, attempts: int, error: HostError, asked: float = 0) -> None:
        """Wait before the next attempt.

        ``attempts`` is how many there were, and ``asked`` how many seconds the system asks for.
        Raises ``error``, that of the last attempt, if no time is left for another.
        """
        delay = max(asked, FIRST_DELAY * 2 ** (attempts - 1))
        if delay >= self._deadline.remaining():
            raise error from None
        self._sleep(delay)

    def _attempt(self, request: Request, *, once: bool) -> Answer:
        left = self._deadline.remaining()
        if left <= 0:
            raise HostError(f"no time was left for {request.method} {request.url}")
        bounds = Bounds(connect=left, read=left, whole=left, size=LARGEST_ANSWER)
        try:
            reply = self._transport.exchange(request, bounds)
        except NoAnswer as error:
            message = self._shown(error.message)
            if once:
                raise Lost(message) from None
            raise _Busy(HostError(message)) from None
        if 200 <= reply.status < 300 and reply.status not in _REFUSED:
            return self._answer(reply, request)
        raise self._refusal(reply, request, once=once)

    def _answer(self, reply: Reply, request: Request) -> Answer:
        if not reply.body.strip():
            return Answer(data=None, headers=reply.headers)
        try:
            return Answer(data=decode_json(reply.body, MOST_VALUES), headers=reply.headers)
        except (MalformedAnswer, ValueError, RecursionError):
            raise HostError(f"{request.url} did not answer with JSON") from None

    def _refusal(self, reply: Reply, request: Request, *, once: bool) -> Exception:
        url = request.url.partition("?")[0]
        what = f"{request.method} {url}: HTTP {faults.status_text(reply.status)}"
        reason = self._reason(reply.body)
        message = self._shown(f"{what} ({reason})" if reason else what)
        delay = self._asked_to_wait(reply)
        if delay is not None and reply.status in {403, 429, 503}:
            return _Busy(HostError(message, status=reply.status), delay)
        if reply.status in _REFUSED:
            refusal = Gone if reply.status == 404 else NoRights
            return refusal(message, status=reply.status)
        if reply.status in {409, 429}:  # GitLab: another job sets the status at this moment
            return _Busy(HostError(message, status=reply.status))
        if reply.status >= 500:
            lost = Lost(message, status=reply.status)
            return lost if once else _Busy(lost)
        return HostError(message, status=reply.status)

    def _asked_to_wait(self, reply: Reply) -> float | None:
        """Return how many seconds the system asks to wait, if it does."""
        asked = faults.retry_after(reply.headers.get("Retry-After"), reply.headers.get("Date"))
        if asked is not None:
            return asked
        for prefix in ("X-RateLimit", "RateLimit"):  # GitHub; GitLab
            reset = reply.headers.get(f"{prefix}-Reset", "")
            if reply.headers.get(f"{prefix}-Remaining") == "0" and reset.isdecimal():
                return max(0.0, float(reset) - self._now())
        return None

    def _reason(self, body: bytes) -> str:
        """Return the reason in the system's own words; empty if there is none."""
        try:
            data: Any = decode_json(body, MOST_VALUES)
        except (MalformedAnswer, ValueError, RecursionError):
            return ""
        if not isinstance(data, dict):
            return ""
        found = [data.get("message", data.get("error"))]
        if isinstance(found[0], dict):  # Bitbucket
            found = [found[0].get("message")]
        details = data.get("errors")  # GitHub
        for detail in details if isinstance(details, list) else []:
            found.append(detail.get("message") if isinstance(detail, dict) else detail)
        return ": ".join(text for text in found if isinstance(text, str))

    def _shown(self, text: str) -> str:
        return shorten(one_line(self._transport.redact(text)), LONGEST_MESSAGE)


def _origin(url: str) -> tuple[str, str] | None:
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return None
    return parts.scheme, parts.netloc
