"""Servers in processes of their own, so that what they take is nobody's."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from testery_gate.simulator import DEFAULT_TOKEN

RECORDED = ("test-runs/1", "test-runs/1/results", "account")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the simulator got; ``at`` is in seconds of the monotonic clock."""

    at: float
    target: str


@contextmanager
def simulator(scenario: str, asked: list[Asked] | None = None) -> Iterator[str]:
    """Play a scenario and yield the API's address; every request is added to ``asked``."""
    command = [sys.executable, "-P", "-m", "testery_gate", "simulate", "--port=0"]
    command += [f"--scenario={scenario}", *(["--quiet"] if asked is None else [])]

    with _served(command, partial(_note, asked)) as url:
        yield url


@contextmanager
def recorded(
    scenario: str, folder: Path, paths: Sequence[str] = RECORDED
) -> Iterator[tuple[str, list[Asked]]]:
    """Serve what the simulator says under some paths, made only once.

    Making it anew for every request would take longer than what is measured. Yields the API's
    address, and the requests as they come.
    """
    asked: list[Asked] = []
    with simulator(scenario) as url:
        for path in paths:
            request = urllib.request.Request(  # noqa: S310  (an address of this machine)
                f"{url}/{path}", headers={"Authorization": f"Bearer {DEFAULT_TOKEN}"}
            )
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                kept = folder / f"{path}.json"
                kept.parent.mkdir(parents=True, exist_ok=True)
                with kept.open("wb") as file:
                    while chunk := answer.read(65536):
                        file.write(chunk)
    command = [sys.executable, "-m", "benchmarks.recorded", str(folder)]
    with _served(command, partial(_note, asked)) as url:
        yield url, asked


def _note(asked: list[Asked] | None, lines: IO[str]) -> None:
    for line in lines:
        target, arrow, _ = line.removeprefix("GET ").partition(" -> ")
        if arrow and asked is not None:
            asked.append(Asked(time.monotonic(), target))


@contextmanager
def _served(
    command: Sequence[str], read: Callable[[IO[str]], None] = lambda errors: None
) -> Iterator[str]:
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None  # noqa: S101  (for mypy)
        assert server.stderr is not None  # noqa: S101  (likewise)
        reader = threading.Thread(target=read, args=[server.stderr])
        reader.start()
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+/api", server.stdout.readline())
            if found is None:
                raise SystemExit(f"{command} serves nothing")
            yield found[0]
        finally:
            server.terminate()
            reader.join()
