"""What is wrong with a command line, each through the command; and the ways that few take."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from testery_gate.cli.process import this_machine
from testery_gate.errors import ExitCode, UsageError
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import CANARY, Simulator
from tests.cli.test_arguments import MACHINE, waiting


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("wait - --token-file=-", "can't hold both the runs and the token"),
        ("wait 1 --interval=10ms", "too short"),
        ("list --latest --lookback=1d,0", "'0' is not a number of runs"),
        ("wait 1 --quarantine=", "--quarantine is empty"),
        ("wait 1 --baseline-ref=", "--baseline-ref is empty"),
        ("wait 1 --baseline=5 --baseline-ref=main", "--baseline-ref is for the previous run"),
        ("wait 1 --quarantine-ref=main", "there is none"),
        ("wait 1 --junit-xml=a --report=junit=./a", "two reports would be written to"),
        ("wait 1 --junit-xml=a --report=json=link", "two reports would be written to"),
        ("wait 1 --output=json --junit-xml=/dev/stdout", "two reports would be written to"),
        ("wait --git-ref=main", "takes from what must hold"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, arguments: str, said: str) -> None:
    if "--git-ref" in arguments:
        (tmp_path / "testery-gate.toml").write_text("trust-status = true\n")
    (tmp_path / "link").symlink_to("a")
    done = command.run(*arguments.split(), cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.output
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", ["wait 1 --token-file={}", "wait {}", "wait 1 --interval={}", "wait 1 --config={}"]
)
def test_a_token_in_a_wrong_place_is_not_shown(tmp_path: Path, arguments: str) -> None:
    done = command.run(*arguments.format(CANARY).split(), cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.output
    assert "***" in done.stderr


def test_explain_does_not_show_a_token_in_a_wrong_place(tmp_path: Path) -> None:
    done = command.run("explain", f"--token-file={CANARY}", cwd=tmp_path)
    assert done.code == ExitCode.PASSED, done.output
    assert "file ***" in done.stdout


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = command.run("simulate", f"--port={taken.getsockname()[1]}", cwd=tmp_path)
    assert done.code == ExitCode.USAGE
    assert "can't open port" in done.stderr


def test_a_folder_that_is_gone_holds_no_reports(nowhere: None) -> None:
    with pytest.raises(UsageError, match="the working directory no longer exists"):
        waiting("1", "--report=junit=a.xml")


def test_a_standard_input_that_is_closed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="there is no standard input"):
        this_machine().read_stdin(1)


def test_no_commit_is_known_without_a_pipeline_and_a_checkout() -> None:
    def no_repository() -> str:
        raise OSError("not a git repository")

    machine = replace(MACHINE, head_of_checkout=no_repository)
    options = waiting("1", "--comment=always", machine=machine).code_host
    assert options is not None
    assert options.commit() is None


def test_failures_of_a_run_that_goes_on_are_said_first(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(
        '[[run]]\nid = 1\n[[run.phase]]\nstatus = "RUNNING"\ntotal = 3\nfailed = 1\nlasts = "0s"\n'
        '[[run.phase]]\nstatus = "RUNNING"\nlasts = "1h"\n'
    )
    with Simulator(load_scenario(str(scenario)), speed=1.0) as api:
        done = command.run("check", "1", "--appear-within=0", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.TIMED_OUT
    assert "1 test had failed already; not finished" in " ".join(done.stdout.split())


def test_the_findings_are_data_for_programs(tmp_path: Path) -> None:
    done = command.run("doctor", "--output=json", cwd=tmp_path, api_url="http://127.0.0.1:9/api")
    assert done.code == ExitCode.UNAVAILABLE
    assert done.stdout.startswith("{")
