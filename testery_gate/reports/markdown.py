"""Markdown for people: job summaries, merge-request comments, annotations.

Written for GitHub Flavored Markdown (GitHub's specification, 0.29), which GitLab, Buildkite and
Azure read in the same way. Remote text is not escaped character by character, because addresses,
mentions, issue numbers and emoji codes are found after escapes are undone, but never in code. So
only words that have no such meaning stay as they are, and everything else is shown as code. No line
begins with remote text, except in an indented code block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from fractions import Fraction

from testery_gate.errors import ExitCode
from testery_gate.evidence.outcomes import TestId
from testery_gate.judging.criteria import Unit, format_value
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check
from testery_gate.model import TestRun
from testery_gate.reports import grouping, view
from testery_gate.reports.addresses import run_page, test_page
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.ending import Ending
from testery_gate.reports.headline import Headline, further_reason, headline, of_code
from testery_gate.reports.view import Mark
from testery_gate.text import clean_line, shorten_to_bytes

LIMIT = 1_000_000
"""Bytes; GitHub drops a summary of more than 1,048,576, and Buildkite an annotation."""

LONGEST_TEXT = 500
LONGEST_NAME = 200
LONGEST_LINE = 200
"""Bytes of a sentence, of a name, and of a line of an error, without markup."""

ERROR_LINES = 12
BAR_CELLS = 16
"""How many fit in one line on a phone."""


def render(runs: Sequence[Judged], *, limit: int = LIMIT) -> str:
    """Return the report on one run or more, in at most ``limit`` bytes of UTF-8.

    Parts that do not fit are left out completely: first the failing tests, then the checks, and
    last the headline, which takes about 100 bytes. With less the report is empty.
    """
    budget = SizeBudget(limit, between=len("\n\n"))
    blocks = list((_on_one if len(runs) == 1 else _on_several)(runs, budget))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def render_ending(ending: Ending, *, limit: int = LIMIT) -> str:
    """Return the report on an ending, whose exit code may be one that none of its runs has.

    Then the ending comes first, and the report on the runs, if there are any, has the bytes that
    are left.
    """
    if ending.exit_code in {judged.exit_code for judged in ending.runs}:
        return render(ending.runs, limit=limit)
    budget = SizeBudget(limit, between=len("\n\n"))
    first = "".join(f"{block}\n\n" for block in _on_ending(ending, budget))
    rest = render(ending.runs, limit=budget.left) if ending.runs else ""
    return f"{first}{rest}".rstrip("\n") + "\n" if first else ""


def _on_ending(ending: Ending, budget: SizeBudget) -> Iterator[str]:
    code = ending.exit_code
    headline = f"## {_MARKS[code]} {of_code(code)}"
    if not budget.take(headline):
        return
    yield headline
    advice = [_bullet("next", prose(ending.advice))] if ending.advice else []
    yield from _bullets([_bullet("why", prose(ending.reason)), _exit_code(code), *advice], budget)


def unfolded(text: str) -> str:
    """Return a report without ``details``, for a system that does not show them.

    Only the gate's own lines are changed: remote text never begins a line, except in a code block.
    """
    shown = re.sub(r"^<details><summary>(.*)</summary>$", r"\1:", text, flags=re.MULTILINE)
    return re.sub(r"^</details>\n\n?", "", shown, flags=re.MULTILINE)


def _listed(
    budget: SizeBudget,
    head: str,
    items: Iterable[str],
    count: int,
    what: str,
    *,
    between: str = "\n",
) -> Iterator[str]:
    """Return the items that fit, and how many more there are."""
    rest = budget.needed(_more(count, what))
    if not budget.take(head, keeping=rest):
        return
    parts = [head]
    for number, item in enumerate(items, 1):
        if not budget.take(item, keeping=0 if number == count else rest):
            break
        parts.append(item)
    yield between.join(parts)
    left_out = count + 1 - len(parts)
    if left_out and budget.take(_more(left_out, what)):
        yield _more(left_out, what)


def _more(count: int, what: str) -> str:
    return f"… {view.more(count, what)}"


_MARKS = {
    ExitCode.PASSED: "✅",
    ExitCode.FAILED: "❌",
    ExitCode.USAGE: "🔧",
    ExitCode.UNAUTHORIZED: "🔧",
    ExitCode.UNAVAILABLE: "🔌",
    ExitCode.INCONCLUSIVE: "❓",
    ExitCode.NOT_FOUND: "🔧",
    ExitCode.REPORT_LOST: "⚠️",
    ExitCode.INTERNAL: "🔧",
    ExitCode.TIMED_OUT: "⌛",
    ExitCode.INTERRUPTED: "🛑",
    ExitCode.TERMINATED: "🛑",
}


def _on_one(runs: Sequence[Judged], budget: SizeBudget) -> Iterator[str]:
    (judged,) = runs
    heading = _heading("##", judged.exit_code, headline(runs))
    above = list(_above(judged, budget, heading, [_exit_code(judged.exit_code)]))
    if not above:
        return
    below = list(_below(judged, budget, "###"))
    yield from (*above, *_failing_tests(judged, budget, "###"), *below)


def _on_several(runs: Sequence[Judged], budget: SizeBudget) -> Iterator[str]:
    exit_code = view.exit_code_of(runs)
    ranked = view.worst_first(runs)
    line = headline(ranked)
    heading = _heading("##", exit_code, line)
    if not budget.take(heading):
        return
    yield heading
    why = [_bullet("why", prose(text)) for text in line.about]
    yield from _bullets([*why, _exit_code(exit_code)], budget)
    yield from _overview(ranked, budget)
    yield from _details(view.not_passed(runs), budget)
    remarks = [_bullet(label, prose(text)) for text, label in view.remarks_on_passed(runs).items()]
    if remarks:
        yield from _bullets(remarks[: view.REMARKS], budget, len(remarks))


def _bullets(bullets: Sequence[str], budget: SizeBudget, count: int | None = None) -> Iterator[str]:
    """Return those of the bullets that fit; ``count`` is how many remarks there are."""
    first, *others = bullets
    yield from _listed(budget, first, others, (count or len(bullets)) - 1, "remarks")


def _overview(ranked: Sequence[Judged], budget: SizeBudget) -> Iterator[str]:
    """Return a row for each run; the runs that passed are folded."""
    number = len(view.not_passed(ranked))
    wrong, passed = ranked[:number], ranked[number:]
    if wrong:
        yield from _listed(budget, _OVERVIEW, map(_overview_row, wrong), len(wrong), "runs")
    if not passed:
        return
    summary = f"<details><summary>✅ {view.counted(len(passed), 'run')} passed</summary>"
    end = "</details>"
    rest = budget.needed(end)
    budget.left -= rest
    table = list(
        _listed(
            budget, f"{summary}\n\n{_OVERVIEW}", map(_overview_row, passed), len(passed), "runs"
        )
    )
    yield from table
    if table:
        yield end
    else:
        budget.left += rest


_OVERVIEW = "| | run | outcome | name | passed | why |\n| --- | --- | --- | --- | --- | --- |"


def _overview_row(judged: Judged) -> str:
    run = judged.run
    return table_row(
        _MARKS[judged.exit_code],
        _run_link(judged),
        view.outcome(judged.exit_code),
        code((run and run.name) or ""),
        view.passed_of_all(run),
        prose(judged.verdict.reason),
    )


def _details(runs: Sequence[Judged], budget: SizeBudget) -> Iterator[str]:
    """Return the runs in their order; all have the same share of bytes for failing tests."""
    what = "runs that did not pass"
    rest = budget.needed(_more(len(runs), what))
    budget.left -= rest
    kept = []
    for judged in runs:
        about = f"Run {view.run_id(judged)}: "
        heading = _heading("###", judged.exit_code, headline([judged]), about)
        above = list(_above(judged, budget, heading, []))
        if not above:
            break
        kept.append((above, list(_below(judged, budget, "####"))))
    left_out = len(runs) - len(kept)
    budget.left += 0 if left_out else rest
    for number, (above, below) in enumerate(kept):
        share = budget.apart(len(kept) - number)
        yield from (*above, *_failing_tests(runs[number], share, "####"), *below)
        budget.left += share.left
    if left_out and budget.left >= 0:
        yield _more(left_out, what)


def _heading(level: str, exit_code: ExitCode, line: Headline, about: str = "") -> str:
    """Return the heading of one run or of all; a run's names are shown below it."""
    return f"{level} {_MARKS[exit_code]} {about}{line.verdict}: {prose(line.explanation)}"


