"""The API's base address, and which addresses are safe to send a token to."""

from __future__ import annotations

import ipaddress
import urllib.parse

from testery_gate.errors import UsageError

DEFAULT_API_URL = "https://api.testery.io/api"
_LIKE_THIS = f"The default is {DEFAULT_API_URL}."


def check_api_url(text: str) -> str:
    """Return the API's base address; raises :class:`UsageError` where it isn't safe to use."""
    try:
        parts = urllib.parse.urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"--api-url is not an address: {error}", advice=_LIKE_THIS) from None
    if "@" in parts.netloc:
        raise UsageError("--api-url must not contain a user name or password", advice=_LIKE_THIS)
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"--api-url must look like {DEFAULT_API_URL}, not {text!r}")
    if parts.query or parts.fragment:
        raise UsageError("--api-url must end in a path, without ? or #", advice=_LIKE_THIS)
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(
            f"--api-url is plain http to {host}, which would send the token unencrypted",
            advice="Use https; plain http is allowed only for addresses of this machine.",
        )
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
