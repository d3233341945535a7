"""The caller's streams may be closed, full or gone; the exit code is the verdict's all the same."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import Simulator

WAIT = f"{shlex.quote(command.COMMAND)} wait 55676"


def shell(line: str, *, folder: Path, api_url: str | None) -> int:
    """Run a line of shell and return the exit code of the gate, not of a pipe's end."""
    return subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"],  # noqa: S607
        cwd=folder,
        env=command.environment(api_url),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=command.LONGEST,
        check=False,
    ).returncode


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("scenario", "line", "code"),
    [
        pytest.param("documented", f"{WAIT} 2>&-", ExitCode.PASSED, id="no stderr"),
        pytest.param("documented", f"{WAIT} >&-", ExitCode.PASSED, id="no stdout"),
        pytest.param("documented", f"{WAIT} <&-", ExitCode.PASSED, id="no stdin"),
        pytest.param("documented", f"{WAIT} <&- >&- 2>&-", ExitCode.PASSED, id="no stream"),
        pytest.param("failing", f"{WAIT} >&- 2>&-", ExitCode.FAILED, id="failed, no stream"),
        pytest.param("documented", f"{WAIT} | true", ExitCode.PASSED, id="nobody reads"),
        pytest.param("failing", f"{WAIT} | true", ExitCode.FAILED, id="failed, nobody reads"),
        pytest.param("documented", f"{WAIT} >/dev/full", ExitCode.PASSED, id="stdout full"),
        pytest.param("documented", f"{WAIT} 2>/dev/full", ExitCode.PASSED, id="stderr full"),
        pytest.param(
            "documented", f"{WAIT} --output=json >&-", ExitCode.REPORT_LOST, id="JSON, no stdout"
        ),
        pytest.param(
            "documented", f"{WAIT} --output=json >/dev/full", ExitCode.REPORT_LOST, id="JSON, full"
        ),
        pytest.param("failing", f"{WAIT} --output=json >&-", ExitCode.FAILED, id="failed JSON"),
        pytest.param("documented", f"{WAIT} --bogus 2>&-", ExitCode.USAGE, id="usage, no stderr"),
        pytest.param("documented", f"{WAIT} --bogus 2>/dev/full", ExitCode.USAGE, id="usage, full"),
        pytest.param(
            "documented", f"{WAIT} --token-file=- <&-", ExitCode.USAGE, id="a token, no stdin"
        ),
        pytest.param(
            "documented",
            f"{shlex.quote(command.COMMAND)} wait - <&-",
            ExitCode.USAGE,
            id="runs, no stdin",
        ),
        pytest.param(
            "documented",
            f"mkdir gone && cd gone && rmdir ../gone && {WAIT} --junit-xml=t.xml",
            ExitCode.USAGE,
            id="no working directory",
        ),
    ],
)
def test_no_stream_changes_the_exit_code(
    tmp_path: Path, scenario: str, line: str, code: ExitCode
) -> None:
    with Simulator(load_scenario(scenario), speed=20) as api:
        assert shell(line, folder=tmp_path, api_url=api.url) == code


@pytest.mark.parametrize("line", ["--help | true", "explain | true"])
def test_what_nobody_reads_never_ends_like_failed_tests(tmp_path: Path, line: str) -> None:
    code = shell(f"{shlex.quote(command.COMMAND)} {line}", folder=tmp_path, api_url=None)
    assert code in {ExitCode.PASSED, ExitCode.REPORT_LOST}


@pytest.mark.parametrize("arguments", ["--help", "wait --help", "--version", "explain"])
def test_a_full_disk_is_no_defect(tmp_path: Path, arguments: str) -> None:
    line = f"{shlex.quote(command.COMMAND)} {arguments} >/dev/full"
    assert shell(line, folder=tmp_path, api_url=None) == ExitCode.REPORT_LOST


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_an_error_is_printed_is_no_failed_test(
    tmp_path: Path, number: signal.Signals
) -> None:
    # The process blocks on a pipe that is full, with its error half printed.
    filled = tmp_path / "filled.py"
    filled.write_text(
        "import os, subprocess, sys, time\n"
        "reading, writing = os.pipe()\n"
        "os.set_blocking(writing, False)\n"
        "try:\n"
        "    while True: os.write(writing, b' ' * 512)\n"
        "except BlockingIOError: pass\n"
        "os.set_blocking(writing, True)\n"
        f"gate = subprocess.Popen([{command.COMMAND!r}, 'wait', '--bogus'], stderr=writing)\n"
        "time.sleep(3)\n"
        f"gate.send_signal({int(number)})\n"
        "time.sleep(0.5)\n"
        "os.close(writing)\n"
        "while os.read(reading, 65536): pass\n"
        "sys.exit(gate.wait())\n"
    )
    done = subprocess.run(
        [sys.executable, str(filled)],
        cwd=tmp_path,
        env=command.environment(None),
        timeout=command.LONGEST,
        check=False,
    )
    assert done.returncode in {ExitCode.USAGE, 128 + number}
