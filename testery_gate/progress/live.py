"""The live display: a frame that is updated in the same place of a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TextIO, cast

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType, Segment, Segments
from rich.text import Text

from testery_gate.progress.frame import Style, frame
from testery_gate.progress.standing import LONGEST_LINE, Look, stamp
from testery_gate.progress.stream import SafeStream
from testery_gate.text import beginning, clean_text, fold, one_line, rows
from testery_gate.waiting.polling import Progress

FASTEST = 4000
"""Average bytes per second, which even a slow connection can take."""


class LiveDisplay:
    """Draws the state of the runs on a terminal, again and again in the same place.

    Only one thread draws. The others only store what to show, so they never wait for a terminal
    that is slow or stopped (Ctrl-S). Such a terminal gets fewer frames.
    """

    def __init__(
        self,
        out: SafeStream,
        clock: Callable[[], float],
        environment: Mapping[str, str],
        style: Style,
        *,
        trusted: bool = False,
    ) -> None:
        self._out = out
        self._clock = clock
        self._style = style
        self._trusted = trusted
        self._started = clock()
        self._look: Look | None = None
        self._pending: deque[tuple[str, str]] = deque()
        self._written = 0
        self._width = out.size()[0]
        self._canvas = Canvas(out, environment)

    def update(self, progress: Progress) -> None:
        """Show what is known after a poll in the next frame."""
        if progress.runs:
            self._look = Look(progress, self._clock(), self._trusted)

    def say(self, line: str) -> None:
        """Show the line above the next frame, with its time."""
        text = self._style.drawable(one_line(clean_text(line))[:LONGEST_LINE])
        self._pending.append((stamp(self._clock() - self._started), text))

    def draw(self) -> None:
        """Draw what is new, unless the process is in the background.

        While a person changes the width of the window nothing is drawn, because the terminal could
        have another width when the frame arrives.
        """
        if not self._out.in_front():
            self.forget()
        elif self._is_settled():
            self._draw()

    def pause(self) -> float:
        """Return how many seconds to wait after the last frame, by its size."""
        return self._written / FASTEST

    def forget(self) -> None:
        """Note that the cursor may have been moved by somebody else."""
        self._canvas.moved = True

    def end(self) -> None:
        """Draw a last frame and go to the line below it."""
        self._draw()
        self._canvas.leave()

    def _is_settled(self) -> bool:
        """Whether the terminal is as wide as it was a moment ago."""
        before, self._width = self._width, self._out.size()[0]
        return self._width == before

    def _draw(self) -> None:
        before = self._out.written
        width, height = self._out.size()
        now = self._clock()
        lines = frame(self._look, now, now - self._started, width, height, self._style)
        above = [
            row
            for _ in range(len(self._pending))
            for row in _behind(*self._pending.popleft(), width)
        ]
        self._canvas.draw([Text.assemble(*line) for line in lines], width, height, above)
        self._written = self._out.written - before


class Canvas:
    """Lines of a terminal; only lines that have changed are written again.

    The cursor is always visible, at the end of the last line, and no mode of the terminal is
    changed. So there is nothing to restore when the process ends, in whatever way.

    A terminal that is narrowed may fold the lines into more rows. Rows on the screen are erased,
    but not those that the terminal has scrolled away. tmux scrolls as many rows away as were added,
    even if there is room below (``grid_reflow`` in its grid.c). So the first lines of a frame near
    the top of the screen may stay in its history.
    """

    def __init__(self, out: SafeStream, environment: Mapping[str, str]) -> None:
        self.moved = False
        """Whether somebody else may have moved the cursor since the last frame."""
        self._console = Console(
            file=cast("TextIO", out),
            force_terminal=True,
            color_system=None if environment.get("NO_COLOR") else "standard",
            _environ=environment,
        )
        self._folds = _folds_anew(environment)
        self._lines: list[Text] = []
        self._width = 0

    def draw(self, lines: Sequence[Text], width: int, height: int, above: Sequence[str]) -> None:
        """Write the lines, as many as fit on the terminal, and others ``above`` them."""
        folded = [row for line in lines for row in line.wrap(self._console, width)]
        fitting = [_cropped(row, width) for row in folded[: height - 1]]
        if self.moved:
            self.moved = False
            self._lines = []
        segments: list[Segment] = []
        if above or width != self._width or len(fitting) < len(self._lines):
            segments += self._erased(width)
            segments += [Segment(f"{line}\n") for line in above]
            self._lines = []
        segments += self._changes(fitting)
        self._lines, self._width = fitting, width
        if segments:
            self._console.print(Segments(segments), soft_wrap=True, end="")

    def leave(self) -> None:
        """Go to the line below."""
        if self._lines:
            self._console.print(soft_wrap=True)
            self._lines = []

    def _erased(self, width: int) -> Iterator[Segment]:
        """Return what erases the lines from the last to the first, which may be folded by now.

        Nobody else writes below them. But the cursor may be one row too high, above the last line:
        tmux moves it there when it has folded lines and scrolled the first ones away.
        """
        count = len(self._lines)
        if self._folds:
            count = sum(rows(line.plain, width) for line in self._lines)
        yield _ERASE
        if self._lines:
            yield _ERASE_BELOW
        for _ in range(count - 1):
            yield _up(1)
            yield _ERASE

    def _changes(self, lines: Sequence[Text]) -> Iterator[Segment]:
        """Return what writes the changed lines and the last one; the cursor is then behind it."""
        pairs = list(zip_longest(self._lines, lines))
        changed = [row for row, (before, now) in enumerate(pairs) if before != now]
        if not changed:
            return
        here = max(0, len(self._lines) - 1)
        first = min(here, *changed)
        if first < here:
            yield _up(here - first)
        for row in range(first, len(lines)):
            if row > first:
                yield Segment.line()
            if row in changed or row == len(lines) - 1:
                yield _ERASE
                yield from lines[row].render(self._console)


_ERASE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)).segment
_ERASE_BELOW = Segment("\x1b[J", None, [(ControlType.CLEAR,)])
"""To the end of the screen (ECMA-48, ED)."""


def _up(rows: int) -> Segment:
    return Control((ControlType.CURSOR_UP, rows)).segment


def _cropped(line: Text, width: int) -> Text:
    line.rstrip()
    return line[: len(beginning(line.plain, width))]


def _behind(stamp: str, text: str, width: int) -> Iterator[str]:
    """Return a text behind a stamp, folded between words; addresses are never folded."""
    lead = stamp
    for row in fold(text, width - len(stamp)):
        yield lead + row
        lead = " " * len(stamp)


def _folds_anew(environment: Mapping[str, str]) -> bool:
    """Whether the terminal folds long lines again when it is narrowed; most do, some cut them."""
    cuts = "XTERM_VERSION" in environment or "STY" in environment
    return "TMUX" in environment or not (cuts or environment.get("TERM") == "linux")
