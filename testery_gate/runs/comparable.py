"""Find what a run can be compared with: the finished runs like it before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from testery_gate.errors import ApiError
from testery_gate.model import RunStatus, TestRun
from testery_gate.runs.listing import Listing, Lookback, is_newer, newest_first
from testery_gate.waiting.deadline import Deadline

MOST_READ = 1000
"""So many runs are read of the list at most."""
FEWEST = 3
"""So many finished runs tell how long one of their kind usually takes."""
MOST_COMPARED = 20
"""Of more than that only the newest do: what is tested changes."""
SECONDS = 15.0
"""After this time no further page is requested: a chart is not worth a longer wait."""


class Source(Protocol):
    """What is used of the API."""

    def page(self, number: int, limit: int, /, *, optional: bool) -> Sequence[TestRun]:
        """Return a page of the list; an optional page is given up soon."""


def usual_durations(run: TestRun, others: Iterable[TestRun]) -> Sequence[float]:
    """Return how many seconds the finished ones among runs like this one took.

    Too few say nothing, and one that was canceled does not say how long it would have taken.
    """
    took = [
        (other.end_time - other.start_time).total_seconds()
        for other in newest_first(others)
        if _kind(other) == _kind(run)
        and other.status in {RunStatus.PASS, RunStatus.FAIL}
        and other.start_time
        and other.end_time
    ]
    known = [seconds for seconds in took if seconds >= 1][:MOST_COMPARED]
    return known if len(known) >= FEWEST else ()


def find_comparable(
    runs: Sequence[TestRun],
    source: Source,
    count: int,
    *,
    until: Deadline,
    known: Sequence[TestRun] = (),
) -> Mapping[int, Sequence[TestRun]]:
    """Return by id each run after the last finished runs like it, the oldest first.

    Alike are runs of the same project, environment and name; with the run itself there are at
    most ``count``. One reading of the list serves all. Where it gives out, what was read of it
    counts; where it gives nothing, nothing is returned. Nothing is read where the runs that are
    ``known`` are enough.
    """
    before = {run.id: [other for other in known if _comes_before(other, run)] for run in runs}
    if all(_is_enough(found, count) for found in before.values()):
        return {run.id: _with_newest(before[run.id], count, run) for run in runs}
    earlier: dict[int, list[TestRun]] = {run.id: [] for run in runs}
    listing = Listing(
        lambda number, limit: () if until.passed else source.page(number, limit, optional=True),
        Lookback(runs=MOST_READ),
    )
    with suppress(ApiError):
        for other in listing:
            for run in runs:
                if _comes_before(other, run) and other.status.is_final:
                    earlier[run.id].append(other)
            if all(len(found) >= count - 1 for found in earlier.values()):
                break
    if not listing.read:
        return {}
    return {run.id: _with_newest(earlier[run.id], count, run) for run in runs}


def _is_enough(known: Sequence[TestRun], count: int) -> bool:
    """Whether it would be the same today: one that had not finished may have by now."""
    return len(known) >= count - 1 and all(other.status.is_final for other in known)


def _with_newest(earlier: Sequence[TestRun], count: int, run: TestRun) -> Sequence[TestRun]:
    return [*reversed(newest_first(earlier)[: count - 1]), run]


def _comes_before(other: TestRun, run: TestRun) -> bool:
    return _kind(other) == _kind(run) and is_newer(run, other)


def _kind(run: TestRun) -> tuple[int | None, str | None, str | None]:
    return run.project_id, run.environment, run.name
