"""A Docker engine: the one that answers on this machine, else one of the tests' own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.command import Finished

ROOT = Path(__file__).parents[2]
STAND_IN = "testery-gate-acceptance/python:stand-in"
LONGEST = 300
"""Seconds after which a command that did not end is a failure of the test."""
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Docker:
    """The command ``docker`` with the environment that leads it to its engine."""

    environment: Mapping[str, str]

    def call(self, *arguments: str | Path, stdin: str = "") -> Finished:
        """Run ``docker`` to its end, whatever that is."""
        command = shutil.which("docker")
        assert command is not None, "there is no command docker: run `make acceptance`"
        done = subprocess.run(
            [command, *arguments],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=LONGEST,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def do(self, *arguments: str | Path) -> str:
        """Run what has to succeed, and return what it printed."""
        done = self.call(*arguments)
        assert done.code == 0, done.output
        return done.stdout.strip()

    def answers(self) -> bool:
        """Tell whether there is an engine."""
        return self.call("info", "--format", "{{.ServerVersion}}").code == 0


@contextmanager
def engine() -> Iterator[Docker]:
    """Find an engine, or start one in a temporary folder and stop it afterwards."""
    found = Docker(os.environ)
    if found.answers():
        yield found
        return
    assert shutil.which("dockerd"), "no Docker engine answers, and there is no dockerd to start one"
    assert os.geteuid() == 0, "no Docker engine answers, and only root can start one"
    with tempfile.TemporaryDirectory(prefix="dockerd-") as name:
        folder = Path(name)
        socket = f"unix://{folder}/socket"
        # Containers get the machine's own network or none, so no bridge and no firewall rules.
        places = {"data-root": "data", "exec-root": "run", "pidfile": "pid"}
        options = [f"--{option}={folder / place}" for option, place in places.items()]
        options += [f"--host={socket}", "--bridge=none", "--iptables=false", "--ip-forward=false"]
        log = folder / "log"
        with log.open("w") as stream:
            daemon = subprocess.Popen(
                # What is mounted for containers vanishes with the last process that sees it.
                ["unshare", "--mount", "dockerd", *options],  # noqa: S607
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        try:
            own = Docker(os.environ | {"DOCKER_HOST": socket})
            _await(own, daemon, log)
            yield own
        finally:
            _stop(daemon)


def _await(docker: Docker, daemon: subprocess.Popen[bytes], log: Path) -> None:
    latest = time.monotonic() + START_SECONDS
    while not docker.answers():
        assert daemon.poll() is None, f"dockerd ended:\n{log.read_text()[-2000:]}"
        assert time.monotonic() < latest, f"dockerd does not answer:\n{log.read_text()[-2000:]}"
        time.sleep(0.2)


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(START_SECONDS)
    finally:
        daemon.kill()


def base_image(docker: Docker) -> str:
    """Return the base that the Dockerfile names or, where no registry has it, a stand-in."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    named = re.search(r"^ARG PYTHON_IMAGE=(.+)$", dockerfile, re.MULTILINE)
    assert named is not None
    if docker.call("pull", "--quiet", named[1]).code == 0:
        return named[1]
    if docker.call("image", "inspect", STAND_IN).code != 0:
        subprocess.run(
            [ROOT / "tests" / "acceptance" / "python-base-image", STAND_IN],
            env=docker.environment,
            check=True,
            timeout=LONGEST,
        )
    return STAND_IN
