"""How long to wait from one poll of a run to the next: pure functions of what was seen of it.

When a run ends is not known, so this is a problem of inspection. Barlow, Hunter and Proschan
("Optimum checking procedures", J. SIAM 11, 1963) give a price to each look and to each second in
which an end stays unseen. Keller ("Optimum checking schedules for systems subject to random
failure", Management Science 21, 1974) solves it for frequent looks: with a hazard of ``h`` ends
per second, the best interval is ``sqrt(price / h)``, where the price of a look is twice the
seconds of lateness that it may save. What is left is to estimate the hazard:

- Where nothing else is known, by Lindy's law: what has lasted for ``t`` lasts about as long again
  (Ord, "The Lindy effect", 2023, says when that holds). So the hazard is ``1 / t``, and intervals
  grow with the square root of the time since the last change.
- Where comparable runs are known, by the share of them that ended at the run's age.
- Where counts move, by their rate: it predicts when all tests will be done. A share of that time
  is waited for, as often as it takes. When it is over, Lindy's law holds again.

The price is low where the next change may be the end, and high where nothing says so. How late
the end is noticed, and with how many polls, is measured in ``docs/performance.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median

from testery_gate.model import RunStatus
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import PollInterval, Sighting

QUICKEST = 1.25
"""The fewest seconds from one look to the next."""
SLOWEST = 15.0
"""The most seconds, whatever a run does: its end is seen no later than that and one request."""
SHARE = 0.6
"""The longest interval, as a share of the time that a run took so far or will still take."""

PRICE_AT_THE_END = 0.13
"""The price of a look where the next change may be the end: at most one test is missing."""
PRICE_BEFORE_THE_END = 0.4
PRICE_AS_FOR_OTHERS = 0.12
"""The price where only comparable runs show when the end is near."""
PRICE_IN_THE_DARK = 8.0
"""The price where nothing shows how near the end is."""
LIKENESS = 16.0
"""How similar comparable runs are: usually their durations differ by less than 20%."""


def until_appeared(attempt: int, appear_by: Deadline) -> float:
    """Return the seconds until the gate looks again whether a run has appeared."""
    delay = QUICKEST * 1.5 ** min(attempt - 1, 10)
    return min(delay, SLOWEST, appear_by.remaining())


def fixed(seconds: float) -> PollInterval:
    """Return the poll interval that is always that many seconds."""
    return lambda _open_runs: seconds


def adaptive(open_runs: Sequence[Sighting]) -> float:
    """Return the shortest interval that any of the open runs asks for, in seconds."""
    wanted = min(map(_interval, open_runs), default=QUICKEST)
    return min(max(wanted, QUICKEST), SLOWEST)


def predicted_remaining(sighting: Sighting) -> float | None:
    """Predict the seconds until all tests are done, from the rate seen so far.

    ``None`` before the gate has seen a test end, and when all are done.
    """
    counted = _counted(sighting)
    if counted is None:
        return None
    rest, done, since = counted
    return rest * (sighting.seen_at - since) / done


def hazard(age: float, durations: Sequence[float]) -> float:
    """Return the share of the runs of an age, in seconds above 0, that end within a second.

    Each known duration stands for a log-logistic distribution around it. One more, which is wide,
    stands for the runs that are like no other. Past all known durations it alone is left, and it
    obeys Lindy's law.
    """
    alive = ending = 0.0
    for duration, likeness in [*((known, LIKENESS) for known in durations), (median(durations), 1)]:
        survives = 1 / (1 + (age / duration) ** likeness)
        alive += survives
        ending += survives * (1 - survives) * likeness / age
    return ending / alive


def _interval(sighting: Sighting) -> float:
    run = sighting.run
    unchanged = sighting.seen_at - sighting.changed_at
    if run.status in {RunStatus.SUBMITTED, RunStatus.QUEUED}:
        return sqrt(PRICE_IN_THE_DARK * unchanged)
    missing = run.total - run.done if run.total and run.done is not None else None
    if run.status.is_final or (missing is not None and missing <= 0):
        return sqrt(PRICE_AT_THE_END * unchanged)
    at_work = sighting.seen_at - (sighting.running_since or 0.0)
    counted = _counted(sighting)
    if counted is None and sighting.usual:
        age = max(at_work, QUICKEST)
        interval = sqrt(PRICE_AS_FOR_OTHERS / hazard(age, sighting.usual))
    elif missing == 1:
        interval = sqrt(PRICE_AT_THE_END * unchanged)
    elif counted is None:
        interval = sqrt(PRICE_IN_THE_DARK * unchanged)
    else:
        interval = sqrt(PRICE_BEFORE_THE_END * unchanged)
    if counted is not None:
        # Few tests, done or missing, say little about the rate.
        rest, done, _ = counted
        share = SHARE * (1 - 1 / (1 + min(rest, done)))
        interval = max(interval, share * (_soonest(sighting, *counted) - unchanged))
    # If that is wrong, the next look finds out while the run is not much older than now.
    return min(interval, SHARE * at_work)


def _counted(sighting: Sighting) -> tuple[int, int, float] | None:
    """Return how many tests are missing, and how many were done since when."""
    run, since = sighting.run, sighting.done_since
    if run.done is None or run.total is None or since is None or run.done >= run.total:
        return None
    done = run.done - sighting.done_then
    if done <= 0 and sighting.running_since is not None and sighting.running_since < since:
        # No second one yet; the first may have waited for the run to get going.
        since, done = sighting.running_since, run.done
    return (run.total - run.done, done, since) if done > 0 else None


def _soonest(sighting: Sighting, rest: int, done: int, since: float) -> float:
    """Predict how many seconds after the last change the rest may be done at the earliest.

    Uses the rate of all tests, without the longest pause, or the rate of the latest tests, as many
    as are still missing, because a run may get faster.
    """
    working = sighting.changed_at - since
    if sighting.longest_standstill < working:
        working -= sighting.longest_standstill
    by_all = rest * working / done
    now_done, begins = sighting.run.done or 0, None
    for seen in reversed(sighting.observed):
        if seen.done is None or (begins is not None and seen.done != begins.done):
            break
        if seen.done <= now_done - rest:
            begins = seen
    if begins is None or begins.done is None:
        return by_all
    return min(by_all, rest * (sighting.changed_at - begins.at) / (now_done - begins.done))
