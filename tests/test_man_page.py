"""The man pages say what the help says."""

from __future__ import annotations

from tests.cli.commands import commands
from tests.man_page import pages


def test_there_is_a_page_for_each_command_with_all_of_its_options() -> None:
    made = pages()
    assert made.keys() == {"testery-gate.1", *(f"testery-gate-{name}.1" for name in commands())}
    for name, command in commands().items():
        page = made[f"testery-gate-{name}.1"].replace(r"\-", "-")
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.opts[0] in page
        assert page.isascii()
