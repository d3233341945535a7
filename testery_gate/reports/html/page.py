"""What is on the page, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testery_gate.errors import ExitCode, combined
from testery_gate.judging.criteria import Metric, format_percentage, measure
from testery_gate.judging.verdict import Check, Verdict
from testery_gate.model import TestRun
from testery_gate.reports import wording
from testery_gate.reports.addresses import run_page
from testery_gate.reports.ending import worst_first
from testery_gate.reports.html import layout, tones
from testery_gate.reports.html.bullet import bullet
from testery_gate.reports.html.durations import by_file, slowest
from testery_gate.reports.html.failing import failing_tests
from testery_gate.reports.html.layout import (
    code,
    data,
    facts,
    group,
    large,
    link,
    name,
    paragraph,
    section,
    small,
    together,
)
from testery_gate.reports.html.limited import fitting, more
from testery_gate.reports.html.markup import NOTHING, Markup, element, join, shortened, words
from testery_gate.reports.html.proportions import proportions
from testery_gate.reports.html.timeline import timeline
from testery_gate.reports.html.tones import sign, sign_at
from testery_gate.reports.html.trend import trend
from testery_gate.reports.room import Room

LIMIT = 5_000_000
"""Bytes; a browser shows as much within a second or two."""

LONGEST_TEXT = 1_000
"""Characters of a sentence."""
MOST_REMARKS = 20
MOST_CHECKS = 100
MOST_TAGS = 20
_FRAME = 2_000
"""Bytes around what is told of several runs, more than there are."""


def render(verdicts: Sequence[Verdict], *, limit: int = LIMIT) -> str:
    """Return the page on one verdict or more, in at most so many bytes of UTF-8.

    What there is no room for is left out whole. The frame, with the verdict as a whole, takes
    about 5,000 bytes.
    """
    exit_code = combined({verdict.exit_code for verdict in verdicts})
    ranked = worst_first(verdicts)
    about = _about(verdicts[0]) if len(verdicts) == 1 else wording.tally(ranked)
    title = f"{_verdict(exit_code)}: {about}"
    header = _banner(exit_code)
    room = Room(limit - len(layout.page(title, header, "").encode()))
    main = _on_one(verdicts[0], room) if len(verdicts) == 1 else _on_several(ranked, room)
    return layout.page(title, header, main)


def _on_one(verdict: Verdict, room: Room) -> Markup:
    told = _tell(verdict, 2, room)
    return told.around(failing_tests(verdict, 2, room))


def _on_several(ranked: Sequence[Verdict], room: Room) -> Markup:
    """Tell of all in a table, which has a quarter of the room, and then of each.

    Of what is left, half is kept for the failing tests, of which each run gets the same room.
    """
    room.left -= _FRAME
    for_table, for_runs = room.apart(4), room.apart(2)
    told = []
    for number, verdict in enumerate(ranked):
        core = _tell(verdict, 3, for_runs, _anchor(number))
        if not core.before:
            break
        told.append(core)
    room.left += for_runs.left
    sections = []
    for number, core in enumerate(told):
        verdict = ranked[number]
        share = room.apart(len(told) - number)
        sections.append(core.around(failing_tests(verdict, 3, share)))
        room.left += share.left
    left_out = len(ranked) - len(told)
    return join(
        [
            paragraph(large(element("b", f"{wording.tally(ranked).capitalize()}."), size=5)),
            *_overview(ranked, for_table, len(told)),
            *sections,
            more(left_out, "runs") if left_out else NOTHING,
        ]
    )


def _overview(ranked: Sequence[Verdict], room: Room, linked: int) -> Iterator[Markup]:
    rows = (_overview_row(verdict, number, linked) for number, verdict in enumerate(ranked))
    taken, rest = fitting(room, rows, len(ranked), "runs")
    yield data(("run", "outcome", "passed"), taken, caption="All runs")
    yield rest


def _overview_row(verdict: Verdict, number: int, linked: int) -> Markup:
    run = verdict.run
    counts = {} if run is None else wording.counts(run)
    passed = " of ".join(wording.shown(counts[kind]) for kind in ("passed", "in all") if counts)
    address = f"#{_anchor(number)}" if number < linked else ""
    shown = sign(tones.of_outcome(verdict.exit_code))
    title = together(shown, " ", link(address, wording.run_id(verdict)))
    reason = small(words(verdict.reason, LONGEST_TEXT))
    about = _name_of(run)
    return group(
        title,
        wording.outcome(verdict.exit_code),
        passed,
        below=join([about, element("br"), reason]) if about else reason,
    )


def _anchor(number: int) -> str:
    return f"verdict-{number + 1}"


@dataclass(frozen=True, slots=True)
class _Told:
    """What there was room for, in two parts; nothing where not even the reason had room."""

    before: Sequence[Markup]
    after: Sequence[Markup]

    def around(self, failing: Markup) -> Markup:
        """Put the failing tests between the two: they matter more than the charts."""
        return join([*self.before, failing, *self.after])


def _tell(verdict: Verdict, level: int, room: Room, anchor: str | None = None) -> _Told:
    """Tell of a run all but its failing tests; with several runs under a heading of its own."""
    run, results = verdict.run, verdict.results or ()
    gist = join([_heading(verdict, anchor) if anchor else NOTHING, *_gist(verdict)])
    if not room.take(gist):
        return _Told((), ())
    before = (
        NOTHING if run is None else section("Tests", level, proportions(run)),
        section("Checks", level, _checks(verdict)),
    )
    after = (
        section("Trend", level, trend(verdict)),
        section("Timeline", level, timeline(verdict)),
        section("Durations by test file", level, by_file(results)),
        section("Slowest tests", level, slowest(results, run_page(verdict))),
        NOTHING if run is None else section("Run", level, facts(_run_facts(run))),
    )
    return _Told((gist, *filter(room.take, before)), tuple(filter(room.take, after)))


def _verdict(code: ExitCode) -> str:
    return wording.HEADLINES[code].partition(": ")[0]


def _banner(code: ExitCode) -> Markup:
    """Say the verdict in its colour; what it means stands below, where it can wrap."""
    tone = tones.of_outcome(code)
    verdict, exit_code = _verdict(code), f"exit code {code.value}"
    banner = element(
        "svg",
        element("rect", width="100%", height=88, rx=10, fill=tone.color),
        sign_at(tone, 20, 22, 44),
        element("text", verdict, x=80, y=46, fill="#fff", font_size=30, font_weight="bold"),
        element("text", exit_code, x=81, y=69, fill="#fff", font_size=15, font_weight="normal"),
        width="100%",
        height=88,
        role="img",
        aria_label=f"{verdict}, {exit_code}",
    )
    return element("h1", banner)


def _heading(verdict: Verdict, anchor: str) -> Markup:
    shown = sign(tones.of_outcome(verdict.exit_code), 24)
    outcome = wording.outcome(verdict.exit_code)
    title = element("h2", shown, f" Run {wording.run_id(verdict)}: {outcome}", id=anchor)
    return join([layout.rule(), title])


def _gist(verdict: Verdict) -> Iterator[Markup]:
    """Say why it ended so, what to do, and what else is worth knowing."""
    _, _, meaning = wording.HEADLINES[verdict.exit_code].partition(": ")
    if meaning:
        yield paragraph(large(element("b", f"{meaning[0].upper()}{meaning[1:]}."), size=5))
    exit_code = verdict.exit_code
    (_, why), *others = wording.reasons(verdict)
    rows = [
        ("why", large(words(why, LONGEST_TEXT))),
        ("next", words(verdict.advice, LONGEST_TEXT)),
        *((label, words(remark, LONGEST_TEXT)) for label, remark in others[:MOST_REMARKS]),
        ("run", _which_run(verdict)),
        ("exit code", f"{exit_code.value}, {wording.outcome(exit_code)}: {exit_code.meaning}"),
    ]
    yield facts((label.capitalize(), content) for label, content in rows if content)


def _which_run(verdict: Verdict) -> Markup:
    return join([link(run_page(verdict), wording.run_id(verdict)), " ", _name_of(verdict.run)])


def _name_of(run: TestRun | None) -> Markup:
    if run is None:
        return NOTHING
    where = [" in ", name(run.environment)] if run.environment else []
    return join([name(run.name or ""), *where])


def _about(verdict: Verdict) -> str:
    """Return the title of a page on one run."""
    run = verdict.run
    parts = () if run is None else (run.name, run.environment)
    return ", ".join(
        [f"run {wording.run_id(verdict)}", *(shortened(part, 100) for part in parts if part)]
    )


def _checks(verdict: Verdict) -> Markup:
    checks = verdict.checks
    rows = (_check_row(check, verdict.exit_code) for check in checks[:MOST_CHECKS])
    left_out = len(checks) - MOST_CHECKS
    return join(
        [
            data(("check", "expected", "found"), rows, caption="Checks"),
            more(left_out, "checks") if left_out > 0 else NOTHING,
        ]
    )


def _check_row(check: Check, code: ExitCode) -> Markup:
    first, _, rest = shortened(wording.subject(check), 30).partition(" ")
    title = together(sign(tones.of_check(check)), " ", element("b", first))
    more_words = element("b", f" {rest}") if rest else NOTHING
    result = [element("br"), small(wording.result(check, code))]
    return group(
        join([title, more_words, *result]),
        _value(check.expected_text),
        element("b", _value(check.actual_text)),
        below=bullet(check),
    )


def _value(content: str) -> Markup:
    """Return what was expected or found; a commit or a name is smaller, to fit a phone."""
    told = words(content)
    return small(told) if len(content) > _SHORT else told


_SHORT = 32


def _run_facts(run: TestRun) -> Iterator[tuple[str, Markup]]:
    names = {
        "Status": run.status_text,
        "Status info": run.status_info,
        "Git ref": run.git_ref,
        "Build key": run.build_key,
        "Project": None if run.project_id is None else str(run.project_id),
    }
    for label, content in names.items():
        if content:
            yield label, code(content)
    if tags := [code(tag) for tag in run.include_tags[:MOST_TAGS] if tag]:
        yield "Tags", join(tags, ", ")
    coverage = measure(run)[Metric.COVERAGE]
    if coverage is not None:
        yield "Coverage", Markup(format_percentage(coverage))
    for label, content in wording.times(run):
        yield label.capitalize(), Markup(content)
