"""How long to wait between two looks at a run: pure functions of what has been seen of it.

A look just before the end of a run is worth little, and a look just after it is worth most, so
the adaptive pace spends its looks where the end is likely.
"""

from __future__ import annotations

from collections.abc import Sequence

from testery_gate.model import RunStatus
from testery_gate.polling import Pace, Sighting

QUICKEST = 1.0
"""Seconds between two looks when the end may come at any moment."""
SLOWEST_QUEUED = 15.0
SLOWEST_RUNNING = 30.0
SLOWEST_FINISHING = 10.0


def fixed(seconds: float) -> Pace:
    """Return the pace that always waits that many seconds."""
    return lambda _open_runs: seconds


def adaptive(open_runs: Sequence[Sighting]) -> float:
    """Return the shortest wait that any of the open runs asks for, in seconds."""
    return min(map(_wait, open_runs), default=QUICKEST)


def predicted_remaining(sighting: Sighting) -> float | None:
    """Predict the seconds until all tests are done, from the rate seen so far.

    ``None`` before the first test is done under our eyes, and when all are done.
    """
    run = sighting.run
    if run.done is None or run.total is None or sighting.running_since is None:
        return None
    done_since, rest = run.done - sighting.done_then, run.total - run.done
    if done_since <= 0 or rest <= 0:
        return None
    seconds_each = (sighting.changed_at - sighting.running_since) / done_since
    return max(0.0, rest * seconds_each - (sighting.seen_at - sighting.changed_at))


def _wait(sighting: Sighting) -> float:
    run = sighting.run
    quiet = sighting.seen_at - sighting.changed_at
    if run.status in {RunStatus.SUBMITTED, RunStatus.QUEUED}:
        return _between(QUICKEST, 0.1 * sighting.seen_at, SLOWEST_QUEUED)
    if run.status.is_final or (run.total and run.done is not None and run.done >= run.total):
        # All is reported; only the teardown is left, and its length is anyone's guess.
        return _between(QUICKEST, 0.1 * quiet, SLOWEST_FINISHING)
    remaining = predicted_remaining(sighting)
    if remaining is not None:
        # Halving the predicted rest keeps the looks logarithmic and forgives a bad prediction.
        return _between(QUICKEST, max(0.5 * remaining, 0.1 * quiet), SLOWEST_RUNNING)
    return _between(QUICKEST, 0.1 * sighting.seen_at, SLOWEST_RUNNING)


def _between(low: float, value: float, high: float) -> float:
    return min(max(value, low), high)
