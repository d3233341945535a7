"""How long to wait between two looks at a run: pure functions of what has been seen of it.

A look just before the end of a run is worth little, and a look just after it is worth most, so
the adaptive interval spends its looks where the end is likely. All its waits are shares of a time
that was seen, because what is soon for a run of an hour is late for one of a minute. How late
that notices the end, and for how many looks, is measured in ``docs/performance.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

from testery_gate.model import RunStatus
from testery_gate.waiting.polling import PollInterval, Sighting

QUICKEST = 1.0
"""Seconds between two looks when the end may come at any moment."""
SLOWEST_AT_THE_END = 2.5
SLOWEST_BEFORE_THE_END = 10.0
BEGINNING = 2.5
"""Seconds between the first looks at what takes longer than that."""
SLOWEST_QUEUED = 30.0
SLOWEST_RUNNING = 60.0
SLOWEST_UNKNOWN = 15.0
"""The most where nothing tells how near the end is."""


def fixed(seconds: float) -> PollInterval:
    """Return the poll interval that is always that many seconds."""
    return lambda _open_runs: seconds


def adaptive(open_runs: Sequence[Sighting]) -> float:
    """Return the shortest wait that any of the open runs asks for, in seconds."""
    return min(map(_wait, open_runs), default=QUICKEST)


def predicted_remaining(sighting: Sighting) -> float | None:
    """Predict the seconds until all tests are done, from the rate seen so far.

    ``None`` before a test is done under our eyes, and when all are done.
    """
    run, since = sighting.run, sighting.done_since
    if run.done is None or run.total is None or since is None or run.done >= run.total:
        return None
    done = run.done - sighting.done_then
    if done <= 0 and sighting.running_since is not None and sighting.running_since < since:
        # No second one yet; the first may have had to wait for the run to get going.
        since, done = sighting.running_since, run.done
    if done <= 0:
        return None
    return (run.total - run.done) * (sighting.seen_at - since) / done


def _wait(sighting: Sighting) -> float:
    run = sighting.run
    if run.status in {RunStatus.SUBMITTED, RunStatus.QUEUED}:
        return _between(BEGINNING, 0.5 * sighting.seen_at, SLOWEST_QUEUED)
    at_work = sighting.seen_at - (sighting.running_since or 0.0)
    rest = run.total - run.done if run.total and run.done is not None else None
    if run.status.is_final or (rest is not None and rest <= 0):
        # Only the teardown is left, and its length is anyone's guess; but not for ever.
        overdue = sighting.seen_at - sighting.changed_at - 0.1 * at_work
        soon = _between(QUICKEST, 0.008 * at_work, SLOWEST_AT_THE_END)
        return max(soon, min(0.1 * overdue, SLOWEST_UNKNOWN))
    if rest is None:
        return _between(BEGINNING, 0.3 * at_work, SLOWEST_UNKNOWN)
    soon = _between(QUICKEST, 0.02 * at_work, SLOWEST_BEFORE_THE_END)
    if rest == 1:
        return soon
    remaining = predicted_remaining(sighting)
    if remaining is None:
        return _between(BEGINNING, 0.4 * at_work, SLOWEST_RUNNING)
    # Halving the predicted rest keeps the looks logarithmic and forgives a bad prediction, the
    # worse the less of the run was seen.
    return max(soon, min(0.5 * remaining, max(BEGINNING, 0.5 * at_work), SLOWEST_RUNNING))


def _between(low: float, value: float, high: float) -> float:
    return min(max(value, low), high)
