"""A moment on a monotonic clock; everything that waits uses the same one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock; everything that waits uses the same one."""

    at: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    seconds: float = field(default=0.0, compare=False)
    """How many seconds there were until then at first."""

    @classmethod
    def after(
        cls,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        since: float | None = None,
    ) -> Deadline:
        """Return the deadline that many seconds from now, or since a moment on the same clock."""
        return cls((clock() if since is None else since) + seconds, clock, seconds)

    def remaining(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self.at - self.clock())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining() == 0.0


def utc_now() -> datetime:
    """Return the time of day, from which the age of runs is computed."""
    return datetime.now(UTC)
