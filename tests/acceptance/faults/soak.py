"""Many waits on a server that misbehaves at random: ``python -m tests.acceptance.faults.soak``.

Each is a process of the installed command. The table is written into ``docs/faults.md``.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from testery_gate.errors import ExitCode
from tests.acceptance import command
from tests.acceptance.faults import document
from tests.acceptance.faults.door import Door
from tests.acceptance.faults.identity import make_identity
from tests.acceptance.faults.kinds import FAULTS, Fault, Way
from tests.acceptance.faults.process import Process

WAITS = 300
SHARE = 0.3
"""Of the requests."""
SEED = 6
AT_ONCE = 60
"""So many processes at a time; nearly all of them wait."""
LONGEST = 600
"""Seconds for one wait; its own deadline is as far away."""
SPOILING = tuple(fault for fault in FAULTS if fault.reply is not None)


def _run(ends: str, counts: str, number: int = 1) -> str:
    running = f'status = "RUNNING"\ntotal = 30\n{counts}\nlasts = "2s"'
    return f"[[run]]\nid = {number}\n[[run.phase]]\n{running}\n[[run.phase]]\n{ends}\n"


_PASSES = 'status = "PASS"', "passed = 30"
_FAILS = 'status = "FAIL"', "passed = 27\nfailed = 3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is waited for, and the exit code that is right."""

    name: str
    scenario: str
    code: ExitCode
    arguments: Sequence[str] = ("1",)


KINDS = (
    Kind(name="all tests pass", scenario=_run(*_PASSES), code=ExitCode.PASSED),
    Kind(name="3 of 30 tests fail", scenario=_run(*_FAILS), code=ExitCode.FAILED),
    Kind(
        name="3 of 30 tests fail, which is allowed",
        scenario=_run(*_FAILS),
        code=ExitCode.PASSED,
        arguments=("1", "--max-failed=10%"),
    ),
    Kind(
        name="canceled after 10 of 30 tests",
        scenario=_run('status = "CANCELED"', "passed = 10"),
        code=ExitCode.INCONCLUSIVE,
    ),
    Kind(
        name="PASS, but 10 of 30 tests never ran",
        scenario=_run('status = "PASS"', "passed = 20"),
        code=ExitCode.INCONCLUSIVE,
    ),
    Kind(
        name="no such run",
        scenario=_run(*_PASSES),
        code=ExitCode.NOT_FOUND,
        arguments=("2", "--appear-within=1s"),
    ),
    Kind(
        name="5 runs together, and tests of one fail",
        scenario="".join(_run(*(_FAILS if n == 4 else _PASSES), number=n) for n in range(1, 6)),
        code=ExitCode.FAILED,
        arguments=("1", "2", "3", "4", "5"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What became of one wait."""

    kind: Kind
    code: int
    spoiled: int
    requests: int
    log: str

    @property
    def is_right(self) -> bool:
        """Whether it ended as it must."""
        return self.code == self.kind.code


def drawn(number: int, request: int) -> Fault | None:
    """Return what is wrong with this request of this wait; the same in every soak."""
    chance = random.Random(f"{SEED} {number} {request}")  # noqa: S311 - no secret
    return chance.choice(SPOILING) if chance.random() < SHARE else None


def run(waits: int = WAITS) -> Sequence[Wait]:
    """Wait so many times."""

    def likely_cost(number: int) -> float:
        found = (drawn(number, request) for request in range(8))
        return sum(fault.costs for fault in found if fault is not None)

    with tempfile.TemporaryDirectory() as parent, ThreadPoolExecutor(AT_ONCE) as pool:
        identity = make_identity(Path(parent))

        def wait(number: int) -> Wait:
            kind = KINDS[number % len(KINDS)]
            folder = Path(tempfile.mkdtemp(dir=parent))
            scenario = folder / "scenario.toml"
            scenario.write_text(kind.scenario)
            door = Door(
                str(scenario),
                lambda door: drawn(number, door.served + len(door.struck)),
                identity,
                folder,
            )
            process = Process(
                ["wait", *kind.arguments, "--interval=1s", f"--timeout={LONGEST}s"],
                folder,
                command.environment(door.url(Way.PLAIN)),
                longest=LONGEST + 60,
            )
            door.on_visit = process.shows_life
            with door.standing():
                code = process.run()
            return Wait(
                kind=kind,
                code=code,
                spoiled=len(door.struck),
                requests=door.served + len(door.struck),
                log="".join(process.lines),
            )

        # Those that take longest first, so that the others fill the time.
        return list(pool.map(wait, sorted(range(waits), key=likely_cost, reverse=True)))


def table(waits: Sequence[Wait]) -> str:
    """Return the table of verdicts, as Markdown."""
    every = Counter(wait.kind.name for wait in waits)
    right = Counter(wait.kind.name for wait in waits if wait.is_right)
    lines = ["| run | right verdict | waits | right |", "| --- | --- | ---: | ---: |"]
    lines += [
        f"| {kind.name} | {kind.code.outcome.replace('_', ' ')} | {every[kind.name]}"
        f" | {right[kind.name]} |"
        for kind in KINDS
    ]
    return "\n".join([*lines, f"| **all** | | {every.total()} | {right.total()} |"])


if __name__ == "__main__":
    document.write("soak", table(run()))
