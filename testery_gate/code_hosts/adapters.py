"""The registry of the systems that host code, with one module for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
from testery_gate.code_hosts import System, github
from testery_gate.code_hosts.host import CodeHost, Place, Surroundings
from testery_gate.code_hosts.http import Http


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """How a system is used."""

    find_place: Callable[[Surroundings], Place]
    """Raises :class:`.host.HostError`."""
    connect: Callable[[Place, Http], CodeHost]
    auth: Callable[[str, Mapping[str, str]], AuthBase] = lambda token, _: BearerToken(token)
    """Returns how a token is sent, in this environment."""


ADAPTERS: Mapping[System, Adapter] = {
    System.GITHUB: Adapter(find_place=github.find_place, connect=github.GitHub),
}
