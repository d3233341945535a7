"""A check on one number: the value found, the threshold, and where the check would hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import assert_never

from testery_gate.judging.criteria import Criterion, Operator, Unit, format_value
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.reports.html import svg
from testery_gate.reports.html.markup import NOTHING, Markup, element
from testery_gate.reports.html.palette import GREEN, color
from testery_gate.reports.view import mark_of_check

_INSET = 2
"""Percent at both ends, so that nothing there is cut."""
_HEIGHT = 44
_MIDDLE = 12


def bullet(check: Check) -> Markup:
    """Return the chart of a check; nothing where the numbers are enough."""
    criterion, actual = check.criterion, check.actual
    if criterion is None or actual is None or _is_plain(check.state, criterion):
        return NOTHING
    scale = _Scale(criterion, actual)
    return svg.chart(
        _HEIGHT,
        f"{criterion.metric.value}: {check.actual_text} on a scale to {scale.end_text},"
        f" expected {check.expected_text}",
        svg.track(4, 16),
        *_good(criterion, scale),
        *_found(color(mark_of_check(check)), actual, scale),
        svg.rule(scale.place(criterion.threshold), 0, 24),
        *_labels(check, criterion, scale),
    )


def _is_plain(state: CheckState, criterion: Criterion) -> bool:
    """Whether the check holds and its threshold is no test or one test."""
    of_tests = criterion.metric.unit is Unit.TESTS
    return state is CheckState.HOLDS and of_tests and criterion.threshold <= 1


class _Scale:
    """Converts values to horizontal positions, in percent."""

    def __init__(self, criterion: Criterion, actual: Fraction) -> None:
        self._end = Fraction(100)
        if criterion.metric.unit is not Unit.PERCENT:
            self._end = max(criterion.threshold, actual) * Fraction(5, 4)
            if criterion.metric.unit is Unit.TESTS:
                self._end = Fraction(-(-self._end // 1))
        self._end = self._end or Fraction(1)
        self.end_text = format_value(Fraction(round(self._end)) or self._end, criterion.metric.unit)

    def place(self, value: Fraction) -> Fraction:
        return _INSET + (100 - 2 * _INSET) * value / self._end


def _good(criterion: Criterion, scale: _Scale) -> Iterator[Markup]:
    """Return lines at the bottom that mark where the check holds."""
    at = scale.place(criterion.threshold)
    match criterion.operator:
        case Operator.AT_MOST | Operator.LESS:
            ranges = [(Fraction(0), at)]
        case Operator.AT_LEAST | Operator.GREATER:
            ranges = [(at, Fraction(100))]
        case Operator.EQUAL:
            ranges = [(at - 1, at + 1)]
        case Operator.UNEQUAL:
            ranges = [(Fraction(0), at - 1), (at + 1, Fraction(100))]
        case _:
            assert_never(criterion.operator)
    for start, end in ranges:
        yield svg.bar(start, end - start, 20, 4, GREEN, round_=0)


def _found(fill: str, actual: Fraction, scale: _Scale) -> Iterator[Markup]:
    at = scale.place(actual)
    if actual:
        yield svg.bar(0, at, 8, 8, fill, round_=0)
    yield element(
        "circle", cx=svg.share(at), cy=_MIDDLE, r=6, fill=fill, stroke="Canvas", stroke_width=2
    )


def _labels(check: Check, criterion: Criterion, scale: _Scale) -> Iterator[Markup]:
    at = scale.place(criterion.threshold)
    line = _HEIGHT - 6
    yield svg.label(at, line, check.expected_text, anchor=svg.anchored(at))
    if at > 40:
        yield svg.label(0, line, "0")
    if at < 60:
        yield svg.label(100, line, scale.end_text, anchor="end")
