"""What the reports say: words, orders and numbers, made once for all formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from fractions import Fraction

from testery_gate.errors import ExitCode, combined
from testery_gate.evidence.classes import Evidence, Failure, FailureClass
from testery_gate.evidence.outcomes import TestId, TestOutcome
from testery_gate.judging.criteria import Metric, Unit, format_percentage, format_value, measure
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import ResultStatus, TestResult, TestRun
from testery_gate.text import clean_line, clean_text, short_ref, shorten

NO_NAME = "(no name)"
NO_FILE = "(no file)"
NO_ERROR = "Testery calls this test FAIL, and gives no error"
MOST_TAGS = 20
LISTED_IDS = 5
LISTED_TESTS = 5
LONGEST_STRIP = 20
REMARKS = 10
"""How many remarks on runs that passed are shown, where there are several runs."""

_NEXT: Mapping[ExitCode, str] = {
    ExitCode.REPORT_LOST: "Make its path writable, and let 'testery-gate check' write the reports"
    " of the same runs again.",
    ExitCode.INTERRUPTED: "Start the gate again to have all reports.",
    ExitCode.TERMINATED: "Start the gate again to have all reports.",
}
"""What to do next after an exit code that none of the runs has."""


class Mark(Enum):
    """How good or bad something is; each format has its own sign for it."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    NOTICE = "notice"
    NEUTRAL = "neutral"


# How it ended


def exit_code_of(runs: Sequence[Judged]) -> ExitCode:
    """Return the exit code of at least one run."""
    return combined({judged.exit_code for judged in runs})


def advice(code: ExitCode, runs: Sequence[Judged]) -> str:
    """Return what to do next; an empty text if there is nothing to do."""
    blamed = (judged for judged in runs if judged.exit_code is code)
    return next((judged.verdict.advice for judged in blamed), _NEXT.get(code, ""))


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


def remarks(judged: Judged) -> Iterator[tuple[str, str]]:
    """Return what else is wrong or worth knowing, without the reason: labels and texts."""
    reason = judged.verdict.reason
    for check in judged.verdict.checks:
        wrong = check.state in {CheckState.BREACHED, CheckState.INCONCLUSIVE}
        if wrong and not reason.startswith(check.message):
            yield ("also" if check.deciding else "warning"), check.message
    for note in judged.all_notes:
        yield "note", note


# Several runs


def worst_first(runs: Sequence[Judged]) -> list[Judged]:
    """Return the runs in the order in which their exit codes decide."""
    codes = {judged.exit_code for judged in runs}
    order = []
    while codes:
        order.append(combined(codes))
        codes.remove(order[-1])
    return sorted(runs, key=lambda judged: order.index(judged.exit_code))


def not_passed(runs: Sequence[Judged]) -> list[Judged]:
    """Return the runs that did not pass, the worst first."""
    return [judged for judged in worst_first(runs) if judged.exit_code is not ExitCode.PASSED]


def tally(runs: Sequence[Judged]) -> str:
    """Return how many runs have each outcome, in their order."""
    outcomes = Counter(outcome(judged.exit_code) for judged in runs)
    counted = ", ".join(f"{number} {name}" for name, number in outcomes.items())
    return f"of {len(runs)} runs {counted}"


def remarks_on_passed(runs: Sequence[Judged]) -> Mapping[str, str]:
    """Return the remarks on runs that passed and their labels, warnings first."""
    whose: dict[tuple[str, str], list[str]] = {}
    for judged in runs:
        if judged.exit_code is ExitCode.PASSED:
            for label, text in (*remarks(judged), *_of_tests(judged)):
                whose.setdefault((label, text), []).append(run_id(judged))
    ordered = sorted(whose.items(), key=lambda item: item[0][0] != "warning")
    return {f"{text} ({_runs(ids)})": label for (label, text), ids in ordered}


def _of_tests(judged: Judged) -> Iterator[tuple[str, str]]:
    """Return the remarks on the tests of a run that passed."""
    evidence = known_evidence(judged)
    if evidence is None:
        return
    if evidence.failures:
        yield "note", f"failing tests: {failing_count(judged)}"
    if evidence.missing:
        yield "note", f"missing tests: {len(evidence.missing)}"


def _runs(ids: Sequence[str]) -> str:
    shown = [*ids[:LISTED_IDS], *([more(len(ids) - LISTED_IDS)] if len(ids) > LISTED_IDS else [])]
    return f"run{'s' if len(ids) > 1 else ''} {', '.join(shown)}"


def run_id(judged: Judged) -> str:
    """Return the run's id, or that there is none."""
    return "none" if judged.run_id is None else str(judged.run_id)


def more(count: int, what: str = "") -> str:
    """Return that there are ``count`` more."""
    return f"and {count} more {what}".rstrip() if count > 1 else f"and {count} more"


# A run


def subject(check: Check) -> str:
    """Return what was checked, without the expected value."""
    if check.criterion is not None:
        return check.criterion.metric.value
    return check.name.removesuffix(f" is {check.expected_text}")


