"""Stand-ins for the effects that are passed in: a clock that only sleeping moves."""

from __future__ import annotations


class FakeClock:
    """A monotonic clock in seconds; ``slept`` is every wait that was asked for."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
