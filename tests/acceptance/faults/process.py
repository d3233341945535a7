"""One process of the installed command: how it ended, when, and how much memory it took."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance import command
from tests.canary import watched

AT_ONCE = 2
"""So many processes may be starting at a time, as many as a small machine has cores."""
_starting = threading.BoundedSemaphore(AT_ONCE)


@dataclass
class Process:
    """A run of the command to its end, or until ``longest`` seconds have passed."""

    arguments: Sequence[str]
    folder: Path
    env: Mapping[str, str]
    longest: float
    on_line: Callable[[str], None] = lambda _: None
    lines: list[str] = field(default_factory=list)
    """What it wrote to standard error."""
    seconds: float = 0.0
    """From its first sign of life to its end: how long a machine takes to start it is no matter."""
    peak: int = 0
    """The most memory it had, in KiB."""
    _alive: threading.Event = field(default_factory=threading.Event)
    _alive_since: float = 0.0

    def shows_life(self) -> None:
        """Say that the process has written something, or that a server has heard of it."""
        if not self._alive.is_set():
            self._alive_since = time.monotonic()
            self._alive.set()

    def run(self) -> int:
        """Return the exit code; that of a process that had to be killed is below 0."""
        with _starting:
            process = subprocess.Popen(
                [command.COMMAND, *self.arguments],
                cwd=self.folder,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            reading = threading.Thread(target=self._read, args=(process,), daemon=True)
            reading.start()
            self._alive.wait(self.longest)
        too_long = threading.Timer(self.longest, process.kill)
        too_long.start()
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds = time.monotonic() - self._alive_since
        too_long.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.peak = usage.ru_maxrss
        reading.join()
        return process.returncode

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self.lines.append(watched(line))
                self.on_line(line)
                self.shows_life()
        self.shows_life()
