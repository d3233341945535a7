"""The man pages as ``man`` and ``groff`` show them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from testery_gate.cli.main import COMMANDS
from testery_gate.cli.option_types import Command
from testery_gate.cli.wait import wait
from tests.acceptance import command
from tests.man_page import write

pytestmark = pytest.mark.acceptance


def rendered(arguments: list[str]) -> str:
    """Return what is shown, where nothing is warned of."""
    env = command.environment(None, MANWIDTH="100", LC_ALL="C.UTF-8", MANPAGER="cat")
    done = subprocess.run(
        arguments, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return re.sub(r".\x08", "", done.stdout)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_man_has_nothing_against_a_page(name: str, tmp_path: Path) -> None:
    write(tmp_path)
    page = str(tmp_path / f"{'-'.join(filter(None, ('testery-gate', name)))}.1")
    assert not rendered(["groff", "-man", "-ww", "-z", "-Tutf8", page])
    shown = rendered(["man", "--warnings", "--local-file", page])
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "OPTIONS", "SEE ALSO"):
        assert f"\n{heading}\n" in shown


def test_what_is_copied_from_a_page_can_be_typed(tmp_path: Path) -> None:
    write(tmp_path)
    shown = rendered(["man", "--local-file", str(tmp_path / "testery-gate-wait.1")])
    assert isinstance(wait, Command)
    for example in wait.examples:
        assert example in shown
    for option in wait.params[1:]:
        assert option.opts[0] in shown
    assert "--require 'new_failed <= 0'" in " ".join(shown.split())
    assert "testery-gate.toml, or in pyproject.toml" in " ".join(shown.split())
