"""What the reports say: words, orders and numbers, made once; a format only lays them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from fractions import Fraction

from testery_gate.errors import ExitCode, combined
from testery_gate.judging.criteria import Metric, Unit, format_percentage, format_value, measure
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import ResultStatus, TestResult, TestRun
from testery_gate.text import clean_line, clean_text

NO_NAME = "(no name)"
NO_FILE = "(no file)"
NO_ERROR = "Testery calls this test FAIL, and gives no error"
MOST_TAGS = 20
LISTED_IDS = 5
REMARKS = 10
"""How many remarks are made on runs that passed, where there are several runs."""

_NOT_SET_UP = "NO VERDICT: the gate is set up wrong"
_STOPPED = "NO VERDICT: the gate was stopped"
HEADLINES: Mapping[ExitCode, str] = {
    ExitCode.PASSED: "PASSED",
    ExitCode.FAILED: "FAILED: the tests did not meet the criteria",
    ExitCode.USAGE: _NOT_SET_UP,
    ExitCode.UNAUTHORIZED: f"{_NOT_SET_UP}: its token was refused",
    ExitCode.UNAVAILABLE: "NO VERDICT: the network or the API broke, not the tests",
    ExitCode.INCONCLUSIVE: "NO VERDICT: the run broke, or is the wrong one",
    ExitCode.NOT_FOUND: f"{_NOT_SET_UP}: there is no such run",
    ExitCode.REPORT_LOST: "PASSED, but a report could not be written",
    ExitCode.INTERNAL: "NO VERDICT: the gate broke, not the tests",
    ExitCode.TIMED_OUT: "NO VERDICT: the run did not finish in time",
    ExitCode.INTERRUPTED: _STOPPED,
    ExitCode.TERMINATED: _STOPPED,
}
"""Whether the tests, the run, the network or the gate's setting is to blame, at a glance."""


class Mark(Enum):
    """How something is meant; each format has a sign of its own for it."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    NOTICE = "notice"
    NEUTRAL = "neutral"


# How it ended


def exit_code_of(runs: Sequence[Judged]) -> ExitCode:
    """Return the exit code of at least one run."""
    return combined({judged.exit_code for judged in runs})


def outcome(code: ExitCode) -> str:
    """Return the outcome in words."""
    return code.outcome.replace("_", " ")


def mark_of(code: ExitCode) -> Mark:
    """Return how an outcome is marked."""
    marks = {
        ExitCode.PASSED: Mark.GOOD,
        ExitCode.FAILED: Mark.BAD,
        ExitCode.REPORT_LOST: Mark.NOTICE,
    }
    return marks.get(code, Mark.UNSURE)


def explained(code: ExitCode) -> str:
    """Return an exit code with its outcome and its meaning."""
    return f"{code.value}, {outcome(code)}: {code.meaning}"


def reasons(judged: Judged) -> Iterator[tuple[str, str]]:
    """Say why it ended so, and what else is wrong or worth knowing: labels and texts."""
    reason = judged.verdict.reason
    yield "why", reason
    for check in judged.verdict.checks:
        wrong = check.state in {CheckState.BREACHED, CheckState.INCONCLUSIVE}
        if wrong and not reason.startswith(check.message):
            yield ("also" if check.deciding else "warning"), check.message
    for note in judged.all_notes:
        yield "note", note


# Several runs


def worst_first(runs: Sequence[Judged]) -> list[Judged]:
    """Return the runs in the order in which their codes decide."""
    codes = {judged.exit_code for judged in runs}
    order = []
    while codes:
        order.append(combined(codes))
        codes.remove(order[-1])
    return sorted(runs, key=lambda judged: order.index(judged.exit_code))


def not_passed(runs: Sequence[Judged]) -> list[Judged]:
    """Return those that did not pass, the worst first."""
    return [judged for judged in worst_first(runs) if judged.exit_code is not ExitCode.PASSED]


def tally(runs: Sequence[Judged]) -> str:
    """Count the outcomes of several runs, in their order."""
    outcomes = Counter(outcome(judged.exit_code) for judged in runs)
    counted = ", ".join(f"{number} {name}" for name, number in outcomes.items())
    return f"of {len(runs)} runs {counted}"


def remarks_on_passed(runs: Sequence[Judged]) -> Mapping[str, str]:
    """Return the remarks on runs that passed, warnings first, each with its runs."""
    whose: dict[tuple[str, str], list[str]] = {}
    for judged in runs:
        if judged.exit_code is ExitCode.PASSED:
            for label, text in [*reasons(judged)][1:]:
                whose.setdefault((label, text), []).append(run_id(judged))
    ordered = sorted(whose.items(), key=lambda item: item[0][0] != "warning")
    return {f"{text} ({_runs(ids)})": label for (label, text), ids in ordered}


def _runs(ids: Sequence[str]) -> str:
    shown = [*ids[:LISTED_IDS], *([more(len(ids) - LISTED_IDS)] if len(ids) > LISTED_IDS else [])]
    return f"run{'s' if len(ids) > 1 else ''} {', '.join(shown)}"


def run_id(judged: Judged) -> str:
    """Return the run's id, or that there is none."""
    return "none" if judged.run_id is None else str(judged.run_id)


