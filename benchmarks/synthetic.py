"""Made-up runs, in two shapes: one that the poll interval was tuned on, and one that it was not."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from testery_gate.model import RunStatus, TestRun


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticRun:
    """What a run shows at each moment; all times in seconds since its creation."""

    started: float
    """When it leaves the queue."""
    known: float
    """When the total number of tests shows; before that it is 0."""
    done: tuple[float, ...]
    """When each test that is ever reported is."""
    total: int
    ended: float
    """When it is complete."""
    status: RunStatus

    def at(self, time: float) -> TestRun:
        """Return the run as the API would show it."""
        passed = bisect_right(self.done, time)
        complete = time >= self.ended
        status = RunStatus.QUEUED if time < self.started else RunStatus.RUNNING
        if complete:
            status = self.status
        failed = 1 if complete and status is RunStatus.FAIL and passed else 0
        return TestRun(
            id=1,
            status=status,
            status_text=status.value,
            complete=complete,
            total=self.total if time >= self.known else 0,
            passed=passed - failed,
            failed=failed,
            ignored=0,
        )


Shape = Callable[[Random], SyntheticRun]


def synthetic_runs(shape: Shape, number: int, seed: int) -> Iterator[SyntheticRun]:
    """Make so many runs, the same for the same seed."""
    random = Random(seed)  # noqa: S311  (a benchmark's)
    return (shape(random) for _ in range(number))


def steady(random: Random) -> SyntheticRun:
    """Make a run of 20 s to 1 h, with parallel workers that take one test after the other.

    Every second run is queued for a minute on average; a test's duration has a long tail; when all
    tests are reported, up to 8% of the run's working time goes by before it is complete.
    """
    lasts = math.exp(random.uniform(math.log(20), math.log(3600)))
    queued = random.expovariate(1 / 60) if random.random() < 0.5 else random.uniform(0, 2)
    setup = min(random.uniform(2, 30), 0.3 * lasts)
    teardown = random.uniform(0, 0.08) * lasts
    workers = random.choice((1, 1, 2, 4, 8, 16))
    spread = random.uniform(0.6, 1.4)
    tests = random.randint(workers, 40 * workers)
    durations = [random.lognormvariate(0, spread) for _ in range(tests)]
    ends = _worked_off(durations, workers)
    scale = (lasts - setup - teardown) / ends[-1]
    done = tuple(queued + setup + scale * end for end in ends)
    return SyntheticRun(
        started=queued,
        known=queued + random.uniform(0, setup),
        done=done,
        total=tests,
        ended=done[-1] + teardown,
        status=RunStatus.FAIL if random.random() < 0.3 else RunStatus.PASS,
    )


def bursty(random: Random) -> SyntheticRun:
    """Make a run that reports whole files at a time, and has its slowest files last.

    The queue has a heavy tail, the teardown is 10 s on average however long the run was, and in
    3% of the runs something ends the run before its tests are done.
    """
    queued = min(20 * random.paretovariate(1.2) - 20, 900.0)
    setup = random.lognormvariate(2.5, 0.6)
    workers = random.choice((1, 2, 3, 6))
    files = random.randint(3, 60)
    sizes = [random.randint(1, 25) for _ in range(files)]
    mean = math.exp(random.uniform(math.log(3), math.log(90)))
    durations = sorted(mean * random.gammavariate(0.7, 1 / 0.7) for _ in range(files))
    swaps = files // 3
    for _ in range(swaps):
        one, other = random.randrange(files), random.randrange(files)
        durations[one], durations[other] = durations[other], durations[one]
    ends = _worked_off(durations, workers)
    done = tuple(
        queued + setup + end for end, size in zip(ends, sizes, strict=True) for _ in range(size)
    )
    teardown = random.expovariate(1 / 10)
    ended, status = done[-1] + teardown, RunStatus.PASS
    if random.random() < 0.03:
        ended, status = random.uniform(queued, ended), RunStatus.CANCELED
    return SyntheticRun(
        started=queued,
        known=queued + setup,
        done=tuple(time for time in done if time <= ended),
        total=sum(sizes),
        ended=ended,
        status=status,
    )


def _worked_off(durations: Sequence[float], workers: int) -> list[float]:
    """Return when each test ends, in the order of their ends, if a free worker takes the next."""
    free = [0.0] * workers
    ends = []
    for duration in durations:
        end = free[0] + duration
        heapq.heapreplace(free, end)
        ends.append(end)
    return sorted(ends)
