"""The palette: each mark has a colour and, for people who can't see it, its own sign.

Every colour has a contrast of at least 4.5:1 to white, so that white text can stand on it, and of
3:1 to the black of browsers' dark pages (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from collections.abc import Mapping

from testery_gate.model import ResultStatus, RunStatus
from testery_gate.reports.html.markup import Markup, element
from testery_gate.reports.view import Mark

GREEN = "#1a7f37"
RED = "#cf222e"
AMBER = "#9a6700"
GREY = "#6e7781"
BLUE = "#0969da"

_DISC = "M8 0a8 8 0 1 1 0 16A8 8 0 1 1 8 0z"
_OCTAGON = "M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7z"
_DIAMOND = "M8-1l9 9-9 9-9-9z"
_TRIANGLE = "M8 0l8.5 15.5h-17z"


_SIGNS: Mapping[Mark, tuple[str, str, str]] = {
    Mark.GOOD: (GREEN, _DISC, "M4.4 8.4l2.5 2.5 4.7-5.2"),
    Mark.BAD: (RED, _OCTAGON, "M5 5l6 6M11 5l-6 6"),
    Mark.UNSURE: (AMBER, _DIAMOND, "M6 6.2c0-2.6 4-2.6 4 0C10 7.8 8 7.7 8 9.4M8 11.7v.2"),
    Mark.NOTICE: (AMBER, _TRIANGLE, "M8 5.4v4.2M8 12.4v.2"),
    Mark.NEUTRAL: (GREY, _DISC, "M4.6 8h6.8"),
}
"""The colour of each mark, the shape of its sign, and what is drawn on that."""


def color(mark: Mark) -> str:
    """Return the colour of a mark, for an attribute."""
    return _SIGNS[mark][0]


OF_RUNS: Mapping[RunStatus, Mark] = {
    RunStatus.PASS: Mark.GOOD,
    RunStatus.FAIL: Mark.BAD,
    RunStatus.SUBMITTED: Mark.NEUTRAL,
    RunStatus.QUEUED: Mark.NEUTRAL,
    RunStatus.RUNNING: Mark.NEUTRAL,
    RunStatus.CANCELED: Mark.UNSURE,
    RunStatus.UNKNOWN: Mark.UNSURE,
}
OF_TESTS: Mapping[ResultStatus, Mark] = {
    ResultStatus.PASS: Mark.GOOD,
    ResultStatus.FAIL: Mark.BAD,
    ResultStatus.IGNORED: Mark.NEUTRAL,
    ResultStatus.NOT_RUN: Mark.NEUTRAL,
    ResultStatus.PENDING: Mark.NEUTRAL,
    ResultStatus.RUNNING: Mark.NEUTRAL,
    ResultStatus.UNKNOWN: Mark.UNSURE,
}


def symbol(mark: Mark) -> Markup:
    """Return the definition of a mark's sign, once for the page; :func:`sign` refers to it."""
    ground, shape, drawn = _SIGNS[mark]
    return element(
        "symbol",
        element("path", d=shape, fill=ground),
        element(
            "path",
            d=drawn,
            fill="none",
            stroke="#fff",
            stroke_width=2,
            stroke_linecap="round",
            stroke_linejoin="round",
        ),
        id=mark.value,
        viewBox="-1 -1 18 18",
    )


def sign(mark: Mark, size: int = 16, label: str | None = None) -> Markup:
    """Return the sign of a mark, placed a little below the text's line.

    It needs a label if the text beside it does not say the same.
    """
    named = {"aria_hidden": "true"} if label is None else {"role": "img", "aria_label": label}
    drawn = sign_at(mark, 0, 2, size)
    return element("svg", drawn, width=size, height=size, overflow="visible", **named)


def sign_at(mark: Mark, x: int, y: int, size: int) -> Markup:
    """Return the sign of a mark inside a drawing."""
    return element("use", href=f"#{mark.value}", x=x, y=y, width=size, height=size)


def badge(mark: Mark, label: str) -> Markup:
    """Return a short word in capitals on the colour of a mark."""
    width = 12 + 9 * len(label)
    return element(
        "svg",
        element("rect", y=2, width=width, height=17, rx=4, fill=color(mark)),
        element(
            "text",
            label,
            x=width // 2,
            y=15,
            fill="#fff",
            font_size=12,
            font_weight="bold",
            text_anchor="middle",
        ),
        width=width,
        height=16,
        overflow="visible",
        role="img",
        aria_label=label,
    )
