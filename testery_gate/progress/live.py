"""The live display: a frame drawn over and over in the same place of a terminal."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO, cast

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from testery_gate.errors import ApiError
from testery_gate.model import RunStatus, TestRun
from testery_gate.polling import Progress
from testery_gate.progress.standing import (
    Found,
    Look,
    brief,
    clock_time,
    done_of,
    failed_of,
    seen_runs,
    shown,
    stamped,
    status_of,
    tally,
    total_of,
    urgency,
)
from testery_gate.progress.stream import SafeStream


class LiveDisplay:
    """Draws how things stand on a terminal, over and over in the same place."""

    def __init__(
        self,
        out: SafeStream,
        clock: Callable[[], float],
        environment: Mapping[str, str],
        style: Style,
    ) -> None:

        self._out = out
        self._clock = clock
        self._style = style
        self._started = clock()
        self._look: Look | None = None
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
                self._look = Look(progress, self._clock())
            self._draw()

    def say(self, line: str) -> None:
        """Write the line with the time it came above the frame."""

        with self._lock:
            drawable = self._style.drawable(stamped(self._clock() - self._started, line))
            # Not folded by us, so that an address in it can be copied.
            self._console.print(Text(drawable), soft_wrap=True)

    def tick(self) -> None:
        """Draw what the time has changed."""
        with self._lock:
            self._draw()

    def _draw(self) -> None:

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

        text = self.drawable(text)
        if cell_len(text) <= width:
            return text
        room = width - len(self.ellipsis)
        return set_cell_size(text, room).rstrip() + self.ellipsis if room > 0 else ""


UNICODE = Style(done="━", rest="─", ellipsis="…", encoding="utf-8")
ASCII = Style(done="#", rest="-", ellipsis="...", encoding="ascii")


Span = tuple[str, str]
"""A text and its colour."""


def _frame(
    look: Look | None, now: float, elapsed: float, width: int, height: int, style: Style
) -> list[list[Span]]:
    """Return the lines of a frame, the ones that change by themselves last."""
    if look is None:
        return [[(f"waiting for the first answer, {clock_time(elapsed)}", "")]]
    progress = look.progress
    limit = brief(round(progress.elapsed + progress.remaining))
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
        return [[(f"{head} {status_of(found)}", "red"), (f": {style.drawable(found.message)}", "")]]
    run = found.run
    about = " on ".join(filter(None, (run.name, run.environment)))
    status = style.fit(status_of(found), width // 3)
    return [
        [(head, "bold"), (f"  {style.fit(about, width - len(head) - 2)}", "")],
        _progress_line((status, _color(found)), [run], width, style),
        _counts([run]),
    ]


def _several(runs: Mapping[int, Found], width: int, height: int, style: Style) -> list[list[Span]]:
    """Return lines for all runs together, and one for each that fits, the most urgent first."""
    ordered = sorted(runs.items(), key=lambda item: urgency(item[1]))
    room = height - 2
    shown = ordered[: room if len(ordered) <= room else max(0, room - 1)]
    seen = seen_runs(runs.values())
    lines = [
        _progress_line((f"{len(runs)} runs", "bold"), seen, width, style),
        _counts(seen),
        *_rows(shown, width, style),
    ]
    rest = [found for _, found in ordered[len(shown) :]]
    if rest:
        lines.append([(style.fit(f"and {len(rest)} more: {tally(rest)}", width), "")])
    return lines


def _rows(runs: Sequence[tuple[int, Found]], width: int, style: Style) -> Iterator[list[Span]]:

    seen = seen_runs(found for _, found in runs)
    id_width = max((len(str(run_id)) for run_id, _ in runs), default=0)
    status_width = max((cell_len(style.drawable(status_of(found))) for _, found in runs), default=0)
    status_width = min(status_width, width // 4)
    done_width = max((len(done_of([run])) for run in seen), default=0)
    failed_width = max((len(failed_of(run)) for run in seen), default=0)
    room = width - id_width - status_width - 4
    rest = room - done_width - failed_width - 4
    bar_width = min(30, rest // 2) if rest >= 16 else 0
    for run_id, found in runs:
        status = set_cell_size(style.fit(status_of(found), status_width), status_width)
        line = [(f"  {run_id:>{id_width}} ", ""), (status, _color(found)), (" ", "")]
        if isinstance(found, ApiError):
            yield [*line, (style.fit(found.message, room), "")]
            continue
        run = found.run
        yield [
            *line,
            *_bar([run], bar_width, style),
            (f" {done_of([run]):>{done_width}}", ""),
            (f" {failed_of(run):<{failed_width}}", "red"),
            (f"  {style.fit(run.name or '', rest - bar_width)}", ""),
        ]


def _progress_line(head: Span, runs: Sequence[TestRun], width: int, style: Style) -> list[Span]:

    done = f" {done_of(runs)} done"
    bar_width = min(60, width - cell_len(head[0]) - 1 - len(done))
    return [head, (" ", ""), *_bar(runs, bar_width, style), (done, "")]


def _bar(runs: Sequence[TestRun], width: int, style: Style) -> list[Span]:
    """Return a bar of what passed, failed and was ignored, out of all tests."""
    counts = [
        (total_of(run.passed for run in runs) or 0, "green"),
        (total_of(run.failed for run in runs) or 0, "red"),
        (total_of(run.ignored for run in runs) or 0, "yellow"),
    ]
    done = sum(count for count, _ in counts)
    total = max(total_of(run.total for run in runs) or 0, done, 1)
    spans = []
    end = counted = 0
    for count, color in counts:
        start, counted = end, counted + count
        end = max(0, width) * counted // total
        spans.append((style.done * (end - start), color))
    return [*spans, (style.rest * (width - end), "dim")]


def _counts(runs: Sequence[TestRun]) -> list[Span]:
    counts = [
        (total_of(run.passed for run in runs), "passed", "green"),
        (total_of(run.failed for run in runs), "failed", "red"),
        (total_of(run.ignored for run in runs), "ignored", "yellow"),
    ]
    parts = [(f"{shown(count)} {name}", color if count else "") for count, name, color in counts]
    return [span for part in parts for span in ((", ", ""), part)][1:]


_COLORS = {
    RunStatus.RUNNING: "cyan",
    RunStatus.PASS: "green",
    RunStatus.FAIL: "red",
    RunStatus.CANCELED: "yellow",
    RunStatus.UNKNOWN: "yellow",
}


def _color(found: Found) -> str:
    return "red" if isinstance(found, ApiError) else _COLORS.get(found.run.status, "")
