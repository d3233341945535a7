"""The tests that failed, and what is known about why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice

from testery_gate.evidence.outcomes import TestId
from testery_gate.judging.judged import Judged
from testery_gate.model import Attachments
from testery_gate.reports import view
from testery_gate.reports.addresses import run_page, test_page
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.cases import milliseconds
from testery_gate.reports.grouping import excerpt, grouped, headline
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
    paragraph,
    section,
    signs,
    small,
)
from testery_gate.reports.html.markup import NOTHING, Markup, element, join, text, words
from testery_gate.reports.html.palette import badge, sign
from testery_gate.reports.view import Mark
from testery_gate.text import clean_line, cut_off, shorten

OPEN = 3
"""How many errors are unfolded at first."""
SHOWN = 10
"""How many errors are listed before the rest is unfolded."""
SHOWN_ALIKE = 3
"""How many tests with the same error are listed before the rest is unfolded."""
LONGEST_ERROR = 10_000
"""The most characters that the error of one test has, if few tests have one."""
LONGEST_EXCERPT = 3_000
"""Characters of an error that are shown before the rest is unfolded."""
LONGEST_TEXT = 1_000
"""Characters of a sentence."""
LONGEST_NAME = 100
"""Characters of a name among others."""
LONGEST_HEADLINE = 200
"""Characters of an error's first line."""
_SHORTEST_ERROR = 200
_TEST_SIZE = 600
"""Bytes that a test takes without its error, about."""
_HISTORY_SIZE = 500
"""Bytes that its class and its history take, about."""
_BREAKABLE = Fraction(8, 13)
"""Characters for each byte, where every place to wrap is marked."""
_FOLD_SIZE = 250
"""Bytes around folded tests with the same error."""
_FRAME_SIZE = 1_000
"""Bytes around all tests, at most."""


def failing_tests(judged: Judged, level: int, budget: SizeBudget) -> Markup:
    """Return as many of the failing tests as fit, by error, and what they were compared with."""
    heading = view.failing_heading(judged)
    if not heading:
        return NOTHING
    groups = grouped(view.failing_tests(judged))
    if len(groups) > 1 and any(len(group) > 1 for group in groups):
        heading = f"{heading}, {len(groups)} distinct errors"
    budget.left -= _FRAME_SIZE
    compared = facts(_compared(judged))
    # The comparison is left out where it would take the place of the tests.
    if len(compared.encode()) > budget.left // 4:
        compared = NOTHING
    budget.take(compared)
    number = view.failing_number(judged)
    budget.left -= _FOLD_SIZE * sum(len(group) > SHOWN_ALIKE for group in groups)
    items = _entries(judged, groups, number, budget) if number else ()
    taken, rest = fitting(budget, items, number, "failing tests")
    return section(heading, level, _by_error(taken, groups), rest, compared)


def _by_error(taken: Sequence[Markup], groups: Sequence[Sequence[view.FailingTest]]) -> Markup:
    """Return the groups of tests, with the later tests of a group and the later groups folded."""
    left = iter(taken)
    shown = [_folded_after(list(islice(left, len(group)))) for group in groups]
    shown = list(filter(None, shown))
    first, others = shown[:SHOWN], shown[SHOWN:]
    if others:
        first.append(entry(folded(f"{len(others)} more errors", entries(others))))
    return entries(first) if first else NOTHING


def _folded_after(tests: Sequence[Markup]) -> Markup:
    first, others = tests[:SHOWN_ALIKE], tests[SHOWN_ALIKE:]
    if not others:
        return join(first)
    fold = folded(f"{view.counted(len(others), 'more test')} with this error", entries(others))
    return join([*first, entry(fold)])


def _named(test: TestId) -> Markup:
    file, shown = (shorten(clean_line(part), LONGEST_NAME) for part in test)
    return join([name(shown, view.NO_NAME), *([" ", small(code(file))] if file else [])])


def _compared(judged: Judged) -> Iterator[tuple[str, Markup]]:
    for label, content in view.comparison(judged).items():
        yield label.capitalize(), words(content, LONGEST_TEXT)
    if missing := view.missing_tests(judged, _named):
        yield "Missing tests", join(missing, ", ")


