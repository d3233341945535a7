"""What went wrong with a request: in plain words, with the likely cause and what to do."""

from __future__ import annotations

import email.utils
import http.client
import json
import re
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

import requests

from testery_gate.api.connection import Proxy, Route, Trust
from testery_gate.errors import ApiError, NoAnswer, NotFound, Refused, Unauthorized
from testery_gate.text import Clean, clean_text, one_line, shorten

NEXT_STEP = "'testery-gate doctor' checks every step on the way to the API."
WRONG_ADDRESS = "Check that --api-url is the address of the API, not of the web app."
SLOW = "The network or the API is slow, or something on the way does not respond."
_LONGEST_MESSAGE = 500
_NO_PROXY = "If the network requires a proxy, set HTTPS_PROXY."


def of_status(status: int, headers: Mapping[str, str], url: str) -> ApiError | None:
    """Return what a status means, ``None`` for 200."""
    if status == HTTPStatus.OK:
        return None
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized(
            f"{url} does not accept the token (HTTP 401)",
            advice="Copy the token again (Testery: Settings, Integrations, Show API Token);"
            " 'testery-gate explain' shows where it is taken from.",
        )
    if status == HTTPStatus.FORBIDDEN:
        return Unauthorized(
            f"the token has no access to {url} (HTTP 403)",
            advice="Use a token of the account that the run belongs to.",
            token_rejected=False,
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(
            f"nothing was found at {url} (HTTP 404)",
            advice="Check the run's id, that the token is of the run's account, and --api-url.",
        )
    return NoAnswer(
        f"HTTP {status_text(status)} from {url}",
        advice="Try again later, or wait longer with --outage-tolerance.",
        retry_after=retry_after(headers.get("Retry-After"), headers.get("Date")),
        not_done=status == HTTPStatus.TOO_MANY_REQUESTS,
    )


def of_change(
    status: int, headers: Mapping[str, str], url: str, body: bytes, redact: Clean
) -> ApiError:
    """Return the error for a request to change something that did not succeed.

    With a status of 4xx it was not carried out (RFC 9110, section 15.5), unless the server gave up
    because the request came too slowly.
    """
    error = of_status(status, headers, url)
    unsure = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
    if isinstance(error, NoAnswer) and 400 <= status < 500 and status not in unsure:
        return Refused(
            f"the API refuses the request (HTTP {status_text(status)}){_quoted(body, redact)}"
        )
    return error or NoAnswer(f"{url} sent no usable answer", advice=WRONG_ADDRESS)


def _quoted(body: bytes, redact: Clean) -> str:
    """Return the message in an error's answer, if that is JSON."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    message = content.get("message") if isinstance(content, dict) else None
    if not isinstance(message, str):
        return ""
    # Shortened last: half a secret could not be found and removed.
    return f": {shorten(one_line(redact(message)), _LONGEST_MESSAGE)}"


def status_text(status: int) -> str:
    """Return a status with its name, where it has one."""
    return f"{status} {http.client.responses.get(status, '')}".rstrip()


def retry_after(value: str | None, date: str | None) -> float | None:
    """Read both forms of the header, in seconds from now (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    moment = moment_of(value)
    if moment is None:
        return None
    # By the server's clock where it sends its time: this machine's clock may be wrong.
    now = moment_of(date or "") or datetime.now(UTC)
    return max(0.0, (moment - now).total_seconds())


def moment_of(text: str) -> datetime | None:
    """Return the date of a header; ``None`` if it is not a date."""
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the second for numbers of many digits
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def explained(error: Exception, url: str, route: Route) -> NoAnswer:
    """Return an error that says why a request failed, and what to do."""
    innermost = _innermost(error)
    cause = _words(innermost)
    if route.proxy is not None:
        cause = route.proxy.redact(cause)
    if route.proxy is not None and isinstance(error, requests.exceptions.ProxyError):
        message, advice = _of_proxy(innermost, cause, route, route.proxy)
        return NoAnswer(f"no connection to {url}: {message}", advice=advice, lasting=True)
    if route.trust is not None and isinstance(error, requests.exceptions.SSLError):
        message, advice = _of_encryption(innermost, route.trust, "--api-url")
        return NoAnswer(f"no trusted connection to {url}: {message}", advice=advice, lasting=True)
    if isinstance(innermost, socket.gaierror):
        return NoAnswer(
            f"no connection to {url}: the host name {route.host} can't be resolved ({cause})",
            advice=f"Check the host name in --api-url and this machine's DNS. {_NO_PROXY}",
            lasting=True,
        )
    if isinstance(innermost, ConnectionRefusedError):
        return NoAnswer(
            f"no connection to {url}: {cause}",
            advice=f"Nothing listens on port {route.port} of {route.host}. Check --api-url, and"
            " that the service runs.",
        )
    if isinstance(error, requests.ConnectTimeout):
        return NoAnswer(
            f"no connection to {url} in time",
            advice=f"Something on the way to {route.host} drops it, like a firewall. {_NO_PROXY}",
        )
    if isinstance(error, requests.Timeout):
        return NoAnswer(f"{url} accepted the connection but did not answer in time", advice=SLOW)
    return NoAnswer(
        f"no answer from {url}: {cause}", advice="Check the network, and that --api-url is right."
    )


def _of_proxy(innermost: BaseException, cause: str, route: Route, proxy: Proxy) -> tuple[str, str]:
    check_proxy = f"Check {proxy.source}, or add {route.host} to NO_PROXY to connect directly."
    refused = re.match(r"Tunnel connection failed: (\d{3})", cause)
    if refused is None:
        if isinstance(innermost, ssl.SSLError) and route.trust is not None:
            cause, hint = _of_encryption(innermost, route.trust, proxy.source)
            check_proxy = f"{hint} {check_proxy}"
        return f"the proxy {proxy.shown} can't be used: {cause}", check_proxy
    # The proxy's own text is not quoted: the proxy has been sent a password.
    status = int(refused[1])
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        wanted = "another user and password" if proxy.has_user else "a user and password"
        return (
            f"the proxy {proxy.shown} requires {wanted} (HTTP 407)",
            f"Put them into {proxy.source}, as in http://user:password@proxy.example:3128, with"
            " characters such as @ and / percent-encoded.",
        )
    return (
        f"the proxy {proxy.shown} does not connect to {route.host} port {route.port}"
        f" (HTTP {status_text(status)})",
        f"Ask the proxy's administrator. {check_proxy}",
    )


_CLOCK = "check this machine's clock, or ask the host's administrator to renew it."
_CERTIFICATE_HINTS = {
    9: f"The certificate is not valid yet: {_CLOCK}",
    10: f"The certificate has expired: {_CLOCK}",
    62: "The certificate is for another host: check {setting}; a login page may answer instead.",
    64: "The certificate is for another address: check {setting}.",
}
"""By OpenSSL's verification errors (the manual of X509_STORE_CTX_get_error)."""
_OTHER_CERTIFICATE_HINT = (
    "Its certificate authority (CA) is not trusted here. If it is a private CA, such as a company's"
    " or a proxy's, name the file with its certificates in REQUESTS_CA_BUNDLE or SSL_CERT_FILE."
)


def _of_encryption(error: BaseException, trust: Trust, setting: str) -> tuple[str, str]:
    """Return the cause and advice; ``setting`` names the host whose encryption failed."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return _words(error), f"Check that the port in {setting} is for https."
    # The system's own verification (macOS, Windows) has other codes and messages.
    hint = _CERTIFICATE_HINTS.get(error.verify_code, _OTHER_CERTIFICATE_HINT)
    also = "and nothing else" if trust.is_named else "because no variable names others"
    cause = one_line(clean_text(error.verify_message))
    return cause, f"{hint.format(setting=setting)} Trusted now: {trust.source}, {also}."


def _innermost(error: BaseException) -> BaseException:
    """Return the innermost error; those around it only repeat it with object addresses."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        # An error may name the one below it in any of these ways.
        reasons = (getattr(following, "reason", None), *following.args)
        following = next(
            (reason for reason in reasons if isinstance(reason, BaseException)),
            following.__cause__ or following.__context__,
        )
    return seen[-1]


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        # OpenSSL's messages have the place in its source: [SSL: X] words (_ssl.c:1006)
        return re.sub(r"^\[.*?\] | \(_ssl\.c:\d+\)$", "", one_line(clean_text(error.strerror)))
    return one_line(clean_text(str(error))) or type(error).__name__
