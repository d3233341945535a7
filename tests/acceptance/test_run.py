"""``testery-gate run`` as a user has it: what it prints, how it ends, and what a signal leaves."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.runs.references import parse_references
from testery_gate.simulator import load_scenario
from testery_gate.simulator.scenario import Endpoint, Fault, Kind
from tests.acceptance import command
from tests.acceptance.test_exit_codes import assert_matches
from tests.acceptance.test_signals import SIGNALS
from tests.canary import FINISHED, Simulator
from tests.ci.reporting import github_variables

SHOP = ("--project=demo", "--environment=qa")
SPEED = FINISHED
SECRET = "-".join(("pass", "word", "77f1"))
"""In parts, so that nothing but what is tested can have it whole."""


def of_the_start(kind: Kind, **others: object) -> Fault:
    fault = Fault(kind=kind, endpoints=frozenset({Endpoint.CREATE}))
    return replace(fault, **others)  # type: ignore[arg-type]  # fields of a fault


ENDINGS = [
    pytest.param("passing", (), (), ExitCode.PASSED, "28 of 30 tests passed", id="passed"),
    pytest.param("failing", (), (), ExitCode.FAILED, "3 of 30 tests failed", id="failed"),
    pytest.param(
        "passing",
        (of_the_start(Kind.ANSWER, code=500, carried_out=True),),
        (),
        ExitCode.PASSED,
        "the answer to the start was lost",
        id="found in the list",
    ),
    pytest.param("canceled", (), (), ExitCode.INCONCLUSIVE, "canceled", id="canceled"),
    pytest.param("stuck", (), ("--timeout=2s",), ExitCode.TIMED_OUT, "not finished", id="stuck"),
    pytest.param(
        "passing",
        (),
        ("--project=shop",),
        ExitCode.USAGE,
        "no run was started: there is no project shop; there are: demo",
        id="no such project",
    ),
    pytest.param(
        "passing",
        (of_the_start(Kind.ANSWER, code=422, body='{"message": "ref is odd"}'),),
        (),
        ExitCode.USAGE,
        "Unprocessable",
        id="refused",
    ),
    pytest.param(
        "passing", (), ("--token=wrong",), ExitCode.UNAUTHORIZED, "no run was started", id="token"
    ),
    pytest.param(
        "passing",
        (
            of_the_start(Kind.ANSWER, code=500, carried_out=True),
            replace(
                of_the_start(Kind.ANSWER, code=503, times=1000),
                endpoints=frozenset({Endpoint.LIST}),
            ),
        ),
        (),
        ExitCode.UNAVAILABLE,
        "whether a run was started is not known",
        id="in doubt",
    ),
]


@pytest.mark.quick(3)
@pytest.mark.parametrize(("scenario", "faults", "arguments", "code", "says"), ENDINGS)
def test_how_a_start_can_end(
    tmp_path: Path,
    scenario: str,
    faults: tuple[Fault, ...],
    arguments: tuple[str, ...],
    code: ExitCode,
    says: str,
) -> None:
    posts: list[str] = []
    played = load_scenario(scenario)
    with Simulator(
        replace(played, faults=(*faults, *played.faults)),
        speed=SPEED,
        on_exchange=lambda exchange: posts.append(exchange.method),
    ) as api:
        done = command.run(
            *("run", *SHOP, "--junit-xml=t.xml", *arguments),
            cwd=tmp_path,
            api_url=api.url,
            COLUMNS="",  # as in a pipe: no line is folded
        )
        started = [run_id for run_id in api.run_ids if run_id > 55676]
    assert done.code == code, done.output
    assert says in " ".join(done.output.split())
    assert posts.count("POST") == 1
    assert len(started) <= 1
    if code not in {ExitCode.USAGE, ExitCode.UNAUTHORIZED, ExitCode.UNAVAILABLE}:
        assert done.stdout.startswith(f"test_run_id: {started[0]}\n")
        # Whoever pipes it reads that run, and no other.
        assert {run.run_id for run in parse_references(done.stdout)} == set(started)
    if code is not ExitCode.USAGE:
        assert_matches(tmp_path / "t.xml", code)


def test_the_id_is_printed_before_the_wait_and_never_into_a_report(tmp_path: Path) -> None:
    with Simulator(load_scenario("passing"), speed=SPEED) as api:
        done = command.run("run", *SHOP, "--output=json", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED, done.output
    assert json.loads(done.stdout)["runs"][0]["id"] == 55677
    assert done.stderr.startswith("test_run_id: 55677\n")


def test_on_a_terminal_the_id_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with (
        Simulator(load_scenario("passing"), speed=SPEED) as api,
        open(ours, "rb", buffering=0) as terminal,
    ):
        process = subprocess.Popen(
            [command.COMMAND, "run", *SHOP],
            cwd=tmp_path,
            env=command.environment(api.url, TERM="xterm"),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # how a terminal says that its last user is gone
            while more := terminal.read(65536):
                shown += more
        assert process.wait(command.LONGEST) == ExitCode.PASSED
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", shown.decode()))
    assert [line for line in lines if re.fullmatch(r"\[ +\d+s\] test_run_id: 55677 *", line)]


def test_nothing_can_be_started_without_saying_where(tmp_path: Path) -> None:
    done = command.run("run", "--project=demo", cwd=tmp_path, TESTERY_GATE_PROJECT="other")
    assert done.code == ExitCode.USAGE
    assert "--environment is missing" in done.stderr


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param("git-ref = 'main'", "which says which run is meant", id="of what"),
        pytest.param("include-tags = 'none'", "decides what is started in Testery", id="what"),
        pytest.param("variable = 'URL=https://x'", "decides what is started", id="with what"),
        pytest.param("cancel-on-interrupt = true", "decides what is canceled", id="canceled"),
    ],
)
def test_a_configuration_file_does_not_decide_what_is_started(
    tmp_path: Path, line: str, says: str
) -> None:
    (tmp_path / "testery-gate.toml").write_text(f"{line}\n")
    with Simulator(load_scenario("passing"), speed=SPEED) as api:
        done = command.run("run", *SHOP, cwd=tmp_path, api_url=api.url)
        assert api.run_ids == (55676,)
        assert done.code == ExitCode.USAGE, done.output
        assert says in " ".join(done.stderr.split())
        trusted = command.run("run", *SHOP, "--trust-config", cwd=tmp_path, api_url=api.url)
    assert trusted.code == ExitCode.PASSED, trusted.output


def test_a_secret_variable_shows_nowhere(tmp_path: Path) -> None:
    scenario = load_scenario("failing")
    echoing = replace(scenario.runs[0], errors=(f"can't sign in with {SECRET}",))
    formats = [f"--report={name}={name}" for name in ("json", "junit", "markdown", "html")]
    with Simulator(replace(scenario, runs=(echoing,)), speed=SPEED) as api:
        done = command.run(
            *("run", *SHOP, "--variable=secure:DB_PASSWORD", "--verbose", *formats),
            cwd=tmp_path,
            api_url=api.url,
            DB_PASSWORD=SECRET,
            **github_variables(tmp_path),
            GITHUB_ACTIONS="true",
        )
    assert done.code == ExitCode.FAILED, done.output
    masks = [line for line in done.output.splitlines() if "add-mask" in line]
    assert f"::add-mask::{SECRET}" in masks
    assert done.output.count(SECRET) == 1
    assert "can't sign in with ***" in done.output
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET not in path.read_text(errors="replace"), path


STAGES: Mapping[str, Fault] = {
    "in the start": of_the_start(Kind.HANG, carried_out=True),
    "in the wait": Fault(kind=Kind.HANG, endpoints=frozenset({Endpoint.RUN}), first=2),
}


@pytest.mark.slow
@pytest.mark.parametrize("cancel", [True, False])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_cancels_what_was_started_where_that_was_asked_for(
    tmp_path: Path, number: signal.Signals, code: ExitCode, stage: str, cancel: bool
) -> None:
    hanging, methods = threading.Event(), list[str]()

    def note(exchange: object) -> None:
        methods.append(str(exchange).split()[0])
        if "(hang)" in str(exchange):
            hanging.set()

    scenario = replace(load_scenario("passing"), faults=(STAGES[stage],))
    with Simulator(scenario, speed=2, on_exchange=note) as api:
        flags = ["--cancel-on-interrupt"] if cancel else []
        process = command.start(
            ["run", *SHOP, "--interval=1s", "--junit-xml=t.xml", *flags],
            cwd=tmp_path,
            env=command.environment(api.url),
        )
        assert hanging.wait(command.LONGEST)
        process.send_signal(number)
        done = command.finish(process)
        assert api.run_ids == (55676, 55677)
    assert done.code == code, done.output
    assert methods.count("POST") == 1
    assert methods.count("PATCH") == cancel
    assert ("the gate canceled run 55677 in Testery" in " ".join(done.stdout.split())) == cancel
    assert_matches(tmp_path / "t.xml", code)
    if not cancel:
        how = "testery-gate list --build-key" if stage == "in the start" else "wait 55677"
        assert how in done.stdout


def test_a_second_signal_does_not_wait_for_the_cancellation(tmp_path: Path) -> None:
    canceling = threading.Event()

    def note(exchange: object) -> None:
        if str(exchange).startswith("PATCH"):
            canceling.set()

    scenario = replace(
        load_scenario("stuck"),
        faults=(Fault(kind=Kind.HANG, endpoints=frozenset({Endpoint.CANCEL}), times=1000),),
    )
    with Simulator(scenario, on_exchange=note) as api:
        process = command.start(
            ["run", *SHOP, "--cancel-on-interrupt"],
            cwd=tmp_path,
            env=command.environment(api.url),
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "test_run_id: 55677\n"
        process.send_signal(signal.SIGINT)
        assert canceling.wait(command.LONGEST)
        process.send_signal(signal.SIGTERM)
        done = command.finish(process)
    assert done.code == ExitCode.TERMINATED, done.output


def test_a_run_that_can_not_pass_any_more_is_canceled_and_failed(tmp_path: Path) -> None:
    methods: list[str] = []
    with Simulator(
        load_scenario("early-failure"),
        speed=20,
        on_exchange=lambda exchange: methods.append(exchange.method),
    ) as api:
        done = command.run(
            *("run", *SHOP, "--fail-fast", "--cancel-when-decided", "--interval=1s"),
            cwd=tmp_path,
            api_url=api.url,
        )
    assert done.code == ExitCode.FAILED, done.output
    assert methods.count("PATCH") == 1
    assert "the gate canceled run 55677 in Testery: the verdict was decided" in done.stdout
