"""The content of a frame of the live display: a line for each run and a few for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testery_gate.errors import ApiError
from testery_gate.model import RunStatus, TestRun
from testery_gate.progress.standing import (
    Found,
    Look,
    brief,
    clock_time,
    done_of,
    failed_of,
    seen_runs,
    shown,
    status_of,
    tally,
    total_of,
    urgency,
)
from testery_gate.text import clean_text, columns, one_line, settled, shorten_to_columns

Span = tuple[str, str]
"""A text and its colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The characters that a frame is drawn with."""

    done: str
    failed: str
    """Another sign than ``done``, for people who see no colours."""
    rest: str
    ellipsis: str
    encoding: str

    def drawable(self, text: str) -> str:
        """Return remote text with ``?`` for characters that the terminal can't show."""
        return settled(clean_text(text)).encode(self.encoding, "replace").decode(self.encoding)

    def fit(self, text: str, width: int) -> str:
        """Return remote text on one line of at most ``width`` columns."""
        return shorten_to_columns(self.drawable(one_line(text)), width, self.ellipsis)


UNICODE = Style(done="━", failed="✗", rest="─", ellipsis="…", encoding="utf-8")
ASCII = Style(done="#", failed="x", rest="-", ellipsis="...", encoding="ascii")


LONGEST_BAR = 120
"""Columns of the bar for all tests; status and count stay close to each other."""
BAR_OF_SEVERAL = 30
"""Columns of the bar for one of several runs. With more, each line would fold when a wide terminal
is narrowed, and the first ones could no longer be erased."""


def frame(
    look: Look | None, now: float, elapsed: float, width: int, height: int, style: Style
) -> list[list[Span]]:
    """Return the lines of a frame; those that change with the time are last."""
    if look is None:
        return [[(f"waiting for the first answer, {clock_time(elapsed)}", "")]]
    progress = look.progress
    limit = brief(_rounded(progress.elapsed + progress.remaining))
    so_far, outlook = f"{clock_time(elapsed)} of {limit}", look.outlook(now)
    times = [", ".join([so_far, *outlook])]
    if len(times[0]) > width:
        times = [so_far, ", ".join(outlook)]
    if len(progress.runs) == 1:
        ((run_id, found),) = progress.runs.items()
        lines = _single(run_id, found, look, width, style)
    else:
        lines = _several(look, width, height - len(times) - 1, style)
    return [*lines, *([(line, "")] for line in times)]


def _rounded(limit: float) -> int:
    """Return the timeout, rounded: the start of the gate can add some seconds."""
    return round(limit) if limit < 600 else 10 * round(limit / 10)


def _single(run_id: int, found: Found, look: Look, width: int, style: Style) -> list[list[Span]]:
    head = f"run {run_id}"
    if isinstance(found, ApiError):
        return [
            [
                (f"{head} {status_of(found)}", "red"),
                (f": {style.drawable(one_line(found.message))}", ""),
            ]
        ]
    run = found.run
    about = " on ".join(filter(None, (run.name, run.environment)))
    status = style.fit(status_of(found), width // 3)
    return [
        [(head, "bold"), (f"  {style.fit(about, width - len(head) - 2)}", "")],
        _progress_line((status, _color(found)), [run], width, style),
        *_count_lines([run], "", look, width),
    ]


def _several(look: Look, width: int, height: int, style: Style) -> list[list[Span]]:
    """Return lines for all runs together, and one for each that fits, the most urgent first."""
    runs = look.progress.runs
    ordered = sorted(runs.items(), key=lambda item: urgency(item[1]))
    seen = seen_runs(runs.values())
    counts = _count_lines(seen, "tests ", look, width)
    room = height - 1 - len(counts)
    shown = ordered[: room if len(ordered) <= room else max(0, room - 1)]
    lines = [
        _progress_line((f"{len(runs)} runs", "bold"), seen, width, style),
        *counts,
        *_rows(shown, width, style),
    ]
    rest = [found for _, found in ordered[len(shown) :]]
    if rest:
        lines.append([(style.fit(f"and {len(rest)} more: {tally(rest)}", width), "")])
    return lines


def _rows(runs: Sequence[tuple[int, Found]], width: int, style: Style) -> Iterator[list[Span]]:
    seen = seen_runs(found for _, found in runs)
    id_width = max((len(str(run_id)) for run_id, _ in runs), default=0)
    status_width = max((columns(style.drawable(status_of(found))) for _, found in runs), default=0)
    status_width = min(status_width, width // 4)
    done_width = max((len(done_of([run])) for run in seen), default=0)
    failed_width = max((len(failed_of(run)) for run in seen), default=0)
    room = width - id_width - status_width - 4
    rest = room - done_width - failed_width - 4
    names = max((columns(style.drawable(run.name or "")) for run in seen), default=0)
    # Names take what they need, up to one half.
    bar_width = min(BAR_OF_SEVERAL, max(rest // 2, rest - names)) if rest >= 16 else 0
    for run_id, found in runs:
        status = style.fit(status_of(found), status_width)
        gap = " " * (status_width - columns(status) + 1)
        line = [(f"  {run_id:>{id_width}} ", ""), (status, _color(found)), (gap, "")]
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
    bar_width = min(LONGEST_BAR, width - columns(head[0]) - 1 - len(done))
    return [head, (" ", ""), *_bar(runs, bar_width, style), (done, "")]


def _bar(runs: Sequence[TestRun], width: int, style: Style) -> list[Span]:
    """Return a bar of passed, failed and ignored tests, out of all tests.

    Failed tests have at least one cell, even with a very small share.
    """
    counts = [
        total_of(run.passed for run in runs) or 0,
        total_of(run.failed for run in runs) or 0,
        total_of(run.ignored for run in runs) or 0,
    ]
    total = max(total_of(run.total for run in runs) or 0, sum(counts), 1)
    width = max(0, width)
    ends = [width * sum(counts[: number + 1]) // total for number in range(3)]
    if counts[1] > 0 and ends[1] == ends[0] and width:
        ends[0] = min(ends[0], width - 1)
        ends[1] = ends[0] + 1
        ends[2] = max(ends[1], ends[2])
    passed, failed, done = ends
    return [
        (style.done * passed, "green"),
        (style.failed * (failed - passed), "red"),
        (style.done * (done - failed), "yellow"),
        (style.rest * (width - done), "dim"),
    ]


def _counts(runs: Sequence[TestRun], what: str) -> list[Span]:
    counts = [
        (total_of(run.passed for run in runs), f"{what}passed", "green"),
        (total_of(run.failed for run in runs), "failed", "red"),
        (total_of(run.ignored for run in runs), "ignored", "yellow"),
    ]
    parts = [(f"{shown(count)} {name}", color if count else "") for count, name, color in counts]
    return [span for part in parts for span in ((", ", ""), part)][1:]


def _count_lines(runs: Sequence[TestRun], what: str, look: Look, width: int) -> list[list[Span]]:
    """Return the counts, and why a run with failed tests is PASS, on one line if it fits."""
    counts, why = _counts(runs, what), look.why_passing()
    if not why:
        return [counts]
    if sum(len(text) for text, _ in counts) + len(why) + 2 <= width:
        return [[*counts, (f", {why}", "yellow")]]
    return [counts, [(why, "yellow")]]


_COLORS = {
    RunStatus.RUNNING: "cyan",
    RunStatus.PASS: "green",
    RunStatus.FAIL: "red",
    RunStatus.CANCELED: "yellow",
    RunStatus.UNKNOWN: "yellow",
}


def _color(found: Found) -> str:
    return "red" if isinstance(found, ApiError) else _COLORS.get(found.run.status, "")
