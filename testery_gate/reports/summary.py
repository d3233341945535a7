"""What stands on standard output at the end, for a person: what happened, why, what to do.

Laid out here and not by rich, because most readers see it in a pipeline's log, where nothing is
drawn and the import would take longer than all the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import accumulate

from testery_gate.errors import ExitCode, combined
from testery_gate.judging.criteria import Metric, Unit, format_percentage, format_value, measure
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import ResultStatus, TestResult, TestRun
from testery_gate.reports.ending import worst_first
from testery_gate.reports.wording import HEADLINES, outcome, result, shown_moment, subject, tally
from testery_gate.text import one_line

NARROWEST = 40
"""Columns; in a narrower terminal the lines fold as they may."""
NARROWEST_CELL = 12
LONGEST_TEXT = 1000
"""Columns of a text that may take several lines."""
FAILING_TESTS = 10
LISTED_RUNS = 50
DETAILED_RUNS = 5


def render(
    runs: Sequence[Judged],
    *,
    width: int,
    color: bool,
    unicode: bool,
    brief: bool = False,
    exit_code: ExitCode | None = None,
) -> str:
    """Return the summary of at least one run, in lines of at most so many columns.

    Only a web address is never folded. ``brief`` leaves the verdict and what to do about it.
    ``exit_code`` is the process's, where it is not what the runs come to. Without
    ``unicode`` the text is ASCII.
    """
    paper = _Paper(width=max(width, NARROWEST), color=color, unicode=unicode)
    code = combined({judged.exit_code for judged in runs}) if exit_code is None else exit_code
    blocks = (_on_one if len(runs) == 1 else _on_several)(paper, runs, code, brief)
    lines = ("\n".join(line.rstrip() for line in block) for block in blocks if block)
    return _COMMAND.sub(r"\1'", "\n\n".join(lines)) + "\n"


_COMMAND = re.compile("^( *) (?=::|##)", re.MULTILINE)
"""What a CI system may obey, where folding has brought remote text to a line's start."""

_Block = Sequence[str]
"""Lines without an empty one between them."""


def _on_one(paper: _Paper, runs: Sequence[Judged], code: ExitCode, brief: bool) -> Iterator[_Block]:
    (judged,) = runs
    conclusion = _conclusion(paper, code, judged.verdict.reason)
    advice = paper.labelled("next", judged.verdict.advice)
    if brief:
        yield [*conclusion, *advice]
        return
    yield [*_head(paper, code, _reasons(paper, judged)), *advice]
    yield from _details(paper, judged)
    yield conclusion


def _on_several(
    paper: _Paper, runs: Sequence[Judged], code: ExitCode, brief: bool
) -> Iterator[_Block]:
    ranked = worst_first(runs)
    why, overview = tally(ranked), _overview(paper, ranked)
    conclusion = _conclusion(paper, code, why)
    if brief:
        yield [*overview, *conclusion]
        return
    yield _head(paper, code, paper.labelled("why", why))
    yield overview
    others = [judged for judged in ranked if judged.exit_code is not ExitCode.PASSED]
    for judged in others[:DETAILED_RUNS]:
        tone = _tone(judged.exit_code)
        title = paper.folded(tone, f"run {judged.run_id} {outcome(judged.exit_code)}")
        yield [*title, *_reasons(paper, judged), *paper.labelled("next", judged.verdict.advice)]
        yield from _details(paper, judged)
    if len(others) > DETAILED_RUNS:
        yield [f"and {len(others) - DETAILED_RUNS} more runs that did not pass"]
    yield conclusion


class _Tone(Enum):
    """How something is meant: its mark, its mark in ASCII, and its colour (ECMA-48, SGR)."""

    GOOD = "✓", "+", "32"
    BAD = "✗", "x", "31"
    UNSURE = "?", "?", "33"
    NOTICE = "!", "!", "33"


_TONES = {
    ExitCode.PASSED: _Tone.GOOD,
    ExitCode.FAILED: _Tone.BAD,
    ExitCode.REPORT_LOST: _Tone.NOTICE,
}


