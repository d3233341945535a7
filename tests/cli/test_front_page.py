"""The front page stands apart from the commands that it speaks of; here they are held together."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest

from testery_gate import __version__
from testery_gate.cli import front_page
from testery_gate.cli.main import cli
from testery_gate.errors import ExitCode
from tests.acceptance import command

ALONE = (
    "import sys; from testery_gate.__main__ import main; code = main({arguments!r});"
    " sys.exit(code or 'click' in sys.modules)"
)


def test_it_says_of_every_command_what_the_command_says_of_itself() -> None:
    said = {name: _first_paragraph(found) for name, found in cli.commands.items()}
    assert said == front_page.COMMANDS


def _first_paragraph(found: click.Command) -> str:
    assert found.help is not None
    return " ".join(found.help.split("\n\n")[0].split())


@pytest.mark.parametrize("columns", [0, 40, 80, 100, 300])
def test_it_keeps_within_the_terminal_and_a_readable_width(columns: int) -> None:
    lines = front_page.render(columns).splitlines()
    assert max(map(len, lines)) <= max(50, min(columns, 100) - 2)


def test_the_arguments_that_it_answers_are_no_others() -> None:
    assert front_page.answer(["--version"]) == f"testery-gate {__version__}\n"
    page = front_page.answer(["--help"])
    assert page is not None
    assert front_page.answer(["-h"]) == page
    others = ("", "wait", "wait --help", "--help wait", "--version --help")
    assert not any(front_page.answer(arguments.split()) for arguments in others)


@pytest.mark.parametrize("argument", ["--help", "-h", "--version"])
def test_it_is_shown_without_click(argument: str, tmp_path: Path) -> None:
    program = ["-c", ALONE.format(arguments=[argument])]
    process = command.start(
        program, cwd=tmp_path, env=command.environment(None), command=[sys.executable]
    )
    done = command.finish(process)
    assert (done.code, done.stderr) == (0, "")
    assert "testery-gate" in done.stdout


@pytest.mark.parametrize("arguments", [["--help", "wait"], ["-h", "--version"]])
def test_click_shows_the_same_page(arguments: list[str], tmp_path: Path) -> None:
    assert command.run(*arguments, cwd=tmp_path).stdout == command.run("-h", cwd=tmp_path).stdout


def test_click_says_the_same_version(tmp_path: Path) -> None:
    assert command.run("--version", "wait", cwd=tmp_path).stdout == f"testery-gate {__version__}\n"


def test_a_page_that_nobody_takes_is_a_report_lost(tmp_path: Path) -> None:
    process = command.start(
        ["-c", '"$0" --help >&-', command.COMMAND],
        cwd=tmp_path,
        env=command.environment(None),
        command=["sh"],
    )
    assert command.finish(process).code == ExitCode.REPORT_LOST
