"""What systems get, compared with kept files; ``python -m tests.ci.golden`` writes them anew."""

from __future__ import annotations

import pytest

from testery_gate.ci import System
from tests.ci.golden import CASES, FOLDER, kept, reported


@pytest.mark.parametrize(
    ("name", "system"),
    [pytest.param(name, system, id=f"{name}-{system.value}") for name, system in CASES],
)
def test_a_system_gets_what_is_kept(name: str, system: System) -> None:
    with kept(name, system).open(encoding="utf-8", newline="") as file:
        assert reported(name, system) == file.read()


def test_everything_that_is_kept_is_compared() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {kept(*case).name for case in CASES}
