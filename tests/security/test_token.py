"""The token goes to the API and to nowhere else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from requests import Request

from testery_gate.api.connection import Proxy
from testery_gate.api.credentials import Token
from testery_gate.api.transport import BearerToken
from testery_gate.errors import ExitCode
from testery_gate.redaction import Redaction
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import CANARY, FINISHED, Simulator, holds_token
from tests.servers import hang, http, raw_server

SOURCES = {
    "TESTERY_API_TOKEN": "",
    "TESTERY_TOKEN": "",
    "TESTERY_GATE_TOKEN": "",
}
AT_ONCE = ("--timeout=0", "--outage-tolerance=0")


@pytest.mark.quick(4)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["http://127.0.0.1:{}/api", "http://localhost:{}/", "//127.1:{}"])
def test_a_redirect_to_another_host_takes_no_request_along(
    tmp_path: Path, status: int, place: str
) -> None:
    with raw_server(http(b"{}")) as thief:
        location = f"Location: {place.format(thief.port)}"
        with raw_server(http(b"", location, status=f"{status} Moved")) as api:
            done = command.run("wait", "1", *AT_ONCE, cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.UNAVAILABLE, done.output
    assert "another host" in done.output
    assert holds_token(api.requests[0].encode())
    assert not thief.requests


def test_a_proxy_is_asked_for_a_tunnel_and_told_nothing(tmp_path: Path) -> None:
    with raw_server(http(b"", status="503 Busy")) as proxy:
        done = command.run(
            *("wait", "1", *AT_ONCE),
            cwd=tmp_path,
            api_url="https://api.example.test/api",
            HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}",
            NO_PROXY="",
        )
    assert done.code == ExitCode.UNAVAILABLE, done.output
    assert proxy.requests
    for request in proxy.requests:
        assert request.startswith("CONNECT api.example.test:443 ")
        assert "authorization" not in request.lower()


def test_plain_http_to_another_machine_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    done = command.run("wait", "1", cwd=tmp_path, api_url="http://198.51.100.1/api")
    assert done.code == ExitCode.USAGE
    assert "would send the token" in done.stderr


@pytest.mark.parametrize("system", ["none", "github"])
def test_a_traceback_shows_no_token(tmp_path: Path, system: str) -> None:
    # A defect where the token is at hand: in what adds it to a request.
    (tmp_path / "sitecustomize.py").write_text(
        "import testery_gate.api.transport as transport\n"
        "def broken(self, request): raise RuntimeError(f'no header for {self!r}')\n"
        "transport.BearerToken.__call__ = broken\n"
    )
    with Simulator(load_scenario("documented")) as api:
        done = command.run(
            *("wait", "55676", "--debug", "--verbose", f"--ci={system}"),
            cwd=tmp_path,
            api_url=api.url,
            PYTHONPATH=str(tmp_path),
            PYTHONFAULTHANDLER="1",
        )
    # The command looked for the token in all of this.
    assert done.code == ExitCode.INTERNAL, done.output
    assert "Traceback" in done.stderr
    assert "no header for BearerToken(***)" in done.stderr


def test_nothing_that_holds_a_secret_shows_it_when_it_is_printed() -> None:
    url = f"http://me:{CANARY}@proxy.test:3128"
    proxy = Proxy(url=url, shown="http://proxy.test:3128", host="proxy.test", port=1, source="x")
    for holder in (Token(value=CANARY, source="x"), BearerToken(CANARY), Redaction(CANARY), proxy):
        assert not holds_token(f"{holder!r} {holder}".encode())
    request = Request("GET", "http://127.0.0.1/", auth=BearerToken(CANARY)).prepare()
    assert CANARY in str(request.headers["Authorization"])
    assert not holds_token(repr(request).encode())


def command_line(arguments: list[str], folder: Path, **variables: str) -> bytes:
    """What the process list shows of a gate that waits."""
    with raw_server(hang) as api:
        env = command.environment(api.url, **SOURCES | variables)
        process = command.start(["wait", "1", "--verbose", *arguments], cwd=folder, env=env)
        try:
            assert process.stderr is not None
            while not api.requests:
                assert process.poll() is None, process.stderr.read()
            return Path(f"/proc/{process.pid}/cmdline").read_bytes()
        finally:
            process.kill()
            process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the process list of Linux")
def test_the_process_list_shows_a_token_only_where_it_is_an_argument(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY)
    credentials = tmp_path / ".testery" / "credentials"
    credentials.parent.mkdir()
    credentials.write_text(f"[default]\ntoken = {CANARY}\n")
    for name in SOURCES:
        assert not holds_token(command_line([], tmp_path, **{name: CANARY}))
    assert not holds_token(command_line([f"--token-file={file}"], tmp_path))
    assert not holds_token(command_line([], tmp_path, HOME=str(tmp_path)))
    # As the help says it does.
    assert holds_token(command_line([f"--token={CANARY}"], tmp_path))


@pytest.mark.parametrize("name", [*SOURCES, "TESTERY_GATE_VARIABLE"])
def test_a_program_that_the_gate_starts_does_not_get_the_token(tmp_path: Path, name: str) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in ("git", "buildkite-agent"):
        script = programs / program
        script.write_text(f"#!/bin/sh\nenv >{tmp_path}/{program}.txt\necho abcd4e87d8\n")
        script.chmod(0o755)
    with Simulator(load_scenario("documented")) as api:
        done = command.run(
            # The agent is run because of the option, and git because no variable names a system.
            *("wait", "--git-ref=auto", "--lookback=10", "--ci=buildkite"),
            cwd=tmp_path,
            api_url=api.url,
            PATH=f"{programs}:{os.environ['PATH']}",
            **SOURCES
            | {"TESTERY_API_TOKEN": "" if name in SOURCES else CANARY}
            | {name: CANARY, "TESTERY_GATE_CODE_HOST_TOKEN": CANARY},
        )
    assert done.code == ExitCode.PASSED, done.output
    for program in ("git", "buildkite-agent"):
        seen = (tmp_path / f"{program}.txt").read_bytes()
        assert b"TESTERY_API_URL=" in seen
        assert not holds_token(seen)


def test_a_token_that_the_api_echoes_reaches_no_report_and_no_stream(tmp_path: Path) -> None:
    # Spoiled in every text that the API may send, and in the names of fields that it may not.
    echo = f"the token is {CANARY}, or {CANARY[:6]}\\u0007{CANARY[6:]}"
    fields = f'{{"name": "{echo}", "statusInfo": "{echo}", "environment": "{echo}", "{echo}": 1}}'
    scenario = tmp_path / "echo.toml"
    fault = f'kind = "alter"\nfields = """{fields}"""\ntimes = "for-ever"\n'
    scenario.write_text(
        'based-on = "failing"\n[[fault]]\n' + fault.replace("\\u", "\\\\u"), encoding="utf-8"
    )
    out = tmp_path / "out"
    formats = ("junit", "json", "dotenv", "markdown", "sonar")
    with Simulator(load_scenario(str(scenario)), speed=FINISHED) as api:
        done = command.run(
            *("wait", "55676", "--verbose", "--debug"),
            *(f"--report={name}={out / name}" for name in formats),
            cwd=tmp_path,
            api_url=api.url,
        )
    scenario.unlink()
    assert done.code == ExitCode.FAILED, done.output
    assert "the token is ***, or ***" in done.output
    assert {path.name for path in out.iterdir()} == set(formats)
    for path in out.iterdir():
        assert not holds_token(path.read_bytes()), path.name
