"""One bounded request: the token, trusted certificates, the proxy, redirects, sizes and times."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any, TypeVar, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from testery_gate import __version__
from testery_gate.api import faults
from testery_gate.api.connection import Route
from testery_gate.api.time_limit import TookTooLong, within
from testery_gate.errors import ApiError, NoAnswer
from testery_gate.redaction import Redaction

MAX_REDIRECTS = 5
MOST_ON_THE_WIRE = 128 * 1024 * 1024
"""Bytes of one answer as received, including headers, lines between chunks, trailers and interim
answers. urllib3 limits the length of each of these lines, but not their number."""

_LONGEST_ERROR = 4096
"""Bytes that are read of an error's answer, for its message."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a request may take: times in seconds, ``size`` in bytes after decompression."""

    connect: float
    read: float
    """From one byte to the next."""
    whole: float
    """From name resolution to the last byte, however slowly it arrives."""
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """How a connection is encrypted, with the certificate as :meth:`ssl.SSLSocket.getpeercert`
    returns it: empty where the operating system has checked it instead of OpenSSL.
    """

    protocol: str
    certificate: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, to the API or to a code host."""

    method: str
    url: str
    body: bytes | None = field(default=None, repr=False)
    """JSON, which may hold secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, with any status."""

    status: int
    headers: Mapping[str, str]
    """Their names can be in upper or lower case."""
    body: bytes


class BearerToken(AuthBase):
    """The token as ``requests`` takes it, without showing it."""

    def __init__(
        self, token: str, *, header: str = "Authorization", scheme: str = "Bearer"
    ) -> None:
        self._header = header
        self._value = f"{scheme} {token}".strip()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers[self._header] = self._value
        return request

    def __repr__(self) -> str:
        return "BearerToken(***)"


class _Session(requests.Session):
    """A session that leaves redirects alone and keeps no cookies.

    ``requests`` reads the whole body of a redirect, however large, even if it must not follow it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect."""


class _Sending(threading.local):
    """Whether sending this thread's request has begun, and whether it may still begin."""

    began = False
    abandoned: threading.Event | None = None
    """Set when nobody waits for the answer any more."""


class Transport:
    """Sends requests along one route with one token.

    Raises :class:`UsageError` if the certificates that the route trusts can't be loaded.
    """

    def __init__(
        self,
        route: Route,
        token: str,
        auth: AuthBase | None = None,
        *,
        secrets: Sequence[str] = (),
    ) -> None:
        """``secrets`` are removed from the API's answers, like the token."""
        self.route = route
        self.redact = Redaction(token, *secrets)
        self.encryption: Encryption | None = None
        """That of the newest connection; ``None`` before the first, and for plain http."""
        self._auth = auth or BearerToken(token)
        self._sending = _Sending()
        self._session = _Session()
        # The proxy is known already, and a .netrc entry must not replace the token.
        self._session.trust_env = False
        self._session.headers["User-Agent"] = f"testery-gate/{__version__}"
        self._session.headers["Accept"] = "application/json"
        if route.proxy is not None:
            self._session.proxies = {"https": route.proxy.url}
        context = None if route.trust is None else route.trust.context()
        adapter = _Adapter(context, self._note_encryption, self._note_sending)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def _note_encryption(self, encryption: Encryption) -> None:
        self.encryption = encryption

    def _note_sending(self) -> None:
        abandoned = self._sending.abandoned
        if abandoned is not None and abandoned.is_set():
            raise OSError("the request was given up before it was sent")
        self._sending.began = True

    def get(self, url: str, bounds: Bounds, read: Callable[[Reply], _T]) -> _T:
        """Fetch an address of the API, and return what is read from the answer.

        Reading counts towards the time that the request may take. Raises :class:`Unauthorized`,
        :class:`NotFound` or :class:`NoAnswer`, and what reading raises.
        """

        def fault_of(response: requests.Response) -> ApiError | None:
            return faults.of_status(response.status_code, response.headers, url)

        return self._done(Request(method="GET", url=url), bounds, self._followed, fault_of, read)

    def exchange(self, request: Request, bounds: Bounds) -> Reply:
        """Send a request, and return the answer, whatever its status.

        Raises :class:`NoAnswer` where there is none.
        """
        return self._done(request, bounds, self._followed, lambda _: None, lambda reply: reply)

    def change(self, request: Request, bounds: Bounds, read: Callable[[Reply], _T]) -> _T:
        """Have the API change something, and return what is read from its answer.

        The request is sent once, and follows no redirect. Raises :class:`Refused` and what
        :meth:`get` raises; :attr:`NoAnswer.not_done` says whether it was certainly not carried out.
        """

        def fault_of(response: requests.Response) -> ApiError | None:
            if 200 <= response.status_code < 300:
                return None
            body = b""
            with suppress(requests.RequestException):
                body = next(response.iter_content(_LONGEST_ERROR), b"")
            status, headers = response.status_code, response.headers
            return faults.of_change(status, headers, request.url, body, self.redact)

        return self._done(request, bounds, self._sent, fault_of, read)

    def fetch_date(self, timeout: float) -> str | None:
        """Ask without the token, and return the date that the server's clock shows.

        Any answer will do; raises :class:`NoAnswer` where there is none. ``timeout`` is in seconds
        and for each of connecting and reading, not for the whole.
        """
        try:
            knock = Request(method="GET", url=self.route.url)
            with self._send(knock, (timeout, timeout)) as response:
                return response.headers.get("Date")
        except (requests.RequestException, OSError, ValueError) as error:
            fault = faults.explained(error, self.route.url, self.route)
            # This request has no token, but a server that got the token before may answer.
            fault.message = self.redact(fault.message)
            raise fault from None

    def _done(
        self,
        request: Request,
        bounds: Bounds,
        send: Callable[[Request, Bounds], requests.Response],
        fault_of: Callable[[requests.Response], ApiError | None],
        read: Callable[[Reply], _T],
    ) -> _T:
        """Return what is read from the reply, or raise the fault that its status is."""

        def work(abandoned: threading.Event) -> _T:
            self._sending.began, self._sending.abandoned = False, abandoned
            try:
                with send(request, bounds) as response:
                    if error := fault_of(response):
                        raise error
                    body = _read(response, request.url, bounds, abandoned)
                    reply = Reply(status=response.status_code, headers=response.headers, body=body)
            except (requests.RequestException, OSError, ValueError) as error:
                fault = faults.explained(error, request.url, self.route)
                fault.not_done = not self._sending.began
                raise fault from error
            return read(reply)

        try:
            return within(bounds.whole, work)
        except TookTooLong:
            # Also where nothing was sent yet: it may be sent at this very moment, but not later.
            late = f"no complete answer from {request.url} within {bounds.whole:.0f} s"
            raise NoAnswer(late, advice=faults.SLOW) from None

    def _followed(self, request: Request, bounds: Bounds) -> requests.Response:
        """Send a request, and again to where it is redirected on the same host."""
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            response = self._sent(request, bounds)
            location = response.headers.get("Location")
            if not (300 <= response.status_code < 400 and location):
                return response
            response.close()
            request = replace(request, url=_normal(urllib.parse.urljoin(request.url, location)))
            if _origin(request.url) != _origin(_normal(url)):
                raise NoAnswer(
                    f"{url} redirects to another host, which must not get the token",
                    advice=faults.WRONG_ADDRESS,
                )
        raise NoAnswer(f"{url} redirects too often", advice=faults.WRONG_ADDRESS)

    def _sent(self, request: Request, bounds: Bounds) -> requests.Response:
        return self._send(request, (bounds.connect, bounds.read), self._auth)

    def _send(
        self, request: Request, timeout: tuple[float, float], auth: AuthBase | None = None
    ) -> requests.Response:
        return self._session.request(
            request.method,
            request.url,
            data=request.body,
            headers=None if request.body is None else {"Content-Type": "application/json"},
            auth=auth,
            timeout=timeout,
            stream=True,
            allow_redirects=False,
        )