def mark_of_check(check: Check) -> Mark:
    """Return how a check is marked."""
    if check.state is CheckState.HOLDS:
        return Mark.GOOD
    if check.state is CheckState.OPEN:
        return Mark.NEUTRAL
    if not check.deciding:
        return Mark.NOTICE
    return Mark.BAD if check.state is CheckState.BREACHED else Mark.UNSURE


def result_of_check(check: Check, code: ExitCode) -> str:
    """Return the result of a check, and whether it led to the exit code."""
    if not check.deciding and check.state is not CheckState.HOLDS:
        return f"{check.state.value}, warns"
    if code is ExitCode.FAILED:
        blamed, effect = CheckState.BREACHED, "fails"
    else:
        blamed, effect = CheckState.INCONCLUSIVE, "no verdict"
    return f"{check.state.value}, {effect}" if check.state is blamed else check.state.value


def counts(run: TestRun) -> Mapping[str, str]:
    """Return how many tests there are of each kind, and in all; unknown is ``?``."""
    return {kind: "?" if count is None else str(count) for kind, count in numbers(run).items()}


def numbers(run: TestRun) -> Mapping[str, Fraction | None]:
    """Return the same as numbers; unknown is ``None``."""
    values = measure(run)
    return {
        "passed": values[Metric.PASSED],
        "failed": values[Metric.FAILED],
        "ignored": values[Metric.IGNORED],
        "not run": values[Metric.NOT_RUN],
        "in all": values[Metric.TOTAL],
    }


def passed_of_all(run: TestRun | None) -> str:
    """Return how many tests passed and how many there are; an empty text without a run."""
    if run is None:
        return ""
    known = counts(run)
    return f"{known['passed']} of {known['in all']}"


DURATIONS = ("queued", "ran", "testing time")
TIMES = ("started", "ended", *DURATIONS)


def facts(run: TestRun) -> Mapping[str, str]:
    """Return what is known of a run, by label; each format shows some of it."""
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


def pass_rate(run: TestRun) -> str:
    """Return the pass rate; where some tests never ran, with what it is a share of."""
    values = measure(run)
    share = _share(values[Metric.PASS_RATE]) or ""
    return f"{share} of those that ran" if share and values[Metric.NOT_RUN] else share


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingTest:
    """A test that failed; only the result is set where it was compared with nothing."""

    result: TestResult
    mark: Mark = Mark.BAD
    label: str = ""
    """Its class in a word; only that of a new failure is in capitals."""
    outcomes: Sequence[TestOutcome | None] = ()
    """Its outcome in the last runs, the oldest first, and in this one."""
    details: str = ""
    """Since when it fails, and why it is of its class."""


_LABELS = {FailureClass.NEW: (Mark.BAD, "NEW")}
TOLERATED = "tolerated"
WHY_TOLERATED = "Testery calls the run PASS, and its status is trusted"


def known_evidence(judged: Judged) -> Evidence | None:
    """Return the evidence of a run's tests, if it is known."""
    evidence = judged.evidence
    return None if evidence is None or evidence.unknown else evidence


def failing_tests(judged: Judged) -> Iterator[FailingTest]:
    """Return the tests of a run that failed, new ones first; none if no tests are listed."""
    evidence = known_evidence(judged)
    if evidence is None:
        yield from (FailingTest(result=result) for result in failing(judged))
    elif judged.results is not None:
        yield from (_failing_test(failure, evidence, judged) for failure in evidence.failures)
        for result in evidence.tolerated:
            yield FailingTest(
                result=result, mark=Mark.NOTICE, label=TOLERATED, details=WHY_TOLERATED
            )


def _failing_test(failure: Failure, evidence: Evidence, judged: Judged) -> FailingTest:
    one = failure.failure_class
    mark, label = _LABELS.get(one, (Mark.NOTICE, one.value))
    baseline = evidence.baseline
    if baseline.earlier is not None:
        # The baseline is described once, above all tests.
        why = failure.why.replace(baseline.description, f"run {baseline.earlier.run.id}")
    else:
        # Why there is no baseline is a note, the same for all new failures.
        why = "" if one is FailureClass.NEW else failure.why
    return FailingTest(
        result=failure.result,
        mark=mark,
        label=label,
        outcomes=failure.strip[-LONGEST_STRIP:],
        details="; ".join(filter(None, (_since(failure, judged), clean_line(why)))),
    )


def _since(failure: Failure, judged: Judged) -> str:
    since = failure.since
    if since is None:
        return ""
    if since.at_least:
        failed = sum(outcome is not None and outcome.has_failed for outcome in failure.strip)
        return f"for at least {counted(failed, 'run')}"
    if since.run.id == judged.run_id:
        return "since this run"
    ref = shorten(short_ref(clean_line(since.run.git_ref or "")), _LONGEST_REF)
    time = f"{since.run.create_time:%Y-%m-%d}" if since.run.create_time else ""
    return f"since {', '.join(filter(None, (f'run {since.run.id}', time, ref)))}"


_LONGEST_REF = 60

_SIGNS: Mapping[TestOutcome | None, tuple[str, str, str]] = {
    TestOutcome.PASSED: ("✓", "P", "passed"),
    TestOutcome.FAILED: ("✗", "F", "failed"),
    TestOutcome.BOTH: ("±", "B", "both"),
    TestOutcome.OTHER: ("-", "-", "not executed"),
    None: ("·", ".", "not there"),
}


