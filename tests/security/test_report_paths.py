"""Where reports go: nothing of others is replaced, and no report of yesterday stays behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import FINISHED, Simulator, watched
from tests.ci.readers import READERS

SPEED = 50.0
NOWHERE = "http://127.0.0.1:1/api"


@pytest.mark.quick(6)
@pytest.mark.parametrize(
    ("line", "variables", "settings", "left"),
    [
        pytest.param("--no-such-option {flags}", {}, "", False, id="a wrong option"),
        pytest.param("{flags} --max-failed=lots", {}, "", False, id="a wrong value"),
        pytest.param("{flags} --git-ref=x", {}, "", False, id="named and described"),
        pytest.param("{flags}", {"TESTERY_API_TOKEN": ""}, "", False, id="no token"),
        pytest.param("{flags}", {"TESTERY_GATE_MIN_TOTL": "1"}, "", False, id="a wrong variable"),
        pytest.param("{flags}", {}, "nonsense = 1", False, id="a wrong file"),
        pytest.param("{flags} --report=json=/dev/null/x", {}, "", False, id="another path"),
        pytest.param(
            *("--max-failed=lots", {"TESTERY_GATE_JUNIT_XML": "a.xml\n"}, "", False),
            id="a path in a variable",
        ),
        pytest.param("--max-failed=lots", {}, "junit-xml = 'a.xml'", False, id="a path in a file"),
        pytest.param("--max-failed=lots", {}, "report = ['junit=a.xml']", False, id="in a list"),
        pytest.param("--max-failed=lots", {}, "report = 'a.xml'", False, id="without a format"),
        pytest.param("--max-failed=lots", {}, "", True, id="no path at all"),
        pytest.param("--max-failed=lots -- --junit-xml=a.xml", {}, "", True, id="a run"),
        pytest.param("{flags} --help", {}, "", True, id="help"),
    ],
)
def test_yesterdays_green_does_not_survive(
    tmp_path: Path, line: str, variables: Mapping[str, str], settings: str, left: bool
) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run("wait", "55676", "--junit-xml=a.xml", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED
    (tmp_path / "testery-gate.toml").write_text(settings)
    for flags in ("--junit-xml=a.xml", "--report junit=a.xml", "--report=a.xml"):
        arguments = line.replace("{flags}", flags).split()
        done = command.run("wait", "1", *arguments, cwd=tmp_path, api_url=NOWHERE, **variables)
        assert done.code == (ExitCode.PASSED if "--help" in line else ExitCode.USAGE), done.output
        assert (tmp_path / "a.xml").exists() == left


def test_what_somebody_else_wrote_survives(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<testsuites name='mine'/>")
    done = command.run("wait", "1", "--junit-xml=a.xml", "--nonsense", cwd=tmp_path)
    assert done.code == ExitCode.USAGE
    assert (tmp_path / "a.xml").read_text() == "<testsuites name='mine'/>"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("deploy.sh", id="a script"),
        pytest.param(".git/hooks/post-checkout", id="a new hook"),
        pytest.param("link.xml", id="a link"),
        pytest.param("program", id="a program that looks like a report"),
    ],
)
@pytest.mark.parametrize("named", ["report = 'dotenv={path}'", "junit-xml = '{path}'"])
def test_a_file_can_not_have_others_replaced(tmp_path: Path, path: str, named: str) -> None:
    (tmp_path / "testery-gate.toml").write_text(named.format(path=path))
    (tmp_path / "deploy.sh").write_text("exit 0\n")
    (tmp_path / ".git" / "hooks").mkdir(parents=True)
    (tmp_path / "program").write_text("TESTERY_GATE_OUTCOME=passed\n")
    (tmp_path / "program").chmod(0o755)
    (tmp_path / "link.xml").symlink_to("deploy.sh")
    with Simulator(load_scenario("documented")) as api:
        done = command.run("wait", "55676", cwd=tmp_path, api_url=api.url)
        assert done.code == ExitCode.USAGE, done.output
        assert "a configuration file may" in done.stderr
        assert (tmp_path / "deploy.sh").read_text() == "exit 0\n"
        assert not list((tmp_path / ".git" / "hooks").iterdir())
        trusted = command.run("wait", "55676", "--trust-config", cwd=tmp_path, api_url=api.url)
    assert trusted.code == ExitCode.PASSED, trusted.output


def test_a_file_has_a_report_replaced(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text("junit-xml = 'out/a.xml'")
    with Simulator(load_scenario("documented")) as api:
        for _ in range(2):
            done = command.run("wait", "55676", cwd=tmp_path, api_url=api.url)
            assert done.code == ExitCode.PASSED, done.output


def test_what_is_put_in_its_place_during_the_wait_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text("junit-xml = 'a.xml'")
    with Simulator(load_scenario("passing"), speed=SPEED) as api:
        process = command.start(
            ["wait", "55676", "--verbose"], cwd=tmp_path, env=command.environment(api.url)
        )
        assert process.stderr is not None
        process.stderr.readline()
        (tmp_path / "a.xml").write_text("echo mine\n")
        done = command.finish(process)
    assert done.code == ExitCode.REPORT_LOST, done.output
    assert (tmp_path / "a.xml").read_text() == "echo mine\n"


@pytest.mark.quick(2)
@pytest.mark.parametrize("report", ["markdown", "junit", "dotenv", "html", "sonar"])
@pytest.mark.parametrize(
    "path", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/1", "/proc/self/fd/2"]
)
def test_a_report_to_the_processs_own_output_is_inert(
    tmp_path: Path, path: str, report: str
) -> None:
    with Simulator(load_scenario("hostile"), speed=FINISHED) as api:
        done = subprocess.run(
            [command.COMMAND, "wait", "55676", f"--report={report}={path}"],
            cwd=tmp_path,
            env=command.environment(api.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=command.LONGEST,
            check=False,
        )
    text = watched(done.stdout.decode())
    assert done.returncode == ExitCode.FAILED, text
    assert "owned" in text
    for name, read in READERS.items():
        assert not read(text), name


@pytest.mark.slow  # waits ten seconds for a reader
def test_a_pipe_that_nobody_reads_is_a_report_lost(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Simulator(load_scenario("documented")) as api:
        done = command.run("wait", "55676", "--report=json=pipe", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.REPORT_LOST, done.output
