"""Disks, folders, variables and clocks that let the gate down: the exit code says the verdict."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.acceptance.test_exit_codes import assert_matches
from tests.acceptance.test_signals import finished
from tests.canary import CANARY, Simulator

PASSED, FAILED, LOST = ExitCode.PASSED, ExitCode.FAILED, ExitCode.REPORT_LOST
SPEED = 5.0
"""A run of ten seconds is over in two."""


def bash(script: str, *, folder: Path, api_url: str, prefix: tuple[str, ...] = ()) -> int:
    """Run a script of bash, to which ``$gate`` is the command, and return its exit code."""
    return subprocess.run(
        [*prefix, "bash", "-c", script],
        cwd=folder,
        env=command.environment(api_url, gate=command.COMMAND),
        stdin=subprocess.DEVNULL,
        timeout=command.LONGEST,
        check=False,
    ).returncode


VERDICTS = [
    pytest.param("passing", LOST, id="passed"),
    pytest.param("failing", FAILED, id="failed"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "code"), VERDICTS)
def test_a_file_that_can_not_grow_loses_the_report_alone(
    tmp_path: Path, scenario: str, code: ExitCode
) -> None:
    script = (
        'ulimit -f 0; exec "$gate" wait 55676 --interval=1s --junit-xml=out/t.xml >/dev/null 2>&1'
    )
    with Simulator(load_scenario(scenario), speed=SPEED) as api:
        ended = bash(script, folder=tmp_path, api_url=api.url)
    assert ended == code
    assert not list((tmp_path / "out").iterdir())


MID_WAIT = """
set -e
mkdir disk
mount -t tmpfs -o size=64k none disk
"$gate" wait 55676 --interval=1s --junit-xml=disk/t.xml 2>log &
until grep -q "next poll" log; do sleep 0.1; done
{act}
code=0
wait $! || code=$?
ls -A disk >left
exit $code
"""
"""Lets something happen to a disk of its own while the gate waits."""
OWN_DISKS = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))


@pytest.mark.acceptance
@pytest.mark.parametrize(("scenario", "code"), VERDICTS)
@pytest.mark.parametrize(
    ("act", "left"),
    [
        pytest.param("cat /dev/zero >disk/fill 2>/dev/null || true", ["fill"], id="full"),
        pytest.param("mount -o remount,ro disk", [], id="read-only"),
    ],
)
def test_a_disk_that_fails_in_mid_wait_loses_the_report_alone(
    tmp_path: Path, act: str, left: list[str], scenario: str, code: ExitCode
) -> None:
    with Simulator(load_scenario(scenario), speed=SPEED) as api:
        script = MID_WAIT.format(act=act)
        ended = bash(script, folder=tmp_path, api_url=api.url, prefix=OWN_DISKS)
    assert ended == code, (tmp_path / "log").read_text()
    assert (tmp_path / "left").read_text().split() == left


@pytest.mark.acceptance
def test_a_disk_that_is_read_only_is_said_before_the_wait(tmp_path: Path) -> None:
    script = 'mkdir disk; mount -t tmpfs -o ro none disk; exec "$gate" wait 1 --junit-xml=disk/t'
    with Simulator(load_scenario("stuck")) as api:
        ended = bash(script, folder=tmp_path, api_url=api.url, prefix=OWN_DISKS)
    assert ended == ExitCode.USAGE


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def put_a_file_there(folder: Path) -> None:
    remove(folder)
    folder.touch()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "scenario", "code"),
    [
        pytest.param(remove, "passing", PASSED, id="removed"),
        pytest.param(remove, "failing", FAILED, id="removed, failed"),
        pytest.param(put_a_file_there, "passing", LOST, id="a file in its place"),
        pytest.param(put_a_file_there, "failing", FAILED, id="a file in its place, failed"),
    ],
)
def test_the_folder_of_the_report_may_go_in_mid_wait(
    tmp_path: Path, act: Callable[[Path], None], scenario: str, code: ExitCode
) -> None:
    folder = tmp_path / "out"
    with Simulator(load_scenario(scenario), speed=SPEED) as api:
        process = command.start(
            ["wait", "55676", "--interval=1s", "--junit-xml=out/t.xml"],
            cwd=tmp_path,
            env=command.environment(api.url),
        )
        assert process.stderr is not None
        assert "next poll" in process.stderr.readline()
        act(folder)
        done = command.finish(process)
    assert done.code == code, done.output
    if act is remove:
        assert_matches(folder / "t.xml", code)


@pytest.mark.quick(3)
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("2>&1 | head -1", PASSED, id="all that it says"),
        pytest.param("--verbose 2>&1 >/dev/null | head -1", PASSED, id="the log"),
        pytest.param("--output=json | head -c 1", LOST, id="JSON"),
        pytest.param("--report=junit=- | head -1", LOST, id="JUnit"),
        pytest.param("--max-ignored=-1 2>&1 | head -1", ExitCode.USAGE, id="a wrong option"),
    ],
)
def test_a_reader_of_one_line_changes_no_verdict(
    tmp_path: Path, line: str, code: ExitCode, unbuffered: str
) -> None:
    # More than a pipe holds: who writes it all needs somebody who reads it all.
    with Simulator(finished(3000)) as api:
        wait = f'"$gate" wait 55676 {line} >/dev/null; exit ${{PIPESTATUS[0]}}'
        script = f"export PYTHONUNBUFFERED={unbuffered}; {wait}"
        assert bash(script, folder=tmp_path, api_url=api.url) == code


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "code"), [("passing", PASSED), ("hostile", FAILED)])
@pytest.mark.parametrize(
    "variables",
    [
        pytest.param((), id="none"),
        pytest.param(("HOME=/does/not/exist", "LANG=xx_XX.NOWHERE"), id="wrong ones"),
        pytest.param(("LC_ALL=POSIX", "PYTHONCOERCECLOCALE=0", "PYTHONUTF8=0"), id="ASCII only"),
    ],
)
def test_no_home_and_no_locale_are_needed(
    tmp_path: Path, variables: tuple[str, ...], scenario: str, code: ExitCode
) -> None:
    with Simulator(load_scenario(scenario), speed=SPEED) as api:
        given = (f"TESTERY_API_URL={api.url}", f"TESTERY_API_TOKEN={CANARY}", *variables)
        done = subprocess.run(
            ["env", "-i", *given, command.COMMAND, "wait", "55676", "--junit-xml=t.xml"],  # noqa: S607
            cwd=tmp_path,
            capture_output=True,
            timeout=command.LONGEST,
            check=False,
        )
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert_matches(tmp_path / "t.xml", code)


CLOCK = """
import datetime, time
def offset():
    with open({path!r}) as file: return int(file.read() or 0)
