"""What a person sees while the gate waits: a live display on a terminal, plain lines in a log.

Nothing here may matter to the verdict: what can't be written is dropped by :class:`SafeStream`.
"""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TextIO

from testery_gate.polling import Progress
from testery_gate.progress.standing import (
    Found,
    Look,
    stage,
    stamped,
    standing,
    standings,
    together,
)
from testery_gate.progress.stream import SafeStream, speaks_unicode

__all__ = ["Display", "LogDisplay", "QuietDisplay", "SafeStream", "display", "speaks_unicode"]

SIGN_OF_LIFE = 55.0
"""Seconds without a line after which a log gets one: a minute, less what a busy machine delays."""
TICK = 0.5
"""Seconds between two looks at the clock."""
RUN_LINES = 20
"""How many runs get a line of their own in a log after one look."""


class Display(Protocol):
    """Shows how the wait goes; its methods may be called from any thread."""

    def update(self, progress: Progress) -> None:
        """Show what is known after a look."""

    def say(self, line: str) -> None:
        """Show something that happened."""


@contextmanager
def display(
    stream: TextIO | None,
    *,
    live: bool,
    quiet: bool = False,
    verbose: bool = False,
    environment: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Display]:
    """Show progress on a stream until the block is left; without a stream, show nothing.

    ``live`` needs a terminal whose cursor can be moved. ``quiet`` leaves only what is said,
    ``verbose`` gives every look a line, on a terminal too. ``NO_COLOR`` and the locale in the
    environment are respected.
    """
    out = SafeStream(stream or io.StringIO())
    if stream is None or quiet:
        yield QuietDisplay(out, clock)
    elif live and not verbose:
        from testery_gate.progress.live import ASCII, UNICODE, LiveDisplay

        style = UNICODE if speaks_unicode(stream, environment) else ASCII
        terminal = LiveDisplay(out, clock, environment, style)
        try:
            terminal.start()
            with _ticking(terminal.tick):
                yield terminal
        finally:
            terminal.stop()
    else:
        log = LogDisplay(out, clock, verbose=verbose)
        with _ticking(log.tick):
            yield log


@contextmanager
def _ticking(tick: Callable[[], None]) -> Iterator[None]:
    """Call again and again from a thread: a look may hang, and two looks may be far apart."""
    over = threading.Event()

    def keep_ticking() -> None:
        while not over.wait(TICK):
            tick()

    thread = threading.Thread(target=keep_ticking, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class QuietDisplay:
    """Shows only what is said."""

    def __init__(self, out: SafeStream, clock: Callable[[], float]) -> None:
        self._out = out
        self._clock = clock
        self._started = clock()

    def update(self, progress: Progress) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Write the line with the time it came."""
        self._out.write(stamped(self._clock() - self._started, line) + "\n")
        self._out.flush()


class LogDisplay:
    """Writes lines when something changed, and a sign of life when nothing does."""

    def __init__(
        self, out: SafeStream, clock: Callable[[], float], *, verbose: bool = False
    ) -> None:
        self._out = out
        self._clock = clock
        self._verbose = verbose
        self._started = self._last_line = clock()
        self._look: Look | None = None
        self._lock = threading.Lock()

    def update(self, progress: Progress) -> None:
        """Write what changed since the last look."""
        with self._lock:
            if not progress.runs:
                return
            before = {} if self._look is None else self._look.progress.runs
            self._look = Look(progress, self._clock())
            if self._verbose or standings(before) != standings(progress.runs):
                self._write(*self._news(before, progress.runs), self._overview())

    def say(self, line: str) -> None:
        """Write the line with the time it came."""
        with self._lock:
            self._write(line)

    def tick(self) -> None:
        """Write how things stand if there was no line for long."""
        with self._lock:
            if self._clock() - self._last_line >= SIGN_OF_LIFE:
                self._write(self._overview())

    def _news(self, before: Mapping[int, Found], runs: Mapping[int, Found]) -> list[str]:
        """Return a line for each of several runs that got another status or lost a test."""
        if len(runs) <= 1:
            return []
        moved = [
            standing(run_id, found)
            for run_id, found in runs.items()
            if self._verbose or run_id not in before or stage(found) != stage(before[run_id])
        ]
        rest = len(moved) - RUN_LINES
        return [*moved[:RUN_LINES], f"{rest} more runs changed"] if rest > 0 else moved

    def _overview(self) -> str:
        if self._look is None:
            return "waiting for the first answer"
        return ", ".join([together(self._look.progress.runs), *self._look.outlook(self._clock())])

    def _write(self, *lines: str) -> None:
        self._last_line = self._clock()
        elapsed = self._last_line - self._started
        self._out.write("".join(f"{stamped(elapsed, line)}\n" for line in lines))
        self._out.flush()
