"""Scenario to exit code, each row through the installed command against the real stand-in API."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from junitparser import JUnitXml

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import FINISHED, Simulator

PASSED, FAILED, USAGE = ExitCode.PASSED, ExitCode.FAILED, ExitCode.USAGE
INCONCLUSIVE, UNAVAILABLE = ExitCode.INCONCLUSIVE, ExitCode.UNAVAILABLE

# Scenario, arguments beside the run's id, exit code, what the output must say.
ROWS = [
    # The run speaks for itself.
    ("documented", "", PASSED, "30 of 30 tests passed"),
    ("passing", "", PASSED, "28 of 30 tests passed"),
    ("failing", "", FAILED, "3 of 30 tests failed"),
    ("flaky", "--trust-status", PASSED, "28 of 30"),
    ("canceled", "", INCONCLUSIVE, "canceled"),
    ("no-tests", "", INCONCLUSIVE, "no test ran"),
    ("not-run", "", INCONCLUSIVE, "10 of 30 tests never ran"),
    ("infrastructure", "", INCONCLUSIVE, "The test environment could not be reached"),
    ("unknown-status", "", INCONCLUSIVE, "status"),
    ("no-complete-field", "", PASSED, "does not report whether the run is complete"),
    ("stuck", "--timeout 0", ExitCode.TIMED_OUT, "not finished"),
    ("early-failure", "--fail-fast", FAILED, "decided early"),
    # Criteria.
    ("failing", "--max-failed 3", PASSED, "27 of 30"),
    ("documented", "--expect environment=production", INCONCLUSIVE, "environment is dev"),
    # An API that does not recover.
    ("unavailable", "--outage-tolerance 1s", UNAVAILABLE, "HTTP 503"),
    # The gate is set up wrong.
    ("documented", "--max-failed lots", USAGE, "whole number or a percentage"),
    ("documented", "--token-file missing", USAGE, "can't be read"),
    # The end is well, but the report is lost.
    ("documented", "--report json=/dev/full", ExitCode.REPORT_LOST, "/dev/full"),
    # The token.
    ("documented", "--token wrong", ExitCode.UNAUTHORIZED, "HTTP 401"),
]  # fmt: skip
# More causes, of which none leads to a code of its own.
MORE_ROWS = [
    # The run speaks for itself.
    ("flaky", "", FAILED, "--trust-status"),
    ("not-run", "--require not_run<=10", PASSED, "20 of 30"),
    ("not-run", "--require not_run<10", FAILED, "not_run"),
    ("unknown-counts", "", INCONCLUSIVE, "counts"),
    ("settling", "", PASSED, "30 of 30"),
    ("slow-teardown", "", PASSED, "30 of 30"),
    ("observed-fields", "", PASSED, "30 of 30"),
    ("no-results-endpoint", "", FAILED, "no individual test results"),
    ("hostile", "", FAILED, "failed"),
    ("stuck", "--timeout 1s", ExitCode.TIMED_OUT, "not finished within 1 s"),
    ("early-failure", "--fail-fast --max-failed 1 --timeout 2s", ExitCode.TIMED_OUT, "200"),
    ("failing", "--max-failed 2", FAILED, "failed <= 2"),
    ("documented", "--min-coverage 80", INCONCLUSIVE, "coverage is unknown"),
    ("errors-500", "", PASSED, "HTTP 500"),
    ("rate-limited", "", PASSED, "HTTP 429"),
    ("unavailable", "--timeout 1s", UNAVAILABLE, "HTTP 503"),
    ("documented", "--report junit=/dev/null/x.xml", USAGE, "/dev/null/x.xml"),
    ("failing", "--report json=/dev/full", FAILED, "/dev/full"),
    # Criteria.
    ("failing", "--max-failed 10%", PASSED, "<= 10%"),
    ("failing", "--max-failed 9.99%", FAILED, "10%"),
    ("failing", "--min-passed 27", PASSED, ">= 27"),
    ("failing", "--min-pass-rate 90", PASSED, ">= 90%"),
    ("failing", "--min-pass-rate 90.01", FAILED, "90%"),
    ("failing", "--warn failed<=0 --max-failed 5", PASSED, "failed <= 0"),
    ("passing", "--max-ignored 1", FAILED, "ignored"),
    ("passing", "--max-ignored 7%", PASSED, "ignored_rate"),
    ("documented", "--min-total 30", PASSED, ">= 30"),
    ("documented", "--min-total 31", FAILED, "total >= 31"),
    ("documented", "--max-duration 6m26s", PASSED, "<= 6m26s"),
    ("documented", "--max-duration 6m25s", FAILED, "6m26s"),
    ("documented", "--require queue_time<2m --require testing_time>1s", PASSED, "queue_time"),
    ("documented", "--expect git-ref=abcd4e8 --expect build-key=23", PASSED, "git-ref"),
    ("no-tests", "--min-total 1", FAILED, "total >= 1"),
    # An API that misbehaves and recovers.
    ("bad-gateway-html", "", PASSED, "HTTP 502"),
    ("html-200", "", PASSED, "not JSON"),
    ("resets", "", PASSED, "next try"),
    ("cut-off", "", PASSED, "next try"),
    ("garbage", "", PASSED, "not JSON"),
    ("wrong-types", "", PASSED, "unexpected JSON"),
    ("other-run", "", PASSED, "run 99999 was returned"),
    # The gate is set up wrong.
    ("documented", "--require errors<=1", USAGE, "unknown metric 'errors'"),
    ("documented", "--require failed<=nan", USAGE, "failed"),
    ("documented", "--require total>=5%", USAGE, "no percentage"),
    ("documented", "--timeout 5", USAGE, "90s, 10m"),
    ("documented", "--interval 10ms", USAGE, "too short"),
    ("documented", "--interval 1s", PASSED, "30 of 30"),
    ("documented", "--expect branch=main", USAGE, "git-ref, build-key"),
    ("documented", "--report yaml=x", USAGE, "junit"),
    ("documented", "--report junit=same --junit-xml same", USAGE, "two reports"),
    ("documented", "--api-url http://api.testery.io/api", USAGE, "plain http"),
    ("documented", "--config missing.toml", USAGE, "can't be read"),
    ("documented", "--no-such-option", USAGE, "no-such-option"),
]  # fmt: skip
SPEED = 10.0
WATCHED = {
    *("early-failure", "settling", "slow-teardown", "unavailable", "errors-500", "rate-limited"),
    *("bad-gateway-html", "html-200", "resets", "cut-off", "garbage", "wrong-types", "other-run"),
}
"""What has to be seen on the way to its end."""


@pytest.mark.quick(len(ROWS))
@pytest.mark.parametrize(
    ("scenario", "arguments", "code", "said"),
    [pytest.param(*row, id=f"{row[0]} {row[1]}".strip()) for row in (*ROWS, *MORE_ROWS)],
)
def test_a_scenario_ends_with_its_exit_code(
    tmp_path: Path, scenario: str, arguments: str, code: ExitCode, said: str
) -> None:
    played = load_scenario(scenario)
    # A fault's own times are real; the runs' are not.
    with Simulator(played, speed=SPEED if scenario in WATCHED else FINISHED) as api:
        done = command.run_installed(
            "wait",
            str(played.runs[0].id),
            "--junit-xml=out/TEST-testery.xml",
            "--interval=1s",
            *arguments.split(),
            cwd=tmp_path,
            api_url=api.url,
        )
    assert done.code == code, done.output
    assert said in " ".join(done.output.split())
    assert "Traceback" not in done.output
    report = tmp_path / "out" / "TEST-testery.xml"
    assert report.exists() is (code is not USAGE)
    if report.exists():
        assert_matches(report, code)


def assert_matches(report: Path, code: ExitCode) -> None:
    """A report says in its own way what the exit code says."""
    gate = next(iter(JUnitXml.fromfile(str(report))))
    outcomes = {type(result).__name__ for case in gate for result in case.result}
    match code:
        case ExitCode.PASSED | ExitCode.REPORT_LOST:
            assert not outcomes
        case ExitCode.FAILED:
            assert "Failure" in outcomes
        case ExitCode.INCONCLUSIVE:
            assert "Error" in outcomes
            assert "Failure" not in outcomes
        case _:
            assert [gate.tests, gate.errors, gate.failures] == [1, 1, 0]


def test_every_exit_code_is_proven_by_some_test() -> None:
    proven = {row[2] for row in ROWS} | {
        ExitCode.NOT_FOUND,
        ExitCode.INTERNAL,
        ExitCode.INTERRUPTED,
        ExitCode.TERMINATED,
    }
    assert proven == set(ExitCode)


def test_an_unknown_id_ends_with_6(tmp_path: Path) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run(
            *("wait", "1", "--appear-within=0", "--junit-xml=t.xml"), cwd=tmp_path, api_url=api.url
        )
    assert done.code == ExitCode.NOT_FOUND
    assert "test-runs/1" in done.output
    assert_matches(tmp_path / "t.xml", ExitCode.NOT_FOUND)


def test_no_server_ends_with_4(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    done = command.run(
        "wait",
        "55676",
        "--outage-tolerance=1s",
        "--junit-xml=t.xml",
        cwd=tmp_path,
        api_url=f"http://127.0.0.1:{port}/api",
    )
    assert done.code == ExitCode.UNAVAILABLE
    assert "Connection refused" in done.output
    assert_matches(tmp_path / "t.xml", ExitCode.UNAVAILABLE)


def test_no_token_ends_with_2_and_says_where_to_put_one(tmp_path: Path) -> None:
    done = command.run("wait", "55676", cwd=tmp_path, TESTERY_API_TOKEN="")
    assert done.code == ExitCode.USAGE
    assert "TESTERY_API_TOKEN" in done.stderr


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, ExitCode.INTERRUPTED, id="SIGINT"),
        pytest.param(signal.SIGTERM, ExitCode.TERMINATED, id="SIGTERM"),
    ],
)
def test_a_signal_in_mid_wait_leaves_a_report(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    with Simulator(load_scenario("stuck"), speed=SPEED) as api:
        process = start_waiting(api.url, tmp_path)
        process.send_signal(number)
        done = command.finish(process)
    assert done.code == code, done.output
    assert f"stopped by {number.name}" in done.output
    assert_matches(tmp_path / "t.xml", code)


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    # The first signal comes while nothing can be written, so that the process is busy with it.
    (tmp_path / "held").mkdir()
    fifo = tmp_path / "held" / "report.json"
    subprocess.run(["mkfifo", str(fifo)], check=True)  # noqa: S607
    with Simulator(load_scenario("stuck"), speed=SPEED) as api:
        process = start_waiting(api.url, tmp_path, f"--report=json={fifo}")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert command.finish(process).code == ExitCode.TERMINATED


def start_waiting(api_url: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a wait and return when it has looked once."""
    process = command.start(
        ["wait", "55676", "--interval=1s", "--junit-xml=t.xml", *arguments],
        cwd=folder,
        env=command.environment(api_url),
    )
    assert process.stderr is not None
    assert process.stderr.readline()
    return process


