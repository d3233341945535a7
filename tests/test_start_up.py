"""What takes its time to import is imported by what needs it, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import Simulator

# Each takes at least a hundredth of what a check of a finished run takes as a whole.
COSTLY = ("configparser", "difflib", "rich", "subprocess", "tenacity", "tomllib", "xml.etree")
OWN = ("doctor", "finding", "history", "reach", "reports.junit", "selection", "simulator")

PROGRAM = (
    # What is there already is not the gate's: coverage brings its own imports.
    "import sys; before = set(sys.modules); from testery_gate.__main__ import main;"
    " code = main(sys.argv[1:]);"
    f" sys.exit(code or [name for name in {COSTLY!r} if name in {{*sys.modules}} - before]"
    f" or [name for name in {OWN!r} if 'testery_gate.' + name in sys.modules] or 0)"
)


@pytest.mark.parametrize("arguments", [("check", "55676"), ("wait", "55676", "--max-failed=5%")])
def test_a_finished_run_needs_little(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run_python(PROGRAM, *arguments, cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED, done.output
