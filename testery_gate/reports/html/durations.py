"""What took the time: by test file, and the slowest tests."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from testery_gate.judging.criteria import Unit, format_value
from testery_gate.model import TestResult
from testery_gate.reports import view
from testery_gate.reports.addresses import test_page
from testery_gate.reports.cases import milliseconds
from testery_gate.reports.html import svg
from testery_gate.reports.html.layout import code, data, group, link, name, paragraph, small
from testery_gate.reports.html.markup import NOTHING, Markup, element, join
from testery_gate.reports.html.palette import BLUE, OF_TESTS, sign

MOST_FILES = 15
MOST_TESTS = 10


def by_file(results: Sequence[TestResult]) -> Markup:
    """Return the files that take the longest."""
    numbers = Counter(result.file for result in results)
    times = Counter[str]()
    for result in results:
        times[result.file] += milliseconds(result.duration)
    longest = times.most_common(MOST_FILES)
    rows = [
        (code(file, view.NO_FILE), time, [str(numbers[file])]) for file, time in longest if time
    ]
    rest = len(times) - len(longest)
    return join(
        [
            _ranking(("file", "tests", "time"), rows, "Durations by test file"),
            paragraph(small(f"… {view.more(rest, 'files')}")) if rest else NOTHING,
        ]
    )


def slowest(results: Sequence[TestResult], page: str) -> Markup:
    """Return the tests that took the longest."""
    longest = heapq.nlargest(MOST_TESTS, results, key=lambda test: milliseconds(test.duration))
    rows = [
        (_test(result, page), time, ())
        for result in longest
        if (time := milliseconds(result.duration))
    ]
    return _ranking(("test", "time"), rows, "The slowest tests")


def shown_time(duration: int) -> str:
    """Return milliseconds as text; a longer time has fewer digits."""
    digits = 3 if duration < 1_000 else 2 if duration < 10_000 else 1 if duration < 60_000 else 0
    return format_value(round(Fraction(duration, 1000), digits), Unit.TIME)


def _test(result: TestResult, page: str) -> Markup:
    status = result.status.value.replace("_", " ") or "unknown status"
    title = link(test_page(page, result.id), name(result.name, view.NO_NAME))
    where = join([element("br"), small(code(result.file))]) if result.file else NOTHING
    return join([sign(OF_TESTS[result.status], 14, status.lower()), " ", title, where])


def _ranking(
    head: Sequence[str], rows: Sequence[tuple[Markup, int, Sequence[str]]], caption: str
) -> Markup:
    """Return a table of rows with a title, a time, and the cells between them."""
    if not rows:
        return NOTHING
    longest = max(time for _, time, _ in rows)
    groups = (
        group(
            join([title, element("br"), _bar(time, longest)]),
            *between,
            shown_time(time),
            wide=True,
        )
        for title, time, between in rows
    )
    return data(head, groups, caption=caption)


def _bar(time: int, longest: int) -> Markup:
    """Return a bar for a time, as a share of the longest; the time stands beside it as text."""
    shapes = [svg.track(6, 8), svg.bar(0, Fraction(100 * time, longest), 6, 8, BLUE)]
    return element("svg", *shapes, width="100%", height=16, aria_hidden="true")
