"""Whole processes, side by side: how long they take, how much of a processor and of memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from testery_gate.simulator import DEFAULT_TOKEN

LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process took: seconds on the wall, seconds of processors, peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


def environment(api_url: str) -> dict[str, str]:
    """Return the same few variables for everything that is compared."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1",
        "TESTERY_API_URL": api_url,
        "TESTERY_API_TOKEN": DEFAULT_TOKEN,
    }


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Cost:
    """Run a command, an absolute path first, to its end, which must be a good one."""
    with tempfile.NamedTemporaryFile() as log:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCH), log.name, *command],
            cwd=cwd,
            env=dict(env),
            capture_output=True,
            text=True,
            check=True,
        )
        code, *figures = done.stdout.split()
        if code != "0":
            text = log.read().decode("utf-8", "replace")
            raise SystemExit(f"{' '.join(command)} ended with {code}:\n{text}")
    wall, cpu, memory = map(float, figures)
    return Cost(wall=wall, cpu=cpu, memory=memory / 2**20)


def side_by_side(contenders: Mapping[str, Callable[[], Cost]], repeats: int) -> Mapping[str, Cost]:
    """Run them in turn, so that what disturbs one disturbs all; return the medians.

    A first round, in which files come into the cache, does not count.
    """
    found: dict[str, list[Cost]] = {name: [] for name in contenders}
    for number in range(repeats + 1):
        for name, contender in contenders.items():
            cost = contender()
            if number:
                found[name].append(cost)
    return {
        name: Cost(
            wall=median(cost.wall for cost in costs),
            cpu=median(cost.cpu for cost in costs),
            memory=median(cost.memory for cost in costs),
        )
        for name, costs in found.items()
    }
