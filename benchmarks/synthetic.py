"""Made-up runs of many shapes; ``lateness.py`` says which the poll interval was tuned on."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from testery_gate.model import RunStatus, TestRun


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticRun:
    """What a run shows at each moment; all times in seconds since its creation."""

    started: float
    """When it leaves the queue."""
    totals: tuple[tuple[float, int], ...] = ()
    """From when on which total number of tests shows; before the first it is 0."""
    done: tuple[float, ...] = ()
    """When each test that is ever reported is."""
    ended: float
    """When it is complete."""
    status: RunStatus = RunStatus.PASS
    counted: bool = True
    """Whether the API says any counts."""
    usual: tuple[float, ...] = ()
    """How long comparable runs were at work."""

    def at(self, time: float) -> TestRun:
        """Return the run as the API would show it."""
        passed = bisect_right(self.done, time)
        complete = time >= self.ended
        status = RunStatus.QUEUED if time < self.started else RunStatus.RUNNING
        if complete:
            status = self.status
        failed = 1 if complete and status is RunStatus.FAIL and passed else 0
        counted = self.counted or complete
        total = next((total for since, total in reversed(self.totals) if time >= since), 0)
        return TestRun(
            id=1,
            status=status,
            status_text=status.value,
            complete=complete,
            total=total if counted else None,
            passed=passed - failed if counted else None,
            failed=failed if counted else None,
            ignored=0 if counted else None,
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
    lasts = _between(random, 20, 3600)
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
        totals=((queued + random.uniform(0, setup), tests),),
        done=done,
        ended=done[-1] + teardown,
        status=RunStatus.FAIL if random.random() < 0.3 else RunStatus.PASS,
    )


def whole_files(random: Random) -> SyntheticRun:
    """Make a run that reports whole files at a time, and has its slowest files last.

    The queue has a heavy tail, and the teardown is 10 s on average however long the run was.
    """
    queued = min(20 * random.paretovariate(1.2) - 20, 900.0)
    setup = random.lognormvariate(2.5, 0.6)
    workers = random.choice((1, 2, 3, 6))
    files = random.randint(3, 60)
    sizes = [random.randint(1, 25) for _ in range(files)]
    mean = _between(random, 3, 90)
    durations = sorted(mean * random.gammavariate(0.7, 1 / 0.7) for _ in range(files))
    for _ in range(files // 3):
        one, other = random.randrange(files), random.randrange(files)
        durations[one], durations[other] = durations[other], durations[one]
    ends = _worked_off(durations, workers)
    done = tuple(
        queued + setup + end for end, size in zip(ends, sizes, strict=True) for _ in range(size)
    )
    return SyntheticRun(
        started=queued,
        totals=((queued + setup, sum(sizes)),),
        done=done,
        ended=done[-1] + random.expovariate(1 / 10),
    )


def giant_last_test(random: Random) -> SyntheticRun:
    """Make a run of 40 s to 10 min: many short tests, and one that takes 20% to 60% of its time."""
    setup = random.uniform(5, 30)
    tests = random.randint(10, 150)
    lasts = _between(random, 40, 600)
    giant = random.uniform(0.1, 0.4) * lasts
    durations = [random.lognormvariate(0, 0.7) for _ in range(tests)]
    ends = _worked_off(durations, random.choice((1, 2, 4)))
    scale = (lasts - giant) / ends[-1]
    done = (*(setup + scale * end for end in ends), setup + lasts)
    return SyntheticRun(
        started=0.0,
        totals=((setup, tests + 1),),
        done=done,
        ended=done[-1] + random.uniform(0, 4),
    )


def constant_teardown(random: Random) -> SyntheticRun:
    """Make a steady run with 30 s to 5 min between its last test and its end."""
    run = steady(random)
    return replace(run, ended=run.done[-1] + _between(random, 30, 300))


def canceled(random: Random) -> SyntheticRun:
    """Make a steady run that somebody cancels at any moment after it has left the queue."""
    run = steady(random)
    ended = random.uniform(run.started, run.ended)
    done = tuple(time for time in run.done if time <= ended)
    return replace(run, done=done, ended=ended, status=RunStatus.CANCELED)


def counts_at_the_end(random: Random) -> SyntheticRun:
    """Make a run of 30 s to 40 min whose results are all reported within its last 2 s."""
    queued = random.expovariate(1 / 30)
    lasts = _between(random, 30, 2400)
    tests = random.randint(5, 300)
    ended = queued + lasts
    reported = ended - random.uniform(0, 2)
    known = random.choice((queued + min(20.0, 0.2 * lasts), reported))
    return SyntheticRun(
        started=queued, totals=((known, tests),), done=(reported,) * tests, ended=ended
    )


def long_queue(random: Random) -> SyntheticRun:
    """Make a run that is queued for 1 to 30 min, and then takes 10 s to 3 min."""
    queued = _between(random, 60, 1800)
    lasts = _between(random, 10, 180)
    setup = random.uniform(0.1, 0.3) * lasts
    workers = random.randint(1, 4)
    tests = random.randint(workers, 10 * workers)
    ends = _worked_off([random.lognormvariate(0, 0.8) for _ in range(tests)], workers)
    scale = (0.95 * lasts - setup) / ends[-1]
    done = tuple(queued + setup + scale * end for end in ends)
    return SyntheticRun(started=queued, totals=((queued, tests),), done=done, ended=queued + lasts)


def smoke(random: Random) -> SyntheticRun:
    """Make a run of 4 s to 40 s with a handful of tests."""
    lasts = _between(random, 4, 40)
    tests = random.randint(1, 12)
    setup = random.uniform(0.05, 0.4) * lasts
    ends = _worked_off([random.expovariate(1) + 0.1 for _ in range(tests)], 1)
    scale = (lasts - setup) / ends[-1]
    done = tuple(setup + scale * end for end in ends)
    return SyntheticRun(
        started=0.0,
        totals=((random.uniform(0, setup), tests),),
        done=done,
        ended=lasts + random.expovariate(1 / 1.5),
    )


def growing_total(random: Random) -> SyntheticRun:
    """Make a run that finds out on the way how many tests there are: suite after suite, retries."""
    begins = random.uniform(2, 20)
    suites = random.randint(2, 6)
    workers = random.choice((1, 2, 4))
    mean = _between(random, 1, 15)
    done: list[float] = []
    totals: list[tuple[float, int]] = []
    for _ in range(suites):
        tests = random.randint(workers, 30)
        totals.append((begins, len(done) + tests))
        durations = [mean * random.lognormvariate(0, 0.8) for _ in range(tests)]
        done += [begins + end for end in _worked_off(durations, workers)]
        begins = done[-1] + random.uniform(0, 5)
        retries = random.randint(0, max(1, tests // 8))
        totals.append((done[-1], len(done) + retries))
        for _ in range(retries):
            done.append(done[-1] + mean * random.lognormvariate(0, 0.8))
        begins = max(begins, done[-1])
    return SyntheticRun(
        started=random.uniform(0, 2),
        totals=tuple(totals),
        done=tuple(done),
        ended=done[-1] + random.uniform(0, 10),
    )


def standstill(random: Random) -> SyntheticRun:
    """Make a steady run that stops for 1 to 10 min on the way, as if a machine were replaced."""
    run = steady(random)
    since = run.done[random.randrange(len(run.done))]
    lasts = _between(random, 60, 600)
    done = tuple(time if time <= since else time + lasts for time in run.done)
    ended = done[-1] + run.ended - run.done[-1]
    return replace(run, done=done, ended=ended)


def fastest_last(random: Random) -> SyntheticRun:
    """Make a run of 30 s to 40 min that begins with its slow tests, and gets 2 to 20 times faster.

    So does a run whose machines come one after the other, or whose caches are cold at first.
    """
    lasts = _between(random, 30, 2400)
    setup = random.uniform(0.02, 0.1) * lasts
    tests = random.randint(10, 400)
    gain = _between(random, 2, 20)
    durations = [
        random.lognormvariate(0, 0.7) * gain ** (-number / tests) for number in range(tests)
    ]
    ends = _worked_off(durations, random.choice((1, 2, 4, 8)))
    scale = (lasts - setup) / ends[-1]
    done = tuple(setup + scale * end for end in ends)
    return SyntheticRun(
        started=0.0,
        totals=((setup, tests),),
        done=done,
        ended=done[-1] + random.uniform(0, 8),
    )


def slowing_down(random: Random) -> SyntheticRun:
    """Make a run of 1 to 30 min whose 4 to 12 workers drop out until one of them is left."""
    workers = random.randint(4, 12)
    tests = random.randint(5 * workers, 60 * workers)
    durations = [random.lognormvariate(0, 0.6) for _ in range(tests)]
    drops = sorted(random.randrange(tests) for _ in range(workers - 1))
    now, done = 0.0, []
    for number, duration in enumerate(durations):
        now += duration / (workers - bisect_right(drops, number))
        done.append(now)
    setup = random.uniform(5, 40)
    scale = _between(random, 60, 1800) / now
    ends = tuple(setup + scale * end for end in done)
    return SyntheticRun(
        started=random.uniform(0, 5),
        totals=((setup, tests),),
        done=ends,
        ended=ends[-1] + random.expovariate(1 / 6),
    )


def stairs(random: Random) -> SyntheticRun:
    """Make a run of suites one after the other, each with a setup of its own and tests at once."""
    suites = random.randint(3, 12)
    now = random.uniform(3, 20)
    done: list[float] = []
    for _ in range(suites):
        now += _between(random, 5, 120)
        for _ in range(random.randint(3, 40)):
            now += random.expovariate(1 / 0.4)
            done.append(now)
    return SyntheticRun(
        started=random.uniform(0, 3),
        totals=((3.0, len(done)),),
        done=tuple(done),
        ended=done[-1] + random.uniform(0, 15),
    )


def batches(random: Random) -> SyntheticRun:
    """Make a steady run that reports what is done 10 to 100 times, and at its last test."""
    run = steady(random)
    last = run.done[-1]
    every = (last - run.started) / random.randint(10, 100)
    done = tuple(
        min(last, run.started + math.ceil((time - run.started) / every) * every)
        for time in run.done
    )
    return replace(run, done=done)


def no_counts(random: Random) -> SyntheticRun:
    """Make a run of 30 s to 40 min of which the API says no counts until it is complete."""
    return replace(counts_at_the_end(random), counted=False)


def like_others(random: Random) -> SyntheticRun:
    """Make a run whose counts move only at the end, and which takes as long as others of its kind.

    That is 1 to 40 min; one run differs from the next by 3% to 15%, and every twentieth takes half
    as long or twice as long. Of 3 to 20 earlier ones it is known how long they took.
    """
    typical = _between(random, 60, 2400)
    spread = random.uniform(0.03, 0.15)

    def lasts() -> float:
        odd = random.choice((0.5, 2.0)) if random.random() < 0.05 else 1.0
        return typical * odd * random.lognormvariate(0, spread)

    usual = tuple(lasts() for _ in range(random.randint(3, 20)))
    run = counts_at_the_end(random)
    shift = run.started + lasts() - run.ended
    known = tuple((max(run.started, since + shift), total) for since, total in run.totals)
    return replace(
        run,
        totals=known,
        done=tuple(time + shift for time in run.done),
        ended=run.ended + shift,
        usual=usual,
    )


def _between(random: Random, low: float, high: float) -> float:
    """Return a time of any order of magnitude between the two."""
    return math.exp(random.uniform(math.log(low), math.log(high)))


def _worked_off(durations: Sequence[float], workers: int) -> list[float]:
    """Return when each test ends, in the order of their ends, if a free worker takes the next."""
    free = [0.0] * workers
    ends = []
    for duration in durations:
        end = free[0] + duration
        heapq.heapreplace(free, end)
        ends.append(end)
    return sorted(ends)
