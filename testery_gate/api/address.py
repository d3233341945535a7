"""The API's base address, and which addresses are safe to send a token to."""

from __future__ import annotations

import ipaddress
import urllib.parse

from testery_gate.errors import UsageError

DEFAULT_API_URL = "https://api.testery.io/api"


def check_api_url(text: str) -> str:
    """Return the API's base address; raises :class:`UsageError` where it isn't safe to use."""
    return check_address(text, "--api-url", DEFAULT_API_URL, f"The default is {DEFAULT_API_URL}.")


def check_address(text: str, name: str, example: str, advice: str = "") -> str:
    """Return a base address to which a token may go; raises :class:`UsageError` for another.

    ``name`` is what gives the address, and ``example`` is a good one.
    """
    try:
        parts = urllib.parse.urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{name} is not an address: {error}", advice=advice) from None
    if "@" in parts.netloc:
        raise UsageError(f"{name} must not contain a user name or password", advice=advice)
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"{name} must look like {example}, not {text!r}")
    if parts.query or parts.fragment:
        raise UsageError(f"{name} must end in a path, without ? or #", advice=advice)
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(
            f"{name} is plain http to {host}, which would send the token unencrypted",
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
