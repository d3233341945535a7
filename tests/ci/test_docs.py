"""The page on CI systems names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from testery_gate.ci import System
from testery_gate.errors import ExitCode
from tests.ci.test_github import NAMES
from tests.reports.test_dotenv import NAMES as VARIABLES

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    """Return what stands in code in the first column of the table under a heading."""
    section = PAGE.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.split("| --- |", 1)[1].splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_every_system_is_described() -> None:
    assert first_cells("# What each CI system shows") == [system.value for system in System]


def test_every_output_is_described() -> None:
    assert first_cells("## GitHub") == NAMES


def test_every_outcome_is_named() -> None:
    row = PAGE.split("| `outcome` |")[1].split("\n")[0]
    assert re.findall(r"`([^`]+)`", row) == list(dict.fromkeys(code.outcome for code in ExitCode))


def test_every_variable_is_named() -> None:
    assert re.findall(r"`TESTERY_GATE_([A-Z_]+)`", PAGE) == VARIABLES
