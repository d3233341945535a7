"""The registry of the systems that host code, with one module for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
from testery_gate.code_hosts import System, azure, bitbucket, github, gitlab
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
    System.GITLAB: Adapter(find_place=gitlab.find_place, connect=gitlab.GitLab, auth=gitlab.auth),
    System.AZURE: Adapter(find_place=azure.find_place, connect=azure.Azure, auth=azure.auth),
    System.BITBUCKET: Adapter(
        find_place=bitbucket.find_place, connect=bitbucket.Bitbucket, auth=bitbucket.auth
    ),
}