def _read(
    response: requests.Response, url: str, bounds: Bounds, abandoned: threading.Event
) -> bytes:
    """Return the whole body, or the part that had come when it was abandoned."""
    body = BytesIO()
    for chunk in response.iter_content(65536):
        body.write(chunk)
        if body.tell() > bounds.size:
            body.close()
            raise NoAnswer(
                f"{url} sent more than {bounds.size // 2**20} MiB", advice=faults.WRONG_ADDRESS
            )
        if abandoned.is_set():
            break
    return body.getvalue()


def _normal(url: str) -> str:
    """Return the address as the connection will use it, which may differ from how it looks."""
    return str(requests.Request("GET", url).prepare().url)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


class _Adapter(HTTPAdapter):
    """Limits the size of every answer, and has one context check certificates, if there is one.

    ``requests`` alone would add its own certificates.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        on_connection: Callable[[Encryption], None],
        on_sending: Callable[[], None],
    ) -> None:
        self._context = context
        self._pool_classes = _pools(on_connection, on_sending)
        super().__init__()
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: object, cert: object = None
    ) -> tuple[Any, Any]:
        """Use the context instead of all settings for certificates."""
        host, _ = super().build_connection_pool_key_attributes(request, verify=True)
        return host, {"ssl_context": self._context}

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Add nothing to the context."""

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Have the context check a proxy's certificate too, where the proxy has one."""
        manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **options)
        manager.pool_classes_by_scheme = self._pool_classes
        return manager


def _pools(
    on_connection: Callable[[Encryption], None], on_sending: Callable[[], None]
) -> dict[str, type]:
    class Connection(urllib3.connection.HTTPConnection):
        response_class = _BoundedResponse

        def request(self, *args: Any, **options: Any) -> None:
            if self.sock is None:
                self.connect()
            on_sending()
            super().request(*args, **options)

    class EncryptedConnection(Connection, urllib3.connection.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sock = cast("ssl.SSLSocket", self.sock)
            on_connection(
                Encryption(protocol=sock.version() or "", certificate=sock.getpeercert() or {})
            )

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = Connection

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = EncryptedConnection

    return {"http": Pool, "https": EncryptedPool}


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = BufferedReader(_Counted(self.fp.detach()))


class _Counted(RawIOBase):
    """Reads from a socket, up to a limit."""

    def __init__(self, raw: RawIOBase) -> None:
        self._raw = raw
        self._left = MOST_ON_THE_WIRE

    def readable(self) -> bool:
        """Return true, as it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Read some bytes; raises :class:`OSError` for one too many."""
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise OSError(f"the answer is longer than {MOST_ON_THE_WIRE // 2**20} MiB as received")
        return count

    def close(self) -> None:
        """Close the socket."""
        self._raw.close()
        super().close()
