"""What reporting to a CI system needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


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