@pytest.mark.slow
def test_the_gate_survives_a_restart_of_the_api(tmp_path: Path) -> None:
    scenario = load_scenario("failing")
    with Simulator(scenario, speed=0.001) as api:
        port = int(api.url.split(":")[2].split("/")[0])
        process = start_waiting(api.url, tmp_path)
    time.sleep(1.5)
    with Simulator(scenario, port=port, speed=SPEED):
        done = command.finish(process)
    assert done.code == ExitCode.FAILED, done.output
    assert "next try" in done.stderr
    assert "3 of 30 tests failed" in done.stdout


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        pytest.param(
            ["55676", "1", "--appear-within=0"], ExitCode.NOT_FOUND, id="passed and not found"
        ),
        pytest.param(["1", "55676", "--appear-within=0"], ExitCode.NOT_FOUND, id="in any order"),
        pytest.param(["55676", "55676"], PASSED, id="the same twice"),
        pytest.param(["https://testery.app/acme/test-runs/55676"], PASSED, id="by its web address"),
    ],
)
def test_several_runs_end_with_the_code_that_matters_most(
    tmp_path: Path, runs: Sequence[str], code: ExitCode
) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run("wait", *runs, "--output=json", cwd=tmp_path, api_url=api.url)
    assert done.code == code, done.output
    assert json.loads(done.stdout)["exitCode"] == code


