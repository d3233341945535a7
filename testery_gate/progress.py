"""What a person sees while the gate waits: a live display on a terminal, plain lines in a log.

Nothing here may matter to the verdict: what can't be written is dropped by :class:`SafeStream`.
"""

from __future__ import annotations

import codecs
import io
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TextIO, cast

from testery_gate.errors import ApiError
from testery_gate.model import RunStatus, TestRun, clean_text, one_line
from testery_gate.pace import predicted_remaining
from testery_gate.polling import Progress, Sighting

SIGN_OF_LIFE = 55.0
"""Seconds without a line after which a log gets one: a minute, less what a busy machine delays."""
TICK = 0.5
"""Seconds between two looks at the clock."""
LONGEST_LINE = 1000
"""Characters of a line in a log."""
RUN_LINES = 20
"""How many runs get a line of their own in a log after one look."""

Found = Sighting | ApiError


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
        terminal = LiveDisplay(out, clock, environment, _style(stream, environment))
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


def speaks_unicode(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether any character can be shown: by the encoding and, on a terminal, by the locale.

    Python writes UTF-8 in the C locale too (PEP 540), to terminals that may not understand it.
    """
    if not codecs.lookup(stream.encoding or "utf-8").name.startswith("utf"):
        return False
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return not (stream.isatty() and locale in {"C", "POSIX"})


class SafeStream:
    """A text stream that never fails: what can't be written is dropped.

    A closed stream, a pipe without a reader and a full disk are no reason to change a verdict.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding or "utf-8"

    def write(self, text: str) -> int:
        """Write, with ``?`` for what the encoding lacks."""
        with suppress(OSError, ValueError):
            self._stream.write(text.encode(self.encoding, "replace").decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        """Flush what was written."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def size(self) -> tuple[int, int]:
        """Return the terminal's columns and lines, 80 by 24 where it does not tell."""
        columns, lines = 0, 0
        with suppress(OSError, ValueError):
            columns, lines = os.get_terminal_size(self._stream.fileno())
        return columns or 80, lines or 24


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
        self._out.write(_stamped(self._clock() - self._started, line) + "\n")
        self._out.flush()


@dataclass(frozen=True, slots=True)
class _Look:
    progress: Progress
    at: float

    def outlook(self, now: float) -> list[str]:
        """Say when the wait may end, and when the next look comes."""
        age = now - self.at
        if self.progress.next_look is None:
            return []
        parts = []
        left = _predicted(self.progress)
        if left is not None:
            parts.append(f"about {_about(left - age)} to go" if left > age else "any moment now")
            if left > self.progress.remaining:
                parts.append(f"timeout in {_about(max(0, self.progress.remaining - age))}")
        seconds = math.ceil(self.progress.next_look - age)
        return [*parts, f"next look in {clock_time(seconds)}" if seconds > 0 else "looking now"]


class LogDisplay:
    """Writes lines when something changed, and a sign of life when nothing does."""

    def __init__(
        self, out: SafeStream, clock: Callable[[], float], *, verbose: bool = False
    ) -> None:
        self._out = out
        self._clock = clock
        self._verbose = verbose
        self._started = self._last_line = clock()
        self._look: _Look | None = None
        self._lock = threading.Lock()

    def update(self, progress: Progress) -> None:
        """Write what changed since the last look."""
        with self._lock:
            if not progress.runs:
                return
            before = {} if self._look is None else self._look.progress.runs
            self._look = _Look(progress, self._clock())
            if self._verbose or _standings(before) != _standings(progress.runs):
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
            _standing(run_id, found)
            for run_id, found in runs.items()
            if self._verbose or run_id not in before or _stage(found) != _stage(before[run_id])
        ]
        rest = len(moved) - RUN_LINES
        return [*moved[:RUN_LINES], f"{rest} more runs changed"] if rest > 0 else moved

    def _overview(self) -> str:
        if self._look is None:
            return "waiting for the first answer"
        return ", ".join([_together(self._look.progress.runs), *self._look.outlook(self._clock())])

    def _write(self, *lines: str) -> None:
        self._last_line = self._clock()
        elapsed = self._last_line - self._started
        self._out.write("".join(f"{_stamped(elapsed, line)}\n" for line in lines))
        self._out.flush()


class LiveDisplay:
    """Draws how things stand on a terminal, over and over in the same place."""

    def __init__(
        self,
        out: SafeStream,
        clock: Callable[[], float],
        environment: Mapping[str, str],
        style: Style,
    ) -> None:
        # Imported here, because a wait in a pipeline does not need it.
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        self._out = out
        self._clock = clock
        self._style = style
        self._started = clock()
        self._look: _Look | None = None
        self._lock = threading.Lock()
        self._frame = Text()
        self._console = Console(
            file=cast("TextIO", out),
            force_terminal=True,
            force_interactive=True,
            color_system=None if environment.get("NO_COLOR") else "standard",
            _environ=environment,
        )
        self._live = Live(
            console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

    def start(self) -> None:
        """Draw the first frame."""
        self._console.size = self._out.size()
        self._live.start()
        # A cursor that is not hidden needs nobody to show it again, even after SIGKILL.
        self._console.show_cursor(True)
        self.tick()

    def stop(self) -> None:
        """Leave the last frame where it is and go to the line below."""
        with self._lock:
            self._live.stop()

    def update(self, progress: Progress) -> None:
        """Draw what is known after a look."""
        with self._lock:
            if progress.runs:
                self._look = _Look(progress, self._clock())
            self._draw()

    def say(self, line: str) -> None:
        """Write the line with the time it came above the frame."""
        from rich.text import Text

        with self._lock:
            stamped = self._style.drawable(_stamped(self._clock() - self._started, line))
            # Not folded by us, so that an address in it can be copied.
            self._console.print(Text(stamped), soft_wrap=True)

    def tick(self) -> None:
        """Draw what the time has changed."""
        with self._lock:
            self._draw()

    def _draw(self) -> None:
        from rich.text import Text

        width, height = self._out.size()
        now = self._clock()
        spans = _frame(self._look, now, now - self._started, width, height, self._style)
        lines = [line for text in spans for line in Text.assemble(*text).wrap(self._console, width)]
        frame = Text("\n", no_wrap=True, overflow="crop").join(lines[: height - 1])
        if frame == self._frame and (width, height) == self._console.size:
            return
        self._climb(width)
        self._console.size = (width, height)
        self._frame = frame
        self._live.update(frame, refresh=True)

    def _climb(self, width: int) -> None:
        """Go up over the lines that the old frame has more since the terminal was narrowed."""
        from rich.control import Control
        from rich.segment import ControlType

        if width < self._console.width:
            lines = self._frame.split("\n")
            folded = sum(max(0, math.ceil(line.cell_len / width) - 1) for line in lines)
            up = [(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)]
            self._console.control(Control(*up * folded))


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a frame is drawn with."""

    done: str
    rest: str
    ellipsis: str
    encoding: str

    def drawable(self, text: str) -> str:
        """Return remote text with ``?`` for what the terminal can't show."""
        return text.encode(self.encoding, "replace").decode(self.encoding)

    def fit(self, text: str, width: int) -> str:
        """Shorten remote text to a number of columns."""
        from rich.cells import cell_len, set_cell_size

        text = self.drawable(text)
        if cell_len(text) <= width:
            return text
        room = width - len(self.ellipsis)
        return set_cell_size(text, room).rstrip() + self.ellipsis if room > 0 else ""


UNICODE = Style(done="━", rest="─", ellipsis="…", encoding="utf-8")
ASCII = Style(done="#", rest="-", ellipsis="...", encoding="ascii")


def _style(stream: TextIO, environment: Mapping[str, str]) -> Style:
    return UNICODE if speaks_unicode(stream, environment) else ASCII


Span = tuple[str, str]
"""A text and its colour."""


def _frame(
    look: _Look | None, now: float, elapsed: float, width: int, height: int, style: Style
) -> list[list[Span]]:
    """Return the lines of a frame, the ones that change by themselves last."""
    if look is None:
        return [[(f"waiting for the first answer, {clock_time(elapsed)}", "")]]
    progress = look.progress
    limit = _brief(round(progress.elapsed + progress.remaining))
    so_far, outlook = f"{clock_time(elapsed)} of {limit}", look.outlook(now)
    times = [", ".join([so_far, *outlook])]
    if len(times[0]) > width:
        times = [so_far, ", ".join(outlook)]
    if len(progress.runs) == 1:
        ((run_id, found),) = progress.runs.items()
        lines = _single(run_id, found, width, style)
    else:
        lines = _several(progress.runs, width, height - len(times) - 1, style)
    return [*lines, *([(line, "")] for line in times)]


def _single(run_id: int, found: Found, width: int, style: Style) -> list[list[Span]]:
    head = f"run {run_id}"
    if isinstance(found, ApiError):
        return [[(f"{head} {_status(found)}", "red"), (f": {style.drawable(found.message)}", "")]]
    run = found.run
    about = " on ".join(filter(None, (run.name, run.environment)))
    status = style.fit(_status(found), width // 3)
    return [
        [(head, "bold"), (f"  {style.fit(about, width - len(head) - 2)}", "")],
        _progress_line((status, _color(found)), [run], width, style),
        _counts([run]),
    ]


def _several(runs: Mapping[int, Found], width: int, height: int, style: Style) -> list[list[Span]]:
    """Return lines for all runs together, and one for each that fits, the most urgent first."""
    ordered = sorted(runs.items(), key=lambda item: _urgency(item[1]))
    room = height - 2
    shown = ordered[: room if len(ordered) <= room else max(0, room - 1)]
    seen = _seen(runs.values())
    lines = [
        _progress_line((f"{len(runs)} runs", "bold"), seen, width, style),
        _counts(seen),
        *_rows(shown, width, style),
    ]
    rest = [found for _, found in ordered[len(shown) :]]
    if rest:
        lines.append([(style.fit(f"and {len(rest)} more: {_tally(rest)}", width), "")])
    return lines


def _rows(runs: Sequence[tuple[int, Found]], width: int, style: Style) -> Iterator[list[Span]]:
    from rich.cells import cell_len, set_cell_size

    seen = _seen(found for _, found in runs)
    id_width = max((len(str(run_id)) for run_id, _ in runs), default=0)
    status_width = max((cell_len(style.drawable(_status(found))) for _, found in runs), default=0)
    status_width = min(status_width, width // 4)
    done_width = max((len(_done([run])) for run in seen), default=0)
    failed_width = max((len(_failed(run)) for run in seen), default=0)
    room = width - id_width - status_width - 4
    rest = room - done_width - failed_width - 4
    bar_width = min(30, rest // 2) if rest >= 16 else 0
    for run_id, found in runs:
        status = set_cell_size(style.fit(_status(found), status_width), status_width)
        line = [(f"  {run_id:>{id_width}} ", ""), (status, _color(found)), (" ", "")]
        if isinstance(found, ApiError):
            yield [*line, (style.fit(found.message, room), "")]
            continue
        run = found.run
        yield [
            *line,
            *_bar([run], bar_width, style),
            (f" {_done([run]):>{done_width}}", ""),
            (f" {_failed(run):<{failed_width}}", "red"),
            (f"  {style.fit(run.name or '', rest - bar_width)}", ""),
        ]


def _progress_line(head: Span, runs: Sequence[TestRun], width: int, style: Style) -> list[Span]:
    from rich.cells import cell_len

    done = f" {_done(runs)} done"
    bar_width = min(60, width - cell_len(head[0]) - 1 - len(done))
    return [head, (" ", ""), *_bar(runs, bar_width, style), (done, "")]


def _bar(runs: Sequence[TestRun], width: int, style: Style) -> list[Span]:
    """Return a bar of what passed, failed and was ignored, out of all tests."""
    counts = [
        (_sum(run.passed for run in runs) or 0, "green"),
        (_sum(run.failed for run in runs) or 0, "red"),
        (_sum(run.ignored for run in runs) or 0, "yellow"),
    ]
    done = sum(count for count, _ in counts)
    total = max(_sum(run.total for run in runs) or 0, done, 1)
    spans = []
    end = counted = 0
    for count, color in counts:
        start, counted = end, counted + count
        end = max(0, width) * counted // total
        spans.append((style.done * (end - start), color))
    return [*spans, (style.rest * (width - end), "dim")]


def _counts(runs: Sequence[TestRun]) -> list[Span]:
    counts = [
        (_sum(run.passed for run in runs), "passed", "green"),
        (_sum(run.failed for run in runs), "failed", "red"),
        (_sum(run.ignored for run in runs), "ignored", "yellow"),
    ]
    parts = [(f"{_shown(count)} {name}", color if count else "") for count, name, color in counts]
    return [span for part in parts for span in ((", ", ""), part)][1:]


_COLORS = {
    RunStatus.RUNNING: "cyan",
    RunStatus.PASS: "green",
    RunStatus.FAIL: "red",
    RunStatus.CANCELED: "yellow",
    RunStatus.UNKNOWN: "yellow",
}
_URGENCY = {RunStatus.RUNNING: 2, RunStatus.SUBMITTED: 3, RunStatus.QUEUED: 3, RunStatus.PASS: 4}


def _color(found: Found) -> str:
    return "red" if isinstance(found, ApiError) else _COLORS.get(found.run.status, "")


def _urgency(found: Found) -> int:
    """Return a lower number for what sooner needs a look: gone, failing, at work, waiting, well."""
    if isinstance(found, ApiError):
        return 0
    return 1 if found.run.failed else _URGENCY.get(found.run.status, 1)


def _stamped(elapsed: float, line: str) -> str:
    """Return a line of a log; the time in front keeps remote text from its start."""
    return f"[{clock_time(elapsed):>6}] {one_line(clean_text(line))[:LONGEST_LINE]}"


def clock_time(seconds: float) -> str:
    """Print whole seconds as ``5s``, ``1m05s`` or ``1h00m05s``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minute:02}m{second:02}s"
    return f"{minutes}m{second:02}s" if minutes else f"{second}s"


def _brief(seconds: float) -> str:
    return clock_time(seconds).removesuffix("00s")


def _about(seconds: float) -> str:
    """Print a prediction no finer than it is."""
    step = 5 if seconds < 60 else 10 if seconds < 600 else 60
    return _brief(math.ceil(seconds / step) * step)


def _predicted(progress: Progress) -> float | None:
    """Predict the seconds until the last run is done, if that can be told of every open one."""
    predictions = [
        predicted_remaining(found)
        for found in progress.runs.values()
        if isinstance(found, Sighting) and not found.finished
    ]
    known = [seconds for seconds in predictions if seconds is not None]
    return max(known) if known and len(known) == len(predictions) else None


def _standings(runs: Mapping[int, Found]) -> list[str]:
    return [_standing(run_id, found) for run_id, found in runs.items()]


def _standing(run_id: int, found: Found) -> str:
    """Say how a run stands, without anything that changes by itself."""
    head = f"run {run_id} {_status(found)}"
    if isinstance(found, ApiError):
        return f"{head}: {found.message}"
    run = found.run
    counted = run.done is not None or run.total is not None
    head += f" {_done([run])} done, {_shown(run.failed)} failed" if counted else ", no counts"
    if found.finished:
        return f"{head}, finished"
    return f"{head}, not complete yet" if run.status.is_final else head


def _stage(found: Found) -> tuple[object, ...]:
    """Return what of a run is worth a line of its own among several."""
    if isinstance(found, ApiError):
        return (found.message,)
    return found.run.status_text, found.run.failed, found.finished


def _together(runs: Mapping[int, Found]) -> str:
    """Say how all runs stand."""
    if len(runs) == 1:
        return _standings(runs)[0]
    seen = _seen(runs.values())
    failed = _shown(_sum(run.failed for run in seen))
    return f"{len(runs)} runs: {_tally(runs.values())}, {_done(seen)} done, {failed} failed"


def _tally(found: Iterable[Found]) -> str:
    statuses = Counter(_status(one) for one in sorted(found, key=_urgency))
    return ", ".join(f"{number} {status}" for status, number in statuses.items())


def _seen(found: Iterable[Found]) -> list[TestRun]:
    return [one.run for one in found if isinstance(one, Sighting)]


def _status(found: Found) -> str:
    if isinstance(found, ApiError):
        return found.exit_code.outcome.replace("_", " ")
    return found.run.status_text[:24] or "no status"


def _done(runs: Sequence[TestRun]) -> str:
    return f"{_shown(_sum(run.done for run in runs))}/{_shown(_sum(run.total for run in runs))}"


def _failed(run: TestRun) -> str:
    return f"{run.failed} failed" if run.failed else ""


def _sum(counts: Iterable[int | None]) -> int | None:
    """Add up what is known; unknown where nothing is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _shown(count: int | None) -> str:
    return "?" if count is None else str(count)
