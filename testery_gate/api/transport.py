"""One bounded request: the token, trusted certificates, the proxy, redirects, sizes and times."""

from __future__ import annotations

import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import Any, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from testery_gate import __version__
from testery_gate.api import faults
from testery_gate.api.connection import Route
from testery_gate.api.time_limit import TookTooLong, within
from testery_gate.errors import NoAnswer
from testery_gate.text import Redaction

MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a request may take: times in seconds, ``size`` in bytes after decompression."""

    connect: float
    read: float
    """From one byte to the next."""
    whole: float
    """From name resolution to the last byte, however slowly it drips."""
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came with status 200."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """How a connection is encrypted, with the certificate as :meth:`ssl.SSLSocket.getpeercert`
    tells it, which is empty where the operating system and not OpenSSL has checked it.
    """

    protocol: str
    certificate: Mapping[str, Any]


class BearerToken(AuthBase):
    """The token as ``requests`` takes it, without showing it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "BearerToken(***)"


class _Session(requests.Session):
    """A session that leaves redirects alone and keeps no cookies.

    ``requests`` reads the whole body of a redirect, however large, even where it shall not follow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Know of no redirect."""


class Transport:
    """Sends requests along one route with one token.

    Raises :class:`UsageError` where the certificates that the route trusts can't be had.
    """

    def __init__(self, route: Route, token: str) -> None:
        self.route = route
        self.redact = Redaction(token)
        self.encryption: Encryption | None = None
        """That of the newest connection; ``None`` before there is one, and for plain http."""
        self._auth = BearerToken(token)
        self._session = _Session()
        # The route was found already; and a .netrc entry must not replace the token.
        self._session.trust_env = False
        self._session.headers["User-Agent"] = f"testery-gate/{__version__}"
        self._session.headers["Accept"] = "application/json"
        if route.proxy is not None:
            self._session.proxies = {"https": route.proxy.url}
        if route.trust is not None:
            adapter = _TrustingAdapter(route.trust.context(), self._note_encryption)
            self._session.mount("https://", adapter)

    def _note_encryption(self, encryption: Encryption) -> None:
        self.encryption = encryption

    def get(self, url: str, bounds: Bounds) -> Answer:
        """Fetch what is at an address of the API.

        Raises :class:`Unauthorized`, :class:`NotFound` or :class:`NoAnswer`.
        """
        try:
            return within(bounds.whole, partial(self._fetch, url, bounds))
        except TookTooLong:
            raise faults.too_slow(url, bounds.whole) from None

    def knock(self, timeout: float) -> str | None:
        """Ask without the token, and return the date that the server's clock shows.

        Any answer will do; raises :class:`NoAnswer` where there is none. ``timeout`` is in seconds
        and for each of connecting and reading, not for the whole.
        """
        try:
            with self._send(self.route.url, (timeout, timeout)) as response:
                return response.headers.get("Date")
        except (requests.RequestException, OSError, ValueError) as error:
            fault = faults.explained(error, self.route.url, self.route)
            # It is no request with the token, but may be answered by who has seen it before.
            fault.message = self.redact(fault.message)
            raise fault from None

    def _send(
        self, url: str, timeout: tuple[float, float], auth: AuthBase | None = None
    ) -> requests.Response:
        return self._session.get(
            url, auth=auth, timeout=timeout, stream=True, allow_redirects=False
        )

    def _fetch(self, url: str, bounds: Bounds, abandoned: threading.Event) -> Answer:
        try:
            with self._response(url, bounds) as response:
                body = BytesIO()
                for chunk in response.iter_content(65536):
                    body.write(chunk)
                    if body.tell() > bounds.size:
                        body.close()
                        raise NoAnswer(
                            f"{url} answered more than {bounds.size // 2**20} MiB",
                            advice=faults.WRONG_ADDRESS,
                        )
                    if abandoned.is_set():
                        break
                content_type = response.headers.get("Content-Type", "")
                return Answer(body=body.getvalue(), content_type=content_type)
        except (requests.RequestException, OSError, ValueError) as error:
            raise faults.explained(error, url, self.route) from error

    def _response(self, url: str, bounds: Bounds) -> requests.Response:
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(target, (bounds.connect, bounds.read), self._auth)
            location = response.headers.get("Location")
            if not (300 <= response.status_code < 400 and location):
                if error := faults.of_status(response.status_code, response.headers, url):
                    response.close()
                    raise error
                return response
            response.close()
            target = _normal(urllib.parse.urljoin(target, location))
            if _origin(target) != _origin(_normal(url)):
                raise NoAnswer(
                    f"{url} redirects to another host, which must not see the token",
                    advice=faults.WRONG_ADDRESS,
                )
        raise NoAnswer(f"{url} redirects without end", advice=faults.WRONG_ADDRESS)


def _normal(url: str) -> str:
    """Return the address as it will be connected to: what reads one way may resolve another."""
    return str(requests.Request("GET", url).prepare().url)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


class _TrustingAdapter(HTTPAdapter):
    """Lets one context check certificates; ``requests`` by itself adds those that it brings."""

    def __init__(
        self, context: ssl.SSLContext, on_connection: Callable[[Encryption], None]
    ) -> None:
        self._context = context
        self._pool_classes = _watched_pools(on_connection)
        super().__init__()
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: object, cert: object = None
    ) -> tuple[Any, Any]:
        """Replace all that concerns certificates by the context."""
        host, _ = super().build_connection_pool_key_attributes(request, verify=True)
        return host, {"ssl_context": self._context}

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Add nothing to the context."""

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Let the context check a proxy's certificate as well, where it has one."""
        manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **options)
        manager.pool_classes_by_scheme = self._pool_classes
        return manager


def _watched_pools(on_connection: Callable[[Encryption], None]) -> dict[str, type]:
    class Connection(urllib3.connection.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sock = cast("ssl.SSLSocket", self.sock)
            on_connection(
                Encryption(protocol=sock.version() or "", certificate=sock.getpeercert() or {})
            )

    class Pool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Connection

    return {"http": urllib3.HTTPConnectionPool, "https": Pool}