def _entries(
    judged: Judged,
    groups: Sequence[Sequence[view.FailingTest]],
    number: int,
    budget: SizeBudget,
) -> Iterator[Markup]:
    # The more tests there are, the shorter are their errors, so that all tests are named.
    test_size = _TEST_SIZE + (_HISTORY_SIZE if view.known_evidence(judged) else 0)
    attached = _attached(judged, SizeBudget(budget.left // 4))
    left = budget.left - sum(len(each.encode()) for each in attached.values())
    share = int((left // number - test_size) * _BREAKABLE)
    limit = max(_SHORTEST_ERROR, min(LONGEST_ERROR, share))
    page = run_page(judged)
    for index, group in enumerate(groups):
        for place, test in enumerate(group):
            # Known failures are folded, so that new ones stand out.
            open_ = index < OPEN and not place and test.mark is Mark.BAD
            files = attached.get(test.result.id, NOTHING)
            shown = entry(_test(test, page, limit, files, open_=open_))
            yield shown if place else join([_head(group), shown])


def _attached(judged: Judged, budget: SizeBudget) -> Mapping[str, Markup]:
    """Return the attachments by the id of their result, as many as fit."""
    found = {id_: _files(attachments) for id_, attachments in judged.attachments.items()}
    return {id_: shown for id_, shown in found.items() if budget.take(shown)}


def _files(attachments: Attachments) -> Markup:
    output = [attachments.output_url] if attachments.output_url else []
    links = [
        *_numbered("screenshot", attachments.screenshots),
        *_numbered("video", attachments.videos),
        *_numbered("whole console output", output),
    ]
    shown = [small(" · ", join(links, " · "))] if links else []
    if attachments.output:
        shown.append(folded(small("console output"), listing(attachments.output)))
    return join(shown)


def _numbered(what: str, addresses: Sequence[str]) -> Iterator[Markup]:
    """Return links named by what they are, and with a number if there are several."""
    for number, address in enumerate(addresses, start=1):
        yield link(address, what if len(addresses) == 1 else f"{what} {number}")


def _head(tests: Sequence[view.FailingTest]) -> Markup:
    """Return the error that several tests have in common; nothing for a single test."""
    if len(tests) == 1:
        return NOTHING
    number = element("b", f"{len(tests)} tests")
    error = shorten(headline(view.error_lines(tests[0].result)), LONGEST_HEADLINE)
    return entry(join([number, ": ", code(error, "Testery gives no error")]))


def _test(test: view.FailingTest, page: str, limit: int, files: Markup, *, open_: bool) -> Markup:
    result = test.result
    head = [sign(test.mark, 14), " ", *_label(test), element("b", name(result.name, view.NO_NAME))]
    known = [code(result.file)] if result.file else []
    if duration := milliseconds(result.duration):
        known.append(Markup(shown_time(duration)))
    if known:
        head += [" ", small(join(known, " · "))]
    address = test_page(page, result.id)
    console = small(link(address, "console of this test")) if address else NOTHING
    more = join([console, files])
    lines = view.error_lines(result)
    if not lines:
        return join([*head, " ", more, *_history(test)])
    return folded(join([*head, *_history(test)]), *_error(lines, limit), more, open_=open_)


def _error(lines: Sequence[str], limit: int) -> Iterator[Markup]:
    """Return the lines that matter; if there are more lines, all of them folded below."""
    whole, important = "\n".join(lines), "\n".join(excerpt(lines))
    shown = cut_off(important, min(limit, LONGEST_EXCERPT))
    left = limit - len(shown)
    if shown != whole and left >= _SHORTEST_ERROR:
        all_of_them = small(f"all {view.counted(len(lines), 'line')}")
        yield listing(shown, is_excerpt=len(whole) <= left)
        yield folded(all_of_them, listing(cut_off(whole, left)))
        return
    yield listing(shown)
    if shown != whole and left > 0:
        yield paragraph(small("The rest of the error is left out."))


def _label(test: view.FailingTest) -> Sequence[Markup]:
    if not test.label:
        return []
    return [
        badge(Mark.BAD, test.label) if test.mark is Mark.BAD else text(f"{test.label}:"),
        Markup(" "),
    ]


def _history(test: view.FailingTest) -> Sequence[Markup]:
    """Return a line with the test's earlier outcomes and details, if there are any."""
    strip = signs(view.strip(test.outcomes), view.strip_in_words(test.outcomes))
    details = small(words(test.details, LONGEST_TEXT)) if test.details else NOTHING
    shown = join(filter(None, (strip, details)), " ")
    return [element("br"), shown] if shown else []
