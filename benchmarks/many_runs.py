"""Requests for a look and peak memory, for many runs that are waited for together."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import stand_in
from benchmarks.contenders import Programs
from benchmarks.document import Bound, Table
from benchmarks.processes import environment, run
from testery_gate.runs.listing import PAGE_SIZE

SIZES = (1, 10, 50, 200)
TO_ONE_RUN = 1.3
SCENARIO = """
[[run]]
id = 1
repeat = {size}
apart = "{apart}ms"
age = "{age}s"
name = "Suite {{n}}"

[[run.phase]]
status = "RUNNING"
total = 30
passed = 30
lasts = "{lasts}s"

[[run.phase]]
status = "PASS"
"""
SECONDS = 6


def tables(
    programs: Programs, *, sizes: Sequence[int] = SIZES, repeats: int = 10
) -> Sequence[Table]:
    """Measure all sizes at once, several times over, and take the medians.

    No time is measured, and the processes sleep for most of it.
    """
    found: dict[int, list[tuple[list[int], float]]] = {size: [] for size in sizes}
    with ThreadPoolExecutor(len(sizes)) as pool:
        for _ in range(repeats):
            measured = pool.map(partial(_measure, programs), sizes)
            for size, one in zip(sizes, measured, strict=True):
                found[size].append(one)
    looks = {size: median(len(cycles) for cycles, _ in many) for size, many in found.items()}
    most = {size: max(max(cycles) for cycles, _ in many) for size, many in found.items()}
    memory = {size: median(peak for _, peak in many) for size, many in found.items()}
    alone = memory[sizes[0]]
    bounds = {size: -(-size // PAGE_SIZE) + 1 for size in sizes}
    return [
        Table(
            name="many runs",
            head=("runs", "looks", "most requests in a look", "bound", "MiB", "to 1 run"),
            rows=[
                (
                    str(size),
                    f"{looks[size]:.0f}",
                    str(most[size]),
                    str(bounds[size]),
                    f"{memory[size]:.1f}",
                    f"{memory[size] / alone:.2f}",
                )
                for size in sizes
            ],
            bounds=[
                *(
                    Bound(what=f"requests in a look at {size} runs", found=most[size], most=bound)
                    for size, bound in bounds.items()
                ),
                Bound(
                    what=f"memory at {sizes[-1]} runs to that at {sizes[0]}",
                    found=memory[sizes[-1]] / alone,
                    most=TO_ONE_RUN,
                ),
            ],
        )
    ]


def _measure(programs: Programs, size: int) -> tuple[list[int], float]:
    """Wait for so many runs that finish one after the other; return requests a look, and MiB."""
    asked: list[stand_in.Asked] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenario = folder / "scenario.toml"
        apart = SECONDS * 1000 // (2 * size)
        scenario.write_text(
            SCENARIO.format(size=size, apart=apart, age=SECONDS // 2, lasts=SECONDS)
        )
        with stand_in.simulator(str(scenario), asked) as url:
            cost = run(
                [
                    *(programs.gate, "wait", *map(str, range(1, size + 1)), "--interval=1s"),
                    *("--junit-xml=TEST-testery.xml", "--report=json=testery.json"),
                ],
                cwd=folder,
                env=environment(url),
            )
    looks = [one for one in asked if "/results" not in one.target and "account" not in one.target]
    return requests_a_look(looks), cost.memory


def requests_a_look(asked: Sequence[stand_in.Asked]) -> list[int]:
    """Part the requests: a look begins where one comes again, or after half a second."""
    looks: list[set[str]] = []
    last = -math.inf
    for one in asked:
        if one.at - last > 0.5 or one.target in looks[-1]:
            looks.append(set())
        looks[-1].add(one.target)
        last = one.at
    return [len(look) for look in looks]
