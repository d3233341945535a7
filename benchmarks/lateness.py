"""How late the end of a run is noticed, with how many requests: our interval against fixed ones.

The runs are made up and the clock is simulated; what looks at them is the gate's own loop.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
import urllib.request
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median, quantiles

from benchmarks import stand_in
from benchmarks.contenders import Programs
from benchmarks.document import Bound, Table
from benchmarks.processes import environment
from benchmarks.synthetic import Shape, SyntheticRun, bursty, steady, synthetic_runs
from testery_gate.model import TestRun
from testery_gate.simulator import DEFAULT_TOKEN
from testery_gate.waiting import interval
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import PollInterval, wait_for

RUNS = 2000
SEED = 2026
INTERVALS: Mapping[str, PollInterval] = {
    "the gate's": interval.adaptive,
    "fixed 15 s": interval.fixed(15),
    "fixed 5 s": interval.fixed(5),
    "fixed 3 s": interval.fixed(3),
}
MEDIAN, PERCENTILE_95 = 1.0, 3.0
REAL_RUNS = 20
ANSWER = 0.1
"""Seconds that a request takes."""
DEADLINE = 4 * 3600.0


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
        )
        late.append(world.now - run.ended)
        requests += world.requests
    percentiles = quantiles(late, n=100, method="inclusive")
    return Lateness(
        median=percentiles[49], percentile_95=percentiles[94], worst=max(late), requests=requests
    )


def tables(programs: Programs, *, runs: int = RUNS, real_runs: int = REAL_RUNS) -> Sequence[Table]:
    """Compare poll intervals on runs of both shapes, then the clock with real processes."""
    return [
        compare("lateness", steady, runs, bounded=True),
        compare("lateness, other runs", bursty, runs, bounded=False),
        _cross_check(programs, real_runs),
    ]


def compare(name: str, shape: Shape, number: int, *, bounded: bool) -> Table:
    """Measure all poll intervals on the same runs."""
    with ProcessPoolExecutor() as pool:
        found = dict(
            zip(INTERVALS, pool.map(partial(_measured, shape, number), INTERVALS), strict=True)
        )
    gate, vendor = found["the gate's"], found["fixed 15 s"]
    return Table(
        name=name,
        head=(
            "poll interval",
            "median, s",
            "95th percentile, s",
            "latest, s",
            "requests",
            "to fixed 15 s",
        ),
        rows=[
            (
                each,
                f"{one.median:.2f}",
                f"{one.percentile_95:.2f}",
                f"{one.worst:.1f}",
                f"{one.requests:,}",
                f"{one.requests / vendor.requests:.2f}",
            )
            for each, one in found.items()
        ],
        bounds=[
            Bound(what="median lateness in seconds", found=gate.median, most=MEDIAN),
            Bound(what="95th percentile in seconds", found=gate.percentile_95, most=PERCENTILE_95),
            Bound(what="requests to fixed 15 s", found=gate.requests / vendor.requests, most=1),
        ]
        if bounded
        else (),
    )


def _measured(shape: Shape, number: int, name: str) -> Lateness:
    return measure(synthetic_runs(shape, number, SEED), INTERVALS[name])


def _cross_check(programs: Programs, number: int) -> Table:
    random = Random(SEED)  # noqa: S311  (a benchmark's)
    some = [run for run in (steady(random) for _ in range(100 * number)) if _is_short(run)]
    runs = some[:number]
    simulated = [measure([run, run], interval.adaptive) for run in runs]
    real, requests = wait_for_real(programs, runs)
    return Table(
        name="lateness, real processes",
        head=("clock", "median, s", "latest, s", "requests"),
        rows=[
            (
                "simulated",
                f"{median(one.median for one in simulated):.2f}",
                f"{max(one.worst for one in simulated):.2f}",
                f"{sum(one.requests for one in simulated) // 2}",
            ),
            ("real", f"{median(real):.2f}", f"{max(real):.2f}", f"{requests}"),
        ],
        bounds=[Bound(what="median lateness in seconds", found=median(real), most=MEDIAN)],
    )


def _is_short(run: SyntheticRun) -> bool:
    """Whether it ends when all processes have started, and nobody has lost patience."""
    return 15 < run.ended < 45 and len(run.done) <= 100


def wait_for_real(programs: Programs, runs: Sequence[SyntheticRun]) -> tuple[Sequence[float], int]:
    """Wait for all runs at once, each with a process of its own; return latenesses and requests.

    A process is late by the time from the run's end to its own, with its last request and the
    verdict in it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenario = folder / "scenario.toml"
        asked: list[stand_in.Asked] = []
        scenario.write_text("".join(_scripted(number, run) for number, run in enumerate(runs, 1)))
        with stand_in.simulator(str(scenario), asked) as url:
            request = urllib.request.Request(  # noqa: S310  (an address of this machine)
                f"{url}/account", headers={"Authorization": f"Bearer {DEFAULT_TOKEN}"}
            )
            began = time.monotonic()  # and with the first request the scenario's clock
            urllib.request.urlopen(request).close()  # noqa: S310  (likewise)

            def wait(number: int, run: SyntheticRun) -> float:
                with subprocess.Popen(
                    [programs.gate, "wait", str(number), "--max-failed=1"],
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


def _scripted(number: int, run: SyntheticRun) -> str:
    """Write the run for the simulator: a phase from each change to the next.

    A phase's number of passed tests is where it ends, not where it begins.
    """
    changes = sorted({0.0, run.started, run.known, *run.done})
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
