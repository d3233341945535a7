"""How things are meant: each tone has a colour and, for those who see none, a mark of its own.

Every colour has at least 4.5:1 against white, so that white text can stand on it, and 3:1 against
the black of browsers' dark pages (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from testery_gate.errors import ExitCode
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import ResultStatus, RunStatus
from testery_gate.reports.html.markup import Markup, element, join

GREY = "#6e7781"
BLUE = "#0969da"

_DISC = "M8 0a8 8 0 1 1 0 16A8 8 0 1 1 8 0z"
_OCTAGON = "M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7z"
_DIAMOND = "M8-1l9 9-9 9-9-9z"
_TRIANGLE = "M8 0l8.5 15.5h-17z"


class Tone(Enum):
    """A colour, the shape of the sign, and the mark on it."""

    GOOD = "#1a7f37", _DISC, "M4.4 8.4l2.5 2.5 4.7-5.2"
    BAD = "#cf222e", _OCTAGON, "M5 5l6 6M11 5l-6 6"
    UNSURE = "#9a6700", _DIAMOND, "M6 6.2c0-2.6 4-2.6 4 0C10 7.8 8 7.7 8 9.4M8 11.7v.2"
    NOTICE = "#9a6700", _TRIANGLE, "M8 5.4v4.2M8 12.4v.2"
    NEUTRAL = GREY, _DISC, "M4.6 8h6.8"

    @property
    def color(self) -> str:
        """The colour as attributes take it."""
        return self.value[0]


def of_outcome(code: ExitCode) -> Tone:
    """Return the tone of a verdict."""
    return {ExitCode.PASSED: Tone.GOOD, ExitCode.FAILED: Tone.BAD}.get(code, Tone.UNSURE)


def of_check(check: Check) -> Tone:
    """Return the tone of a check."""
    if check.state is CheckState.HOLDS:
        return Tone.GOOD
    if check.state is CheckState.OPEN:
        return Tone.NEUTRAL
    if not check.deciding:
        return Tone.NOTICE
    return Tone.BAD if check.state is CheckState.BREACHED else Tone.UNSURE


OF_RUNS: Mapping[RunStatus, Tone] = {
    RunStatus.PASS: Tone.GOOD,
    RunStatus.FAIL: Tone.BAD,
    RunStatus.SUBMITTED: Tone.NEUTRAL,
    RunStatus.QUEUED: Tone.NEUTRAL,
    RunStatus.RUNNING: Tone.NEUTRAL,
    RunStatus.CANCELED: Tone.UNSURE,
    RunStatus.UNKNOWN: Tone.UNSURE,
}
OF_TESTS: Mapping[ResultStatus, Tone] = {
    ResultStatus.PASS: Tone.GOOD,
    ResultStatus.FAIL: Tone.BAD,
    ResultStatus.IGNORED: Tone.NEUTRAL,
    ResultStatus.NOT_RUN: Tone.NEUTRAL,
    ResultStatus.PENDING: Tone.NEUTRAL,
    ResultStatus.RUNNING: Tone.NEUTRAL,
    ResultStatus.UNKNOWN: Tone.UNSURE,
}


def signs() -> Markup:
    """Return the signs of all tones, once for the page; :func:`sign` refers to them."""
    return join(_symbol(tone) for tone in Tone)


def _symbol(tone: Tone) -> Markup:
    color, shape, mark = tone.value
    return element(
        "symbol",
        element("path", d=shape, fill=color),
        element(
            "path",
            d=mark,
            fill="none",
            stroke="#fff",
            stroke_width=2,
            stroke_linecap="round",
            stroke_linejoin="round",
        ),
        id=_id(tone),
        viewBox="-1 -1 18 18",
    )


def _id(tone: Tone) -> str:
    return tone.name.lower()


def sign(tone: Tone, size: int = 16, label: str | None = None) -> Markup:
    """Draw the sign of a tone, a little below the line of the words, which say the same.

    Where they don't, there is a label.
    """
    named = {"aria_hidden": "true"} if label is None else {"role": "img", "aria_label": label}
    drawn = sign_at(tone, 0, 2, size)
    return element("svg", drawn, width=size, height=size, overflow="visible", **named)


def sign_at(tone: Tone, x: int, y: int, size: int) -> Markup:
    """Draw the sign of a tone within a drawing."""
    return element("use", href=f"#{_id(tone)}", x=x, y=y, width=size, height=size)
