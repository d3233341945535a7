"""What completion scripts are answered; the acceptance tests see what shells make of it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from testery_gate.ci import CHOICES
from testery_gate.cli.completion import SHELLS, answer, completion
from testery_gate.cli.main import COMMANDS, cli
from testery_gate.cli.process import Process
from testery_gate.errors import ExitCode
from testery_gate.judging.criteria import Metric
from testery_gate.reports import FORMATS
from testery_gate.simulator import scenarios
from testery_gate.waiting.signals import Interrupts
from tests.acceptance import command
from tests.cli.commands import commands

PACKAGE = Path(__file__).parents[2] / "testery_gate"


def suggested(line: str, **environment: str) -> list[tuple[str, str, str]]:
    """What each suggestion is, its text and its help."""
    process = Process(interrupts=Interrupts())
    lines = answer(cli, process, {"COMP_LINE": line, **environment}).splitlines()
    return [(kind, text, help) for kind, text, help in (line.split("\t") for line in lines)]


def texts(line: str, **environment: str) -> list[str]:
    return [text for _, text, _ in suggested(line, **environment)]


def test_commands_come_with_the_first_line_of_their_help() -> None:
    found = suggested("testery-gate ")
    assert found == [
        ("plain", name, (command.help or "").splitlines()[0])
        for name, command in sorted(commands().items())
    ]


def test_options_come_with_their_help() -> None:
    assert suggested("testery-gate wait --max-fa") == [
        ("plain", "--max-failed", "failed <= N or P%.")
    ]


@pytest.mark.parametrize(
    ("line", "kind", "expected"),
    [
        pytest.param("wait --ci ", "plain", [*CHOICES], id="choices"),
        pytest.param("wait 55676 -v --ci=gitl", "plain", ["--ci=gitlab"], id="behind ="),
        pytest.param("wait --report ", "open", [f"{name}=" for name in FORMATS], id="formats"),
        pytest.param("wait --report mark", "open", ["markdown="], id="a format"),
        pytest.param("wait --report=mark", "open", ["--report=markdown="], id="a format behind ="),
        pytest.param("wait --report html=out/", "file", ["html="], id="a report"),
        pytest.param("wait --report=html=out/", "file", ["--report=html="], id="a report behind ="),
        pytest.param("wait --report bogus=out/", "open", [], id="no format"),
        pytest.param("wait --junit-xml out/", "file", [""], id="a file"),
        pytest.param("wait --baseline pre", "plain", ["previous"], id="the previous run"),
        pytest.param("wait --baseline ", "file", [""], id="a report as the baseline"),
        pytest.param("wait --config out/", "file", [""], id="a file that click knows"),
        pytest.param("wait --token-file=out/", "file", ["--token-file="], id="a file behind ="),
        pytest.param("wait --require ", "open", [one.value for one in Metric], id="metrics"),
        pytest.param("wait --warn 'fail", "open", ["failed", "fail_rate"], id="in a quoted word"),
        pytest.param("wait --warn 'failed <= 5", "open", [], id="more than the start"),
        pytest.param("wait --expect b", "open", ["build-key="], id="an expectation"),
        pytest.param("wait --status P", "plain", ["PASS"], id="a status"),
        pytest.param("wait --git-ref ", "plain", ["auto"], id="the commit"),
        pytest.param("wait --timeout ", "plain", [], id="a duration"),
        pytest.param("wait 5", "plain", [], id="a run"),
        pytest.param("completion ", "plain", [*SHELLS], id="shells"),
        pytest.param("bogus ", "plain", sorted(COMMANDS), id="no command"),
    ],
)
def test_values_are_suggested(line: str, kind: str, expected: list[str]) -> None:
    found = suggested(f"testery-gate {line}")
    assert [text for _, text, _ in found] == expected
    assert {one for one, _, _ in found} <= {kind}


def test_scenarios_are_suggested_and_files() -> None:
    found = suggested("testery-gate simulate --scenario ")
    assert found == [*(("plain", name, "") for name in scenarios()), ("file", "", "")]


@pytest.mark.parametrize(
    ("line", "word", "expected"),
    [
        pytest.param("wait --report mark", "mark", ["markdown="], id="all of it"),
        pytest.param("wait --report=mark", "mark", ["markdown="], id="what is behind ="),
        pytest.param("wait --ci=", "", ["auto", "none"], id="nothing yet"),
        pytest.param("wait --report json=a", "a", [""], id="the path of a report"),
    ],
)
def test_bash_gets_no_more_than_what_it_calls_a_word(
    line: str, word: str, expected: list[str]
) -> None:
    assert texts(f"testery-gate {line}", COMP_WORD=word)[:2] == expected


def test_a_line_that_is_missing_is_an_empty_one() -> None:
    process = Process(interrupts=Interrupts())
    assert answer(cli, process, {}) == answer(cli, process, {"COMP_LINE": "testery-gate "})


def test_no_configuration_spoils_a_suggestion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "testery-gate.toml").write_text('api-url = "http://example.org"')
    (tmp_path / "pyproject.toml").write_text("[tool.testery-gate]\nbogus = 1")
    monkeypatch.chdir(tmp_path)
    assert texts("testery-gate wait --api-url=x --junit-sc") == ["--junit-scope"]


def test_there_is_a_script_for_each_shell_that_can_be_asked_for(tmp_path: Path) -> None:
    (shell,) = completion.params
    assert isinstance(shell.type, click.Choice)
    assert tuple(shell.type.choices) == SHELLS
    for name in SHELLS:
        done = command.run("completion", name, cwd=tmp_path)
        script = (PACKAGE / "completion" / f"testery-gate.{name}").read_text()
        assert (done.code, done.stdout, done.stderr) == (0, script, "")


def test_the_command_answers_when_it_is_asked_without_arguments(tmp_path: Path) -> None:
    asked = {"_TESTERY_GATE_COMPLETE": "1", "COMP_LINE": "testery-gate wai"}
    done = command.run(cwd=tmp_path, **asked)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == f"plain\twait\t{commands()['wait'].get_short_help_str()}\n"


@pytest.mark.parametrize("asked", ["1", "bash_complete", "bash_source"])
def test_a_gate_that_is_asked_for_is_never_passed_by_a_completion(
    tmp_path: Path, asked: str
) -> None:
    variables = {
        "_TESTERY_GATE_COMPLETE": asked,
        "COMP_WORDS": "testery-gate wai",
        "COMP_CWORD": "1",
    }
    done = command.run("wait", "55676", "--bogus", cwd=tmp_path, **variables)
    assert done.code == ExitCode.USAGE
