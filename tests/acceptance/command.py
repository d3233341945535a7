"""The command in a process of its own, against the real stand-in API."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance import forked
from tests.canary import CANARY, watched

COMMAND = str(Path(sys.executable).with_name("testery-gate"))
LONGEST = 60
"""Seconds after which a process that did not end is a failure of the test."""

_OTHERS = (
    *("TESTERY", "CI", "GITHUB", "RUNNER", "GITLAB", "TF_BUILD", "AGENT"),
    *("TEAMCITY", "BUILDKITE", "JENKINS", "BITBUCKET", "APPVEYOR", "TRAVIS"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
"""What the variables begin with that would make it another user's environment."""


@dataclass(frozen=True)
class Finished:
    """How a process ended."""

    code: int
    stdout: str
    stderr: str

    def __post_init__(self) -> None:
        watched(self.stdout)
        watched(self.stderr)

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


def environment(api_url: str | None, **variables: str) -> dict[str, str]:
    """The environment of a user who has a token and nothing else set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OTHERS) and name != "HOME"
    }
    given = {"TESTERY_API_TOKEN": CANARY} | ({"TESTERY_API_URL": api_url} if api_url else {})
    return kept | {"COLUMNS": "100", "HOME": "/dev/null"} | given | variables


def unmeasured(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that gets signals, whose lines are not counted.

    A signal that comes while coverage takes its lock is raised there, and the lock stays taken:
    the next line of the package would wait for ever.
    """
    return {name: value for name, value in env.items() if name != "COVERAGE_PROCESS_CONFIG"}


def start(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], measured: bool = False
) -> subprocess.Popen[str]:
    """Start the command, for a test that sends it signals; the caller ends it.

    It can be measured where each signal comes while no line of the package is run.
    """
    return subprocess.Popen(
        [COMMAND, *arguments],
        cwd=cwd,
        env=dict(env) if measured else unmeasured(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def finish(process: subprocess.Popen[str]) -> Finished:
    """Wait for a process to end by itself."""
    try:
        stdout, stderr = process.communicate(timeout=LONGEST)
    finally:
        process.kill()
    return Finished(process.returncode, stdout, stderr)


def run(
    *arguments: str, cwd: Path, api_url: str | None = None, stdin: str = "", **variables: str
) -> Finished:
    """Run the command to its end, in a process that has it loaded already."""
    if any(name.startswith(("PYTHON", "LC_", "LANG")) for name in variables):
        # They change how Python begins.
        return run_installed(*arguments, cwd=cwd, api_url=api_url, stdin=stdin, **variables)
    env = environment(api_url, **variables)
    return Finished(*forked.run([COMMAND, *arguments], cwd, env, stdin, seconds=LONGEST))


def run_as_in_a_log(*arguments: str, cwd: Path, api_url: str, **variables: str) -> Finished:
    """Run the command to its end; what both streams wrote is in one text, in its order."""
    env = environment(api_url, **variables)
    return Finished(*forked.run([COMMAND, *arguments], cwd, env, seconds=LONGEST, one_stream=True))


def run_installed(
    *arguments: str, cwd: Path, api_url: str | None = None, stdin: str = "", **variables: str
) -> Finished:
    """Run the command to its end as a user's shell starts it."""
    env = environment(api_url, **variables)
    return run_program([COMMAND, *arguments], cwd=cwd, env=env, stdin=stdin)


def run_python(program: str, *arguments: str, cwd: Path, api_url: str | None = None) -> Finished:
    """Run a program of a few lines in the tests' own interpreter to its end."""
    python = [sys.executable, "-c", program, *arguments]
    return run_program(python, cwd=cwd, env=environment(api_url))


def run_program(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: str = ""
) -> Finished:
    """Run a program, which may start the command, to its end."""
    done = subprocess.run(
        argv,
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
