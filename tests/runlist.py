"""A list endpoint over runs, with the manners that a server may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from testery_gate.model import TestRun
from tests.builders import make_run

NOW = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


def run_of(run_id: int, minutes_ago: float = 0.0, **others: Any) -> TestRun:
    """Return a run that was created so long before :data:`NOW`."""
    return make_run(id=run_id, create_time=NOW - timedelta(minutes=minutes_ago), **others)


@dataclass
class RunList:
    """Answers pages of its runs, which stand in the server's order."""

    runs: list[TestRun]
    most: int = 250
    """How many runs a page has at most."""
    ignores_limit: bool = False
    ignores_page: bool = False
    clamps_page: bool = False
    """Whether the last page is given for those behind it."""
    arrivals: list[list[TestRun]] = field(default_factory=list)
    """What arrives before each request after the first."""
    departures: list[set[int]] = field(default_factory=list)
    """The ids of what vanishes before each request after the first."""
    arrive_last: bool = False
    requests: list[tuple[int, int]] = field(default_factory=list)

    def page(self, number: int, limit: int, *, optional: bool = False) -> Sequence[TestRun]:
        if self.requests and self.arrivals:
            arrived = self.arrivals.pop(0)
            self.runs = self.runs + arrived if self.arrive_last else arrived + self.runs
        if self.requests and self.departures:
            gone = self.departures.pop(0)
            self.runs = [run for run in self.runs if run.id not in gone]
        self.requests.append((number, limit))
        size = self.most if self.ignores_limit else min(limit, self.most)
        start = 0 if self.ignores_page else number * size
        if self.clamps_page:
            start = min(start, (len(self.runs) - 1) // size * size)
        return tuple(self.runs[start : start + size])
