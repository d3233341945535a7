"""Requests a cycle and peak memory for many runs waited for together.

``python -m benchmarks.many_runs`` measures whole processes of the installed command against the
stand-in API and writes the table into ``docs/performance.md``; it exits with 1 where a bound that
is stated there is not met.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from testery_gate.listing import PAGE_SIZE
from testery_gate.simulator import DEFAULT_TOKEN, Exchange, Simulator, load_scenario

COMMAND = Path(sys.executable).with_name("testery-gate")
DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- begin many runs -->\n", "<!-- end many runs -->"
SIZES = (1, 10, 50, 200)
REPEATS = 5
MEMORY_BOUND = 1.3
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


@dataclass(frozen=True, slots=True)
class Measured:
    """One process: its cycles, the most requests that one of them took, its peak in KiB."""

    cycles: int
    most_requests: int
    peak: int


@dataclass(frozen=True, slots=True)
class Row:
    """The figures for one number of runs."""

    size: int
    cycles: float
    most_requests: int
    bound: int
    peak: float
    ratio: float

    def __str__(self) -> str:
        return (
            f"| {self.size} | {self.cycles:.0f} | {self.most_requests} | {self.bound}"
            f" | {self.peak / 1024:.1f} | {self.ratio:.2f} |"
        )


def measure(size: int) -> Measured:
    """Wait for so many runs that finish one after the other, in a process of its own."""
    requests: list[Exchange] = []
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.toml"
        apart = SECONDS * 1000 // (2 * size)
        scenario.write_text(
            SCENARIO.format(size=size, apart=apart, age=SECONDS // 2, lasts=SECONDS)
        )
        with Simulator(load_scenario(str(scenario)), on_exchange=requests.append) as api:
            process = subprocess.Popen(
                [
                    *(str(COMMAND), "wait", *map(str, range(1, size + 1)), "--interval=1s"),
                    *("--junit-xml=TEST-testery.xml", "--report=json=testery.json"),
                ],
                cwd=folder,
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "TESTERY_API_URL": api.url,
                    "TESTERY_API_TOKEN": DEFAULT_TOKEN,
                },
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            _, log = process.communicate()
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        raise SystemExit(f"the wait for {size} runs ended with {process.returncode}:\n{log}")
    asked = [exchange.target for exchange in requests]
    looks = [target for target in asked if "/results" not in target and "account" not in target]
    cycles = _cycles(looks)
    return Measured(len(cycles), max(map(len, cycles)), usage.ru_maxrss)


def _cycles(looks: list[str]) -> list[list[str]]:
    """Part the requests where one comes again: in one look none is made twice."""
    cycles: list[list[str]] = [[]]
    for target in looks:
        if target in cycles[-1]:
            cycles.append([])
        cycles[-1].append(target)
    return cycles


def _measured_apart(size: int) -> Measured:
    """Measure in a child, because the peak of a process's children is the largest of them all."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.many_runs", str(size)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return Measured(*map(int, done.stdout.split()))


def rows() -> list[Row]:
    """Measure all sizes in turn, several times over, and take the medians."""
    found: dict[int, list[Measured]] = {size: [] for size in SIZES}
    for _ in range(REPEATS):
        for size in SIZES:
            found[size].append(_measured_apart(size))
    alone = statistics.median(one.peak for one in found[1])
    return [
        Row(
            size=size,
            cycles=statistics.median(one.cycles for one in many),
            most_requests=max(one.most_requests for one in many),
            bound=-(-size // PAGE_SIZE) + 1,
            peak=statistics.median(one.peak for one in many),
            ratio=statistics.median(one.peak for one in many) / alone,
        )
        for size, many in found.items()
    ]


def main() -> int:
    """Measure, write the table, and hold it against the bounds."""
    table = rows()
    lines = [
        "| runs | looks | most requests in a look | bound | peak memory, MiB | to 1 run |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
        *map(str, table),
    ]
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
    text = before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END, 1)[1]
    DOCUMENT.write_text(text, encoding="utf-8")
    print("\n".join(lines))  # noqa: T201  (it is what the command is for)
    kept = all(row.most_requests <= row.bound and row.ratio <= MEMORY_BOUND for row in table)
    return 0 if kept else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one = measure(int(sys.argv[1]))
        print(one.cycles, one.most_requests, one.peak)  # noqa: T201  (likewise)
    else:
        sys.exit(main())
