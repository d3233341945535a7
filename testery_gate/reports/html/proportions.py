"""How many tests there are of each kind: numbers, and a bar of their shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from testery_gate.model import TestRun
from testery_gate.reports import view
from testery_gate.reports.html import svg
from testery_gate.reports.html.layout import paragraph
from testery_gate.reports.html.markup import NOTHING, Markup, element, join
from testery_gate.reports.html.svg import INK, KINDS

_NARROWEST = Fraction(1)
"""The least percent of a kind that has tests, so that one test in 100,000 is visible."""


def proportions(run: TestRun) -> Markup:
    """Return the numbers, and a bar if all of them are known."""
    return join([paragraph(*_tiles(run)), _bar(view.numbers(run))])


def _tiles(run: TestRun) -> Iterator[Markup]:
    fills = dict(KINDS)
    for kind, count in view.counts(run).items():
        yield _tile(count, kind, fills.get(kind))
    known = view.facts(run)
    for fact, kind in (("pass rate", "pass rate"), ("ran", "duration")):
        if fact in known:
            yield _tile(known[fact], kind)


def _tile(number: str, label: str, fill: str | None = None) -> Markup:
    swatch = [element("rect", x=0, y=42, width=12, height=12, rx=2, fill=fill)] if fill else []
    return element(
        "svg",
        element("text", number, y=28, fill=INK, font_size=28, font_weight="bold"),
        *swatch,
        element("text", label, x=18 if fill else 0, y=53, fill=INK, font_size=svg.SMALL),
        width=max(96, 19 * len(number) + 18),
        height=68,
        role="img",
        aria_label=f"{number} {label}",
    )


def _bar(counts: Mapping[str, Fraction | None]) -> Markup:
    known = {kind: counts[kind] for kind, _ in KINDS}
    numbers = [count for count in known.values() if count is not None]
    if len(numbers) < len(known) or not sum(numbers):
        return NOTHING
    widths = _widths(numbers)
    shapes = []
    x = Fraction(0)
    for (_, fill), width in zip(KINDS, widths, strict=True):
        if width:
            shapes.append(svg.bar(x, width, 1, 26, fill, stroke="Canvas"))
        x += width
    description = ", ".join(f"{count} {kind}" for kind, count in known.items())
    return svg.chart(28, description, *shapes)


def _widths(counts: list[Fraction]) -> list[Fraction]:
    """Return shares in percent; a count above 0 has at least the narrowest width."""
    total = sum(counts)
    widths = [max(_NARROWEST, 100 * count / total) if count else Fraction(0) for count in counts]
    widths[widths.index(max(widths))] += 100 - sum(widths)
    return widths
