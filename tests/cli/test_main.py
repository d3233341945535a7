"""The group of commands: what it says of itself, of its commands and of the exit codes."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import click
import pytest

from testery_gate import __version__
from testery_gate.cli.main import COMMANDS, cli
from testery_gate.cli.option_types import HOME, Command
from testery_gate.cli.process import Process
from testery_gate.errors import ExitCode
from testery_gate.waiting.signals import Interrupts
from tests.acceptance import command
from tests.cli.commands import commands
from tests.cli.test_arguments import MACHINE

ROOT = Path(__file__).parents[2]


def test_each_command_is_listed_with_the_whole_first_line_of_its_help(tmp_path: Path) -> None:
    words = " ".join(command.run("--help", cwd=tmp_path, COLUMNS="40").stdout.split())
    for name, found in commands().items():
        assert found.help is not None
        line, _, rest = found.help.partition("\n")
        assert line.endswith(".")
        assert not rest.split("\n")[0]
        assert line == COMMANDS[name]
        assert f"{name} {line}" in words


DOCUMENTED: dict[str, Command] = {"": cli} | {
    name: found for name, found in commands().items() if isinstance(found, Command)
}


def test_each_command_is_documented_in_the_same_form() -> None:
    assert DOCUMENTED.keys() == {"", *COMMANDS}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_help_begins_with_examples_and_ends_with_the_address(name: str) -> None:
    found = DOCUMENTED[name]
    with click.Context(found, info_name=name) as ctx:
        usage, examples, *_, last = found.get_help(ctx).split("\n\n")
    assert usage.startswith("Usage: ")
    assert examples.splitlines() == ["Examples:", *(f"  {line}" for line in found.examples)]
    assert len(set(found.examples)) == 3
    assert max(map(len, found.examples)) <= 90
    assert last == f"Documents:\n  {found.address}"


@pytest.mark.parametrize(
    "example", sorted({line for found in DOCUMENTED.values() for line in found.examples})
)
def test_an_example_is_a_command_that_can_be_given(example: str, tmp_path: Path) -> None:
    (line,) = (part for part in re.split(r" && | \| ", example) if part.startswith("testery-gate"))
    name, *words = shlex.split(line.partition(" >")[0])[1:]
    process = Process(interrupts=Interrupts(), machine=MACHINE)
    config = tmp_path / "none.toml"
    config.touch()
    found = DOCUMENTED[name]
    own = {option for parameter in found.params for option in parameter.opts}
    if "--config" in own and "--no-config" not in words:
        words.append(f"--config={config}")
    with found.make_context(name, words, obj=process):
        pass


@pytest.mark.parametrize(
    ("line", "said", "asks"),
    [
        ("wait 1 --max-failed=x", "invalid value for '--max-failed': 'failed' takes", "wait"),
        # What follows depends on click's version.
        ("wait --nonsense", "no such option", "wait"),
        ("wiat", "no such command 'wiat'", ""),
        ("compare", "missing argument 'OLD'", "compare"),
    ],
)
def test_a_wrong_command_line_is_said_like_any_other_error(
    line: str, said: str, asks: str, tmp_path: Path
) -> None:
    done = command.run(*line.split(), cwd=tmp_path)
    assert done.code == ExitCode.USAGE
    first, *_, last = done.stderr.splitlines()
    assert first.startswith(f"testery-gate: {said}")
    assert last == f"  next: '{f'testery-gate {asks}'.strip()} --help' shows what there is."


def test_the_addresses_lead_to_documents() -> None:
    project = configparser.ConfigParser()
    project.read(ROOT / "setup.cfg", encoding="utf-8")
    assert project["metadata"]["url"] == HOME
    for found in DOCUMENTED.values():
        assert (ROOT / found.address.removeprefix(HOME).removeprefix("/blob/main/")).exists()


def test_exit_codes_are_in_the_help_of_what_can_end_with_them() -> None:
    for name in ("", "wait", "check", "run"):
        assert [int(code) for code, _ in DOCUMENTED[name].exit_codes()] == sorted(ExitCode)
    for name in COMMANDS.keys() - {"wait", "check", "run"}:
        codes = DOCUMENTED[name].codes
        assert not codes.keys() & {ExitCode.FAILED, ExitCode.INCONCLUSIVE, ExitCode.TIMED_OUT}
        # What is said of a verdict is not true of a command that passes none.
        assert all(codes[code] for code in codes.keys() & {ExitCode.PASSED, ExitCode.REPORT_LOST})


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
    done = command.run_program(
        ["sh", "-c", f'"$0" {option} >&-', command.COMMAND],
        cwd=tmp_path,
        env=command.environment(None),
    )
    assert done.code == ExitCode.REPORT_LOST
