"""What the reports for people call things, so that all of them call them the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from testery_gate.errors import ExitCode
from testery_gate.judging.criteria import Metric, Unit, format_value, measure
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import TestRun

_NOT_SET_UP = "NO VERDICT: the gate is set up wrong"
_STOPPED = "NO VERDICT: the gate was stopped"
HEADLINES: Mapping[ExitCode, str] = {
    ExitCode.PASSED: "PASSED",
    ExitCode.FAILED: "FAILED: the tests fell short of what is required",
    ExitCode.USAGE: _NOT_SET_UP,
    ExitCode.UNAUTHORIZED: f"{_NOT_SET_UP}: its token was refused",
    ExitCode.UNAVAILABLE: "NO VERDICT: the network or the API broke, not the tests",
    ExitCode.INCONCLUSIVE: "NO VERDICT: the run broke, or is not the one meant",
    ExitCode.NOT_FOUND: f"{_NOT_SET_UP}: there is no such run",
    ExitCode.REPORT_LOST: "PASSED, but a report could not be written",
    ExitCode.INTERNAL: "NO VERDICT: the gate broke, not the tests",
    ExitCode.TIMED_OUT: "NO VERDICT: the run did not finish in time",
    ExitCode.INTERRUPTED: _STOPPED,
    ExitCode.TERMINATED: _STOPPED,
}
"""Whether the tests, the run, the network or the gate's setting is to blame, at a glance."""


def outcome(code: ExitCode) -> str:
    """Return the outcome in words."""
    return code.outcome.replace("_", " ")


def tally(runs: Sequence[Judged]) -> str:
    """Count the outcomes of several runs, in their order."""
    outcomes = Counter(outcome(judged.exit_code) for judged in runs)
    counted = ", ".join(f"{number} {name}" for name, number in outcomes.items())
    return f"of {len(runs)} runs {counted}"


def reasons(judged: Judged) -> Iterator[tuple[str, str]]:
    """Say why it ended so, and what else is wrong or worth knowing: labels and texts."""
    yield "why", judged.verdict.reason
    for check in judged.verdict.checks:
        wrong = check.state in {CheckState.BREACHED, CheckState.INCONCLUSIVE}
        if wrong and not judged.verdict.reason.startswith(check.message):
            yield ("also" if check.deciding else "warning"), check.message
    for note in judged.all_notes:
        yield "note", note


def run_id(judged: Judged) -> str:
    """Return the run's id, or that there is none."""
    return "none" if judged.run_id is None else str(judged.run_id)


def more(count: int, what: str) -> str:
    """Say that there are so many more, after those that there was room for."""
    return f"… and {count} more {what}" if count > 1 else f"… and {count} more"


def subject(check: Check) -> str:
    """Return what was checked, without what was expected of it."""
    if check.criterion is not None:
        return check.criterion.metric.value
    return check.name.removesuffix(f" is {check.expected_text}")


def result(check: Check, code: ExitCode) -> str:
    """Return what came of a check, and whether it led to this exit code."""
    if not check.deciding and check.state is not CheckState.HOLDS:
        return f"{check.state.value}, warns"
    blamed = CheckState.BREACHED if code is ExitCode.FAILED else CheckState.INCONCLUSIVE
    return f"{check.state.value}, decided" if check.state is blamed else check.state.value


def counts(run: TestRun) -> Mapping[str, Fraction | None]:
    """Return how many tests there are of each kind, and in all; ``None`` is unknown."""
    values = measure(run)
    return {
        "passed": values[Metric.PASSED],
        "failed": values[Metric.FAILED],
        "ignored": values[Metric.IGNORED],
        "not run": values[Metric.NOT_RUN],
        "in all": values[Metric.TOTAL],
    }


def shown(count: Fraction | None) -> str:
    """Return a count, or the sign for one that is unknown."""
    return "?" if count is None else str(count)


def times(run: TestRun) -> Iterator[tuple[str, str]]:
    """Say when a run started and ended, and how long it took, as far as that is known."""
    for label, moment in (("started", run.start_time), ("ended", run.end_time)):
        if moment is not None:
            yield label, shown_moment(moment)
    values = measure(run)
    durations = {
        "queued": values[Metric.QUEUE_TIME],
        "ran": values[Metric.DURATION],
        "testing time": values[Metric.TESTING_TIME],
    }
    for label, seconds in durations.items():
        if seconds is not None:
            yield label, format_value(seconds, Unit.TIME)


def shown_moment(time: datetime) -> str:
    """Return a time to the second."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
