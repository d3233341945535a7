"""Find the runs that a run can be compared with: finished earlier runs like it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from testery_gate.errors import ApiError, NotFound, Unauthorized, Unavailable
from testery_gate.model import RunStatus, TestRun
from testery_gate.runs.listing import Listing, Lookback, Pages, is_newer, newest_first
from testery_gate.waiting.deadline import Deadline

MOST_READ = 1000
"""The most runs of the list that are read."""
FEWEST = 3
"""How many finished runs it takes to say how long one of their kind usually takes."""
MOST_COMPARED = 20
"""The most finished runs that are used for that, the newest ones: the tests change over time."""
SECONDS = 15.0
"""After this time no further page is requested; what is behind the pages that were read is not
known then."""


def usual_durations(run: TestRun, others: Iterable[TestRun]) -> Sequence[float]:
    """Return how many seconds the finished ones among runs like this one took.

    Returns nothing for too few of them. Canceled runs are left out: how long they would have taken
    is unknown.
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


def find_earlier(
    runs: Sequence[TestRun],
    source: Pages,
    is_enough: Callable[[TestRun, Sequence[TestRun]], bool],
    *,
    until: Deadline,
    known: Sequence[TestRun] = (),
) -> tuple[Mapping[int, Sequence[TestRun]], ApiError | None]:
    """Return by the id of each run the earlier finished runs like it, the newest first.

    Runs are alike if they have the same project, environment and name. The list is read once for
    all runs, until enough are found for each of them, or until it ends. Where an error or ``until``
    stopped the reading, an error is returned too, with the runs found so far. Nothing is read where
    the ``known`` runs are enough.
    """
    before = {run.id: comparable_before(run, known) for run in runs}
    # A run that had not finished when it was seen may have finished by now.
    settled = all(other.status.is_final for found in before.values() for other in found)
    if settled and all(is_enough(run, before[run.id]) for run in runs):
        return before, None
    earlier: dict[int, list[TestRun]] = {run.id: [] for run in runs}

    def page(number: int, limit: int) -> Sequence[TestRun]:
        if until.passed:
            why = f"the list of runs could not be read further within {until.seconds:g} s"
            raise Unavailable(why)
        return source.page(number, limit, optional=True)

    listing = Listing(page, Lookback(runs=MOST_READ))
    fault: ApiError | None = None
    try:
        for other in listing:
            for run in runs:
                if _comes_before(other, run) and other.status.is_final:
                    earlier[run.id].append(other)
            if all(is_enough(run, earlier[run.id]) for run in runs):
                break
    except NotFound as error:
        fault = None if listing.read else error  # some servers have no page past the end
    except Unauthorized as error:
        # The token was accepted for the pages before.
        fault = Unavailable(error.message) if listing.read else error
    except ApiError as error:
        fault = error
    if not listing.read:
        return {}, fault
    return {run_id: newest_first(found) for run_id, found in earlier.items()}, fault


def comparable_before(run: TestRun, others: Iterable[TestRun]) -> Sequence[TestRun]:
    """Return the runs that are like this one and older, the newest first."""
    return newest_first(other for other in others if _comes_before(other, run))


def _comes_before(other: TestRun, run: TestRun) -> bool:
    alike = _kind(other) == _kind(run) != (None, None, None)
    return other.id != run.id and alike and is_newer(run, other)


def _kind(run: TestRun) -> tuple[int | None, str | None, str | None]:
    return run.project_id, run.environment, run.name
