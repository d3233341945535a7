"""The content of the page, in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import TestRun
from testery_gate.reports import view
from testery_gate.reports.addresses import run_page
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.headline import Headline, further_reason, headline
from testery_gate.reports.html import layout, palette
from testery_gate.reports.html.bullet import bullet
from testery_gate.reports.html.durations import by_file, slowest
from testery_gate.reports.html.failing import failing_tests
from testery_gate.reports.html.layout import (
    code,
    data,
    facts,
    fitting,
    folded,
    group,
    link,
    more,
    name,
    paragraph,
    section,
    small,
    together,
)
from testery_gate.reports.html.markup import NOTHING, Markup, element, join, words
from testery_gate.reports.html.palette import sign, sign_at
from testery_gate.reports.html.proportions import proportions
from testery_gate.reports.html.timeline import timeline
from testery_gate.reports.html.trend import trend
from testery_gate.reports.view import Mark
from testery_gate.text import shorten

LIMIT = 5_000_000
"""Bytes; a browser shows as much within a second or two."""

LONGEST_TEXT = 1_000
"""Characters of a sentence."""
LONGEST_TITLE = 200
MOST_REMARKS = 20
MOST_CHECKS = 100
SHOWN_RUNS = 10
"""How many runs that did not pass are listed before the rest is unfolded."""
_FRAME_SIZE = 3_000
"""Bytes around the content of several runs, at most."""


def render(runs: Sequence[Judged], *, limit: int = LIMIT) -> str:
    """Return the page on one run or more, in at most ``limit`` bytes of UTF-8.

    Parts that do not fit are left out completely. The frame, with the headline, takes about 5,000
    bytes.
    """
    ranked = view.worst_first(runs)
    line = headline(ranked)
    title = shorten(str(line), LONGEST_TITLE)
    header = _banner(view.mark_of(view.exit_code_of(runs)), line)
    budget = SizeBudget(limit - len(layout.page(title, header, "").encode()))
    main = _on_one(runs[0], budget) if len(runs) == 1 else _on_several(ranked, budget)
    return layout.page(title, header, main)


def _on_one(judged: Judged, budget: SizeBudget) -> Markup:
    above, below = _run_parts(judged, 2, budget)
    return join([above, failing_tests(judged, 2, budget), *below])


def _on_several(ranked: Sequence[Judged], budget: SizeBudget) -> Markup:
    """Return a table of all runs, which may take a quarter of the bytes, and then each run.

    Half of the rest is kept for the failing tests, and divided equally between the runs.
    """
    budget.left -= _FRAME_SIZE
    for_table, for_runs = budget.apart(4), budget.apart(2)
    pieces = []
    for number, judged in enumerate(ranked):
        above, below = _run_parts(judged, 3, for_runs, _anchor(number))
        if not above:
            break
        pieces.append((judged, above, below))
    budget.left += for_runs.left
    sections = []
    for number, (judged, above, below) in enumerate(pieces):
        share = budget.apart(len(pieces) - number)
        sections.append(join([above, failing_tests(judged, 3, share), *below]))
        budget.left += share.left
    number = len(view.not_passed(ranked))
    passed = sections[number:]
    return join(
        [
            *_overview(ranked, for_table, len(pieces)),
            *sections[:number],
            folded("The runs that passed, one by one", *passed) if passed else NOTHING,
            more(len(ranked) - len(pieces), "runs"),
        ]
    )


def _overview(ranked: Sequence[Judged], budget: SizeBudget, linked: int) -> Iterator[Markup]:
    """Return a row for each run; runs that passed, and those beyond the first ones, are folded."""
    rows = (_overview_row(judged, number, linked) for number, judged in enumerate(ranked))
    taken, rest = fitting(budget, rows, len(ranked), "runs")
    number = len(view.not_passed(ranked))
    wrong, passed = taken[:number], taken[number:]
    if wrong:
        yield _overview_table(wrong[:SHOWN_RUNS], "Runs that did not pass")
    if others := wrong[SHOWN_RUNS:]:
        summary = f"{view.counted(len(others), 'more run')} that did not pass"
        yield folded(summary, _overview_table(others, "More runs that did not pass"))
    if passed:
        summary = join([sign(Mark.GOOD), f" {view.counted(len(passed), 'run')} passed"])
        yield folded(summary, _overview_table(passed, "Runs that passed"))
    yield rest


def _overview_table(rows: Sequence[Markup], caption: str) -> Markup:
    return data(("run", "outcome", "passed"), rows, caption=caption)


def _overview_row(judged: Judged, number: int, linked: int) -> Markup:
    address = f"#{_anchor(number)}" if number < linked else ""
    shown = sign(view.mark_of(judged.exit_code))
    title = together(shown, " ", link(address, view.run_id(judged)))
    return group(
        join([title, " ", _name_of(judged.run)]),
        together(view.outcome(judged.exit_code)),
        together(view.passed_of_all(judged.run)),
        wide=True,
    )


def _anchor(number: int) -> str:
    return f"verdict-{number + 1}"


def _run_parts(
    judged: Judged, level: int, budget: SizeBudget, anchor: str | None = None
) -> tuple[Markup, Sequence[Markup]]:
    """Return what stands above and below the failing tests of a run, as far as it fits.

    With several runs, the run has its own heading. Both parts are empty if not even the reason
    fits.
    """
    run, results = judged.run, judged.results or ()
    above = join([_heading(judged, anchor) if anchor else NOTHING, _reason_and_advice(judged)])
    if not budget.take(above):
        return NOTHING, ()
    below = (
        section("Remarks", level, _remarks(judged)),
        NOTHING if run is None else section("Tests", level, proportions(run)),
        section("Checks", level, _checks(judged)),
        section("Trend", level, trend(judged)),
        section("Timeline", level, timeline(judged)),
        section("Durations by test file", level, by_file(results)),
        section("Slowest tests", level, slowest(results, run_page(judged))),
        NOTHING if run is None else section("Run", level, facts(_run_facts(run))),
    )
    return above, tuple(filter(budget.take, below))


def _banner(mark: Mark, line: Headline) -> Markup:
    """Return the headline on the colour of the verdict."""
    drawn = element("svg", sign_at(mark, 0, 0, 44), width=44, height=44, aria_hidden="true")
    about = join(map(name, line.about), " · ")
    return layout.banner(palette.color(mark), drawn, words(line.short), about)


def _heading(judged: Judged, anchor: str) -> Markup:
    shown, line = sign(view.mark_of(judged.exit_code), 24), headline([judged])
    content = (shown, f" Run {view.run_id(judged)}: ", words(line.explanation))
    title = element("h2", *content, id=anchor)
    about = [part for part in line.about if judged.run and judged.run.name]
    below = [paragraph(small(join(map(name, about), " · ")))] if about else []
    return join([layout.rule(), title, *below])


def _reason_and_advice(judged: Judged) -> Markup:
    """Return the rest of the reason, what to do next, and a link to the run."""
    page = run_page(judged)
    rows = [
        ("why", words(further_reason(judged), LONGEST_TEXT)),
        ("next", words(judged.verdict.advice, LONGEST_TEXT)),
        ("run", link(page, view.run_id(judged)) if page else NOTHING),
    ]
    return facts((label.capitalize(), content) for label, content in rows if content)


def _remarks(judged: Judged) -> Markup:
    """Return what else is wrong or worth knowing."""
    remarks = view.remarks(judged)
    rows = ((label.capitalize(), words(remark, LONGEST_TEXT)) for label, remark in remarks)
    return facts(islice(rows, MOST_REMARKS))


def _name_of(run: TestRun | None) -> Markup:
    if run is None:
        return NOTHING
    where = [" in ", name(run.environment)] if run.environment else []
    return join([name(run.name or ""), *where])


def _checks(judged: Judged) -> Markup:
    """Return the checks that do not hold, breaches first, and those that hold, folded."""
    checks = sorted(judged.verdict.checks, key=lambda check: _CHECK_ORDER.index(check.state))
    rows = [_check_row(check, judged.exit_code) for check in checks]
    number = sum(check.state is not CheckState.HOLDS for check in checks)
    wrong, holding = rows[:number], rows[number:]
    holds = f"{view.counted(len(holding), 'check')} {'holds' if len(holding) == 1 else 'hold'}"
    return join(
        [
            _check_table(wrong, "Checks that do not hold") if wrong else NOTHING,
            folded(join([sign(Mark.GOOD), f" {holds}"]), _check_table(holding, "Checks that hold"))
            if holding
            else NOTHING,
        ]
    )


_CHECK_ORDER = (CheckState.BREACHED, CheckState.INCONCLUSIVE, CheckState.OPEN, CheckState.HOLDS)


def _check_table(rows: Sequence[Markup], caption: str) -> Markup:
    table = data(("check", "expected", "found"), rows[:MOST_CHECKS], caption=caption)
    return join([table, more(len(rows) - MOST_CHECKS, "checks")])


def _check_row(check: Check, exit_code: ExitCode) -> Markup:
    first, _, rest = shorten(view.subject(check), 30).partition(" ")
    title = together(sign(view.mark_of_check(check)), " ", element("b", first))
    more_words = element("b", f" {rest}") if rest else NOTHING
    result = [element("br"), small(view.result_of_check(check, exit_code))]
    return group(
        join([title, more_words, *result]),
        _value(check.expected_text),
        element("b", _value(check.actual_text)),
        below=bullet(check),
    )


def _value(content: str) -> Markup:
    """Return what was expected or found; a long value is smaller, to fit a phone."""
    pieces = words(content)
    return small(pieces) if len(content) > _SHORT else pieces


_SHORT = 32


def _run_facts(run: TestRun) -> Iterator[tuple[str, Markup]]:
    known = view.facts(run)
    for label in ("status", "status info", "git ref", "build key", "project"):
        if label in known:
            yield label.capitalize(), code(known[label])
    if tags := [code(tag) for tag in run.include_tags[: view.MOST_TAGS] if tag]:
        yield "Tags", join(tags, ", ")
    for label in ("coverage", *view.TIMES):
        if label in known:
            yield label.capitalize(), Markup(known[label])