real = time.time
time.time = lambda: real() + offset()
class Moved(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=offset())
datetime.datetime = Moved
"""
"""The time of day as a file says it; the monotonic clock is no business of who sets the clock."""


@pytest.mark.slow
@pytest.mark.parametrize("offset", [3600, -3600])
@pytest.mark.parametrize(
    ("scenario", "code", "said"),
    [
        pytest.param("passing", PASSED, "28 of 30 tests passed", id="finishes"),
        pytest.param("stuck", ExitCode.TIMED_OUT, "not finished within 5 s", id="does not finish"),
        # The stand-in says by a date of its own when to come again.
        pytest.param("rate-limited", PASSED, "28 of 30 tests passed", id="is told when to retry"),
    ],
)
def test_a_clock_that_is_set_in_mid_wait_changes_nothing(
    tmp_path: Path, scenario: str, code: ExitCode, said: str, offset: int
) -> None:
    clock = tmp_path / "clock"
    clock.touch()
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(path=str(clock)))
    with Simulator(load_scenario(scenario), speed=SPEED) as api:
        process = command.start(
            ["wait", "55676", "--interval=1s", "--timeout=5s", "--junit-xml=t.xml"],
            cwd=tmp_path,
            env=command.environment(api.url, PYTHONPATH=str(tmp_path)),
        )
        assert process.stderr is not None
        assert "next poll" in process.stderr.readline()
        clock.write_text(str(offset))
        done = command.finish(process)
    assert done.code == code, done.output
    assert said in " ".join(done.output.split())
    assert_matches(tmp_path / "t.xml", code)
