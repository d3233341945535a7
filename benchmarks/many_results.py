"""100,000 test results: what the gate takes to report them, next to a plain script."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import stand_in
from benchmarks.contenders import Programs
from benchmarks.document import Bound, Table
from benchmarks.processes import Cost, environment, run, side_by_side
from testery_gate.reports import FORMATS

RESULTS = 100_000
SCENARIO = """
[[run]]
id = 1
age = "1h"
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
PLAIN = Path(__file__).with_name("plain_junit.py")
TO_THE_SCRIPT = 1.5
LONGEST = 60.0
LARGEST = 600.0
SIZES = {"junit": 30_000_000, "html": 5_000_000, "markdown": 1_000_000}
"""Bytes: what GitLab takes, what a browser opens without complaint, the gate's own default."""


def tables(programs: Programs, *, results: int = RESULTS, repeats: int = 10) -> Sequence[Table]:
    """Measure the JUnit report, then it and all the reports that people open."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenario = folder / "scenario.toml"
        files = ", ".join(f'"features/area-{number}.feature"' for number in range(FILES))
        failed = results // 50
        passed = results - failed
        scenario.write_text(
            SCENARIO.format(files=files, total=results, passed=passed, failed=failed)
        )
        with stand_in.recorded(str(scenario), folder / "recorded") as (url, _):
            start = partial(run, cwd=folder, env=environment(url))
            # Its failed tests are to be in the reports, and its exit code is to be 0.
            wait = [programs.gate, "wait", "1", f"--max-failed={failed}"]
            plain = [programs.python, str(PLAIN), "plain.xml"]
            commands = {
                "`testery-gate wait`": [*wait, "--junit-xml=gate.xml"],
                "a plain script with ElementTree": plain,
            }
            contenders = {name: partial(start, each) for name, each in commands.items()}
            junit = _junit(side_by_side(contenders, repeats))
            for report in ("gate.xml", "plain.xml"):
                if (folder / report).read_bytes().count(b"<testcase ") < results:
                    raise SystemExit(f"{report} lacks tests")
            formats = [name for name in SIZES if name in FORMATS]
            reports = [f"--report={name}=report.{name}" for name in formats]
            everything = side_by_side(
                {"all": partial(start, [*wait, *reports])}, max(1, repeats // 3)
            )
            sizes = {name: (folder / f"report.{name}").stat().st_size for name in formats}
            return [junit, _all(everything["all"], sizes)]


def _junit(costs: Mapping[str, Cost]) -> Table:
    gate, plain = costs.values()
    return Table(
        name="many results",
        head=("process", "s", "to the script", "processor s", "MiB", "to the script"),
        rows=[
            (
                name,
                f"{cost.wall:.2f}",
                f"{cost.wall / plain.wall:.2f}",
                f"{cost.cpu:.2f}",
                f"{cost.memory:.0f}",
                f"{cost.memory / plain.memory:.2f}",
            )
            for name, cost in costs.items()
        ],
        bounds=[
            Bound(what="time to the script's", found=gate.wall / plain.wall, most=TO_THE_SCRIPT),
            Bound(
                what="memory to the script's",
                found=gate.memory / plain.memory,
                most=TO_THE_SCRIPT,
            ),
        ],
    )


def _all(cost: Cost, sizes: Mapping[str, int]) -> Table:
    return Table(
        name="all reports",
        head=("report", "bytes", "bound"),
        rows=[(name, f"{size:,}", f"{SIZES[name]:,}") for name, size in sizes.items()],
        bounds=[
            Bound(what="seconds for all of them", found=cost.wall, most=LONGEST),
            Bound(what="MiB for all of them", found=cost.memory, most=LARGEST),
            *(
                Bound(what=f"bytes of {name}", found=size, most=SIZES[name])
                for name, size in sizes.items()
            ),
        ],
    )
