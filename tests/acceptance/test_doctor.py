"""The doctor, through the installed command: against the stand-in API and against trouble."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.authority import Authority
from tests.canary import CANARY, FINISHED, Simulator
from tests.servers import encrypted_front, hang, proxy_server, raw_server, reset

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "doctor.schema.json").read_text(encoding="utf-8")
)
HOST = "api.example.test"
SECRET = "canary-secret"


def lines(done: command.Finished) -> dict[str, str]:
    """Return the state that is shown for each check."""
    rows = [line.split() for line in done.stdout.splitlines() if line[:1].strip()]
    return {row[1]: row[0] for row in rows[:-1]}


def as_json(done: command.Finished) -> dict[str, Any]:
    """Return what was found, by check, when it matches the schema and the exit code."""
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    assert report["exitCode"] == done.code
    assert report["outcome"] in {code.outcome for code in ExitCode if code == done.code}
    return {check["check"]: check for check in report["checks"]}


@dataclass(frozen=True, kw_only=True)
class World:
    """An API with TLS, by its port, and its authority's bundle."""

    port: int
    bundle: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    authority = Authority()
    bundle = authority.bundle(tmp_path_factory.mktemp("certificates") / "ca.pem")
    with (
        Simulator(load_scenario("documented")) as api,
        encrypted_front(
            int(api.url.split(":")[2].split("/")[0]), authority.context("localhost", HOST)
        ) as port,
    ):
        yield World(port=port, bundle=str(bundle))


def test_all_is_well_with_the_stand_in_api(tmp_path: Path) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run("doctor", cwd=tmp_path, api_url=api.url)
        assert done.code == ExitCode.PASSED, done.output
        assert set(lines(done).values()) == {"ok"}
        assert done.stdout.splitlines()[-1] == "A gate can reach a verdict here."
        assert "environment variable TESTERY_API_TOKEN" in done.stdout
        assert "variable TESTERY_API_URL" in done.stdout
        found = as_json(command.run("doctor", "--output=json", cwd=tmp_path, api_url=api.url))
    assert {check["state"] for check in found.values()} == {"ok"}


