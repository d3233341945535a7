"""What is on the page, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.model import TestRun
from testery_gate.reports import view
from testery_gate.reports.addresses import run_page
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.html import layout, palette
from testery_gate.reports.html.bullet import bullet
from testery_gate.reports.html.durations import by_file, slowest
from testery_gate.reports.html.failing import failing_tests, new_failures
from testery_gate.reports.html.layout import (
    code,
    data,
    facts,
    fitting,
    group,
    large,
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
from testery_gate.text import shorten

LIMIT = 5_000_000
"""Bytes; a browser shows as much within a second or two."""

LONGEST_TEXT = 1_000
"""Characters of a sentence."""
MOST_REMARKS = 20
MOST_CHECKS = 100
_FRAME = 2_000
"""Bytes around what is shown of several runs, more than there are."""


def render(runs: Sequence[Judged], *, limit: int = LIMIT) -> str:
    """Return the page on one run or more, in at most so many bytes of UTF-8.

    What does not fit is left out completely. The frame, with the verdict as a whole, takes
    about 5,000 bytes.
    """
    exit_code = view.exit_code_of(runs)
    ranked = view.worst_first(runs)
    about = _about(runs[0]) if len(runs) == 1 else view.tally(ranked)
    title = f"{_verdict(exit_code)}: {about}"
    header = _banner(exit_code)
    budget = SizeBudget(limit - len(layout.page(title, header, "").encode()))
    main = _on_one(runs[0], budget) if len(runs) == 1 else _on_several(ranked, budget)
    return layout.page(title, header, main)


def _on_one(judged: Judged, budget: SizeBudget) -> Markup:
    pieces = _run_parts(judged, 2, budget)
    return pieces.around(failing_tests(judged, 2, budget))


def _on_several(ranked: Sequence[Judged], budget: SizeBudget) -> Markup:
    """Show all runs in a table, which has a quarter of the bytes, and then each run.

    Half of the rest is kept for the failing tests, in equal shares for the runs.
    """
    budget.left -= _FRAME
    for_table, for_runs = budget.apart(4), budget.apart(2)
    pieces = []
    for number, judged in enumerate(ranked):
        core = _run_parts(judged, 3, for_runs, _anchor(number))
        if not core.before:
            break
        pieces.append(core)
    budget.left += for_runs.left
    sections = []
    for number, core in enumerate(pieces):
        judged = ranked[number]
        share = budget.apart(len(pieces) - number)
        sections.append(core.around(failing_tests(judged, 3, share)))
        budget.left += share.left
    left_out = len(ranked) - len(pieces)
    return join(
        [
            paragraph(large(element("b", f"{view.tally(ranked).capitalize()}."), size=5)),
            *_overview(ranked, for_table, len(pieces)),
            *sections,
            more(left_out, "runs") if left_out else NOTHING,
        ]
    )


def _overview(ranked: Sequence[Judged], budget: SizeBudget, linked: int) -> Iterator[Markup]:
    rows = (_overview_row(judged, number, linked) for number, judged in enumerate(ranked))
    taken, rest = fitting(budget, rows, len(ranked), "runs")
    yield data(("run", "outcome", "passed"), taken, caption="All runs")
    yield rest


def _overview_row(judged: Judged, number: int, linked: int) -> Markup:
    run = judged.run
    address = f"#{_anchor(number)}" if number < linked else ""
    shown = sign(view.mark_of(judged.exit_code))
    title = together(shown, " ", link(address, view.run_id(judged)))
    reason = small(words(judged.verdict.reason, LONGEST_TEXT))
    about = _name_of(run)
    return group(
        title,
        view.outcome(judged.exit_code),
        view.passed_of_all(run),
        below=join([about, element("br"), reason]) if about else reason,
    )


def _anchor(number: int) -> str:
    return f"verdict-{number + 1}"


@dataclass(frozen=True, slots=True)
class _RunParts:
    """What fits of a run, in two parts; both are empty if not even the reason fits."""

    before: Sequence[Markup]
    after: Sequence[Markup]

    def around(self, failing: Markup) -> Markup:
        """Put the failing tests between the two: they matter more than the charts."""
        return join([*self.before, failing, *self.after])


def _run_parts(
    judged: Judged, level: int, budget: SizeBudget, anchor: str | None = None
) -> _RunParts:
    """Show a run without its failing tests; with several runs, under a heading of its own."""
    run, results = judged.run, judged.results or ()
    gist = join([_heading(judged, anchor) if anchor else NOTHING, *_gist(judged)])
    if not budget.take(gist):
        return _RunParts((), ())
    before = (
        NOTHING if run is None else section("Tests", level, proportions(run)),
        section("Checks", level, _checks(judged)),
    )
    after = (
        section("Trend", level, trend(judged)),
        section("Timeline", level, timeline(judged)),
        section("Durations by test file", level, by_file(results)),
        section("Slowest tests", level, slowest(results, run_page(judged))),
        NOTHING if run is None else section("Run", level, facts(_run_facts(run))),
    )
    return _RunParts((gist, *filter(budget.take, before)), tuple(filter(budget.take, after)))


def _verdict(code: ExitCode) -> str:
    return view.HEADLINES[code].partition(": ")[0]


def _banner(code: ExitCode) -> Markup:
    """Say the verdict in its colour; what it means stands below, where it can wrap."""
    mark = view.mark_of(code)
    verdict, exit_code = _verdict(code), f"exit code {code.value}"
    banner = element(
        "svg",
        element("rect", width="100%", height=88, rx=10, fill=palette.color(mark)),
        sign_at(mark, 20, 22, 44),
        element("text", verdict, x=80, y=46, fill="#fff", font_size=30, font_weight="bold"),
        element("text", exit_code, x=81, y=69, fill="#fff", font_size=15, font_weight="normal"),
        width="100%",
        height=88,
        role="img",
        aria_label=f"{verdict}, {exit_code}",
    )
    return element("h1", banner)


def _heading(judged: Judged, anchor: str) -> Markup:
    shown = sign(view.mark_of(judged.exit_code), 24)
    outcome = view.outcome(judged.exit_code)
    title = element("h2", shown, f" Run {view.run_id(judged)}: {outcome}", id=anchor)
    return join([layout.rule(), title])


def _gist(judged: Judged) -> Iterator[Markup]:
    """Say why it ended so, what to do, and what else is worth knowing."""
    _, _, meaning = view.HEADLINES[judged.exit_code].partition(": ")
    if meaning:
        yield paragraph(large(element("b", f"{meaning[0].upper()}{meaning[1:]}."), size=5))
    (_, why), *others = view.reasons(judged)
    rows = [
        ("why", large(words(why, LONGEST_TEXT))),
        ("new\u00a0failures", new_failures(judged)),
        ("next", words(judged.verdict.advice, LONGEST_TEXT)),
        *((label, words(remark, LONGEST_TEXT)) for label, remark in others[:MOST_REMARKS]),
        ("run", _which_run(judged)),
        ("exit code", view.explained(judged.exit_code)),
    ]
    yield facts((label.capitalize(), content) for label, content in rows if content)


def _which_run(judged: Judged) -> Markup:
    return join([link(run_page(judged), view.run_id(judged)), " ", _name_of(judged.run)])


def _name_of(run: TestRun | None) -> Markup:
    if run is None:
        return NOTHING
    where = [" in ", name(run.environment)] if run.environment else []
    return join([name(run.name or ""), *where])


def _about(judged: Judged) -> str:
    """Return the title of a page on one run."""
    run = judged.run
    parts = () if run is None else (run.name, run.environment)
    return ", ".join(
        [f"run {view.run_id(judged)}", *(shorten(part, 100) for part in parts if part)]
    )


def _checks(judged: Judged) -> Markup:
    rows = list(view.check_rows(judged))
    left_out = len(rows) - MOST_CHECKS
    table = map(_check_row, rows[:MOST_CHECKS])
    return join(
        [
            data(("check", "expected", "found"), table, caption="Checks"),
            more(left_out, "checks") if left_out > 0 else NOTHING,
        ]
    )


def _check_row(row: view.CheckRow) -> Markup:
    first, _, rest = shorten(row.subject, 30).partition(" ")
    title = together(sign(row.mark), " ", element("b", first))
    more_words = element("b", f" {rest}") if rest else NOTHING
    result = [element("br"), small(row.result)]
    return group(
        join([title, more_words, *result]),
        _value(row.expected),
        element("b", _value(row.found)),
        below=bullet(row),
    )


def _value(content: str) -> Markup:
    """Return what was expected or found; a commit or a name is smaller, to fit a phone."""
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
