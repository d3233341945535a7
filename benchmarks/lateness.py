"""How late the end of a run is noticed, with how many requests: our interval against a fixed one.

The runs are made up and the clock is simulated; what looks at them is the gate's own loop.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
import urllib.request
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise, repeat
from pathlib import Path
from random import Random
from statistics import median, quantiles

from benchmarks import stand_in, synthetic
from benchmarks.contenders import Programs
from benchmarks.document import Bound, Table
from benchmarks.processes import environment
from benchmarks.synthetic import Shape, SyntheticRun, steady, synthetic_runs
from testery_gate.model import TestRun
from testery_gate.simulator import DEFAULT_TOKEN
from testery_gate.waiting import interval
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import PollInterval, wait_for

RUNS = 1000
"""Of each shape."""
TUNING_SEED, SEED = 1, 90210
"""The poll interval was tuned on other runs than those that it is measured with."""
ANSWER = 0.1
"""Seconds that a request takes."""
LATEST = interval.SLOWEST + ANSWER
DEADLINE = 4 * 3600.0
REAL_RUNS = 20
HISTORY, HISTORY_TESTS = 10, 1000
"""Earlier runs that are read while real processes wait, and their tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A shape of runs and how late their ends may be noticed, in seconds."""

    name: str
    shape: Shape
    tuned: bool = False
    """Whether the poll interval was tuned on such runs, which were made with another seed."""
    median: float = 1.0
    percentile_95: float = 3.5
    to_vendor: float | None = None
    """How many requests there may be, to those of a fixed 15 s."""


def _unforeseen(name: str, shape: Shape, *, tuned: bool = False) -> Case:
    """Return the case of runs that end by surprise: the gate is no later than a fixed 15 s."""
    return Case(name=name, shape=shape, tuned=tuned, median=7.75, percentile_95=14.5)


CASES = (
    Case(name="steady workers", shape=synthetic.steady, tuned=True),
    Case(name="whole files at a time, slowest last", shape=synthetic.whole_files, tuned=True),
    Case(name="one giant last test", shape=synthetic.giant_last_test, tuned=True),
    Case(
        name="long constant teardown",
        shape=synthetic.constant_teardown,
        tuned=True,
        median=2.0,
        percentile_95=5.0,
    ),
    _unforeseen("counts that move only at the end", synthetic.counts_at_the_end, tuned=True),
    Case(name="a standstill on the way", shape=synthetic.standstill, tuned=True),
    Case(name="fastest tests last", shape=synthetic.fastest_last, tuned=True),
    Case(name="a long queue, then a short run", shape=synthetic.long_queue, tuned=True),
    Case(name="smoke tests of 4 s to 40 s", shape=synthetic.smoke, tuned=True),
    # Its last suite takes seconds, after a setup of minutes: no count can announce that.
    Case(
        name="suites one after the other",
        shape=synthetic.stairs,
        tuned=True,
        percentile_95=5.0,
    ),
    Case(
        name="comparable runs known, counts that move only at the end",
        shape=synthetic.like_others,
        tuned=True,
        median=2.0,
        percentile_95=6.0,
        to_vendor=1.5,
    ),
    _unforeseen("canceled on the way", synthetic.canceled),
    _unforeseen("no counts at all", synthetic.no_counts),
    Case(name="a total that grows, with retries", shape=synthetic.growing_total),
    Case(name="workers that drop out", shape=synthetic.slowing_down),
    Case(name="results in batches", shape=synthetic.batches),
)
MOST_REQUESTS = 1.8
"""To a fixed 15 s, over all shapes together."""


@dataclass(slots=True)
class _World:
    """A clock that goes on when somebody sleeps or asks, and a run that can be asked for."""

    run: SyntheticRun
    now: float = 0.0
    requests: int = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def fetch(self, _run_ids: Sequence[int]) -> Mapping[int, TestRun]:
        self.requests += 1
        shown = self.run.at(self.now + ANSWER / 2)
        self.now += ANSWER
        return {1: shown}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """How a poll interval did with all runs; in seconds."""

    median: float
    percentile_95: float
    worst: float
    requests: int


def measure(runs: Iterable[SyntheticRun], poll_interval: PollInterval) -> Lateness:
    """Wait for each of the runs by itself."""
    late: list[float] = []
    requests = 0
    for run in runs:
        world = _World(run)
        deadline = Deadline.after(DEADLINE, clock=lambda world=world: world.now)  # type: ignore[misc]
        wait_for(
            [1],
            world.fetch,
            deadline=deadline,
            poll_interval=poll_interval,
            on_update=lambda _: None,
            sleep=world.sleep,
            compare=lambda _, run=run: {1: run.usual},  # type: ignore[misc]
        )
        late.append(world.now - run.ended)
        requests += world.requests
    percentiles = quantiles(late, n=100, method="inclusive")
    return Lateness(
        median=percentiles[49], percentile_95=percentiles[94], worst=max(late), requests=requests
    )


def tables(programs: Programs, *, runs: int = RUNS, real_runs: int = REAL_RUNS) -> Sequence[Table]:
    """Compare with a fixed interval on all shapes, then the simulated clock with real processes."""
    return [compare(CASES, runs, SEED), _cross_check(programs, real_runs)]


def compare(cases: Sequence[Case], number: int, seed: int) -> Table:
    """Measure the gate's interval and the fixed one on the same runs."""
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(_measured, cases, repeat(number), repeat(seed)))
    gates, vendors = (sum(one.requests for one in each) for each in zip(*found, strict=True))
    return Table(
        name="lateness",
        head=(
            "shape",
            "tuned on",
            "median, s",
            "95th percentile, s",
            "latest, s",
            "requests to fixed 15 s",
            "fixed: median, s",
            "95th percentile, s",
        ),
        rows=[_row(case, *each) for case, each in zip(cases, found, strict=True)],
        bounds=[
            *(
                bound
                for case, each in zip(cases, found, strict=True)
                for bound in _bounds(case, *each)
            ),
            Bound(
                what="latest of all, in seconds",
                found=max(gate.worst for gate, _ in found),
                most=LATEST,
            ),
            Bound(
                what="requests to fixed 15 s, all shapes together",
                found=gates / vendors,
                most=MOST_REQUESTS,
            ),
        ],
    )


