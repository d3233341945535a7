"""Whole commands and report formats are imported only where they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import Simulator

LATE = (
    "code_hosts.adapters",
    "doctor",
    "progress.live",
    "reports.html",
    "reports.junit",
    "reports.markdown",
    "simulator",
)

PROGRAM = (
    "import sys; from testery_gate.__main__ import main; code = main(sys.argv[1:]);"
    f" sys.exit(code or [name for name in {LATE!r} if 'testery_gate.' + name in sys.modules] or 0)"
)


@pytest.mark.parametrize("arguments", [("check", "55676"), ("wait", "55676", "--max-failed=5%")])
def test_a_gate_loads_no_other_command_and_no_format(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run_python(PROGRAM, *arguments, cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED, done.output
