"""Each fault at each moment of a wait: ``python -m tests.acceptance.faults.matrix``.

Every cell is a process of the installed command. The table is written into ``docs/faults.md``; with
``--json FILE`` what was observed is written into that file instead.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from junitparser import JUnitXml

from testery_gate.errors import ExitCode
from tests.acceptance import command
from tests.acceptance.faults import document
from tests.acceptance.faults.door import Door
from tests.acceptance.faults.identity import Identity, make_identity
from tests.acceptance.faults.kinds import FAULTS, Fault, Way
from tests.acceptance.faults.process import Process

TESTS = 30
SCENARIO = """
[[run]]
[[run.phase]]
status = "RUNNING"
total = {tests}
passed = {tests}
lasts = "{looks}s"
[[run.phase]]
status = "PASS"
"""
LOOKS = 2
"""So many looks see the run at work, by the door's clock; the next one sees that it is finished."""
NO_NAMES = """
import os, socket
asked = socket.getaddrinfo
def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    # An error of the system's own, and no question to anybody on the network.
    if os.path.exists({path!r}):
        return asked(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
    return asked("127.0.0.1", port, family, type, proto, flags)
socket.getaddrinfo = getaddrinfo
"""
AT_ONCE = 60
"""So many processes at a time; nearly all of them wait."""
GRACE = 2.0
"""Seconds after its deadline in which a gate must have ended."""
CONTROL_PAUSE = 2.0
NOTHING = Fault(name="none")


class Moment(Enum):
    """When a fault strikes: its column's name, the first good answer that it comes in place of."""

    after: int
    for_ever: bool

    def __new__(cls, title: str, after: int, for_ever: bool) -> Moment:
        """Attach what the title stands for."""
        member = object.__new__(cls)
        member._value_ = title
        member.after, member.for_ever = after, for_ever
        return member

    FIRST = "first request", 0, False
    MIDDLE = "in mid-wait", 1, False
    LAST_LOOK = "last look", 2, False
    LAST = "last request", 4, False
    LAST_EVER = "last request, for ever", 4, True
    EVER = "for ever", 0, True

    def timeout(self, fault: Fault) -> int:
        """How long to wait for the run, in seconds: for ever is soon over."""
        return 8 if self.for_ever else int(20 + fault.costs)

    def strikes(self, fault: Fault, door: Door) -> bool:
        """Whether the next request meets the fault."""
        if self.for_ever:
            return door.served >= self.after
        return door.served == self.after and not door.struck


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What became of a cell."""

    fault: str
    moment: str
    code: int
    seconds: float
    timeout: int
    peak: int
    """In KiB."""
    cases: int
    """Cases of the gate's own in its JUnit report."""
    errors: int
    failures: int
    tests: int
    """Cases of the run's tests there."""
    evidence: bool
    struck: Sequence[str]
    strangers: int
    log: str

    @property
    def outcome(self) -> str:
        """The words for the table."""
        names = (code.outcome for code in ExitCode if code == self.code)
        outcome = next(names, f"exit code {self.code}")
        alone = self.code == ExitCode.PASSED and not self.tests
        return f"{outcome}, counts alone" if alone else outcome


def observe(
    fault: Fault, moment: Moment, identity: Identity, folder: Path, looks: int = LOOKS
) -> Observed:
    """Run one cell."""
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO.format(tests=TESTS, looks=looks))
    door = Door(
        str(scenario),
        lambda door: fault if moment.strikes(fault, door) else None,
        identity,
        folder,
    )
    (folder / "sitecustomize.py").write_text(NO_NAMES.format(path=str(door.no_names)))
    secure = {"REQUESTS_CA_BUNDLE": str(identity.trusted)}
    if fault.way is Way.NAMED:
        secure["PYTHONPATH"] = str(folder)
    if fault.way is Way.PROXY:
        secure["HTTPS_PROXY"] = f"http://127.0.0.1:{door.proxy.number}"
    timeout = moment.timeout(fault)
    process = Process(
        ["wait", "55676", "--interval=1s", f"--timeout={timeout}s", "--junit-xml=t.xml"],
        folder,
        command.environment(door.url(fault.way), **secure),
        longest=timeout + 60,
        on_line=lambda line: door.happens() if "; next try in" in line else None,
    )
    door.on_visit = process.shows_life
    with door.standing():
        code = process.run()
    own, *others = JUnitXml.fromfile(str(folder / "t.xml"))
    return Observed(
        fault=fault.name,
        moment=moment.value,
        code=code,
        seconds=round(process.seconds, 3),
        timeout=timeout,
        peak=process.peak,
        cases=own.tests,
        errors=own.errors,
        failures=own.failures,
        tests=sum(suite.tests for suite in others),
        evidence=door.evidence,
        struck=door.struck,
        strangers=door.strangers,
        log="".join(process.lines),
    )


def cells() -> Iterable[tuple[Fault, Moment]]:
    """Return every cell, those that take longest first."""
    every = [(fault, moment) for fault in FAULTS for moment in Moment]
    return sorted(every, key=lambda cell: -cell[1].timeout(cell[0]))


def run() -> tuple[Sequence[Observed], float]:
    """Run all cells; also return the longest time in seconds of a wait without faults meanwhile."""
    over = threading.Event()
    unspoiled: list[float] = []
    with tempfile.TemporaryDirectory() as parent, ThreadPoolExecutor(AT_ONCE + 1) as pool:
        shown = make_identity(Path(parent))

        def cell(fault: Fault, moment: Moment, looks: int = LOOKS) -> Observed:
            return observe(fault, moment, shown, Path(tempfile.mkdtemp(dir=parent)), looks)

        def control() -> None:
            while not over.wait(CONTROL_PAUSE):
                unspoiled.append(cell(NOTHING, Moment.EVER, looks=0).seconds)

        controlling = pool.submit(control)
        try:
            observed = list(pool.map(lambda one: cell(*one), cells()))
        finally:
            over.set()
        controlling.result()
    return observed, max(unspoiled)


def table(observed: Sequence[Observed]) -> str:
    """Return the table of outcomes, as Markdown."""
    found: Mapping[tuple[str, str], str] = {(o.fault, o.moment): o.outcome for o in observed}
    lines = [
        f"| fault | {' | '.join(moment.value for moment in Moment)} |",
        f"| --- |{' --- |' * len(Moment)}",
    ]
    for fault in FAULTS:
        row = (found[fault.name, moment.value] for moment in Moment)
        lines.append(f"| {fault.name} | {' | '.join(row)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Run the matrix, and keep what was found."""
    observed, slack = run()
    if arguments[:1] == ["--json"]:
        found = {"observed": [asdict(one) for one in observed], "slack": slack}
        Path(arguments[1]).write_text(json.dumps(found), encoding="utf-8")
        return
    document.write("matrix", table(observed))


if __name__ == "__main__":
    main(sys.argv[1:])
