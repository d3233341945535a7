"""The summary on standard output at the end: what happened, why, and what to do.

It does not use rich, which folds addresses, and which can't turn rows into sentences where columns
have no room.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from testery_gate.errors import ExitCode
from testery_gate.evidence.outcomes import TestId
from testery_gate.judging.judged import Judged
from testery_gate.model import TestResult
from testery_gate.reports import grouping, view
from testery_gate.reports.addresses import run_page, test_page
from testery_gate.reports.headline import further_reason, headline
from testery_gate.reports.view import Mark
from testery_gate.text import clean_line, columns, fold, one_line, shorten_to_columns

NARROWEST = 40
"""Columns; in a narrower terminal the lines wrap."""
NARROWEST_CELL = 12
LONGEST_TEXT = 1000
"""Columns of a text that may take several lines, and of a line in a log."""
WIDEST_TABLE = 200
"""Columns; in a log too, where other lines may be longer."""
LONGEST_NAME = 100
"""Columns of a name among others."""
FAILING_TESTS = 10
COMPARED_TESTS = 1000
"""How many failing tests are grouped by their errors."""
ERROR_LINES = 10
"""How many of the lines that matter are shown of an error: the first ones and the last."""
LISTED_RUNS = 50
LISTED_PASSED = 10
"""How many of these may be runs that passed, so that the others stay on the screen."""
DETAILED_RUNS = 5


def render(
    runs: Sequence[Judged],
    *,
    width: int | None,
    color: bool,
    unicode: bool,
    brief: bool = False,
    exit_code: ExitCode | None = None,
    failures: int = FAILING_TESTS,
) -> str:
    """Return the summary of at least one run, in lines of at most ``width`` columns.

    Web addresses are never folded. Without a width, as in a log, no line is folded. ``failures`` is
    how many failing tests of a run are listed. With ``brief`` there is only the verdict and what to
    do next. ``exit_code`` is the process's, where it is not the one of the runs. Without
    ``unicode`` the text is ASCII.
    """
    width = LONGEST_TEXT if width is None else max(width, NARROWEST)
    layout = _Layout(width=width, color=color, unicode=unicode, failures=failures)
    code = view.exit_code_of(runs) if exit_code is None else exit_code
    blocks = (_on_one if len(runs) == 1 else _on_several)(layout, runs, code, brief)
    lines = ("\n".join(line.rstrip() for line in block) for block in blocks if block)
    return _COMMAND.sub(r"\1'", "\n\n".join(lines)) + "\n"


_COMMAND = re.compile("^( *) (?=::|##)", re.MULTILINE)
"""What a CI system may execute, where folding has moved remote text to a line's start."""

_Block = Sequence[str]
"""Lines without an empty one between them."""

