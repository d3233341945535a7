"""The tests that failed, with what is known of why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from testery_gate.evidence.outcomes import TestId
from testery_gate.judging.judged import Judged
from testery_gate.reports import view
from testery_gate.reports.addresses import run_page, test_page
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.cases import milliseconds
from testery_gate.reports.html.durations import shown_time
from testery_gate.reports.html.layout import (
    code,
    entries,
    entry,
    facts,
    fitting,
    folded,
    link,
    listing,
    name,
    section,
    signs,
    small,
)
from testery_gate.reports.html.markup import NOTHING, Markup, element, join, text, words
from testery_gate.reports.html.palette import badge, sign
from testery_gate.reports.view import Mark
from testery_gate.text import clean_line, cut_off, shorten

OPEN = 3
"""So many show their errors at once."""
SHOWN = 10
"""So many are seen before the rest is unfolded."""
LONGEST_ERROR = 10_000
"""Characters that the error of one test has at most, if few have one."""
LONGEST_TEXT = 1_000
"""Characters of a sentence."""
LONGEST_NAME = 100
"""Characters of a name among others."""
_SHORTEST_ERROR = 200
_BESIDES = 600
"""Bytes that a test takes besides its error, about."""
_HISTORY = 500
"""Bytes that its class and its history take."""
_BREAKABLE = Fraction(8, 13)
"""Characters in a byte, where places to wrap are marked everywhere."""
_FRAME = 1_000
"""Bytes around the tests, more than there are."""


def failing_tests(judged: Judged, level: int, budget: SizeBudget) -> Markup:
    """Return what the tests were compared with, and as many of the failed ones as fit."""
    heading = view.failing_heading(judged)
    if not heading:
        return NOTHING
    budget.left -= _FRAME
    compared = facts(_compared(judged))
    # It never takes the place of the tests.
    if len(compared.encode()) > budget.left // 4:
        compared = NOTHING
    budget.take(compared)
    number = view.failing_number(judged)
    items = _entries(judged, number, budget) if number else ()
    taken, rest = fitting(budget, items, number, "failing tests")
    first, others = taken[:SHOWN], taken[SHOWN:]
    if others:
        first.append(entry(folded(f"{len(others)} more failing tests", entries(others))))
    return section(heading, level, compared, entries(first) if first else NOTHING, rest)


def new_failures(judged: Judged) -> Markup:
    """Return the new failures one below the other; nothing for none."""
    new = view.new_failures(judged)
    red = sign(Mark.BAD, 14)
    shown = [
        join([red, " ", element("b", title), *file]) for title, *file in map(_named, new.tests)
    ]
    return join([*shown, *_more(new)], element("br"))


def _missing(judged: Judged) -> Markup:
    missing = view.missing_tests(judged)
    return join([*map(join, map(_named, missing.tests)), *_more(missing)], ", ")


def _named(test: TestId) -> Sequence[Markup]:
    file, shown = (shorten(clean_line(part), LONGEST_NAME) for part in test)
    return [name(shown, view.NO_NAME), *([Markup(" "), small(code(file))] if file else [])]


def _more(tests: view.Named) -> Sequence[str]:
    return [view.more(tests.more)] if tests.more else []


def _compared(judged: Judged) -> Iterator[tuple[str, Markup]]:
    for label, told in view.comparison(judged).items():
        yield label.capitalize(), words(told, LONGEST_TEXT)
    if missing := _missing(judged):
        yield "Missing tests", missing


def _entries(judged: Judged, number: int, budget: SizeBudget) -> Iterator[Markup]:
    # So that all of them are named, errors are the shorter the more there are.
    besides = _BESIDES + (_HISTORY if view.known_evidence(judged) else 0)
    share = int((budget.left // number - besides) * _BREAKABLE)
    limit = max(_SHORTEST_ERROR, min(LONGEST_ERROR, share))
    page = run_page(judged)
    for index, test in enumerate(view.failing_tests(judged)):
        # Those that are known stay folded, so that new ones stand out.
        open_ = index < OPEN and test.mark is Mark.BAD
        yield entry(_test(test, page, limit, open_=open_))


def _test(test: view.FailingTest, page: str, limit: int, *, open_: bool) -> Markup:
    result = test.result
    head = [sign(test.mark, 14), " ", *_label(test), element("b", name(result.name, view.NO_NAME))]
    known = [code(result.file)] if result.file else []
    if duration := milliseconds(result.duration):
        known.append(Markup(shown_time(duration)))
    if known:
        head += [" ", small(join(known, " · "))]
    console = test_page(page, result.id)
    more = small(link(console, "console of this test")) if console else NOTHING
    error = cut_off("\n".join(view.error_lines(result)), limit)
    if not error:
        return join([*head, " ", more, *_told(test)])
    return folded(join([*head, *_told(test)]), listing(error), more, open_=open_)


def _label(test: view.FailingTest) -> Sequence[Markup]:
    if not test.label:
        return []
    return [
        badge(Mark.BAD, test.label) if test.mark is Mark.BAD else text(f"{test.label}:"),
        Markup(" "),
    ]


def _told(test: view.FailingTest) -> Sequence[Markup]:
    """Say on a line of its own how it went before."""
    strip = signs(view.strip(test.outcomes), view.strip_in_words(test.outcomes))
    told = small(words(test.told, LONGEST_TEXT)) if test.told else NOTHING
    shown = join(filter(None, (strip, told)), " ")
    return [element("br"), shown] if shown else []
