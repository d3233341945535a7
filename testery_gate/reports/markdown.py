"""Markdown for people: job summaries, merge-request comments, annotations.

Written for GitHub Flavored Markdown (GitHub's specification, 0.29), which GitLab, Buildkite and
Azure read alike. Text from elsewhere is not escaped sign by sign: addresses, mentions, issue
numbers and emoji codes are looked for when escapes are already undone, though never in code. So a
word that is certain to mean nothing stays as it is, and everything else goes into code. No line
begins with such text, but for the lines of an indented code block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from fractions import Fraction

from testery_gate.errors import ExitCode, combined
from testery_gate.judging.criteria import Metric, Unit, format_percentage, format_value, measure
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import ResultStatus, TestResult, TestRun
from testery_gate.reports import wording
from testery_gate.reports.addresses import run_page, test_page
from testery_gate.reports.ending import worst_first
from testery_gate.reports.room import Room
from testery_gate.text import clean_text, one_line

LIMIT = 1_000_000
"""Bytes; GitHub drops a summary of more than 1,048,576, and Buildkite an annotation."""

LONGEST_TEXT = 500
LONGEST_NAME = 200
LONGEST_LINE = 200
"""Bytes of a sentence, of a name, and of a line of an error, as they are without markup."""

ERROR_LINES = 12
BAR_CELLS = 16
"""As many as a phone has room for in one line."""

MOST_TAGS = 20


def render(runs: Sequence[Judged], *, limit: int = LIMIT) -> str:
    """Return the report on one run or more, in at most so many bytes of UTF-8.

    What there is no room for is left out whole: failing tests before checks, and the headline
    last. It takes about 100 bytes; with less, the report is empty.
    """
    room = Room(limit, between=len("\n\n"))
    blocks = list((_on_one if len(runs) == 1 else _on_several)(runs, room))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _listed(
    room: Room, head: str, items: Iterable[str], count: int, what: str, *, between: str = "\n"
) -> Iterator[str]:
    """Write a list as far as there is room, and how many items there are beyond."""
    rest = room.needed(wording.more(count, what))
    if not room.take(head, keeping=rest):
        return
    parts = [head]
    for number, item in enumerate(items, 1):
        if not room.take(item, keeping=0 if number == count else rest):
            break
        parts.append(item)
    yield between.join(parts)
    left_out = count + 1 - len(parts)
    if left_out and room.take(wording.more(left_out, what)):
        yield wording.more(left_out, what)


_MARKS = {
    ExitCode.PASSED: "✅",
    ExitCode.FAILED: "❌",
    ExitCode.UNAUTHORIZED: "🔧",
    ExitCode.UNAVAILABLE: "🔌",
    ExitCode.INCONCLUSIVE: "❓",
    ExitCode.NOT_FOUND: "🔧",
    ExitCode.TIMED_OUT: "⌛",
    ExitCode.INTERRUPTED: "🛑",
    ExitCode.TERMINATED: "🛑",
}


def _on_one(runs: Sequence[Judged], room: Room) -> Iterator[str]:
    (judged,) = runs
    headline = _headline("##", judged.exit_code)
    yield from _gist(judged, room, headline, "###", [_exit_code(judged.exit_code)])
    yield from _failing_tests(judged, room, "###")


def _on_several(runs: Sequence[Judged], room: Room) -> Iterator[str]:
    exit_code = combined({judged.exit_code for judged in runs})
    ranked = worst_first(runs)
    headline = _headline("##", exit_code)
    if not room.take(headline):
        return
    yield headline
    yield from _listed(
        room, _bullet("why", wording.tally(ranked)), [_exit_code(exit_code)], 1, "remarks"
    )
    yield from _listed(room, _OVERVIEW, map(_overview_row, ranked), len(ranked), "runs")
    others = [judged for judged in ranked if judged.exit_code is not ExitCode.PASSED]
    yield from _details(others, room)


_OVERVIEW = "| | run | outcome | name | passed | why |\n| --- | --- | --- | --- | --- | --- |"


def _overview_row(judged: Judged) -> str:
    run = judged.run
    counts = {} if run is None else wording.counts(run)
    return _row(
        _MARKS[judged.exit_code],
        _run_link(judged),
        wording.outcome(judged.exit_code),
        code((run and run.name) or ""),
        " of ".join(wording.shown(counts[kind]) for kind in ("passed", "in all") if counts),
        prose(judged.verdict.reason),
    )


def _details(runs: Sequence[Judged], room: Room) -> Iterator[str]:
    """Tell of several runs, in their order; for its failing tests each gets the same room."""
    what = "runs that did not pass"
    rest = room.needed(wording.more(len(runs), what))
    room.left -= rest
    gists = []
    for judged in runs:
        headline = _headline("###", judged.exit_code, f"Run {wording.run_id(judged)}: ")
        gist = list(_gist(judged, room, headline, "####", []))
        if not gist:
            break
        gists.append(gist)
    left_out = len(runs) - len(gists)
    room.left += 0 if left_out else rest
    for number, gist in enumerate(gists):
        yield from gist
        share = room.apart(len(gists) - number)
        yield from _failing_tests(runs[number], share, "####")
        room.left += share.left
    if left_out and room.left >= 0:
        yield wording.more(left_out, what)


def _headline(level: str, exit_code: ExitCode, about: str = "") -> str:
    return f"{level} {_MARKS[exit_code]} {about}{wording.HEADLINES[exit_code]}"


def _gist(
    judged: Judged, room: Room, headline: str, level: str, told: Sequence[str]
) -> Iterator[str]:
    """Write all but the single tests; nothing where not even the headline has room."""
    if not room.take(headline):
        return
    yield headline
    why, *others = (_bullet(label, prose(text)) for label, text in wording.reasons(judged))
    advice = [_bullet("next", prose(judged.verdict.advice))] if judged.verdict.advice else []
    remarks = [_which_run(judged), *told, *advice, *others]
    yield from _listed(room, why, remarks, len(remarks), "remarks")
    run = judged.run
    yield from () if run is None else _counts(run, room)
    rows = (_check_row(check, judged.exit_code) for check in judged.verdict.checks)
    head = f"{level} Checks\n\n{_CHECKS}"
    yield from _listed(room, head, rows, len(judged.verdict.checks), "checks")
    facts = [] if run is None else [*_facts(run)]
    if facts and room.take(about := f"{level} Run\n\n{' · '.join(facts)}"):
        yield about


def _bullet(label: str, text: str) -> str:
    return f"- **{label.capitalize()}:** {text}"


def _exit_code(exit_code: ExitCode) -> str:
    told = f"{exit_code.value}, {wording.outcome(exit_code)}: {exit_code.meaning}"
    return _bullet("exit code", told)


def _which_run(judged: Judged) -> str:
    run = judged.run
    name = code((run and run.name) or "")
    environment = code((run and run.environment) or "")
    where = f"in {environment}" if environment else ""
    return _bullet("run", " ".join(filter(None, (_run_link(judged), name, where))))


def _run_link(judged: Judged) -> str:
    page = run_page(judged)
    return f"[{wording.run_id(judged)}]({page})" if page else wording.run_id(judged)


def _counts(run: TestRun, room: Room) -> Iterator[str]:
    counts = wording.counts(run)
    rate = measure(run)[Metric.PASS_RATE]
    numbers = [
        f"{_CELLS.get(kind, '')} {wording.shown(count)} {kind}".lstrip()
        for kind, count in counts.items()
    ]
    share = [] if rate is None else [f"pass rate {format_percentage(rate)}"]
    blocks = (_bar([counts[kind] for kind in _CELLS]), " · ".join([*numbers, *share]))
    yield from (block for block in blocks if block and room.take(block))


_CELLS = {"passed": "🟩", "failed": "🟥", "ignored": "🟨", "not run": "⬜"}


def _bar(counts: Sequence[Fraction | None]) -> str:
    """Draw the proportions, if they are known; what there is has one cell at least."""
    known = [count for count in counts if count is not None]
    total = sum(known)
    if len(known) < len(counts) or not total:
        return ""
    cells = [max(1, int(count * BAR_CELLS / total)) if count else 0 for count in known]
    cells[cells.index(max(cells))] += BAR_CELLS - sum(cells)
    return "".join(cell * number for cell, number in zip(_CELLS.values(), cells, strict=True))


def _facts(run: TestRun) -> Iterator[str]:
    names = {
        "git ref": run.git_ref,
        "build key": run.build_key,
        "status": run.status_text,
    }
    for label, name in names.items():
        if shown := code(name or ""):
            yield f"{label} {shown}"
    if info := prose(run.status_info or ""):
        yield f"status info: {info}"
    if tags := ", ".join(filter(None, map(code, run.include_tags[:MOST_TAGS]))):
        yield f"tags {tags}"
    for label, text in wording.times(run):
        yield f"{label} {text}"


_CHECKS = "| | check | expected | found | result |\n| --- | --- | --- | --- | --- |"


def _check_row(check: Check, exit_code: ExitCode) -> str:
    return _row(
        _check_mark(check),
        prose(wording.subject(check)),
        prose(check.expected_text),
        prose(check.actual_text),
        wording.result(check, exit_code),
    )


def _check_mark(check: Check) -> str:
    if check.state is CheckState.HOLDS:
        return "✅"
    if check.state is CheckState.OPEN:
        return "⏳"
    if not check.deciding:
        return "⚠️"
    return "❌" if check.state is CheckState.BREACHED else "❓"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _failing_tests(judged: Judged, room: Room, level: str) -> Iterator[str]:
    results = judged.results or ()
    failing = [result for result in results if result.status is ResultStatus.FAIL]
    if failing:
        head = f"{level} Failing tests: {len(failing)} of {len(results)}"
        page = run_page(judged)
        told = (_failing_test(result, page) for result in failing)
        yield from _listed(room, head, told, len(failing), "failing tests", between="\n\n")


def _failing_test(result: TestResult, page: str) -> str:
    name = f"❌ {code(result.name) or '(no name)'}"
    file = code(result.file)
    facts = [f"{name} in {file}" if file else name]
    if result.duration is not None and result.duration >= timedelta(0):
        seconds = Fraction(result.duration // timedelta(milliseconds=1), 1000)
        facts.append(format_value(seconds, Unit.TIME))
    if console := test_page(page, result.id):
        facts.append(f"[console]({console})")
    lines = _error_lines(result)
    if not lines:
        return " · ".join(facts)
    part = f", the first {ERROR_LINES} of {len(lines)} lines" if len(lines) > ERROR_LINES else ""
    summary = f"<details><summary>Error{part}</summary>"
    return "\n\n".join([" · ".join(facts), summary, code_block(lines[:ERROR_LINES]), "</details>"])


def _error_lines(result: TestResult) -> Sequence[str]:
    error, stack_trace = clean_text(result.error or ""), clean_text(result.stack_trace or "")
    text = stack_trace if stack_trace.startswith(error) else f"{error}\n\n{stack_trace}"
    lines = [line.rstrip() for line in text.splitlines()]
    told = [number for number, line in enumerate(lines) if line]
    return lines[told[0] : told[-1] + 1] if told else []


def prose(text: str) -> str:
    """Return a sentence on one line, with all but plain words and numbers in code."""
    line = _line(text, LONGEST_TEXT)
    return _WORD.sub(lambda word: word["lead"] + _quoted(word) + word["trail"], line)


def _quoted(word: re.Match[str]) -> str:
    return word["plain"] or _code(word["criterion"] or word["other"])


_WORD = re.compile(
    r"""
    (?P<lead> [("']* )
    (?:
      (?P<criterion> [\w-]+ [ ] (?: [<>]=? | [=!]= ) [ ] [\w.]+ %? )
      | (?P<plain>
        (?! \S* www | [\da-f]{7} )                    # addresses and commits
        (?:
          [^\W\d_]+ (?: [_'\u2019-] [^\W\d_]+ )*      # words
          | \d+ (?: [.,:] \d+ )? (?: % (?! ["'] ) )?  # numbers and shares
          | (?: \d+ (?: \.\d+ )? (?: ms | [hms] ) )+  # durations
          | \d{4}-\d\d-\d\d | \d\d:\d\d:\d\d          # dates and times
          | [<>]=? | [=!]=
        )
      )
      | (?P<other> \S+? )
    )
    (?P<trail> [)"'.,;:!?…]* ) (?! \S )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def code(text: str) -> str:
    """Return a name as code, on one line; nothing if there is nothing to show."""
    return _code(_line(text, LONGEST_NAME))


def code_block(lines: Sequence[str]) -> str:
    """Return lines, of which the first and the last are not empty, as an indented block.

    Unlike a fence, it can't be ended by what is in it.
    """
    return "\n".join(f"    {_cut(line, LONGEST_LINE)}".rstrip() for line in lines)


def _code(line: str) -> str:
    # A table is cut at its pipes before anything else is read, so no code may hold one.
    return "&#124;".join(_span(part) if part else "" for part in line.split("|"))


def _span(line: str) -> str:
    """Delimit code by the shortest run of backticks that is not in it (GFM, section 6.3)."""
    runs = {len(run) for run in re.findall("`+", line)}
    delimiter = "`" * next(n for n in range(1, len(runs) + 2) if n not in runs)
    # One blank is taken off both ends, but where there are only blanks.
    edged = "`" in line[:1] + line[-1:] or (line[0] == line[-1] == " " and line.strip())
    return f"{delimiter} {line} {delimiter}" if edged else f"{delimiter}{line}{delimiter}"


def _line(text: str, limit: int) -> str:
    return _cut(one_line(clean_text(text)), limit)


def _cut(line: str, limit: int) -> str:
    """Shorten a line to so many bytes."""
    if len(line.encode()) <= limit:
        return line
    return line.encode()[: limit - len("…".encode())].decode(errors="ignore").rstrip() + "…"