def _above(
    judged: Judged, budget: SizeBudget, heading: str, bullets: Sequence[str]
) -> Iterator[str]:
    """Return what stands above the failing tests; nothing if even the heading does not fit."""
    if not budget.take(heading):
        return
    yield heading
    known = {
        "why": prose(further_reason(judged)),
        "new failures": ", ".join(view.new_failures(judged, _named)),
        "run": _which_run(judged),
    }
    advice = prose(judged.verdict.advice)
    yield from _bullets(
        [
            *(_bullet(label, text) for label, text in known.items() if text),
            *bullets,
            *([_bullet("next", advice)] if advice else []),
            *(_bullet(label, prose(text)) for label, text in view.remarks(judged)),
        ],
        budget,
    )
    run = judged.run
    yield from () if run is None else _counts(run, budget)


def _below(judged: Judged, budget: SizeBudget, level: str) -> Iterator[str]:
    """Return what stands below the failing tests: the checks, and what is known of the run."""
    run = judged.run
    rows = (_check_row(check, judged.exit_code) for check in judged.verdict.checks)
    head = f"{level} Checks\n\n{_CHECKS}"
    yield from _listed(budget, head, rows, len(judged.verdict.checks), "checks")
    facts = [] if run is None else [*_facts(run)]
    if facts and budget.take(about := f"{level} Run\n\n{' · '.join(facts)}"):
        yield about


