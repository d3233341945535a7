"""The page on pull requests says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from testery_gate.cli.options import ALL, settings
from testery_gate.code_hosts import System
from testery_gate.code_hosts.host import State
from tests.code_hosts.test_other_hosts import ENDS

PAGE = (Path(__file__).parents[2] / "docs" / "pull-requests.md").read_text(encoding="utf-8")
STATES = {
    "passed": State.PASSED,
    "failed": State.FAILED,
    "stopped by a signal": State.STOPPED,
    "any other": State.NO_VERDICT,
}


def test_the_states_are_those_that_are_set() -> None:
    head, _, *rows = re.findall(r"^\| (.+) \|$", PAGE[PAGE.index("| outcome |") :], re.MULTILINE)[
        :6
    ]
    systems = [name.split()[0].lower() for name in head.split(" | ")[1:] if "check run" not in name]
    assert systems == [system.value for system in System]
    for row in rows:
        name, _, *states = row.split(" | ")
        assert states == [ENDS[system][STATES[name]] for system in systems], name


@pytest.mark.parametrize(
    "block", re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
)
def test_what_it_shows_can_be_copied(block: str) -> None:
    assert yaml.safe_load(block)
    known = {option for setting in settings(*ALL) for option in setting.opts}
    assert set(re.findall(r"--[a-z-]+", block)) <= known
