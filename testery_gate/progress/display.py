"""What a person sees while the gate waits: a live display on a terminal, plain lines in a log.

Nothing here may change the verdict: :class:`SafeStream` drops what can't be written.
"""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Protocol, TextIO

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
from testery_gate.waiting.polling import Progress

SIGN_OF_LIFE = 55.0
"""Seconds without a line after which a log gets one; on a busy machine it may take a minute."""
TICK = 0.5
"""Seconds between two looks at the clock, and the least between two frames."""
MOMENT = 0.05
"""Seconds in which Python can notice a signal."""
PATIENCE = 5.0
"""Seconds that the process waits for a terminal to take the last frame."""
RUN_LINES = 20
"""How many runs have their own line in a log after one poll."""


class Display(Protocol):
    """Shows the state of the wait; its methods may be called from any thread."""

    def update(self, progress: Progress) -> None:
        """Show what is known after a poll."""

    def say(self, line: str) -> None:
        """Show something that happened."""


@contextmanager
def display(
    stream: TextIO | None,
    *,
    live: bool,
    quiet: bool = False,
    verbose: bool = False,
    trusted: bool = False,
    environment: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.monotonic,
    patience: float = PATIENCE,
    tick: float = TICK,
) -> Iterator[Display]:
    """Yield a display on a stream; without a stream, one that shows nothing.

    ``live`` needs a terminal whose cursor can be moved. ``quiet`` shows only lines given to
    :meth:`Display.say`, and ``verbose`` a line for every poll, on a terminal too. ``trusted`` means
    that failed tests of a run that is PASS are tolerated. ``NO_COLOR`` and the locale in the
    environment are respected. ``patience`` is how many seconds a terminal has for the last frame,
    and ``tick`` the least seconds between two frames.
    """
    out = SafeStream(stream or io.StringIO())
    if stream is None or quiet:
        yield QuietDisplay(out, clock)
    elif live and not verbose:
        from testery_gate.progress.frame import ASCII, UNICODE
        from testery_gate.progress.live import LiveDisplay

        style = UNICODE if speaks_unicode(stream, environment) else ASCII
        terminal = LiveDisplay(out, clock, environment, style, trusted=trusted)
        with (
            _called_on_continue(terminal.forget),
            _ticking(terminal.draw, terminal.end, patience, lambda: max(tick, terminal.pause())),
        ):
            yield terminal
    else:
        log = LogDisplay(out, clock, verbose=verbose, trusted=trusted)
        with _ticking(log.tick):
            yield log


@contextmanager
def _ticking(
    tick: Callable[[], None],
    end: Callable[[], None] = lambda: None,
    patience: float | None = None,
    pause: Callable[[], float] = lambda: TICK,
) -> Iterator[None]:
    """Call ``tick`` repeatedly from a thread, because a poll may hang or take long.

    A call may hang too, on a terminal that accepts nothing; then the thread is abandoned.
    """
    over = threading.Event()

    def keep_ticking() -> None:
        tick()
        # In two steps, so that a process that was stopped handles SIGCONT before the next tick.
        while not (over.wait(pause() - MOMENT) or over.wait(MOMENT)):
            tick()
        end()

    thread = threading.Thread(target=keep_ticking, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(patience)


@contextmanager
def _called_on_continue(call: Callable[[], None]) -> Iterator[None]:
    """Call when the process goes on after a stop (Ctrl-Z), in which the shell has written."""
    with suppress(AttributeError, ValueError):  # not on Windows, and in the main thread only
        signal.signal(signal.SIGCONT, lambda *_: call())
    try:
        yield
    finally:
        with suppress(AttributeError, ValueError):
            signal.signal(signal.SIGCONT, signal.SIG_DFL)


class LogDisplay:
    """Writes lines when something changes, and from time to time when nothing changes."""

    def __init__(
        self,
        out: SafeStream,
        clock: Callable[[], float],
        *,
        verbose: bool = False,
        trusted: bool = False,
    ) -> None:
        self._out = out
        self._clock = clock
        self._verbose = verbose
        self._trusted = trusted
        self._started = self._last_line = clock()
        self._look: Look | None = None
        self._lock = threading.Lock()

    def update(self, progress: Progress) -> None:
        """Write what changed since the last poll."""
        with self._lock:
            if not progress.runs:
                return
            before = {} if self._look is None else self._look.progress.runs
            self._look = Look(progress, self._clock(), self._trusted)
            if self._verbose or standings(before) != standings(progress.runs):
                self._write(*self._news(before, progress.runs), self._overview())

    def say(self, line: str) -> None:
        """Write the line with its time."""
        with self._lock:
            self._write(line)

    def tick(self) -> None:
        """Write the state of the runs if there was no line for a long time."""
        with self._lock:
            if self._clock() - self._last_line >= SIGN_OF_LIFE:
                self._write(self._overview())

    def _news(self, before: Mapping[int, Found], runs: Mapping[int, Found]) -> list[str]:
        """Return a line for each run with another status or more failed tests; none for one run."""
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
        runs = self._look.progress.runs
        why = self._look.why_passing()
        parts = [together(runs), *([why] if why else []), *self._look.outlook(self._clock())]
        return ", ".join(parts)

    def _write(self, *lines: str) -> None:
        self._last_line = self._clock()
        elapsed = self._last_line - self._started
        self._out.write("".join(f"{stamped(elapsed, line)}\n" for line in lines))
        self._out.flush()


class QuietDisplay(LogDisplay):
    """Writes only lines given to :meth:`say`."""

    def update(self, progress: Progress) -> None:
        """Show nothing."""