def test_a_defect_ends_with_70_and_shows_a_traceback_only_on_request(tmp_path: Path) -> None:
    # A defect has to be made: this hook breaks a module of the gate in the child process.
    (tmp_path / "sitecustomize.py").write_text(
        "import testery_gate.runs.references as s\n"
        "def broken(text): raise RuntimeError('on purpose')\n"
        "s.parse_reference = broken\n"
    )
    for arguments, shown in (((), False), (("--debug",), True)):
        done = command.run("wait", "1", *arguments, cwd=tmp_path, PYTHONPATH=str(tmp_path))
        assert done.code == ExitCode.INTERNAL, done.output
        assert "internal error: RuntimeError: on purpose" in done.stderr
        assert ("Traceback" in done.stderr) is shown


LIKE_OTHERS = """
[[run]]
id = 1
repeat = 4
apart = "2m"
age = "20m"
phase = [
  {status = "RUNNING", total = 2, passed = 2, lasts = "60s"},
  {status = "PASS"},
]

[[run]]
id = 1000
phase = [
  {status = "RUNNING", total = 2, lasts = "1s"},
  {status = "PASS", passed = 2},
]
"""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param("", True, id="listed"),
        pytest.param('[[fault]]\nkind = "answer"\ncode = 500\non = ["list"]', False, id="a fault"),
        pytest.param('[[fault]]\nkind = "garbage"\non = ["list"]', False, id="garbage"),
    ],
)
def test_comparable_runs_say_how_long_it_takes_and_nothing_else(
    tmp_path: Path, fault: str, said: bool
) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(LIKE_OTHERS + fault)
    with Simulator(load_scenario(str(scenario))) as server:
        done = command.run("wait", "1000", cwd=tmp_path, api_url=server.url)
    assert done.code == PASSED
    assert ("usually about 60 s" in done.stderr) is said
    assert "next try" not in done.stderr
