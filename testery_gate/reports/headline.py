"""The verdict in one line: the result of the run, the reason in numbers, and which run it was.

All formats use this line; a format may show the run's names somewhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from testery_gate.errors import ExitCode
from testery_gate.judging.criteria import (
    OF_CLASS,
    Criterion,
    Metric,
    Operator,
    format_value,
    measure,
)
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import CheckState, and_more
from testery_gate.model import TestRun
from testery_gate.reports import view
from testery_gate.text import clean_line, short_ref, shorten

LONGEST_CASE = 300
"""Characters of a case, which may quote the API."""
LONGEST_NAME = 60
"""Characters of a name of the run."""


_PASSED, _FAILED, _NO_VERDICT = "PASSED", "FAILED", "NO VERDICT"
VERDICTS = (_PASSED, _FAILED, _NO_VERDICT)
"""The words that a headline begins with."""
_WORDS: Mapping[ExitCode, tuple[str, str]] = {
    ExitCode.PASSED: (_PASSED, "the run meets the criteria"),
    ExitCode.FAILED: (_FAILED, "the tests did not meet the criteria"),
    ExitCode.USAGE: (_NO_VERDICT, "the gate is set up wrong"),
    ExitCode.UNAUTHORIZED: (_NO_VERDICT, "the gate is set up wrong: its token was refused"),
    ExitCode.UNAVAILABLE: (
        _NO_VERDICT,
        "the network, the API or its address is at fault, not the tests",
    ),
    ExitCode.INCONCLUSIVE: (_NO_VERDICT, "the run broke, or is the wrong one"),
    ExitCode.NOT_FOUND: (_NO_VERDICT, "there is no such run, or not yet"),
    ExitCode.REPORT_LOST: (_PASSED, "a report could not be written"),
    ExitCode.INTERNAL: (_NO_VERDICT, "the gate broke, not the tests"),
    ExitCode.TIMED_OUT: (_NO_VERDICT, "the run did not finish in time"),
    ExitCode.INTERRUPTED: (_NO_VERDICT, "the gate was stopped"),
    ExitCode.TERMINATED: (_NO_VERDICT, "the gate was stopped"),
}
"""The verdict, and what is at fault: the tests, the run, the network or the gate's settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The parts of the line; ``str()`` puts them together."""

    verdict: str
    """One of :data:`VERDICTS`."""
    explanation: str
    """Why, in numbers if there are any."""
    about: Sequence[str] = ()
    """The run's name, its environment and its commit, if they are known.

    With several runs it is the first run that led to the exit code, and why.
    """

    @property
    def short(self) -> str:
        """The line without :attr:`about`."""
        return f"{self.verdict}: {self.explanation}"

    def __str__(self) -> str:
        return " · ".join([self.short, *self.about])


def headline(runs: Sequence[Judged], exit_code: ExitCode | None = None) -> Headline:
    """Return the line for at least one run.

    ``exit_code`` is the process's, where it is not the one of the runs.
    """
    code = view.exit_code_of(runs) if exit_code is None else exit_code
    verdict, meaning = _WORDS[code]
    blamed = [judged for judged in runs if judged.exit_code is code]
    if len(runs) == 1:
        (judged,) = runs
        return Headline(
            verdict=verdict,
            explanation=_of_one(judged) if blamed else meaning,
            about=about(judged),
        )
    counts = view.tally(view.worst_first(runs))
    if code is ExitCode.PASSED:
        return Headline(verdict=verdict, explanation=counts)
    if not blamed:
        return Headline(verdict=verdict, explanation=f"{meaning}; {counts}")
    first = f"run {view.run_id(blamed[0])}: {_of_one(blamed[0])}"
    return Headline(verdict=verdict, explanation=counts, about=[first])


def of_code(exit_code: ExitCode) -> Headline:
    """Return the line for an exit code that none of the runs has."""
    verdict, meaning = _WORDS[exit_code]
    return Headline(verdict=verdict, explanation=meaning)


def further_reason(judged: Judged) -> str:
    """Return the reason if the headline of this run does not have all of it, or an empty text.

    Only the reason names the configuration file that a check comes from.
    """
    reason = clean_line(judged.verdict.reason)
    asked = any(check.origin for check in judged.verdict.checks)
    if reason == _of_one(judged) or (_in_numbers(judged) and not asked):
        return ""
    return reason


