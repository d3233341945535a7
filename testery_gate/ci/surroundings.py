"""What a CI system is told with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What telling a CI system takes from the world and does to it."""

    environment: Mapping[str, str]
    command: Callable[[str], None]
    """Prints lines that the system is meant to obey."""
    warn: Callable[[str], None]
    """Says that something could not be told."""
    random: Callable[[], str]
    """Returns a word that nobody can guess."""
    run: Callable[[Sequence[str], str], None]
    """Runs a program with this standard input; raises ``OSError`` or ``SubprocessError``."""
