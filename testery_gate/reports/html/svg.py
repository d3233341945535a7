"""Charts that take the available width, with SVG attributes only.

Horizontal positions are percentages, vertical ones are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from testery_gate.reports.html.markup import Markup, element
from testery_gate.reports.html.palette import GREEN, GREY, RED, symbol
from testery_gate.reports.view import Mark

INK = "currentColor"
SMALL = 13


def chart(height: int, label: str, *shapes: str) -> Markup:
    """Return a chart; its label describes it in words."""
    return element("svg", *shapes, width="100%", height=height, role="img", aria_label=label)


def share(percent: Fraction | float) -> str:
    """Return a horizontal position or length, for an attribute."""
    return f"{f'{float(percent):.2f}'.rstrip('0').rstrip('.')}%"


def bar(
    x: Fraction | float,
    width: Fraction | float,
    y: int,
    height: int,
    fill: str,
    *,
    round_: int = 3,
    opacity: str | None = None,
    stroke: str | None = None,
) -> Markup:
    """Return a bar from a horizontal position, in percent."""
    return element(
        "rect",
        x=share(x),
        y=y,
        width=share(width),
        height=height,
        rx=round_ or None,
        fill=fill,
        fill_opacity=opacity,
        stroke=stroke,
        stroke_width=2 if stroke else None,
    )


def track(y: int, height: int) -> Markup:
    """Return the background of a bar."""
    return bar(0, 100, y, height, INK, opacity=".1")


def label(
    x: Fraction | float,
    y: int,
    content: str,
    *,
    anchor: str = "start",
    bold: bool = False,
    fill: str = INK,
) -> Markup:
    """Return text at a horizontal position, in percent; it is not shortened."""
    return element(
        "text",
        content,
        x=share(x),
        y=y,
        fill=fill,
        font_size=SMALL,
        font_weight="bold" if bold else None,
        text_anchor=None if anchor == "start" else anchor,
    )


def rule(x: Fraction | float, y1: int, y2: int) -> Markup:
    """Return a vertical line."""
    return element("line", x1=share(x), x2=share(x), y1=y1, y2=y2, stroke=INK, stroke_width=3)


def stretched(y: int, height: int, *shapes: str) -> Markup:
    """Return shapes in a square of 100 by 100, stretched to the whole width."""
    return element(
        "svg",
        *shapes,
        x=0,
        y=y,
        width="100%",
        height=height,
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
    )


def anchored(x: Fraction | float) -> str:
    """Return the ``text-anchor`` with which a label at a position has room."""
    if x < 20:
        return "start"
    return "end" if x > 80 else "middle"


KINDS: Sequence[tuple[str, str]] = (
    ("passed", GREEN),
    ("failed", "url(#failed)"),
    ("ignored", "url(#ignored)"),
    ("not run", "url(#not-run)"),
)
"""The kinds of tests in the order in which they are stacked, and how their areas are filled."""


def definitions() -> Markup:
    """Return what drawings refer to, once for the page; kinds differ also without colours."""
    return element(
        "svg",
        element(
            "defs",
            *map(symbol, Mark),
            _stripes("failed", RED, "#fff", "45"),
            _stripes("ignored", "#bf8700", "#000", "-45"),
            element(
                "pattern",
                element("rect", width=6, height=6, fill=GREY, fill_opacity=".3"),
                element("circle", cx=3, cy=3, r="1.3", fill=GREY),
                id="not-run",
                width=6,
                height=6,
                patternUnits="userSpaceOnUse",
            ),
        ),
        width=0,
        height=0,
        aria_hidden="true",
    )


def _stripes(id_: str, ground: str, color: str, angle: str) -> Markup:
    return element(
        "pattern",
        element("rect", width=8, height=8, fill=ground),
        element("rect", width=2, height=8, fill=color, fill_opacity=".35"),
        id=id_,
        width=8,
        height=8,
        patternUnits="userSpaceOnUse",
        patternTransform=f"rotate({angle})",
    )