def _tone(code: ExitCode) -> _Tone:
    return _TONES.get(code, _Tone.UNSURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paper:
    """What is written on: its columns, and whether it takes colours and any character."""

    width: int
    color: bool
    unicode: bool

    def paint(self, text: str, tone: _Tone) -> str:
        """Colour a text; the colour only repeats what its mark or its words say."""
        return f"\x1b[{tone.value[2]}m{text}\x1b[0m" if self.color else text

    def strong(self, text: str) -> str:
        """Make a text bold."""
        return f"\x1b[1m{text}\x1b[0m" if self.color else text

    def mark(self, tone: _Tone) -> str:
        """Return the character that stands for a tone."""
        return tone.value[0 if self.unicode else 1]

    def clean(self, text: str) -> str:
        """Return a text, remote text too, on one line and with nothing that can't be shown."""
        line = one_line(text[: 2 * LONGEST_TEXT])
        return line if self.unicode else line.encode("ascii", "replace").decode()

    def fit(self, text: str, width: int) -> str:
        """Shorten a text to a number of columns."""
        text = self.clean(text)
        if _columns(text) <= width:
            return text
        ellipsis = "…" if self.unicode else "..."
        return _split(text, width - len(ellipsis))[0].rstrip() + ellipsis

    def labelled(self, label: str, text: str | None, width: int = len("next:")) -> list[str]:
        """Return a text behind its label; nothing, where there is no text."""
        lead = f"  {label + ':':<{width}} "
        return self.behind(lead, self.strong(lead), text) if text else []

    def folded(self, tone: _Tone, text: str, indent: str = "") -> list[str]:
        """Return a text behind its mark."""
        lead = f"{indent}{self.mark(tone)} "
        return self.behind(lead, self.paint(lead, tone), text)

    def behind(self, lead: str, shown: str, text: str) -> list[str]:
        """Fold a text between words and continue it below itself; ``shown`` is the lead's look."""
        first, *others = _fold(self.fit(text, LONGEST_TEXT), self.width - len(lead))
        return [shown + first, *(" " * len(lead) + line for line in others)]


def _fold(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if _columns(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        line = word
        while _columns(line) > width and "://" not in line:
            head, line = _split(line, width)
            yield head
    yield line


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_column, text))


def _column(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _split(text: str, width: int) -> tuple[str, str]:
    """Split a text where a number of columns is full."""
    kept = sum(end <= width for end in accumulate(map(_column, text)))
    return text[:kept], text[kept:]


def _head(paper: _Paper, code: ExitCode, reasons: Iterable[str]) -> _Block:
    tone = _tone(code)
    lead = f"{paper.mark(tone)} "
    dash = "—" if paper.unicode else "-"
    return [
        *(paper.paint(line, tone) for line in paper.behind(lead, lead, HEADLINES[code])),
        *reasons,
        *paper.labelled("exit", f"{code.value}, {outcome(code)} {dash} {code.meaning}"),
    ]


def _conclusion(paper: _Paper, code: ExitCode, why: str) -> _Block:
    """Say it all in a line, for whoever looks at the end of a log first."""
    tone = _tone(code)
    return paper.folded(tone, f"exit {code.value}, {outcome(code)}: {why}")


def _reasons(paper: _Paper, judged: Judged) -> list[str]:
    """Say why it ended so, and what else is wrong or worth knowing."""
    wrong = [
        check
        for check in judged.verdict.checks
        if check.state in {CheckState.BREACHED, CheckState.INCONCLUSIVE}
        and not judged.verdict.reason.startswith(check.message)
    ]
    told = [
        ("why", judged.verdict.reason),
        *(("also" if check.deciding else "warn", check.message) for check in wrong),
        *(("note", note) for note in judged.all_notes),
    ]
    return [line for label, text in told for line in paper.labelled(label, text)]


def _details(paper: _Paper, judged: Judged) -> Iterator[_Block]:
    rows = [
        (
            _check_tone(check),
            (
                subject(check),
                result(check, judged.exit_code),
                check.expected_text,
                check.actual_text,
            ),
        )
        for check in judged.verdict.checks
    ]
    yield _table(paper, ("check", "result", "expected", "found"), rows)
    yield _failing_tests(paper, judged.results or ())
    run_id = None if judged.run_id is None else str(judged.run_id)
    facts = [("run", run_id), *_facts(judged.run), ("web", judged.web_url)]
    width = max((len(f"{label}:") for label, fact in facts if fact), default=0)
    yield [line for label, fact in facts for line in paper.labelled(label, fact, width)]


def _check_tone(check: Check) -> _Tone:
    if check.state is CheckState.HOLDS:
        return _Tone.GOOD
    if not check.deciding:
        return _Tone.NOTICE
    return _Tone.BAD if check.state is CheckState.BREACHED else _Tone.UNSURE


def _failing_tests(paper: _Paper, results: Sequence[TestResult]) -> _Block:
    failing = [test for test in results if test.status is ResultStatus.FAIL]
    if not failing:
        return []
    lines = paper.labelled("failing tests", f"{len(failing)} of {len(results)}")
    for test in failing[:FAILING_TESTS]:
        lines += _failing_test(paper, test)
    rest = len(failing) - FAILING_TESTS
    return [*lines, f"    and {rest} more"] if rest > 0 else lines


def _failing_test(paper: _Paper, result: TestResult) -> Iterator[str]:
    room = paper.width - len("    | ")
    name = f"  {paper.paint(paper.mark(_Tone.BAD), _Tone.BAD)} {paper.fit(result.name, room)}"
    file = f"in {paper.clean(result.file)}" if result.file else ""
    if _columns(paper.clean(f"{result.name} {file}")) <= room:
        yield f"{name} {file}"
    else:
        yield name
        if file:
            yield f"    {paper.fit(file, room)}"
    error = next(filter(None, map(one_line, (result.error or "").splitlines())), "")
    if error:
        yield f"    {'│' if paper.unicode else '|'} {paper.fit(error, room)}"


def _facts(run: TestRun | None) -> Iterator[tuple[str, str | None]]:
    if run is None:
        return
    values = measure(run)
    counts = {
        "passed": run.passed,
        "failed": run.failed,
        "ignored": run.ignored,
        "not run": values[Metric.NOT_RUN],
        "in all": run.total,
    }
    rate = values[Metric.PASS_RATE]
    times = {
        "queued": values[Metric.QUEUE_TIME],
        "ran": values[Metric.DURATION],
        "testing time": values[Metric.TESTING_TIME],
    }
    known = [(name, time) for name, time in times.items() if time is not None]
    yield "name", run.name
    yield "status", ": ".join(filter(None, (run.status_text, run.status_info)))
    yield "tests", ", ".join(f"{_shown(count)} {name}" for name, count in counts.items())
    yield "pass rate", None if rate is None else format_percentage(rate)
    yield "environment", run.environment
    yield "git ref", run.git_ref
    yield "build key", run.build_key
    yield "tags", ", ".join(run.include_tags)
    yield "started", _time(run.start_time)
    yield "ended", _time(run.end_time)
    yield "time", ", ".join(f"{name} {format_value(time, Unit.TIME)}" for name, time in known)


def _shown(count: object) -> str:
    return "?" if count is None else str(count)


def _time(time: datetime | None) -> str | None:
    return None if time is None else shown_moment(time)


def _overview(paper: _Paper, runs: Sequence[Judged]) -> _Block:
    rows = [
        (
            _tone(judged.exit_code),
            (
                str(judged.run_id),
                outcome(judged.exit_code),
                (judged.run.name if judged.run else None) or "",
                judged.verdict.reason,
            ),
        )
        for judged in runs[:LISTED_RUNS]
    ]
    table = _table(paper, ("run", "outcome", "name", "why"), rows)
    rest = runs[LISTED_RUNS:]
    return [*table, *paper.labelled("more", tally(rest))] if rest else table


_Row = tuple[_Tone, Sequence[str]]


def _table(paper: _Paper, header: Sequence[str], rows: Sequence[_Row]) -> list[str]:
    """Return rows in columns, of which the last two yield; or else, rows as sentences."""
    cells = [header, *([paper.clean(cell) for cell in row] for _, row in rows)]
    *fixed, one, other = (max(map(_columns, column)) for column in zip(*cells, strict=True))
    room = paper.width - len("  ✓ ") - len("  ") * (len(header) - 1) - sum(fixed)
    if one + other > room:
        if room < 2 * NARROWEST_CELL:
            return _sentences(paper, header, rows)
        one = min(one, max(room // 2, room - other))
        other = min(other, room - one)
    widths = [*fixed, one, other]
    lines = [paper.strong("    " + _columned(paper, header, widths))]
    for tone, row in rows:
        line = f"{paper.mark(tone)} {_columned(paper, row, widths)}"
        lines.append("  " + (line if tone is _Tone.GOOD else paper.paint(line, tone)))
    return lines


def _columned(paper: _Paper, row: Sequence[str], widths: Sequence[int]) -> str:
    fitted = [paper.fit(cell, width) for cell, width in zip(row, widths, strict=True)]
    padding = [width - _columns(cell) for cell, width in zip(fitted, widths, strict=True)]
    return "  ".join(cell + " " * n for cell, n in zip(fitted, padding, strict=True)).rstrip()


def _sentences(paper: _Paper, header: Sequence[str], rows: Sequence[_Row]) -> list[str]:
    lines = []
    for tone, (name, state, *others) in rows:
        told = [f"{label} {cell}" for label, cell in zip(header[2:], others, strict=True) if cell]
        text = "; ".join([f"{name}: {state}", *told])
        lines += paper.folded(tone, text, indent="  ")
    return lines
