"""The way to the API: its address, the proxy, and the trusted certificates.

It is determined once, before anything is sent, so that a wrong setting is reported at once. The
variables are read from the process's own environment, because ``requests`` reads them there too.
"""

from __future__ import annotations

import os
import re
import ssl
import sys
import urllib.parse
from dataclasses import dataclass, field, replace

import requests
import truststore
import urllib3
from requests.utils import (
    DEFAULT_CA_BUNDLE_PATH,
    get_auth_from_url,
    get_environ_proxies,
    select_proxy,
)

from testery_gate.api.address import DEFAULT_API_URL
from testery_gate.errors import UsageError

BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables of ``requests``: the first that is set names a file or a folder of certificates."""
FILE_VARIABLE, FOLDER_VARIABLE = "SSL_CERT_FILE", "SSL_CERT_DIR"
"""Variables of OpenSSL, used without those above; the second may list several folders."""
_SYSTEM = "the system's certificates"
_PROXIES = (
    "A proxy looks like http://proxy.example:3128, or http://user:password@proxy.example:3128 with"
    " characters such as @ and / in the password percent-encoded; NO_PROXY lists the hosts to reach"
    " directly."
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy; ``url`` may hold a password, ``shown`` never does."""

    url: str = field(repr=False)
    shown: str
    host: str
    port: int
    source: str

    def __str__(self) -> str:
        return f"{self.shown} (from {self.source})"

    @property
    def has_user(self) -> bool:
        """Whether the address names a user."""
        return urllib.parse.urlsplit(self.url).username is not None

    def redact(self, text: str) -> str:
        """Return a text that may come from the proxy, without the proxy's password."""
        user, password = get_auth_from_url(self.url)
        sent = urllib3.util.make_headers(proxy_basic_auth=f"{user}:{password}")
        for secret in (password, sent["proxy-authorization"].removeprefix("Basic ")):
            text = text.replace(secret, "***") if secret else text
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The trusted certificates: only those that variables name, or else the system's."""

    source: str = _SYSTEM
    file: str | None = None
    folders: str | None = None

    @property
    def is_named(self) -> bool:
        """Whether variables name the certificates."""
        return self.source != _SYSTEM

    def context(self) -> ssl.SSLContext:
        """Return the context that checks certificates; raises :class:`UsageError` without any."""
        if not self.is_named:
            return _systems_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # A named certificate is trusted without those that issued it, like the system's.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(self.file, self.folders)
        except ssl.SSLError:
            raise self._unusable("holds no certificates in PEM form") from None
        except OSError as error:
            raise self._unusable(f"can't be read: {error.strerror}") from None
        # OpenSSL ignores folders that don't exist; at least one must exist.
        if self.folders and not any(map(os.path.isdir, self.folders.split(os.pathsep))):
            raise self._unusable("is not a folder")
        return context

    def _unusable(self, why: str) -> UsageError:
        return UsageError(
            f"{self.source} {why}",
            advice="Name the file with your certificate authority's (CA) certificates, or unset the"
            " variable to trust the system's.",
        )


def _systems_context() -> ssl.SSLContext:
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not system_has_certificates(sys.platform, ssl.get_default_verify_paths()):
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def system_has_certificates(platform: str, paths: ssl.DefaultVerifyPaths) -> bool:
    """Whether the system has certificates.

    A bare container has none; then the certificates of ``requests`` are used.
    """
    if platform in {"darwin", "win32"}:
        return True
    return bool(paths.cafile or (paths.capath and os.listdir(paths.capath)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How the API is reached; ``trust`` is ``None`` for plain http."""

    url: str
    host: str
    port: int
    proxy: Proxy | None = None
    trust: Trust | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether the address says https."""
        return self.url.startswith("https:")


def direct_route(base_url: str) -> Route:
    """Return the route without a proxy or encryption; raises :class:`UsageError`."""
    try:
        host, port = _host_and_port(base_url)
    except ValueError:
        raise UsageError(
            f"--api-url has an invalid host name: {base_url}",
            advice=f"Leave it out for {DEFAULT_API_URL}.",
        ) from None
    return Route(url=base_url, host=host, port=port)


def find_route(base_url: str) -> Route:
    """Find out how to reach an address that is safe to use; raises :class:`UsageError`."""
    route = direct_route(base_url)
    if not route.is_encrypted:
        # Plain http is for addresses of this machine only, which no proxy can reach.
        return route
    return replace(route, proxy=find_proxy(base_url), trust=find_trust())


def _host_and_port(url: str) -> tuple[str, int]:
    """Return the host and port that an address is connected to; raises ``ValueError``."""
    prepared = urllib.parse.urlsplit(requests.Request("GET", url).prepare().url or "")
    host = prepared.hostname or ""
    # Some versions of requests accept names that can't be resolved: with characters that no host
    # name has, or with labels that are empty or too long.
    if not re.fullmatch(r"[\w.-]+|[0-9a-f:.]+(%\w+)?", host):
        raise ValueError(f"{host!r} is not a host name")
    host.encode("idna")
    return host, prepared.port or _PORTS[prepared.scheme]


def find_proxy(url: str) -> Proxy | None:
    """Return the proxy for an address, if any, as ``requests`` would choose it.

    Raises :class:`UsageError` for an invalid one.
    """
    chosen = select_proxy(url, get_environ_proxies(url))
    if not chosen:
        return None
    source = _source_of_proxy(chosen)
    try:
        address = chosen if "://" in chosen else f"http://{chosen}"
        scheme = urllib.parse.urlsplit(address).scheme
        if scheme not in _PORTS:
            raise UsageError(
                f"{source} names a {scheme} proxy, which is not supported",
                advice=_PROXIES,
            )
        host, port = _host_and_port(address)
    except ValueError:
        # The address is not quoted, because it may hold a password.
        raise UsageError(
            f"{source} has an invalid proxy address",
            advice=_PROXIES,
        ) from None
    shown = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    return Proxy(url=address, shown=shown, host=host, port=port, source=source)


def _source_of_proxy(chosen: str) -> str:
    for wanted in ("https_proxy", "all_proxy"):
        # Where both are set, the name in lower case counts; it sorts last.
        for name in sorted(os.environ, reverse=True):
            if name.lower() == wanted and os.environ[name] == chosen:
                return f"variable {name}"
    return "the system's settings"


def find_trust() -> Trust:
    """Return the trusted certificates."""
    for variable in BUNDLE_VARIABLES:
        if path := os.environ.get(variable):
            folder = os.path.isdir(path)
            return Trust(
                source=f"{variable}={path}",
                file=None if folder else path,
                folders=path if folder else None,
            )
    file, folders = os.environ.get(FILE_VARIABLE), os.environ.get(FOLDER_VARIABLE)
    named = {FILE_VARIABLE: file, FOLDER_VARIABLE: folders}
    source = " and ".join(f"{name}={value}" for name, value in named.items() if value)
    return Trust(source=source or _SYSTEM, file=file or None, folders=folders or None)