def test_all_is_well_through_a_proxy_with_a_private_authority(world: World, tmp_path: Path) -> None:
    with proxy_server({f"{HOST}:443": world.port}, user=f"me:{SECRET}") as proxy:
        done = command.run(
            "doctor",
            "--output=json",
            cwd=tmp_path,
            api_url=f"https://{HOST}/api",
            HTTPS_PROXY=f"http://me:{SECRET}@localhost:{proxy.port}",
            SSL_CERT_FILE=world.bundle,
        )
    assert done.code == ExitCode.PASSED, done.output
    assert SECRET not in done.output
    found = as_json(done)
    assert found["proxy"]["details"] == {
        "proxy": f"http://localhost:{proxy.port}",
        "source": "variable HTTPS_PROXY",
    }
    assert found["certificates"]["details"] == {"source": f"SSL_CERT_FILE={world.bundle}"}
    assert found["tls"]["details"]["protocol"] == "TLSv1.3"
    assert 27 < found["tls"]["details"]["daysLeft"] <= 30


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("arguments", "variables", "code", "failed", "said"),
    [
        pytest.param(
            [], {"TESTERY_API_TOKEN": ""}, ExitCode.USAGE, "token", "TESTERY_API_TOKEN",
            id="no token",
        ),
        pytest.param(
            [], {"TESTERY_API_TOKEN": "wrong"}, ExitCode.UNAUTHORIZED, "runs", "HTTP 401",
            id="a wrong token",
        ),
        pytest.param(
            ["--api-url=http://api.testery.io"], {}, ExitCode.USAGE, "api-url", "plain http",
            id="an unsafe address",
        ),
        pytest.param(
            ["--api-url=https://api..test"], {}, ExitCode.USAGE, "api-url", "invalid host name",
            id="an address that can't be",
        ),
        pytest.param(
            ["--api-url=https://api.invalid"], {}, ExitCode.UNAVAILABLE, "resolve",
            "api.invalid can't be resolved", id="no such name",
        ),
        pytest.param(
            ["--api-url=https://localhost"], {"HTTPS_PROXY": "socks4://x"}, ExitCode.USAGE, "proxy",
            "names a socks4 proxy", id="an unusable proxy",
        ),
        pytest.param(
            ["--api-url=https://localhost"], {"REQUESTS_CA_BUNDLE": "missing.pem"}, ExitCode.USAGE,
            "certificates", "REQUESTS_CA_BUNDLE=missing.pem", id="no bundle",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line_and_exit_code(
    tmp_path: Path,
    arguments: list[str],
    variables: dict[str, str],
    code: ExitCode,
    failed: str,
    said: str,
) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run("doctor", *arguments, cwd=tmp_path, api_url=api.url, **variables)
        report = command.run(
            "doctor", "--output=json", *arguments, cwd=tmp_path, api_url=api.url, **variables
        )
    assert done.code == report.code == code, done.output
    assert lines(done)[failed] == "FAILED"
    assert f"(exit code {code.value})" in done.stdout.splitlines()[-1]
    finding = as_json(report)[failed]
    assert finding["state"] == "failed"
    assert said in f"{finding['found']} {finding['advice']}"


def test_an_authority_that_is_not_trusted_is_told(world: World, tmp_path: Path) -> None:
    done = command.run("doctor", cwd=tmp_path, api_url=f"https://localhost:{world.port}/api")
    assert done.code == ExitCode.UNAVAILABLE
    assert lines(done)["tls"] == "FAILED"
    assert "REQUESTS_CA_BUNDLE or SSL_CERT_FILE" in done.stdout


def test_a_proxy_that_is_down_is_told(tmp_path: Path) -> None:
    with raw_server(reset) as server:
        port = server.port
    done = command.run(
        "doctor",
        cwd=tmp_path,
        api_url=f"https://{HOST}/api",
        HTTPS_PROXY=f"http://me:{SECRET}@localhost:{port}",
    )
    assert done.code == ExitCode.UNAVAILABLE
    assert lines(done)["connect"] == "FAILED"
    assert f"the proxy http://localhost:{port} can't be used" in done.stdout
    assert SECRET not in done.output


@pytest.mark.slow
def test_results_that_are_not_offered_are_a_warning(tmp_path: Path) -> None:
    with Simulator(load_scenario("no-results-endpoint"), speed=FINISHED) as api:
        command.run("wait", "55676", "--quiet", cwd=tmp_path, api_url=api.url)
        done = command.run("doctor", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED, done.output
    assert lines(done)["results"] == "warning"
    assert "with 1 warning" in done.stdout.splitlines()[-1]


def test_a_step_without_end_is_ended(tmp_path: Path) -> None:
    with raw_server(hang) as server:
        done = command.run("doctor", "--step-timeout=500ms", cwd=tmp_path, api_url=server.url)
    assert done.code == ExitCode.UNAVAILABLE
    assert lines(done)["tls"] == "FAILED"
    assert "within 0.5 s" in done.stdout


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, ExitCode.INTERRUPTED, id="SIGINT"),
        pytest.param(signal.SIGTERM, ExitCode.TERMINATED, id="SIGTERM"),
    ],
)
def test_a_signal_ends_it(tmp_path: Path, number: signal.Signals, code: ExitCode) -> None:
    with raw_server(hang) as server:
        env = command.environment(server.url)
        process = command.start(["doctor", "--step-timeout=60s"], cwd=tmp_path, env=env)
        assert process.stdout is not None
        while "connect" not in process.stdout.readline():
            pass
        process.send_signal(number)
        done = command.finish(process)
    assert done.code == code, done.output
    assert f"stopped by {number.name}" in done.stderr


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(CANARY, ExitCode.REPORT_LOST, id="well"),
        pytest.param("wrong", ExitCode.UNAUTHORIZED, id="not well"),
    ],
)
def test_findings_that_can_not_be_printed_are_a_lost_report(
    tmp_path: Path, token: str, code: ExitCode
) -> None:
    shell = ["sh", "-c", f"{command.COMMAND} doctor > /dev/full"]
    with Simulator(load_scenario("documented")) as api:
        env = command.environment(api.url, TESTERY_API_TOKEN=token)
        done = command.run_program(shell, cwd=tmp_path, env=env)
    assert done.code == code, done.output
