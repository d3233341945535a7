"""The group of commands: what it says of itself, of its commands and of the exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from testery_gate import __version__
from testery_gate.cli.main import COMMANDS
from testery_gate.errors import ExitCode
from tests.acceptance import command
from tests.cli.commands import commands


def test_each_command_is_listed_with_the_whole_first_line_of_its_help(tmp_path: Path) -> None:
    words = " ".join(command.run("--help", cwd=tmp_path, COLUMNS="40").stdout.split())
    for name, found in commands().items():
        assert found.help is not None
        line, _, rest = found.help.partition("\n")
        assert line.endswith(".")
        assert not rest.split("\n")[0]
        assert line == COMMANDS[name]
        assert f"{name} {line}" in words


@pytest.mark.parametrize("columns", [1, 40, 80, 100, 300])
def test_the_help_keeps_within_the_terminal_and_a_readable_width(
    columns: int, tmp_path: Path
) -> None:
    lines = command.run("-h", cwd=tmp_path, COLUMNS=str(columns)).stdout.splitlines()
    assert max(map(len, lines)) <= max(50, min(columns, 100) - 2)


@pytest.mark.parametrize("arguments", [["--help"], ["--help", "wait"], ["-h", "--version"]])
def test_asked_for_help_it_gives_help(arguments: list[str], tmp_path: Path) -> None:
    done = command.run(*arguments, cwd=tmp_path)
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    assert done.stdout == command.run("-h", cwd=tmp_path).stdout


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "wait"]])
def test_asked_for_its_version_it_gives_that(arguments: list[str], tmp_path: Path) -> None:
    done = command.run(*arguments, cwd=tmp_path)
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    assert done.stdout == f"testery-gate {__version__}\n"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_page_that_nobody_takes_is_a_report_lost(option: str, tmp_path: Path) -> None:
    process = command.start(
        ["-c", f'"$0" {option} >&-', command.COMMAND],
        cwd=tmp_path,
        env=command.environment(None),
        command=["sh"],
    )
    assert command.finish(process).code == ExitCode.REPORT_LOST
