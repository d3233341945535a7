"""Where people look at a change: comments on pull requests, and statuses of commits.

One module for each system that hosts code. Nothing here may matter to the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
from testery_gate.code_hosts import github
from testery_gate.code_hosts.host import CodeHost, Place, Surroundings
from testery_gate.code_hosts.http import Http


class System(Enum):
    """The systems that are known; the value is what ``--code-host`` calls them."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"
    BITBUCKET = "bitbucket"


AUTO, NONE = "auto", "none"
CHOICES = (AUTO, NONE, *(system.value for system in System))
"""What ``--code-host`` takes."""

_SIGNS = (
    (System.GITHUB, "GITHUB_ACTIONS"),
    (System.GITLAB, "GITLAB_CI"),
    (System.AZURE, "TF_BUILD"),
    (System.BITBUCKET, "BITBUCKET_BUILD_NUMBER"),
)


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


def detect(environment: Mapping[str, str]) -> System | None:
    """Return the system that hosts the code, as far as the CI system is that system's own."""
    return next((system for system, variable in _SIGNS if environment.get(variable)), None)


def chosen(choice: str, environment: Mapping[str, str]) -> System | None:
    """Return the system that ``--code-host`` stands for."""
    if choice == AUTO:
        return detect(environment)
    return None if choice == NONE else System(choice)
