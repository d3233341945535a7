"""Problems one by one, the most important first, for systems that show each by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from testery_gate.errors import ExitCode
from testery_gate.evidence.classes import FailureClass
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import TestResult
from testery_gate.reports.ending import Ending
from testery_gate.reports.view import (
    NO_ERROR,
    TOLERATED,
    failing,
    first_error_line,
    known_evidence,
    more,
    not_passed,
    outcome,
    worst_first,
)
from testery_gate.text import clean_line, shorten

MOST = 10
"""How many errors and how many warnings: GitHub and Azure drop what comes after."""

RETRYABLE = {ExitCode.UNAVAILABLE, ExitCode.TIMED_OUT, ExitCode.INTERRUPTED, ExitCode.TERMINATED}
"""Endings after which the same step may try again, so they must not be reported as final.

The exit code still fails the step, unless a script catches it.
"""

LONGEST_LINE = 1_000
"""Characters; with three lines a message stays below the 4,096 that GitHub shows."""
LONGEST_TITLE = 200


class Severity(Enum):
    """How bad it is, in the words that the systems share."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing that is wrong; its texts are clean and short, and only the message has lines."""

    severity: Severity
    subject: str
    message: str
    file: str = ""
    run_id: int | None = None
    """Which run it is about, where there are several."""

    @property
    def title(self) -> str:
        """The subject, and which run it is about."""
        return self.subject if self.run_id is None else f"{self.subject} (run {self.run_id})"

    def __str__(self) -> str:
        where = f" ({self.file})" if self.file else ""
        return f"{self.title}{where}: {self.message}"


def errors(ending: Ending, *, most: int = MOST) -> Sequence[Issue]:
    """Return at most ``most`` reasons why the gate does not pass, the checks before the tests.

    Of the failing tests only the new ones are returned, where it is known which ones are new. A
    last issue, which is a warning, counts the others.
    """
    found = list(gate_errors(ending))
    tests = [(test, judged) for judged in not_passed(ending.runs) for test in _annotated(judged)]
    found += [_test_issue(test, judged, ending) for test, judged in tests[:most]]
    others = _others(ending)
    shown = _bounded(found, len(found) + len(tests[most:]), most - len(others))
    return [*shown, *others]


def gate_errors(ending: Ending) -> Iterator[Issue]:
    """Return why the gate does not pass, without the single tests."""
    if ending.exit_code not in {judged.exit_code for judged in ending.runs}:
        subject = f"Testery: {outcome(ending.exit_code)}"
        yield _issue(Severity.ERROR, subject, (ending.reason, ending.advice))
    for judged in not_passed(ending.runs):
        for state in (CheckState.BREACHED, CheckState.INCONCLUSIVE):
            for check in judged.verdict.checks:
                if check.deciding and check.state is state:
                    yield _check_issue(Severity.ERROR, check, judged, ending)


def warnings(ending: Ending, *, most: int = MOST) -> Sequence[Issue]:
    """Return at most ``most`` problems that do not change the exit code."""
    found = [
        _check_issue(Severity.WARNING, check, judged, ending)
        for judged in worst_first(ending.runs)
        for check in judged.verdict.checks
        if not check.deciding and check.state is not CheckState.HOLDS
    ]
    return _bounded(found, len(found), most - len(_others(ending)))


def _annotated(judged: Judged) -> Sequence[TestResult]:
    evidence = known_evidence(judged)
    if evidence is None or judged.results is None:
        return failing(judged)
    return [
        failure.result for failure in evidence.failures if failure.failure_class is FailureClass.NEW
    ]


def _others(ending: Ending) -> Sequence[Issue]:
    """Count the failures that are not new, in one issue; none if there are none."""
    counts = Counter[str]()
    for judged in not_passed(ending.runs):
        if judged.evidence is not None and judged.results is not None:
            counts.update({one.value: n for one, n in judged.evidence.counts.items()})
            counts[TOLERATED] += len(judged.evidence.tolerated)
    del counts[FailureClass.NEW.value]
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    if not parts:
        return []
    *before, last = parts
    subject = f"{', '.join(before)} and {last}" if before else last
    are = "failure is" if counts.total() == 1 else "failures are"
    return [_issue(Severity.WARNING, "Testery", [f"{subject} {are} not annotated"])]


def _check_issue(severity: Severity, check: Check, judged: Judged, ending: Ending) -> Issue:
    texts = (check.message, check.advice, judged.web_url)
    issue = _issue(severity, f"Testery: {check.name}", texts)
    return replace(issue, run_id=_origin(judged, ending))


def _test_issue(result: TestResult, judged: Judged, ending: Ending) -> Issue:
    message = first_error_line(result) or NO_ERROR
    issue = _issue(Severity.ERROR, result.name, (message,))
    file = shorten(clean_line(result.file), LONGEST_TITLE)
    return replace(issue, file=file, run_id=_origin(judged, ending))


def _origin(judged: Judged, ending: Ending) -> int | None:
    return judged.run_id if len(ending.runs) > 1 else None


def _issue(severity: Severity, subject: str, texts: Iterable[str | None]) -> Issue:
    lines = [shorten(clean_line(text), LONGEST_LINE) for text in texts if text]
    return Issue(
        severity=severity,
        subject=shorten(clean_line(subject), LONGEST_TITLE),
        message="\n".join(lines),
    )


def _bounded(issues: Sequence[Issue], count: int, most: int) -> Sequence[Issue]:
    """Return at most ``most`` issues; if there are more, the last one counts the rest."""
    if count <= most:
        return issues
    shown = issues[: most - 1]
    message = f"{more(count - len(shown))}; see the log and the reports"
    return [*shown, Issue(severity=issues[0].severity, subject="Testery", message=message)]