def _bullet(label: str, text: str) -> str:
    return f"- **{label.capitalize()}:** {text}"


def _exit_code(exit_code: ExitCode) -> str:
    text = f"{exit_code.value}, {view.outcome(exit_code)}: {exit_code.meaning}"
    return _bullet("exit code", text)


def _which_run(judged: Judged) -> str:
    run = judged.run
    name = code((run and run.name) or "")
    environment = code((run and run.environment) or "")
    where = f"in {environment}" if environment else ""
    return " ".join(filter(None, (_run_link(judged), name, where)))


def _run_link(judged: Judged) -> str:
    page = run_page(judged)
    return f"[{view.run_id(judged)}]({page})" if page else view.run_id(judged)


def _counts(run: TestRun, budget: SizeBudget) -> Iterator[str]:
    numbers = [
        f"{_CELLS.get(kind, '')} {n} {kind}".lstrip() for kind, n in view.counts(run).items()
    ]
    rate = view.pass_rate(run)
    share = [f"pass rate {rate}"] if rate else []
    counts = view.numbers(run)
    blocks = (_bar([counts[kind] for kind in _CELLS]), " · ".join([*numbers, *share]))
    yield from (block for block in blocks if block and budget.take(block))


_CELLS = {"passed": "🟩", "failed": "🟥", "ignored": "🟨", "not run": "⬜"}


def _bar(counts: Sequence[Fraction | None]) -> str:
    """Return a bar of the counts, if they are known; each count above 0 has at least one cell."""
    known = [count for count in counts if count is not None]
    total = sum(known)
    if len(known) < len(counts) or not total:
        return ""
    cells = [max(1, int(count * BAR_CELLS / total)) if count else 0 for count in known]
    cells[cells.index(max(cells))] += BAR_CELLS - sum(cells)
    return "".join(cell * number for cell, number in zip(_CELLS.values(), cells, strict=True))


def _facts(run: TestRun) -> Iterator[str]:
    known = view.facts(run)
    for label in ("git ref", "build key", "status"):
        if shown := code(known.get(label, "")):
            yield f"{label} {shown}"
    if info := prose(known.get("status info", "")):
        yield f"status info: {info}"
    if tags := ", ".join(filter(None, map(code, run.include_tags[: view.MOST_TAGS]))):
        yield f"tags {tags}"
    yield from (f"{label} {known[label]}" for label in view.TIMES if label in known)


_CHECKS = "| | check | expected | found | result |\n| --- | --- | --- | --- | --- |"


_CHECK_MARKS = {
    Mark.GOOD: "✅",
    Mark.BAD: "❌",
    Mark.UNSURE: "❓",
    Mark.NOTICE: "⚠️",
    Mark.NEUTRAL: "⏳",
}


def _check_row(check: Check, exit_code: ExitCode) -> str:
    values = map(prose, (view.subject(check), check.expected_text, check.actual_text))
    mark, result = view.mark_of_check(check), view.result_of_check(check, exit_code)
    return table_row(_CHECK_MARKS[mark], *values, result)


