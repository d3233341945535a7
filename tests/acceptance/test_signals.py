"""SIGINT and SIGTERM at every stage: the exit code, a report, and a terminal as it was."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from junitparser import JUnitXml

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from testery_gate.simulator.scenario import Counts, Endpoint, Fault, Kind, Phase, Run, Scenario
from tests.acceptance import command
from tests.acceptance.test_exit_codes import assert_matches
from tests.canary import Simulator
from tests.servers import raw_server

SIGNALS = [
    pytest.param(signal.SIGINT, ExitCode.INTERRUPTED, id="SIGINT"),
    pytest.param(signal.SIGTERM, ExitCode.TERMINATED, id="SIGTERM"),
]
FIFO = "pipe.toml"
SILENT = "http://127.0.0.1:9/api"
START_OF_ANSWERS = [
    pytest.param(b"", id="before the answer"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[{", id="within the answer"),
]
HIDE = b"\x1b[?25l"
AT_IMPORT = """
import os, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "testery_gate.cli.main":
            {act}
sys.meta_path.insert(0, Finder())
"""
DETOURS = """
class Dropped:
    def __del__(self): os.kill(os.getpid(), {number})

def turned():
    try: os.kill(os.getpid(), {number})
    except BaseException as error: raise ImportError("not now") from error
