"""The tests that failed, with what is known of why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from testery_gate.judging.judged import Judged
from testery_gate.model import TestResult
from testery_gate.reports import view
from testery_gate.reports.addresses import run_page, test_page
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.cases import milliseconds
from testery_gate.reports.html.durations import shown_time
from testery_gate.reports.html.layout import (
    code,
    entries,
    entry,
    fitting,
    folded,
    link,
    listing,
    name,
    section,
    small,
)
from testery_gate.reports.html.markup import NOTHING, Markup, element, join
from testery_gate.reports.html.palette import sign
from testery_gate.text import cut_off

OPEN = 3
"""So many show their errors at once."""
SHOWN = 10
"""So many are seen before the rest is unfolded."""
LONGEST_ERROR = 10_000
"""Characters that the error of one test has at most, if few have one."""
_SHORTEST_ERROR = 200
_BESIDES = 600
"""Bytes that a test takes besides its error, about."""
_BREAKABLE = Fraction(8, 13)
"""Characters in a byte, where places to wrap are marked everywhere."""
_FRAME = 1_000
"""Bytes around the tests, more than there are."""


def failing_tests(judged: Judged, level: int, budget: SizeBudget) -> Markup:
    """Return as many of the failed tests as fit."""
    failing = view.failing(judged)
    if not failing:
        return NOTHING
    budget.left -= _FRAME
    items = _entries(failing, run_page(judged), budget)
    taken, rest = fitting(budget, items, len(failing), "failing tests")
    first, others = taken[:SHOWN], taken[SHOWN:]
    if others:
        first.append(entry(folded(f"{len(others)} more failing tests", entries(others))))
    return section(view.failing_heading(judged), level, entries(first) if first else NOTHING, rest)


def _entries(failing: Sequence[TestResult], page: str, budget: SizeBudget) -> Iterator[Markup]:
    # So that all of them are named, errors are the shorter the more there are.
    share = int((budget.left // len(failing) - _BESIDES) * _BREAKABLE)
    limit = max(_SHORTEST_ERROR, min(LONGEST_ERROR, share))
    for number, result in enumerate(failing):
        yield entry(_test(result, page, limit, open_=number < OPEN))


def _test(result: TestResult, page: str, limit: int, *, open_: bool) -> Markup:
    head = [sign(view.Mark.BAD, 14), " ", element("b", name(result.name, view.NO_NAME))]
    facts = [code(result.file)] if result.file else []
    if duration := milliseconds(result.duration):
        facts.append(Markup(shown_time(duration)))
    if facts:
        head += [" ", small(join(facts, " · "))]
    console = test_page(page, result.id)
    more = small(link(console, "console of this test")) if console else NOTHING
    error = cut_off("\n".join(view.error_lines(result)), limit)
    if not error:
        return join([*head, " ", more])
    return folded(join(head), listing(error), more, open_=open_)
