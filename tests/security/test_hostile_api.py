"""The API, or whoever answers in its place, is not believed more than it has to be."""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from testery_gate.simulator.server import Simulator
from tests.acceptance import command
from tests.builders import make_answer
from tests.canary import CANARY, FINISHED, watched
from tests.fuzz.targets import place
from tests.servers import http, raw_server

AT_ONCE = ("--timeout=0", "--outage-tolerance=0")
RUN = json.dumps(make_answer())
FAILED = json.dumps(make_answer(failed=3))


def judged(folder: Path, body: bytes, *headers: str, arguments: tuple[str, ...] = ()) -> str:
    """Let the gate look at a run once, and return its exit code's outcome and what it printed."""
    with raw_server(http(body, *headers)) as api:
        done = command.run("wait", "55676", *AT_ONCE, *arguments, cwd=folder, api_url=api.url)
    outcomes = {int(code): code.outcome for code in ExitCode}
    return f"{outcomes[done.code]}: {done.output}"


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param(RUN, "passed", id="a run"),
        pytest.param(FAILED, "failed", id="a failed run"),
        pytest.param(
            FAILED.replace('"failCount": 3', '"failCount": 3, "failCount": 0'),
            "unavailable",
            id="failures said twice",
        ),
        pytest.param(
            RUN.replace('"status": "PASS"', '"status": "FAIL", "status": "PASS"'),
            "unavailable",
            id="the status said twice",
        ),
        pytest.param(RUN.replace("55676", "55677"), "unavailable", id="another run"),
        pytest.param(RUN.replace('"failCount": 0', '"failCount": "0"'), "unavailable", id="text"),
        pytest.param(RUN.replace('"failCount": 0', '"failCount": NaN'), "unavailable", id="NaN"),
        pytest.param(
            RUN.replace('"failCount": 0', f'"failCount": {"9" * 5000}'),
            "unavailable",
            id="an endless number",
        ),
        pytest.param(RUN.replace('"passCount": 30, ', ""), "inconclusive", id="a count is missing"),
        pytest.param(RUN.replace('"23"', "23"), "passed", id="a build key that is a number"),
        pytest.param("[" * 100_000, "unavailable", id="nested without end"),
        pytest.param("", "unavailable", id="nothing"),
        pytest.param("true", "unavailable", id="agreement"),
    ],
)
def test_only_evidence_passes(tmp_path: Path, body: str, outcome: str) -> None:
    assert judged(tmp_path, body.encode()).startswith(f"{outcome}: ")


def test_a_repeated_field_is_named(tmp_path: Path) -> None:
    assert "occurs more than once" in judged(tmp_path, b'{"id": 1, "name": 2, "name": 3}')


def test_an_answer_that_unpacks_without_end_is_not_unpacked_to_its_end(tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * (200 * 2**20), compresslevel=9)
    with raw_server(http(bomb, "Content-Encoding: gzip")) as api:
        limited = "import os, resource, sys\n"
        limited += "resource.setrlimit(resource.RLIMIT_DATA, (2**28, 2**28))\n"
        limited += "os.execv(sys.argv[1], sys.argv[1:])"
        done = subprocess.run(
            [sys.executable, "-c", limited, command.COMMAND, "wait", "55676", *AT_ONCE],
            cwd=tmp_path,
            env=command.environment(api.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=command.LONGEST,
            check=False,
        )
    output = " ".join(watched(done.stdout).split())
    assert done.returncode == ExitCode.UNAVAILABLE, output
    assert "sent more than 16 MiB" in output


HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\u202e\ud800\ufffe]]></failure><testcase name='owned'/>"
    "<script>alert(1)</script>\r\n::error::owned\n##vso[task.complete result=Succeeded;]owned"
    "\n##teamcity[buildStatus status='SUCCESS']\nPATH=owned\n![x](javascript:owned) `owned` $(id)"
)