"""


@dataclass(frozen=True)
class Stage:
    """When the signal comes: at a request that is never answered, or at a line of the log."""

    fault: Fault | None = None
    line: str = ""
    judged: bool = False
    """Whether there is a verdict by then, whose checks the report has."""


def hang(endpoint: Endpoint, first: int = 1) -> Fault:
    return Fault(kind=Kind.HANG, endpoints=frozenset({endpoint}), first=first)


STAGES = [
    pytest.param(Stage(hang(Endpoint.RUN)), id="in the first request"),
    pytest.param(Stage(hang(Endpoint.RUN, first=2)), id="in a later request"),
    pytest.param(Stage(line="next poll in"), id="between two polls"),
    pytest.param(
        Stage(Fault(kind=Kind.ANSWER, code=500, times=99), line="next try in"),
        id="before another try",
    ),
    pytest.param(Stage(hang(Endpoint.ACCOUNT), judged=True), id="while the account is asked for"),
    pytest.param(Stage(hang(Endpoint.RESULTS), judged=True), id="while the tests are asked for"),
]


@contextmanager
def playing(scenario: Scenario, fault: Fault | None) -> Iterator[tuple[str, threading.Event]]:
    """The address of the API, and what tells that it keeps somebody waiting."""
    hanging = threading.Event()
    faults = () if fault is None else (fault,)
    with Simulator(
        replace(scenario, faults=faults),
        speed=4,
        on_exchange=lambda exchange: hanging.set() if exchange.fault == "hang" else None,
    ) as api:
        yield api.url, hanging


@pytest.mark.quick(3)
@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_signal_ends_every_stage_with_its_code_and_a_report(
    tmp_path: Path, stage: Stage, number: signal.Signals, code: ExitCode
) -> None:
    with playing(load_scenario("passing"), stage.fault) as (url, hanging):
        process = command.start(
            ["wait", "55676", "--interval=1s", "--junit-xml=t.xml"],
            cwd=tmp_path,
            env=command.environment(url),
        )
        assert process.stderr is not None
        if stage.line:
            assert any(stage.line in line for line in iter(process.stderr.readline, ""))
        else:
            assert hanging.wait(command.LONGEST)
        process.send_signal(number)
        done = command.finish(process)
    assert done.code == code, done.output
    assert f"stopped by {number.name}" in done.stdout
    assert_matches(tmp_path / "t.xml", ExitCode.PASSED if stage.judged else code)


@pytest.mark.quick(2)
@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize(
    "act",
    [
        pytest.param("os.kill(os.getpid(), {number})", id="where it ends the import"),
        # What a handler raises in a destructor goes nowhere.
        pytest.param("Dropped()", id="where Python loses it"),
        pytest.param("turned()", id="where it becomes another error"),
    ],
)
def test_a_signal_during_the_start_ends_the_process(
    tmp_path: Path, act: str, number: signal.Signals, code: ExitCode
) -> None:
    hook = (AT_IMPORT.format(act=act) + DETOURS).replace("{number}", str(int(number)))
    (tmp_path / "sitecustomize.py").write_text(hook)
    with Simulator(load_scenario("stuck")) as api:
        variables = {"api_url": api.url, "PYTHONPATH": str(tmp_path)}
        done = command.run("wait", "55676", cwd=tmp_path, **variables)
    assert done.code == code, done.output


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_while_reports_are_written_leaves_them_whole(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    # More than a pipe holds, so that who writes it waits for who reads it.
    fifo, tests = tmp_path / "report.json", 3000
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with open(reading, "rb") as reader, Simulator(finished(tests)) as api:
        process = command.start(
            ["wait", "55676", f"--report=json={fifo}", "--junit-xml=t.xml"],
            cwd=tmp_path,
            env=command.environment(api.url),
        )
        assert select.select([reader], [], [], command.LONGEST)[0]
        process.send_signal(number)
        os.set_blocking(reading, True)
        report = json.loads(reader.read())
        done = command.finish(process)
    assert done.code == code, done.output
    assert len(report["runs"][0]["tests"]) == tests
    _, *others = JUnitXml.fromfile(str(tmp_path / "t.xml"))
    assert sum(suite.tests for suite in others) == tests


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["wait", "55676", f"--config={FIFO}"], id="wait, its file"),
        pytest.param(["check", "55676", f"--config={FIFO}"], id="check, its file"),
        pytest.param(["explain", "55676", f"--config={FIFO}"], id="explain, its file"),
        pytest.param(["list", f"--config={FIFO}"], id="list, its file"),
        pytest.param(["doctor", f"--config={FIFO}"], id="doctor, its file"),
        pytest.param(["wait", "55676", f"--token-file={FIFO}"], id="wait, its token"),
        pytest.param(["list", f"--token-file={FIFO}"], id="list, its token"),
        pytest.param(["doctor", f"--token-file={FIFO}"], id="doctor, its token"),
        pytest.param(["simulate", f"--scenario={FIFO}"], id="simulate, its scenario"),
    ],
)
def test_a_signal_ends_what_reads_a_pipe(
    tmp_path: Path, arguments: list[str], number: signal.Signals, code: ExitCode
) -> None:
    fifo = tmp_path / FIFO
    os.mkfifo(fifo)
    process = command.start(arguments, cwd=tmp_path, env=command.environment(SILENT))
    try:
        descriptor = opened_by(process, fifo)
    except BaseException:
        process.kill()
        raise
    process.send_signal(number)
    # It may have come just before the process began to read, which it then does not end; the pipe
    # is closed, so that what is read ends.
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    os.close(descriptor)
    done = command.finish(process)
    assert done.code == code, done.output


def opened_by(process: subprocess.Popen[str], fifo: Path) -> int:
    """Return the other end of a pipe as soon as the process has opened it to read."""
    while process.poll() is None:
        with suppress(OSError):
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.01)
    raise AssertionError(f"it ended before: {process.communicate()}")


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["wait", "55676", "--junit-xml=t.xml"], id="wait"),
        pytest.param(["check", "55676", "--junit-xml=t.xml"], id="check"),
        pytest.param(["wait", "--latest", "--junit-xml=t.xml"], id="list pages"),
        pytest.param(["list"], id="list"),
        pytest.param(["doctor"], id="doctor"),
    ],
)
@pytest.mark.parametrize("start", START_OF_ANSWERS)
def test_a_signal_ends_a_request(
    tmp_path: Path, arguments: list[str], start: bytes, number: signal.Signals, code: ExitCode
) -> None:
    asked = threading.Event()

    def reply(connection: socket.socket) -> None:
        connection.sendall(start)
        asked.set()
        connection.recv(1)

    with raw_server(reply) as server:
        process = command.start(arguments, cwd=tmp_path, env=command.environment(server.url))
        assert asked.wait(command.LONGEST)
        process.send_signal(number)
        done = command.finish(process)
    assert done.code == code, done.output
    if "--junit-xml=t.xml" in arguments:
        assert_matches(tmp_path / "t.xml", code)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_ends_the_gate_while_a_large_answer_is_parsed(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    sent = threading.Event()
    body = b"[" + b'{"id":1},' * 900_000 + b"{}]"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)

    def reply(connection: socket.socket) -> None:
        connection.sendall(head + body)
        sent.set()

    with raw_server(reply) as server:
        process = command.start(
            ["wait", "55676", "--junit-xml=t.xml"],
            cwd=tmp_path,
            env=command.environment(server.url),
        )
        assert sent.wait(command.LONGEST)
        process.send_signal(number)
        done = command.finish(process)
    assert done.code == code, done.output
    assert_matches(tmp_path / "t.xml", code)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_while_the_ci_system_is_told_is_how_it_ends(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    agent, begun = tmp_path / "buildkite-agent", tmp_path / "begun"
    os.mkfifo(begun)
    agent.write_text(f"#!/bin/sh\necho > '{begun}'\nexec sleep 2\n")
    agent.chmod(0o755)
    with Simulator(finished(3)) as api:
        process = command.start(
            ["wait", "55676", "--junit-xml=t.xml"],
            cwd=tmp_path,
            env=command.environment(
                api.url, BUILDKITE="true", PATH=f"{tmp_path}:{os.environ['PATH']}"
            ),
        )
        with begun.open():
            process.send_signal(number)
            done = command.finish(process)
    assert done.code == code, done.output
    assert_matches(tmp_path / "t.xml", ExitCode.PASSED)


def finished(tests: int) -> Scenario:
    counts = Counts(total=tests, passed=tests)
    over = Phase(status="PASS", complete=True, counts=counts)
    return Scenario(description="", runs=(Run(phases=(over,)),))


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("times", [1, 2])
def test_the_cursor_is_never_hidden(
    tmp_path: Path, times: int, number: signal.Signals, code: ExitCode
) -> None:
    ours, theirs = pty.openpty()
    with Simulator(load_scenario("stuck")) as api, open(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [command.COMMAND, "wait", "55676"],
            cwd=tmp_path,
            env=command.unmeasured(command.environment(api.url, TERM="xterm")),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        while b"RUNNING" not in shown:
            shown += terminal.read(65536)
        for _ in range(times):
            process.send_signal(number)
        with suppress(OSError):  # how a terminal says that its last user is gone
            while more := terminal.read(65536):
                shown += more
        assert process.wait(command.LONGEST) == code
    # Nobody could show it again after SIGKILL.
    assert HIDE not in shown