_SIGNS = {
    Mark.GOOD: ("✓", "+", "32"),
    Mark.BAD: ("✗", "x", "31"),
    Mark.UNSURE: ("?", "?", "33"),
    Mark.NEUTRAL: ("?", "?", "33"),
    Mark.NOTICE: ("!", "!", "33"),
}
"""The sign of a mark, its sign in ASCII, and its colour (ECMA-48, SGR)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How wide lines are, and whether they may have colours and non-ASCII characters."""

    width: int
    color: bool
    unicode: bool
    failures: int

    def paint(self, text: str, mark: Mark) -> str:
        """Return a text in colour, which only repeats what its sign or its words say."""
        return f"\x1b[{_SIGNS[mark][2]}m{text}\x1b[0m" if self.color else text

    def strong(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.color else text

    def sign(self, mark: Mark) -> str:
        return _SIGNS[mark][0 if self.unicode else 1]

    def clean(self, text: str) -> str:
        """Return a text, also remote text, on one line and without what can't be shown."""
        line = one_line(text[: 2 * LONGEST_TEXT])
        return line if self.unicode else line.encode("ascii", "replace").decode()

    def fit(self, text: str, width: int) -> str:
        return shorten_to_columns(self.clean(text), width, "…" if self.unicode else "...")

    def labelled(self, label: str, text: str, width: int = len("next:")) -> list[str]:
        """Return a text behind its label, in lines; no lines for an empty text."""
        lead = f"  {label + ':':<{width}} "
        return self.behind(lead, self.strong(lead), text) if text else []

    def marked(self, mark: Mark, text: str, indent: str = "") -> list[str]:
        lead = f"{indent}{self.sign(mark)} "
        return self.behind(lead, self.paint(lead, mark), text)

    def behind(self, lead: str, shown: str, text: str) -> list[str]:
        """Return a text behind a lead, folded between words; ``shown`` is the lead with colours."""
        first, *others = fold(self.fit(text, LONGEST_TEXT), self.width - len(lead))
        return [shown + first, *(" " * len(lead) + line for line in others)]


def _on_one(
    layout: _Layout, runs: Sequence[Judged], code: ExitCode, brief: bool
) -> Iterator[_Block]:
    (judged,) = runs
    if not brief:
        yield _head(layout, code, runs, _reasons(layout, judged))
        yield from _details(layout, judged)
    yield _conclusion(layout, code, runs, judged.verdict.reason)


def _on_several(
    layout: _Layout, runs: Sequence[Judged], code: ExitCode, brief: bool
) -> Iterator[_Block]:
    ranked = view.worst_first(runs)
    overview = _overview(layout, ranked)
    conclusion = _conclusion(layout, code, ranked, view.tally(ranked))
    if brief:
        yield [*overview, *conclusion]
        return
    yield _head(layout, code, ranked, [])
    yield overview
    others = view.not_passed(runs)
    for judged in others[:DETAILED_RUNS]:
        title = f"run {judged.run_id}: {headline([judged]).short}"
        yield [
            *layout.marked(view.mark_of(judged.exit_code), title),
            *_reasons(layout, judged),
            *layout.labelled("next", judged.verdict.advice),
        ]
        yield from _details(layout, judged)
    if len(others) > DETAILED_RUNS:
        yield [view.more(len(others) - DETAILED_RUNS, "runs that did not pass")]
    remarks = view.remarks_on_passed(runs)
    shown = [*remarks.items()][: view.REMARKS]
    lines = [line for text, label in shown for line in layout.labelled(label, text)]
    rest = len(remarks) - len(shown)
    yield [*lines, view.more(rest, "remarks")] if rest else lines
    yield conclusion


def _head(
    layout: _Layout, code: ExitCode, runs: Sequence[Judged], reasons: Sequence[str]
) -> _Block:
    mark = view.mark_of(code)
    lead = f"{layout.sign(mark)} "
    dash = "—" if layout.unicode else "-"
    line = headline(runs, code)
    # In ASCII a dash replaces the dot, which would become a question mark.
    text = str(line) if layout.unicode else " - ".join([line.short, *line.about])
    return [
        *(layout.paint(row, mark) for row in layout.behind(lead, lead, text)),
        *reasons,
        *layout.labelled("exit", f"{code.value}, {view.outcome(code)} {dash} {code.meaning}"),
    ]


def _conclusion(layout: _Layout, code: ExitCode, runs: Sequence[Judged], why: str) -> _Block:
    """Return how it ended and what to do: many readers see only the end of a log."""
    text = f"exit {code.value}, {view.outcome(code)}: {why}"
    advice = layout.labelled("next", view.advice(code, runs))
    return [*layout.marked(view.mark_of(code), text), *advice]


def _reasons(layout: _Layout, judged: Judged) -> list[str]:
    short = {"warning": "warn"}
    texts = [("why", further_reason(judged)), *view.remarks(judged)]
    return [
        line for label, text in texts for line in layout.labelled(short.get(label, label), text)
    ]


def _details(layout: _Layout, judged: Judged) -> Iterator[_Block]:
    rows = [
        (
            view.mark_of_check(check),
            (
                view.subject(check),
                view.result_of_check(check, judged.exit_code),
                check.expected_text,
                check.actual_text,
            ),
        )
        for check in judged.verdict.checks
    ]
    yield _table(layout, ("check", "result", "expected", "found"), rows)
    facts = _facts(judged)
    width = max((len(f"{label}:") for label in facts), default=0)
    yield [line for label, fact in facts.items() for line in layout.labelled(label, fact, width)]
    # Last, because the screen shows the end of a log.
    yield _failing_tests(layout, judged)


def _failing_tests(layout: _Layout, judged: Judged) -> _Block:
    count = view.failing_count(judged)
    if not count:
        return []
    known = {"failing tests": count, **view.comparison(judged, unicode=layout.unicode)}
    missing = view.missing_tests(judged, lambda test: layout.fit(_named(test), LONGEST_NAME))
    if missing:
        known["missing tests"] = ", ".join(missing)
    width = max(len(f"{label}:") for label in known)
    lines = [line for label, text in known.items() for line in layout.labelled(label, text, width)]
    page, left, covered = run_page(judged), layout.failures, 0
    groups = grouping.grouped(islice(view.failing_tests(judged), COMPARED_TESTS))
    for number, group in enumerate(groups[:left]):
        # Each error is shown before a second test with the same one.
        others = len(groups) - number - 1
        shown = group[: max(1, left - others)]
        for test in shown:
            lines += _failing_test(layout, test, page)
        if len(group) > len(shown):
            lines.append(f"    {view.more(len(group) - len(shown), 'with this error')}")
        elif len(group) > 1:
            in_all = "both" if len(group) == 2 else f"all {len(group)}"
            lines.append(f"    the same error in {in_all}:")
        lines += _error(layout, shown[0].result)
        left -= len(shown)
        covered += len(group)
    rest = view.failing_number(judged) - covered
    return [*lines, f"    {view.more(rest)}"] if rest > 0 else lines


def _error(layout: _Layout, result: TestResult) -> Iterator[str]:
    """Return the lines of an error that matter."""
    lead = f"    {'│' if layout.unicode else '|'} "
    lines = [line for line in grouping.excerpt(view.error_lines(result)) if line.strip()]
    if len(lines) > ERROR_LINES:
        lines = [*lines[: ERROR_LINES - 1], lines[-1]]
    least = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    for line in lines:
        indent = " " * min(len(line) - len(line.lstrip()) - least, NARROWEST_CELL)
        text = layout.fit(line, layout.width - len(lead) - len(indent))
        yield f"{lead}{indent}{text}"


def _named(test: TestId) -> str:
    name, file = clean_line(test.name) or view.NO_NAME, clean_line(test.file)
    return f"{name} ({file})" if file else name


def _failing_test(layout: _Layout, test: view.FailingTest, page: str) -> Iterator[str]:
    result = test.result
    width = layout.width - len("    | ")
    label = f"{test.label}: " if test.label else ""
    lead = layout.paint(f"{layout.sign(test.mark)} {label}".rstrip(), test.mark)
    name = f"  {lead} {layout.fit(result.name, width - len(label))}"
    file = f"({layout.clean(result.file)})" if result.file else ""
    if columns(layout.clean(f"{label}{result.name} {file}")) <= width:
        yield f"{name} {file}"
    else:
        yield name
        if file:
            yield f"    {layout.fit(file, width)}"
    details = f"{view.strip(test.outcomes, unicode=layout.unicode)} {test.details}".strip()
    if details:
        yield from layout.behind("    ", "    ", details)
    if link := test_page(page, result.id):
        yield f"    {link}"


_FACTS = (
    *("name", "status", "tests", "pass rate", "environment", "git ref", "build key", "tags"),
    *("started", "ended"),
)


def _facts(judged: Judged) -> dict[str, str]:
    facts = {} if judged.run_id is None else {"run": view.run_id(judged)}
    if judged.run is not None:
        known = dict(view.facts(judged.run))
        if "pass rate" in known:
            known["pass rate"] = view.pass_rate(judged.run)
        if "status info" in known:
            known["status"] = ": ".join(
                known[label] for label in ("status", "status info") if label in known
            )
        facts |= {label: known[label] for label in _FACTS if label in known}
        facts["time"] = ", ".join(
            f"{label} {known[label]}" for label in view.DURATIONS if label in known
        )
    facts["web"] = judged.web_url or ""
    return {label: fact for label, fact in facts.items() if fact}


def _overview(layout: _Layout, runs: Sequence[Judged]) -> _Block:
    listed = min(LISTED_RUNS, len(view.not_passed(runs)) + LISTED_PASSED)
    rows = [
        (
            view.mark_of(judged.exit_code),
            (
                str(judged.run_id),
                view.outcome(judged.exit_code),
                (judged.run.name if judged.run else None) or "",
                judged.verdict.reason,
            ),
        )
        for judged in runs[:listed]
    ]
    table = _table(layout, ("run", "outcome", "name", "why"), rows)
    rest = runs[listed:]
    return [*table, *layout.labelled("more", view.tally(rest))] if rest else table


_Row = tuple[Mark, Sequence[str]]


def _table(layout: _Layout, header: Sequence[str], rows: Sequence[_Row]) -> list[str]:
    """Return rows in columns, the last two shortened to fit; without room, rows as sentences."""
    cells = [header, *([layout.clean(cell) for cell in row] for _, row in rows)]
    *fixed, one, other = (max(map(columns, column)) for column in zip(*cells, strict=True))
    left = (
        min(layout.width, WIDEST_TABLE) - len("  ✓ ") - len("  ") * (len(header) - 1) - sum(fixed)
    )
    if one + other > left:
        if left < 2 * NARROWEST_CELL:
            return _sentences(layout, header, rows)
        one = min(one, max(left // 2, left - other))
        other = min(other, left - one)
    widths = [*fixed, one, other]
    lines = [layout.strong("    " + _columned(layout, header, widths))]
    for mark, row in rows:
        line = f"{layout.sign(mark)} {_columned(layout, row, widths)}"
        lines.append("  " + (line if mark is Mark.GOOD else layout.paint(line, mark)))
    return lines


def _columned(layout: _Layout, row: Sequence[str], widths: Sequence[int]) -> str:
    fitted = [(layout.fit(cell, width), width) for cell, width in zip(row, widths, strict=True)]
    return "  ".join(cell + " " * (width - columns(cell)) for cell, width in fitted).rstrip()


def _sentences(layout: _Layout, header: Sequence[str], rows: Sequence[_Row]) -> list[str]:
    lines = []
    for mark, (name, state, *others) in rows:
        parts = [f"{label} {cell}" for label, cell in zip(header[2:], others, strict=True) if cell]
        text = "; ".join([f"{name}: {state}", *parts])
        lines += layout.marked(mark, text, indent="  ")
    return lines
