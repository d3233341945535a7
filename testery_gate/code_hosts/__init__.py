"""Comments on pull requests, and statuses of commits.

One module for each system that hosts code; :mod:`.adapters` has the registry. Nothing here may
change the verdict.
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
    """A comment is added for a verdict other than passed; an existing one is always updated."""
    ALWAYS = "always"
    CHANGED = "changed"
    """A comment is added or updated where it doesn't show this outcome yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user wants to be reported."""

    comment: Mode = Mode.NEVER
    key: str = ""
    """The key by which comments of several gates differ; empty for the place's name of the gate."""
    status: bool = False
    context: str = ""
    """The status's name; empty for one with the place's name of the gate."""


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
    """Return the system that hosts the code, if the CI system belongs to it."""
    return next((system for system, variable in _SIGNS if environment.get(variable)), None)


def chosen(choice: str, environment: Mapping[str, str]) -> System | None:
    """Return the system that ``--code-host`` stands for."""
    if choice == AUTO:
        return detect(environment)
    return None if choice == NONE else System(choice)