def _measured(case: Case, number: int, seed: int) -> tuple[Lateness, Lateness]:
    runs = list(synthetic_runs(case.shape, number, seed))
    return measure(runs, interval.adaptive), measure(runs, interval.fixed(15))


def _row(case: Case, gate: Lateness, vendor: Lateness) -> Sequence[str]:
    return (
        case.name,
        "yes" if case.tuned else "no",
        f"{gate.median:.2f}",
        f"{gate.percentile_95:.2f}",
        f"{gate.worst:.1f}",
        f"{gate.requests / vendor.requests:.2f}",
        f"{vendor.median:.2f}",
        f"{vendor.percentile_95:.2f}",
    )


def _bounds(case: Case, gate: Lateness, vendor: Lateness) -> Iterator[Bound]:
    yield Bound(
        what=f"{case.name}, median in seconds",
        found=gate.median,
        most=case.median,
    )
    yield Bound(
        what=f"{case.name}, 95th percentile in seconds",
        found=gate.percentile_95,
        most=case.percentile_95,
    )
    if case.to_vendor is not None:
        yield Bound(
            what=f"{case.name}, requests to fixed 15 s",
            found=gate.requests / vendor.requests,
            most=case.to_vendor,
        )


def _cross_check(programs: Programs, number: int) -> Table:
    random = Random(SEED)  # noqa: S311  (a benchmark's)
    some = [run for run in (steady(random) for _ in range(100 * number)) if _is_short(run)]
    runs = some[:number]
    simulated = [measure([run, run], interval.adaptive) for run in runs]
    real, requests = wait_for_real(programs, runs)
    reading, _ = wait_for_real(programs, runs, history=HISTORY)
    expected = sum(one.requests for one in simulated) // 2
    return Table(
        name="lateness, real processes",
        head=("clock", "median, s", "latest, s", "requests"),
        rows=[
            (
                "simulated",
                f"{median(one.median for one in simulated):.2f}",
                f"{max(one.worst for one in simulated):.2f}",
                f"{expected}",
            ),
            ("real", f"{median(real):.2f}", f"{max(real):.2f}", f"{requests}"),
            ("real, reading a history", f"{median(reading):.2f}", f"{max(reading):.2f}", "-"),
        ],
        bounds=[
            Bound(what="median lateness in seconds", found=median(real), most=1.0),
            Bound(
                what="median lateness with a history in seconds", found=median(reading), most=1.0
            ),
            Bound(
                what="requests, away from the simulated clock's",
                found=abs(requests / expected - 1),
                most=0.15,
            ),
        ],
    )


