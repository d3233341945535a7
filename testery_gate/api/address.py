"""The API's base address, and which addresses are safe to send a token to."""

from __future__ import annotations

import ipaddress
import urllib.parse

from testery_gate.errors import UsageError

DEFAULT_API_URL = "https://api.testery.io/api"
_LIKE_THIS = f"It must look like {DEFAULT_API_URL}, which is what it is by default."


def check_api_url(text: str) -> str:
    """Return the API's base address; raises :class:`UsageError` where it isn't safe to use."""
    try:
        parts = urllib.parse.urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"--api-url is no address: {error}", advice=_LIKE_THIS) from None
    if "@" in parts.netloc:
        raise UsageError("--api-url must hold no user name or password", advice=_LIKE_THIS)
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"--api-url must look like {DEFAULT_API_URL}, not {text!r}")
    if parts.query or parts.fragment:
        raise UsageError("--api-url must end in a path, without ? or #", advice=_LIKE_THIS)
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(
            f"--api-url is plain http to {host}, which would show the token to the network",
            advice="Use https; plain http is for addresses of this machine only.",
        )
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