def more(count: int, what: str = "") -> str:
    """Say that there are so many more."""
    return f"and {count} more {what}".rstrip() if count > 1 else f"and {count} more"


# A run


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """A check as a row of a table."""

    mark: Mark
    subject: str
    """What was checked, without what was expected of it."""
    expected: str
    found: str
    result: str
    """What came of it, and whether it led to the exit code."""
    check: Check


def check_rows(judged: Judged) -> Iterator[CheckRow]:
    """Return the checks of a run, in their order."""
    for check in judged.verdict.checks:
        subject = check.name.removesuffix(f" is {check.expected_text}")
        if check.criterion is not None:
            subject = check.criterion.metric.value
        yield CheckRow(
            mark=_check_mark(check),
            subject=subject,
            expected=check.expected_text,
            found=check.actual_text,
            result=_result(check, judged.exit_code),
            check=check,
        )


def _check_mark(check: Check) -> Mark:
    if check.state is CheckState.HOLDS:
        return Mark.GOOD
    if check.state is CheckState.OPEN:
        return Mark.NEUTRAL
    if not check.deciding:
        return Mark.NOTICE
    return Mark.BAD if check.state is CheckState.BREACHED else Mark.UNSURE


def _result(check: Check, code: ExitCode) -> str:
    if not check.deciding and check.state is not CheckState.HOLDS:
        return f"{check.state.value}, warns"
    blamed = CheckState.BREACHED if code is ExitCode.FAILED else CheckState.INCONCLUSIVE
    return f"{check.state.value}, decided" if check.state is blamed else check.state.value


def counts(run: TestRun) -> Mapping[str, str]:
    """Return how many tests there are of each kind, and in all; ``?`` is unknown."""
    return {kind: "?" if count is None else str(count) for kind, count in numbers(run).items()}


def numbers(run: TestRun) -> Mapping[str, Fraction | None]:
    """Return the same as numbers; ``None`` is unknown."""
    values = measure(run)
    return {
        "passed": values[Metric.PASSED],
        "failed": values[Metric.FAILED],
        "ignored": values[Metric.IGNORED],
        "not run": values[Metric.NOT_RUN],
        "in all": values[Metric.TOTAL],
    }


def passed_of_all(run: TestRun | None) -> str:
    """Return how many tests passed and how many there are; nothing for no run."""
    if run is None:
        return ""
    known = counts(run)
    return f"{known['passed']} of {known['in all']}"


DURATIONS = ("queued", "ran", "testing time")
TIMES = ("started", "ended", *DURATIONS)


def facts(run: TestRun) -> Mapping[str, str]:
    """Return what is known of a run, by label; each format shows those it has a place for."""
    values = measure(run)
    known = {
        "name": run.name,
        "status": run.status_text,
        "status info": run.status_info,
        "tests": ", ".join(f"{count} {kind}" for kind, count in counts(run).items()),
        "pass rate": _share(values[Metric.PASS_RATE]),
        "coverage": _share(values[Metric.COVERAGE]),
        "environment": run.environment,
        "git ref": run.git_ref,
        "build key": run.build_key,
        "project": None if run.project_id is None else str(run.project_id),
        "tags": ", ".join(run.include_tags),
        "started": _moment(run.start_time),
        "ended": _moment(run.end_time),
        "queued": _duration(values[Metric.QUEUE_TIME]),
        "ran": _duration(values[Metric.DURATION]),
        "testing time": _duration(values[Metric.TESTING_TIME]),
    }
    return {label: text for label, text in known.items() if text}


def _share(value: Fraction | None) -> str | None:
    return None if value is None else format_percentage(value)


def _moment(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: Fraction | None) -> str | None:
    return None if seconds is None else format_value(seconds, Unit.TIME)


# Tests


def failing(judged: Judged) -> Sequence[TestResult]:
    """Return the tests of a run that failed, in the order of the API."""
    return [result for result in judged.results or () if result.status is ResultStatus.FAIL]


def failing_heading(judged: Judged) -> str:
    """Return the heading above the tests that failed."""
    return f"Failing tests: {len(failing(judged))} of {len(judged.results or ())}"


def error_text(result: TestResult) -> str:
    """Return what is known of why a test failed, each part of it once."""
    error, stack_trace = clean_text(result.error or ""), clean_text(result.stack_trace or "")
    return stack_trace if stack_trace.startswith(error) else f"{error}\n\n{stack_trace}"


def error_lines(result: TestResult) -> Sequence[str]:
    """Return the same in lines, of which the first and the last are not empty."""
    lines = [line.rstrip() for line in error_text(result).splitlines()]
    return "\n".join(lines).strip("\n").split("\n") if any(lines) else []


def first_error_line(result: TestResult) -> str:
    """Return the first line of the error that says something, if there is one."""
    return next(filter(None, map(clean_line, (result.error or "").splitlines())), "")