def strip(outcomes: Sequence[TestOutcome | None], *, unicode: bool = True) -> str:
    """Return a sign for each outcome, also for a run without the test."""
    return "".join(_SIGNS[outcome][0 if unicode else 1] for outcome in outcomes)


def legend(strips: Iterable[Sequence[TestOutcome | None]], *, unicode: bool = True) -> str:
    """Return what the signs in some strips mean."""
    used = {outcome for outcomes in strips for outcome in outcomes}
    return ", ".join(
        f"{sign[0 if unicode else 1]} {sign[2]}"
        for outcome, sign in _SIGNS.items()
        if outcome in used
    )


def strip_in_words(outcomes: Sequence[TestOutcome | None]) -> str:
    """Return the outcomes in words, for screen readers."""
    return ", ".join(_SIGNS[outcome][2] for outcome in outcomes)


def failing_number(judged: Judged) -> int:
    """Return how many tests :func:`failing_tests` returns."""
    evidence = known_evidence(judged)
    if evidence is None:
        return len(failing(judged))
    return 0 if judged.results is None else len(evidence.failures) + len(evidence.tolerated)


def failing_heading(judged: Judged) -> str:
    """Return the heading above the tests that failed; empty if there is nothing to show."""
    found = failing_count(judged)
    return f"Failing tests: {found}" if found else ""


def failing_count(judged: Judged) -> str:
    """Return how many tests failed, by class if that is known; empty for nothing to show."""
    evidence = known_evidence(judged)
    if evidence is None:
        number = len(failing(judged))
        return f"{number} of {len(judged.results or ())}" if number else ""
    parts = [f"{count} {one.value}" for one, count in evidence.counts.items() if count]
    parts += [f"{len(evidence.tolerated)} {TOLERATED}"] if evidence.tolerated else []
    return f"{', '.join(parts) or 'none'} of {len(evidence.results or ())}"


def comparison(judged: Judged, *, unicode: bool = True) -> Mapping[str, str]:
    """Return what the tests of a run were compared with and how they differ, by label."""
    evidence = known_evidence(judged)
    if evidence is None:
        return {}
    known = {
        "compared with": _compared(evidence),
        "history": _history(evidence, unicode=unicode),
    }
    return {label: text for label, text in known.items() if text}


def missing_tests(judged: Judged, named: Callable[[TestId], str]) -> Sequence[str]:
    """Return the first tests that only the baseline has, and how many others there are."""
    evidence = known_evidence(judged)
    return _named(judged, (evidence.missing if evidence else None) or (), named)


def new_failures(judged: Judged, named: Callable[[TestId], str]) -> Sequence[str]:
    """Return the first tests that are new failures, and how many others there are."""
    evidence = known_evidence(judged)
    new = evidence.failures[: evidence.counts[FailureClass.NEW]] if evidence else ()
    return _named(judged, [TestId.of(failure.result) for failure in new], named)


def _named(
    judged: Judged, tests: Sequence[TestId], named: Callable[[TestId], str]
) -> Sequence[str]:
    if judged.results is None:
        return []
    rest = len(tests) - LISTED_TESTS
    return [*map(named, tests[:LISTED_TESTS]), *([more(rest)] if rest > 0 else [])]


def _compared(evidence: Evidence) -> str:
    if evidence.baseline.earlier is None:
        return "no other run, so no failure counts as known"
    differing = {"fixed": evidence.fixed, "missing": evidence.missing, "added": evidence.added}
    differences = ", ".join(f"{len(tests or ())} {what}" for what, tests in differing.items())
    return f"{clean_line(evidence.baseline.description)}: {differences}"


def _history(evidence: Evidence, *, unicode: bool) -> str:
    if not evidence.history:
        return ""
    runs = counted(len(evidence.history), "earlier run")
    signs = legend(
        (failure.strip[-LONGEST_STRIP:] for failure in evidence.failures), unicode=unicode
    )
    if not signs:
        return runs
    part = f"; a strip ends with the last {LONGEST_STRIP}"
    cut = part if len(evidence.history) >= LONGEST_STRIP else ""
    return f"{runs}, then this one{cut}: {signs}"


def counted(count: int, what: str) -> str:
    """Return a number and its noun, as in ``2 runs``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def error_text(result: TestResult) -> str:
    """Return the error and the stack trace of a test, without repeating the error."""
    error, stack_trace = clean_text(result.error or ""), clean_text(result.stack_trace or "")
    return stack_trace if stack_trace.startswith(error) else f"{error}\n\n{stack_trace}"


def error_lines(result: TestResult) -> Sequence[str]:
    """Return the same in lines; the first and the last are not empty."""
    lines = [line.rstrip() for line in error_text(result).splitlines()]
    return "\n".join(lines).strip("\n").split("\n") if any(lines) else []


def first_error_line(result: TestResult) -> str:
    """Return the first line of the error that is not empty, or an empty text."""
    return next(filter(None, map(clean_line, (result.error or "").splitlines())), "")
