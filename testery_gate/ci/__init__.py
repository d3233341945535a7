"""What a CI system shows of the gate in its own way, with one module for each system.

:func:`detect` finds the system by the environment. :func:`mask`, :func:`section` and
:func:`report` do what that system understands, and nothing for the others. None of them raises
when something can't be written, because this must not change the verdict.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from importlib import import_module

from testery_gate.ci import gitlab
from testery_gate.reports.ending import Ending


class System(Enum):
    """The CI systems that are known; the value is what ``--ci`` calls them."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"
    TEAMCITY = "teamcity"
    BUILDKITE = "buildkite"
    JENKINS = "jenkins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What reporting to a CI system needs, and the effects that it has."""

    environment: Mapping[str, str]
    command: Callable[[str], None]
    """Prints lines that are commands to the system."""
    warn: Callable[[str], None]
    """Warns that something could not be reported."""
    random: Callable[[], str]
    """Returns a word that nobody can guess."""
    run: Callable[[Sequence[str], str], None]
    """Runs a program with this standard input; raises ``OSError`` or ``SubprocessError``."""


AUTO, NONE = "auto", "none"
CHOICES = (AUTO, NONE, *(system.value for system in System))
"""What ``--ci`` takes."""

_SIGNS = (
    (System.GITHUB, "GITHUB_ACTIONS", "true"),
    (System.GITLAB, "GITLAB_CI", "true"),
    (System.AZURE, "TF_BUILD", None),
    (System.TEAMCITY, "TEAMCITY_VERSION", None),
    (System.BUILDKITE, "BUILDKITE", None),
    (System.JENKINS, "JENKINS_URL", None),
)


def detect(environment: Mapping[str, str]) -> System | None:
    """Return the system whose variable is set, to the required value if there is one."""
    for system, variable, word in _SIGNS:
        value = environment.get(variable, "")
        if value == word or (word is None and value):
            return system
    return None


def chosen(choice: str, environment: Mapping[str, str]) -> System | None:
    """Return the system that ``--ci`` stands for."""
    if choice == AUTO:
        return detect(environment)
    return None if choice == NONE else System(choice)


def run_program(arguments: Sequence[str], text: str, *, environment: Mapping[str, str]) -> None:
    """Run a program on PATH for at most half a minute; see :class:`Surroundings`."""
    subprocess.run(  # noqa: S603  (our own words, and no shell)
        arguments,
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=30,
        check=True,
        env=environment,
    )


def wants_debug(system: System | None, environment: Mapping[str, str]) -> bool:
    """Whether the system's own switch for debugging is on."""
    return system is System.GITHUB and environment.get("RUNNER_DEBUG") == "1"


def mask(
    system: System | None,
    secret: str,
    command: Callable[[str], None],
    environment: Mapping[str, str],
) -> None:
    """Make the system hide a secret in all output from now on.

    The secret is printed for that, and a log elsewhere would show it. So ``--ci`` is not enough:
    the environment must be that of a system that hides it.
    """
    if system is System.GITHUB and detect(environment) is System.GITHUB:
        from testery_gate.ci import github

        command(github.mask(secret))


def section(
    system: System | None,
    title: str,
    command: Callable[[str], None],
    *,
    clock: Callable[[], float],
    random: Callable[[], str],
) -> AbstractContextManager[None]:
    """Return a context whose output a reader can fold; the clock gives seconds since 1970."""
    if system is not System.GITLAB:
        return nullcontext()
    return gitlab.section(f"testery_gate_{random()}", title, command, clock)


def report(system: System | None, ending: Ending, surroundings: Surroundings) -> None:
    """Report to the system how the gate ended; only its own module is imported."""
    # The others read the reports and the exit code.
    reported_to = (System.GITHUB, System.AZURE, System.TEAMCITY, System.BUILDKITE)
    if system is not None and system in reported_to:
        import_module(f"{__name__}.{system.value}").report(ending, surroundings)
