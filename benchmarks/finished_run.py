"""A run that is finished: what the gate takes for it, next to the least that anything could."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks import stand_in
from benchmarks.contenders import Programs
from benchmarks.document import Bound, Table
from benchmarks.processes import Cost, environment, run, side_by_side
from testery_gate.simulator import DEFAULT_TOKEN

RUN = "55676"
FLOOR = """
import os, requests
url = os.environ["TESTERY_API_URL"] + "/test-runs/{run}"
headers = {{"Authorization": "Bearer " + os.environ["TESTERY_API_TOKEN"]}}
print(requests.get(url, headers=headers).json()["complete"])
"""
TO_THE_FLOOR = 1.7
TO_PYTHON = 10.0


def tables(programs: Programs, *, repeats: int = 30) -> Sequence[Table]:
    """Measure the commands that ask for a run, and those that ask for nothing."""
    with tempfile.TemporaryDirectory() as folder, stand_in.simulator("documented") as url:
        start = partial(run, cwd=Path(folder), env=environment(url))
        return [_on_a_run(programs, url, start, repeats), _on_none(programs, start, repeats)]


def _on_a_run(
    programs: Programs, url: str, start: Callable[[Sequence[str]], Cost], repeats: int
) -> Table:
    floor = "`python -c` with one `requests.get`"
    gate, module = f"`testery-gate check {RUN}`", f"`python -P -m testery_gate check {RUN}`"
    commands: dict[str, Sequence[str]] = {
        floor: [programs.python, "-c", FLOOR.format(run=RUN)],
        gate: [programs.gate, "check", RUN],
        module: [programs.python, "-P", "-m", "testery_gate", "check", RUN],
        f"`testery-gate wait {RUN} --junit-xml PATH`": [
            *(programs.gate, "wait", RUN, "--junit-xml=TEST-testery.xml")
        ],
    }
    if programs.vendor is not None:
        commands["the vendor's `testery monitor-test-run`"] = [
            *(programs.vendor, "monitor-test-run", "--api-url", url),
            *("--token", DEFAULT_TOKEN, "--test-run-id", RUN, "--fail-on-failure"),
        ]
    costs = side_by_side(
        {name: partial(start, command) for name, command in commands.items()}, repeats
    )
    return Table(
        name="finished run",
        head=("process", "s", "to the floor", "processor s", "to the floor", "MiB"),
        rows=[
            (
                name,
                f"{cost.wall:.3f}",
                f"{cost.wall / costs[floor].wall:.2f}",
                f"{cost.cpu:.3f}",
                f"{cost.cpu / costs[floor].cpu:.2f}",
                f"{cost.memory:.1f}",
            )
            for name, cost in costs.items()
        ],
        bounds=[
            Bound(
                what=f"{name} to the floor",
                found=costs[name].wall / costs[floor].wall,
                most=TO_THE_FLOOR,
            )
            for name in (gate, module)
        ],
    )


def _on_none(programs: Programs, start: Callable[[Sequence[str]], Cost], repeats: int) -> Table:
    python = "`python -c pass`"
    commands: dict[str, Sequence[str]] = {
        python: [programs.python, "-c", "pass"],
        "`testery-gate --version`": [programs.gate, "--version"],
        "`testery-gate --help`": [programs.gate, "--help"],
        "`testery-gate wait --help`": [programs.gate, "wait", "--help"],
    }
    costs = side_by_side(
        {name: partial(start, command) for name, command in commands.items()}, repeats
    )
    ratios = {name: cost.wall / costs[python].wall for name, cost in costs.items()}
    return Table(
        name="no run",
        head=("process", "s", "to `python -c pass`"),
        rows=[(name, f"{cost.wall:.3f}", f"{ratios[name]:.2f}") for name, cost in costs.items()],
        bounds=[
            Bound(what=f"{name} to {python}", found=ratios[name], most=TO_PYTHON)
            for name in ("`testery-gate --version`", "`testery-gate --help`")
        ],
    )
