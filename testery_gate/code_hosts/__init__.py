"""Where people look at a change: comments on pull requests, and statuses of commits.

One module for each system that hosts code; :mod:`.adapters` has the registry. Nothing here may
matter to the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class System(Enum):
    """The systems that are known; the value is what ``--code-host`` calls them."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"
    BITBUCKET = "bitbucket"


class Mode(Enum):
    """When the gate comments; the value is what ``--comment`` takes."""

    NEVER = "never"
    FAILED = "failed"
    """A comment is made for a verdict other than passed; one that is there is always updated."""
    ALWAYS = "always"
    CHANGED = "changed"
    """A comment is made or updated where it doesn't say this outcome yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is to be said."""

    comment: Mode = Mode.NEVER
    key: str = ""
    """Tells comments of several gates apart; empty for what the place calls the gate."""
    status: bool = False
    context: str = ""
    """The status's name; empty for one with what the place calls the gate."""


AUTO, NONE = "auto", "none"
CHOICES = (AUTO, NONE, *(system.value for system in System))
"""What ``--code-host`` takes."""

_SIGNS = (
    (System.GITHUB, "GITHUB_ACTIONS"),
    (System.GITLAB, "GITLAB_CI"),
    (System.AZURE, "TF_BUILD"),
    (System.BITBUCKET, "BITBUCKET_BUILD_NUMBER"),
)


def detect(environment: Mapping[str, str]) -> System | None:
    """Return the system that hosts the code, as far as the CI system is that system's own."""
    return next((system for system, variable in _SIGNS if environment.get(variable)), None)


def chosen(choice: str, environment: Mapping[str, str]) -> System | None:
    """Return the system that ``--code-host`` stands for."""
    if choice == AUTO:
        return detect(environment)
    return None if choice == NONE else System(choice)
