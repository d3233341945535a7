"""The proof that the simulator is faithful: a client that this project did not write accepts it.

The client polls every 15 seconds, whatever it is told; so all of it runs at once, each case with
a simulator of its own, whose clock starts with the client's first request.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from tests.acceptance import command

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / ".acceptance" / "vendor-client" / "bin" / "testery"
TOKEN = "a-token-of-this-test"
BOUND = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call of the vendor's client, and what it must come to."""

    scenario: str
    arguments: tuple[str, ...]
    code: int
    prints: tuple[str, ...]
    token: str = TOKEN
    complains: str = ""


CREATE = ("create-test-run", "--project", "demo", "--build-id", "42", "--wait-for-results")
MONITOR = ("monitor-test-run", "--test-run-id", "55676")
FAIL = "--fail-on-failure"

STARTING = "Waiting for test run to start"
PASSED = "Completed: 28 of 30 pass with 0 fail and 2 ignored"
FAILED = "Completed: 27 of 30 pass with 3 fail"

CASES: Mapping[str, Case] = {
    "create-passing": Case(
        scenario="passing",
        arguments=(*CREATE, FAIL),
        code=0,
        prints=("test_run_id: 55677", STARTING, PASSED),
    ),
    "create-failing": Case(
        scenario="failing",
        arguments=(*CREATE, FAIL),
        code=1,
        prints=("test_run_id: 55677", STARTING, FAILED),
    ),
    "create-failing-without-the-flag": Case(
        scenario="failing",
        arguments=CREATE,
        code=0,
        prints=("test_run_id: 55677", STARTING, FAILED),
    ),
    "monitor-passing": Case(
        scenario="passing", arguments=(*MONITOR, FAIL), code=0, prints=(STARTING, PASSED)
    ),
    "monitor-failing": Case(
        scenario="failing", arguments=(*MONITOR, FAIL), code=1, prints=(STARTING, FAILED)
    ),
    "monitor-failing-without-the-flag": Case(
        scenario="failing", arguments=MONITOR, code=0, prints=(STARTING, FAILED)
    ),
    "monitor-failing-for-teamcity": Case(
        scenario="failing",
        arguments=(*MONITOR, FAIL, "--output", "teamcity"),
        code=1,
        prints=(
            "##teamcity[buildStatus text='SUBMITTED: 0 passing, 0 failing out of 0 total']",
            "##teamcity[buildProblem description='FAIL: 27 passing, 3 failing out of 30 total']",
        ),
    ),
    "monitor-canceled": Case(
        scenario="canceled", arguments=(*MONITOR, FAIL), code=1, prints=("10 of 30 pass",)
    ),
    "monitor-the-documented-run": Case(
        scenario="documented",
        arguments=(*MONITOR, FAIL),
        code=0,
        prints=("Completed: 30 of 30 pass with 0 fail",),
    ),
    "cancel": Case(
        scenario="stuck",
        arguments=("cancel-test-run", "--test-run-id", "55676"),
        code=0,
        prints=("<Response [200]>", "'status': 'CANCELED'"),
    ),
    "verify-token": Case(
        scenario="documented", arguments=("verify-token",), code=0, prints=("'name': 'acme'",)
    ),
    "wrong-token": Case(
        scenario="documented",
        arguments=MONITOR,
        token="wrong",
        code=1,
        prints=(),
        complains="KeyError: 'status'",
    ),
}


@contextmanager
def simulated(scenario: str, *options: str) -> Iterator[str]:
    """The address of a simulator in a process of its own."""
    simulate = [sys.executable, "-P", "-m", "testery_gate", "simulate", "--port", "0", "--quiet"]
    with subprocess.Popen(
        [*simulate, "--scenario", scenario, "--token", TOKEN, *options],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+/api", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()


def run_client(case: Case) -> subprocess.CompletedProcess[str]:
    # Without the proxy and the token of the machine that runs this.
    environment = {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", "LANG": "C.UTF-8"}
    with simulated(case.scenario) as url:
        return subprocess.run(
            [CLIENT, *case.arguments, "--api-url", url, "--token", case.token],
            capture_output=True,
            check=False,
            env=environment,
            text=True,
            timeout=BOUND,
        )


@pytest.fixture(scope="module")
def outcomes() -> Mapping[str, subprocess.CompletedProcess[str]]:
    """What became of each case."""
    assert CLIENT.exists(), "the vendor's client is not installed: run `make acceptance`"
    with ThreadPoolExecutor(len(CASES)) as pool:
        return dict(zip(CASES, pool.map(run_client, CASES.values()), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_the_vendors_client_takes_the_simulator_for_the_api(
    name: str, outcomes: Mapping[str, subprocess.CompletedProcess[str]]
) -> None:
    case, outcome = CASES[name], outcomes[name]
    assert outcome.returncode == case.code, outcome.stderr
    for text in case.prints:
        assert text in outcome.stdout
    assert case.complains in outcome.stderr
    assert ("Traceback" in outcome.stderr) == bool(case.complains)


@pytest.mark.parametrize(
    ("scenario", "token", "code", "said"),
    [
        pytest.param("passing", TOKEN, ExitCode.PASSED, "28 of 30 tests passed", id="passing"),
        pytest.param("failing", TOKEN, ExitCode.FAILED, "3 of 30 tests failed", id="failing"),
        pytest.param(
            "passing", "wrong", ExitCode.USAGE, "line 1 of standard input", id="nothing created"
        ),
    ],
)
def test_the_gate_takes_the_clients_output_for_the_run_that_it_created(
    tmp_path: Path, scenario: str, token: str, code: ExitCode, said: str
) -> None:
    create = [CLIENT, *CREATE[:-1], "--variable", "PASSWORD=canary", "--token", token]
    with simulated(scenario, "--speed=10") as url:
        script = f"{shlex.join(map(str, [*create, '--api-url', url]))} | {command.COMMAND} wait -"
        done = subprocess.run(
            ["sh", "-c", script],  # noqa: S607
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=command.environment(url, TESTERY_API_TOKEN=TOKEN, NO_PROXY="127.0.0.1"),
            text=True,
            timeout=BOUND,
        )
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert ("55677" in done.stdout) is (code is not ExitCode.USAGE)


def test_the_client_is_the_version_that_was_measured() -> None:
    listed = subprocess.run(
        [CLIENT.parent / "python", "-m", "pip", "show", "testery"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert "Version: 1.2.8\n" in listed.stdout