def test_what_the_api_says_is_text_in_every_report(tmp_path: Path) -> None:
    run = make_answer(
        failed=1, name=HOSTILE, statusInfo=HOSTILE, environment=HOSTILE, buildKey=HOSTILE
    )
    result = {"id": 1, "status": "FAIL", "error": HOSTILE, "stackTrace": HOSTILE}
    test = {"projectTest": {"name": HOSTILE, "file": HOSTILE}}
    formats = ("dotenv", "json", "junit", "markdown", "sonar")
    with place(tmp_path) as api:
        api.bodies["/api/test-runs/55676"] = json.dumps(run).encode()
        api.bodies["/api/test-runs/55676/results"] = json.dumps([result | test]).encode()
        done = command.run(
            *("wait", "55676", *AT_ONCE),
            *(f"--report={name}={name}" for name in formats),
            cwd=tmp_path,
            api_url=api.url,
            GITHUB_ACTIONS="true",
        )
    assert done.code == ExitCode.FAILED, done.output
    for name in formats:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "owned" in text or name == "dotenv"  # which quotes nothing of a test
        assert not set(text) & set("\x1b\x07\x00\u202e\ufffe\r"), name
    for name in ("junit", "sonar"):
        root = ET.parse(tmp_path / name).getroot()  # noqa: S314  (our own report)
        assert not [case for case in root.iter("testcase") if case.get("name") == "owned"]
    lines = [line.strip() for line in done.output.splitlines()]
    assert [line for line in lines if line.startswith("::")]
    assert not [line for line in lines if line.startswith("::error::owned")]
    assert f"::add-mask::{CANARY}" in lines


def test_no_pattern_of_a_name_outlasts_the_deadline(tmp_path: Path) -> None:
    runs = json.dumps([make_answer(name="a" * 5000)]).encode()
    with raw_server(http(runs)) as api:
        done = command.run("check", "--name", "*a*a*a*a*a*a*b", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    "coded",
    [
        pytest.param(CANARY.upper(), id="upper case"),
        pytest.param("%".join(["", *(f"{ord(sign):02x}" for sign in CANARY)]), id="percent"),
        pytest.param(base64.b64encode(CANARY.encode()).decode(), id="base64"),
        pytest.param("\u200b".join(CANARY), id="parted"),
    ],
)
def test_no_form_of_the_token_reaches_terminal_or_reports(tmp_path: Path, coded: str) -> None:
    body = json.dumps(make_answer(failed=1, name=f"name {coded}", statusInfo=coded)).encode()
    with raw_server(http(body)) as api:
        done = command.run(
            *("wait", "55676", *AT_ONCE, "--no-test-results"),
            *("--report", "json=r.json", "--report", "markdown=r.md", "--report", "html=r.html"),
            cwd=tmp_path,
            api_url=api.url,
        )
    assert done.code == ExitCode.FAILED
    for text in (done.output, *(path.read_text("utf-8") for path in tmp_path.glob("r.*"))):
        assert coded not in text
        assert coded[:12] not in text


def test_doctor_shows_no_token_of_a_status_line(tmp_path: Path) -> None:
    def reply(connection: socket.socket) -> None:
        connection.sendall(f"{CANARY} {base64.b64encode(CANARY.encode()).decode()}\r\n".encode())

    with raw_server(reply) as api:
        for arguments in (("doctor",), ("wait", "1", *AT_ONCE)):
            done = command.run(*arguments, cwd=tmp_path, api_url=api.url)
            assert done.code == ExitCode.UNAVAILABLE
            assert "***" in done.output


def test_signed_addresses_are_in_files_and_in_no_log(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("html", "json", "junit", "markdown", "dotenv")}
    outputs = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    with Simulator(load_scenario("screenshots"), token=CANARY, speed=FINISHED) as api:
        done = command.run(
            *("wait", "55676", "--verbose"),
            *(f"--report={name}={path}" for name, path in files.items()),
            *("--report=sonar=/dev/stderr", "--report=json=-"),
            cwd=tmp_path,
            api_url=api.url,
            GITHUB_ACTIONS="true",
            **{name: str(path) for name, path in outputs.items()},
        )
    assert done.code == ExitCode.FAILED, done.output
    kept = {
        path.name: path.read_text(encoding="utf-8") for path in (*files.values(), *outputs.values())
    }
    assert {name for name, text in kept.items() if "signature=" in text} == {"html", "json"}
    assert "files.example.test" not in done.output
    assert json.loads(done.stdout[done.stdout.index("{") :])["runs"][0]["attachments"] == []


def test_a_hostile_address_is_no_link(tmp_path: Path) -> None:
    with Simulator(load_scenario("hostile"), token=CANARY, speed=FINISHED) as api:
        done = command.run("wait", "55676", "--report=a.html", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.FAILED, done.output
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    addresses = {
        address for address in re.findall('href="([^#][^"]*)"', page) if "app/acme" not in address
    }
    assert addresses == {
        "https://files.example.test/1.png?##vso[task.complete%20result=Succeeded;]=::error::owned"
    }
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