def _is_short(run: SyntheticRun) -> bool:
    """Whether it ends when all processes have started, and nobody has lost patience."""
    return 15 < run.ended < 45 and len(run.done) <= 100


def wait_for_real(
    programs: Programs, runs: Sequence[SyntheticRun], *, history: int = 0
) -> tuple[Sequence[float], int]:
    """Wait for all runs at once, each with a process of its own; return latenesses and requests.

    With a ``history`` the tests of so many earlier runs are read meanwhile. A process is late by
    the time from the run's end to its own, with its last request and the verdict in it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenario = folder / "scenario.toml"
        asked: list[stand_in.Asked] = []
        scripted = [_scripted(number, run) for number, run in enumerate(runs, 1)]
        earlier = [_earlier(len(runs) + number, number) for number in range(1, history + 1)]
        scenario.write_text("".join([*scripted, *earlier]))
        options = [f"--history={history}", "--cache=none"] if history else []
        with stand_in.simulator(str(scenario), asked) as url:
            request = urllib.request.Request(  # noqa: S310  (an address of this machine)
                f"{url}/account", headers={"Authorization": f"Bearer {DEFAULT_TOKEN}"}
            )
            began = time.monotonic()  # and with the first request the scenario's clock
            urllib.request.urlopen(request).close()  # noqa: S310  (likewise)

            def wait(number: int, run: SyntheticRun) -> float:
                with subprocess.Popen(
                    [programs.gate, "wait", str(number), "--max-failed=1", *options],
                    cwd=folder,
                    env=environment(url),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                ) as process:
                    code = process.wait()
                    ended = time.monotonic()
                if code != 0:
                    raise SystemExit(f"a wait ended with {code}")
                return ended - began - run.ended

            with ThreadPoolExecutor(len(runs)) as pool:
                late = list(pool.map(wait, range(1, len(runs) + 1), runs))
    looks = {f"/api/test-runs/{number}" for number in range(1, len(runs) + 1)}
    return late, sum(one.target in looks for one in asked)


def _earlier(run_id: int, days: int) -> str:
    """Write a run that has finished some days ago."""
    return f"""[[run]]
id = {run_id}
age = "{24 * days}h"
git-ref = "{run_id:07x}"
build-key = "{run_id}"

[[run.phase]]
status = "PASS"
total = {HISTORY_TESTS}
passed = {HISTORY_TESTS}

"""


def _scripted(number: int, run: SyntheticRun) -> str:
    """Write the run for the simulator: a phase from each change to the next.

    A phase's number of passed tests is where it ends, not where it begins.
    """
    changes = sorted({0.0, run.started, *(since for since, _ in run.totals), *run.done})
    text = f"[[run]]\nid = {number}\n"
    for begins, ends in pairwise([*changes, run.ended]):
        shown = run.at(begins)
        passed = bisect_right(run.done, ends)
        text += (
            f'\n[[run.phase]]\nstatus = "{shown.status_text}"\ntotal = {shown.total}\n'
            f'passed = {passed}\nlasts = "{round(1000 * (ends - begins))}ms"\n'
        )
    last = run.at(run.ended)
    return (
        f'{text}\n[[run.phase]]\nstatus = "{last.status_text}"\n'
        f"passed = {last.passed}\nfailed = {last.failed}\n\n"
    )
