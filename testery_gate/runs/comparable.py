"""Find what a run can be compared with: the finished runs of its kind before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from testery_gate.errors import ApiError
from testery_gate.model import TestRun
from testery_gate.runs.listing import Listing, Lookback, is_newer, newest_first
from testery_gate.waiting.deadline import Deadline

MOST_READ = 1000
"""So many runs are read of the list at most."""
SECONDS = 15.0
"""After so long no further page is asked for: nobody waits longer for a chart."""


class Source(Protocol):
    """What is needed of the API."""

    def page(self, number: int, limit: int, /, *, optional: bool) -> Sequence[TestRun]:
        """Return a page of the list; what is optional is soon given up."""


def find_comparable(
    runs: Sequence[TestRun], source: Source, count: int, *, until: Deadline
) -> Mapping[int, Sequence[TestRun]]:
    """Return by id each run after the last finished runs like it, the oldest first.

    Alike are runs of the same project, environment and name; with the run itself there are at
    most ``count``. One reading of the list serves all. Where it gives out, what was read of it
    counts; where it gives nothing, nothing is returned.
    """
    earlier: dict[int, list[TestRun]] = {run.id: [] for run in runs}
    listing = Listing(
        lambda number, limit: () if until.passed else source.page(number, limit, optional=True),
        Lookback(runs=MOST_READ),
    )
    with suppress(ApiError):
        for other in listing:
            for run in runs:
                comparable = _kind(other) == _kind(run) and is_newer(run, other)
                if comparable and other.status.is_final:
                    earlier[run.id].append(other)
            if all(len(found) >= count - 1 for found in earlier.values()):
                break
    if not listing.read:
        return {}
    newest = {run_id: newest_first(found)[: count - 1] for run_id, found in earlier.items()}
    return {run.id: [*reversed(newest[run.id]), run] for run in runs}


def _kind(run: TestRun) -> tuple[int | None, str | None, str | None]:
    return run.project_id, run.environment, run.name
