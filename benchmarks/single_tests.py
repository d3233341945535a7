"""What it takes to tell new failures from known ones, next to the same gate without that."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from benchmarks import stand_in
from benchmarks.contenders import Programs
from benchmarks.document import Bound, Table
from benchmarks.processes import Cost, environment, run, side_by_side

EARLIER = 20
TESTS = 5_000
MANY_TESTS = 100_000
WARM_TIME = 1.5
MEMORY = 2.0
BASELINE_TIME = 2.0
WARM_REQUESTS = 2
COLD_REQUESTS = 22
RUN = """
[[run]]
id = {run_id}
age = "{hours}h"
git-ref = "{run_id:07x}"
build-key = "{run_id}"
testing-time = "10h"
test-names = ["scenario {{n}}: the customer pays by card", "scenario {{n}}: the card is refused"]
test-files = [{files}]

[[run.phase]]
status = "RUNNING"
total = {total}
passed = {passed}
failed = {failed}
lasts = "30m"

[[run.phase]]
status = "FAIL"
"""
FILES = 200
SETTLED = 0.5
"""Seconds after which the last request was counted."""


def tables(
    programs: Programs,
    *,
    earlier: int = EARLIER,
    tests: int = TESTS,
    many_tests: int = MANY_TESTS,
    repeats: int = 10,
) -> Sequence[Table]:
    """Measure a history with a cold and a warm cache, then a baseline of many tests."""
    with tempfile.TemporaryDirectory() as name:
        return [
            _history(programs, Path(name), earlier, tests, repeats),
            _baseline(programs, Path(name), many_tests, repeats),
        ]


def _history(programs: Programs, folder: Path, earlier: int, tests: int, repeats: int) -> Table:
    newest = earlier + 1
    with _recorded(folder / "history", newest, tests) as (url, asked):
        start = partial(_start, programs, folder, url, str(newest))
        evidence = ("--only-new", f"--history={earlier}")
        cold, warm = folder / "cold.sqlite", folder / "warm.sqlite"

        def cold_start() -> Cost:
            cold.unlink(missing_ok=True)
            return start(*evidence, f"--cache={cold}")

        contenders: dict[str, Callable[[], Cost]] = {
            "without": partial(start, f"--max-failed={tests}"),
            "a cold cache": cold_start,
            "a warm cache": partial(start, *evidence, f"--cache={warm}"),
        }
        costs = side_by_side(contenders, repeats)
        requests = {}
        for contender, measure in contenders.items():
            asked.clear()
            measure()
            time.sleep(SETTLED)
            requests[contender] = len(asked)
    without = costs["without"]
    more = {contender: count - requests["without"] for contender, count in requests.items()}
    return Table(
        name="single tests",
        head=("", "s", "to without", "MiB", "to without", "requests"),
        rows=[
            (
                contender,
                f"{cost.wall:.2f}",
                f"{cost.wall / without.wall:.2f}",
                f"{cost.memory:.0f}",
                f"{cost.memory / without.memory:.2f}",
                str(requests[contender]),
            )
            for contender, cost in costs.items()
        ],
        bounds=[
            Bound(
                what="time with a warm cache to that without",
                found=costs["a warm cache"].wall / without.wall,
                most=WARM_TIME,
            ),
            *(
                Bound(
                    what=f"memory with {contender} to that without",
                    found=costs[contender].memory / without.memory,
                    most=MEMORY,
                )
                for contender in ("a cold cache", "a warm cache")
            ),
            Bound(
                what="requests more with a warm cache",
                found=more["a warm cache"],
                most=WARM_REQUESTS,
            ),
            Bound(
                what="requests more with a cold cache",
                found=more["a cold cache"],
                most=COLD_REQUESTS,
            ),
        ],
    )


def _baseline(programs: Programs, folder: Path, tests: int, repeats: int) -> Table:
    with _recorded(folder / "baseline", 2, tests) as (url, _):
        start = partial(_start, programs, folder, url, "2")
        costs = side_by_side(
            {
                "without": partial(start, f"--max-failed={tests}"),
                "a baseline": partial(start, "--only-new", "--baseline=1", "--cache=none"),
            },
            max(1, repeats // 3),
        )
    without = costs["without"]
    return Table(
        name="baseline of many tests",
        head=("", "s", "to without", "MiB", "to without"),
        rows=[
            (
                contender,
                f"{cost.wall:.2f}",
                f"{cost.wall / without.wall:.2f}",
                f"{cost.memory:.0f}",
                f"{cost.memory / without.memory:.2f}",
            )
            for contender, cost in costs.items()
        ],
        bounds=[
            Bound(
                what="time with a baseline to that without",
                found=costs["a baseline"].wall / without.wall,
                most=BASELINE_TIME,
            )
        ],
    )


def _start(programs: Programs, folder: Path, url: str, run_id: str, *options: str) -> Cost:
    command = [programs.gate, "check", run_id, "--junit-xml=gate.xml", *options]
    return run(command, cwd=folder, env=environment(url))


def _recorded(
    folder: Path, runs: int, tests: int
) -> AbstractContextManager[tuple[str, list[stand_in.Asked]]]:
    """Serve runs of which the same tests failed in each, the newest with the highest id."""
    folder.mkdir()
    files = ", ".join(f'"features/area-{number}.feature"' for number in range(FILES))
    failed = tests // 50
    scenario = folder / "scenario.toml"
    scenario.write_text(
        "".join(
            RUN.format(
                run_id=run_id,
                hours=runs + 1 - run_id,
                files=files,
                total=tests,
                passed=tests - failed,
                failed=failed,
            )
            for run_id in range(1, runs + 1)
        )
    )
    paths = [f"test-runs/{run_id}" for run_id in range(1, runs + 1)]
    everything = (*paths, *(f"{path}/results" for path in paths), "test-runs?page=0&limit=100")
    return stand_in.recorded(str(scenario), folder / "recorded", (*everything, "account"))