def table_row(*cells: str) -> str:
    """Return a row of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def _failing_tests(judged: Judged, budget: SizeBudget, level: str) -> Iterator[str]:
    heading = view.failing_heading(judged)
    if heading:
        head = f"{level} {heading}"
        compared = "\n".join(_compared(judged))
        # The comparison is left out where it would take the place of the tests.
        if compared and budget.needed(compared) < budget.left // 4:
            head = f"{head}\n\n{compared}"
        page = run_page(judged)
        items = (_failing_test(test, page) for test in view.failing_tests(judged))
        number = view.failing_number(judged)
        yield from _listed(budget, head, items, number, "failing tests", between="\n\n")


def _compared(judged: Judged) -> Iterator[str]:
    for label, text in view.comparison(judged).items():
        yield _bullet(label, prose(text))
    if missing := view.missing_tests(judged, _named):
        yield _bullet("missing tests", ", ".join(missing))


def _named(test: TestId) -> str:
    name, where = code(test.name) or view.NO_NAME, code(test.file)
    return f"{name} in {where}" if where else name


def _failing_test(test: view.FailingTest, page: str) -> str:
    result = test.result
    urgent = test.mark is Mark.BAD
    label = f"**{test.label}:** " if urgent and test.label else test.label and f"{test.label}: "
    facts = [f"{_CHECK_MARKS[test.mark]} {label}{_named(TestId.of(result))}"]
    if result.duration is not None and result.duration >= timedelta(0):
        seconds = Fraction(result.duration // timedelta(milliseconds=1), 1000)
        facts.append(format_value(seconds, Unit.TIME))
    if console := test_page(page, result.id):
        facts.append(f"[console]({console})")
    known = [code(view.strip(test.outcomes)), prose(test.details)]
    parts = [" · ".join(facts), " ".join(filter(None, known))]
    lines = view.error_lines(result)
    if lines:
        # The first line is not folded. It is not in the summary, where Markdown is not inert.
        parts += [code(grouping.headline(lines)), *_error(lines)]
    return "\n\n".join(filter(None, parts))


def _error(lines: Sequence[str]) -> Sequence[str]:
    part = f", the first {ERROR_LINES} of {len(lines)} lines" if len(lines) > ERROR_LINES else ""
    summary = f"<details><summary>Error{part}</summary>"
    return [summary, code_block(lines[:ERROR_LINES]), "</details>"]


def prose(text: str) -> str:
    """Return a sentence on one line, with everything as code but plain words and numbers."""
    line = shorten_to_bytes(clean_line(text), LONGEST_TEXT)
    return _WORD.sub(lambda word: word["lead"] + _quoted(word) + word["trail"], line)


def _quoted(word: re.Match[str]) -> str:
    return word["plain"] or _code(word["criterion"] or word["other"])


_WORD = re.compile(
    r"""
    (?P<lead> [("']* )
    (?:
      (?P<criterion> [\w-]+ [ ] (?: [<>]=? | [=!]= ) [ ] [\w.]+ (?<! \. ) %? )
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
      | (?P<other> \S (?: \S* [^\s)"'.,;:!?…] )? )       # up to what trails, but never nothing
    )
    (?P<trail> [)"'.,;:!?…]* ) (?! \S )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def code(text: str) -> str:
    """Return a name as code, on one line; an empty text for an empty name."""
    return _code(shorten_to_bytes(clean_line(text), LONGEST_NAME))


def code_block(lines: Sequence[str]) -> str:
    """Return lines as an indented block; the first and the last line must not be empty.

    Nothing in the lines can end it, as it could end a fence.
    """
    return "\n".join(f"    {shorten_to_bytes(line, LONGEST_LINE)}".rstrip() for line in lines)


def _code(line: str) -> str:
    # A table is divided at its pipes before code is recognised, so no code may have one.
    return "&#124;".join(_span(part) if part else "" for part in line.split("|"))


def _span(line: str) -> str:
    """Return text between the shortest run of backticks that is not in it (GFM, section 6.3)."""
    runs = {len(run) for run in re.findall("`+", line)}
    delimiter = "`" * next(n for n in range(1, len(runs) + 2) if n not in runs)
    # Readers remove one blank at both ends, unless there are only blanks.
    edged = "`" in line[:1] + line[-1:] or (line[0] == line[-1] == " " and line.strip())
    return f"{delimiter} {line} {delimiter}" if edged else f"{delimiter}{line}{delimiter}"