def _of_one(judged: Judged) -> str:
    """Return why a run ended so: in numbers, or else its case."""
    case = clean_line(judged.verdict.case)
    return _in_numbers(judged) or shorten(case, LONGEST_CASE) or _WORDS[judged.exit_code][1]


def _in_numbers(judged: Judged) -> str:
    """Return why a run ended so by its counts; empty where the counts are not the reason."""
    run = judged.run
    if run is not None and judged.exit_code is ExitCode.PASSED:
        return _passed(judged, run)
    if run is not None and judged.exit_code is ExitCode.FAILED:
        return _failed(judged, run)
    return ""


def about(judged: Judged) -> Sequence[str]:
    """Return the run's names; without a name of its own, its id comes first."""
    run = judged.run
    parts = () if run is None else (run.name, run.environment, short_ref(run.git_ref or ""))
    names = [shorten(clean_line(part), LONGEST_NAME) for part in parts if part]
    unnamed = judged.run_id is not None and not (run and run.name)
    return [*([f"run {judged.run_id}"] if unnamed else []), *filter(None, names)]


def _passed(judged: Judged, run: TestRun) -> str:
    counts = [f"{run.passed} of {run.total} passed"]
    if run.failed:
        counts.append(f"{run.failed} failed{_classes(judged)}")
    if run.ignored:
        counts.append(f"{run.ignored} ignored")
    return ", ".join(counts)


def _failed(judged: Judged, run: TestRun) -> str:
    """Return the numbers that breach the first check; empty if only its message has them."""
    breached = [
        check
        for check in judged.verdict.checks
        if check.deciding and check.state is CheckState.BREACHED
    ]
    if not breached or not (criterion := breached[0].criterion):
        return ""
    found = _found(judged, run, criterion) or breached[0].case or breached[0].message
    so_far = " so far" if judged.verdict.decided_early else ""
    return ", ".join([f"{found}{so_far}", *_limit(criterion)]) + and_more(len(breached) - 1)


def _found(judged: Judged, run: TestRun, criterion: Criterion) -> str:
    of_total, of_executed = f"of {run.total}", _of_executed(run)
    match criterion.metric:
        case Metric.FAILED:
            return f"{run.failed} {of_total} failed{_classes(judged)}"
        case Metric.FAIL_RATE:
            return f"{run.failed} {of_executed} failed{_classes(judged)}"
        case Metric.PASSED:
            return f"{run.passed} {of_total} passed"
        case Metric.PASS_RATE:
            return f"{run.passed} {of_executed} passed"
        case metric if metric in OF_CLASS:
            return _counts(judged, " failure")
        case _:
            return ""


def _of_executed(run: TestRun) -> str:
    """Return which tests a rate is a share of."""
    executed = measure(run)[Metric.EXECUTED]
    return f"of {executed}" if executed == run.total else f"of {executed} executed"


def _classes(judged: Judged) -> str:
    counts = _counts(judged)
    return f" ({counts})" if counts else ""


def _counts(judged: Judged, what: str = "") -> str:
    """Return how many failures there are by class, such as ``1 new failure, 2 known``."""
    evidence = view.known_evidence(judged)
    if evidence is None:
        return ""
    found = [(count, one.value) for one, count in evidence.counts.items() if count]
    noun = f"{what}s" if what and found and found[0][0] > 1 else what
    return ", ".join(
        f"{count} {name}{'' if number else noun}" for number, (count, name) in enumerate(found)
    )


def _limit(criterion: Criterion) -> Iterator[str]:
    value = format_value(criterion.threshold, criterion.metric.unit)
    match criterion.operator:
        case Operator.AT_MOST:
            # A limit of 0 is what everybody expects.
            if criterion.threshold > Fraction(0):
                yield f"{value} allowed"
        case Operator.LESS:
            yield f"less than {value} allowed"
        case Operator.AT_LEAST:
            yield f"{value} required"
        case Operator.GREATER:
            yield f"more than {value} required"
        case _:
            yield f"required is {criterion.operator.value} {value}"
