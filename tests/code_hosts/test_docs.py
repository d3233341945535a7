"""The page on pull requests says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from testery_gate.cli.options import ALL, settings
from testery_gate.code_hosts import System
from testery_gate.code_hosts.host import State
from tests.code_hosts.connecting import STAND_INS, connected
from tests.code_hosts.stand_in import StandIn
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


@pytest.mark.parametrize("kind", STAND_INS, ids=lambda kind: kind.contract_name)
def test_these_variables_will_do(kind: type[StandIn]) -> None:
    section = PAGE.partition("\n## From another CI system\n")[2].partition("\n## ")[0]
    (row,) = re.findall(rf"^\| `{kind.system.value}` \| (.+) \|$", section, re.MULTILINE)
    names = re.findall(r"`([A-Z][A-Z_0-9]+)`", row)
    with connected(kind()) as there:
        environment = there.stand_in.environment()
        few = there.place({name: environment[name] for name in names})
        whole = there.place()
    assert few.repository == whole.repository
    assert few.pull_request == whole.pull_request == 7
    assert few.commit == whole.commit


@pytest.mark.parametrize(
    "block", re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
)
def test_what_it_shows_can_be_copied(block: str) -> None:
    assert yaml.safe_load(block)
    known = {option for setting in settings(*ALL) for option in setting.opts}
    assert set(re.findall(r"--[a-z-]+", block)) <= known
