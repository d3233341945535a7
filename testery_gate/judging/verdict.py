"""From a run to a verdict, by pure functions; a run never passes where evidence is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import assert_never

from testery_gate.errors import ExitCode
from testery_gate.evidence.classes import Evidence, FailureClass
from testery_gate.judging import advice as advice_on
from testery_gate.judging.criteria import (
    OF_CLASS,
    OF_TESTS,
    Criterion,
    Metric,
    format_actual,
    measure,
    measure_tests,
)
from testery_gate.judging.early import can_still_hold
from testery_gate.judging.policy import (
    ALL_RAN,
    COMPARED,
    NO_FAILURES,
    OF_FAILURES,
    OUTSIDE_QUARANTINE,
    SOME_RAN,
    SOME_TESTS,
    Expectation,
    Policy,
    named_origin,
)
from testery_gate.model import Field, RunStatus, TestRun, same_git_ref
from testery_gate.text import one_line


class CheckState(Enum):
    """The result of a check; only ``HOLDS`` lets the gate pass."""

    HOLDS = "holds"
    BREACHED = "breached"
    INCONCLUSIVE = "inconclusive"
    OPEN = "open"
    """Not decided: the run was judged before all tests were done."""


NOT_READ = Evidence(unknown="the single tests were not read")
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far in the future a run may have ended, because the clocks of two machines differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the verdict: what was expected, what was found."""

    name: str
    state: CheckState
    message: str
    """One sentence that can be understood alone, for every state."""
    case: str = ""
    """What is wrong in a few words, for a headline; none of them is remote text."""
    advice: str = ""
    """What to do about it; empty where nothing is wrong."""
    deciding: bool = True
    criterion: Criterion | None = None
    actual: Fraction | None = None
    """The exact value found, in the unit of the criterion's metric; ``None`` is unknown."""
    expected_text: str = ""
    actual_text: str = ""
    origin: str = ""
    """The configuration file that asks for it, if one does; the texts name it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How the gate ended for one run, and why: the judgement alone."""

    exit_code: ExitCode
    reason: str
    """One sentence that says why."""
    case: str = ""
    """The same in a few words, for a headline; empty where the exit code says it all."""
    advice: str = ""
    """What to do next; empty only for a run that passed."""
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    decided_early: bool = False
    """Whether the run was judged before it had finished."""
    open_tests: int | None = None
    """How many tests were still open when the verdict was decided early, where that is known."""


def evaluate(
    policy: Policy, run: TestRun, now: datetime, evidence: Evidence | None = None
) -> Verdict:
    """Judge a finished run; its age is computed from ``now``.

    ``evidence`` is what its single tests say, where that was asked for.
    """
    compared = evidence = evidence or NOT_READ
    if policy.needs_baseline and not evidence.baseline.earlier:
        compared = Evidence(unknown=evidence.unknown or _nothing_to_compare_with(evidence))
    checks = (
        _status_check(run),
        _total_check(run),
        *(() if SOME_RAN in policy.replaced else (_executed_check(run),)),
        _counts_check(run),
        *_default_checks(policy, run, evidence),
        *(_required_check(criterion, run, compared) for criterion in policy.required),
        *(_expectation_check(expectation, run) for expectation in policy.expected),
        *(() if policy.max_age is None else (_age_check(policy, policy.max_age, run, now),)),
        *((_baseline_check(evidence),) if policy.needs_baseline else ()),
        *(replace(_criterion_check(c, run, compared), deciding=False) for c in policy.warned),
    )
    exit_code = _decide(checks)
    blamed = _blamed(exit_code, checks)
    return Verdict(
        exit_code=exit_code,
        reason=_reason(blamed, checks, run),
        case=blamed[0].case if blamed else "",
        advice=blamed[0].advice if blamed else "",
        checks=checks,
    )


def decide_early(policy: Policy, run: TestRun, *, total_known: bool) -> Verdict | None:
    """Judge a run that is still going, where a deciding criterion can no longer hold.

    ``total_known`` says that the total is above 0 and was the same in two polls. ``None`` means
    that the run can still pass.
    """
    criteria = policy.required
    if not (NO_FAILURES in policy.replaced or policy.trust_status or policy.quarantine):
        criteria = (NO_FAILURES, *criteria)
    lost = [c for c in criteria if not can_still_hold(c, run, total_known=total_known)]
    if not lost:
        return None
    not_run = measure(run)[Metric.NOT_RUN] if total_known else None
    still_open = f"{not_run} of {run.total}" if not_run is not None else "an unknown number of"
    checks = tuple(_early_check(c, run, lost=c in lost) for c in criteria)
    first = next(check for check in checks if check.state is CheckState.BREACHED)
    return Verdict(
        exit_code=ExitCode.FAILED,
        reason=first.message,
        case=first.case,
        advice=first.advice,
        checks=checks,
        notes=(f"decided early, with {still_open} tests still open",),
        decided_early=True,
        open_tests=None if not_run is None else int(not_run),
    )


def _decide(checks: Sequence[Check]) -> ExitCode:
    states = {check.state for check in checks if check.deciding}
    if CheckState.BREACHED in states:
        return ExitCode.FAILED
    return ExitCode.PASSED if states == {CheckState.HOLDS} else ExitCode.INCONCLUSIVE


def _blamed(exit_code: ExitCode, checks: Sequence[Check]) -> Sequence[Check]:
    """Return the checks that led to the exit code; none of a run that passed."""
    if exit_code is ExitCode.PASSED:
        return []
    state = CheckState.BREACHED if exit_code is ExitCode.FAILED else CheckState.INCONCLUSIVE
    return [check for check in checks if check.deciding and check.state is state]


def _reason(blamed: Sequence[Check], checks: Sequence[Check], run: TestRun) -> str:
    if not blamed:
        counts = f"{run.passed} of {run.total} tests passed, {run.failed} failed"
        counts = f"{counts}, {run.ignored} ignored" if run.ignored else counts
        origins = dict.fromkeys(check.origin for check in checks if check.deciding and check.origin)
        return f"{counts} (by what {', '.join(origins)} asks for)" if origins else counts
    return blamed[0].message + and_more(len(blamed) - 1)


def and_more(checks: int) -> str:
    """Return how many more checks led to the same exit code."""
    return f" (and {checks} more check{'' if checks == 1 else 's'})" if checks else ""


def _status_check(run: TestRun) -> Check:
    case, message, advice = _status_problem(run)
    if case and run.status_info:
        message = f"{message or case}: {one_line(run.status_info)}"
    return Check(
        name="status",
        state=CheckState.INCONCLUSIVE if case else CheckState.HOLDS,
        message=message or case or f"Testery calls the run {run.status_text}",
        case=case,
        advice=advice,
        expected_text="PASS, or FAIL by its tests",
        actual_text=run.status_text or "missing",
    )


def _status_problem(run: TestRun) -> tuple[str, str, str]:
    """Return the case, a longer message if there is one, and advice; empty without a problem."""
    match run.status:
        case RunStatus.PASS:
            return "", "", ""
        case RunStatus.FAIL:
            if run.failed and run.failed > 0:
                return "", "", ""
            return "the run is FAIL without a failed test", "", advice_on.FAIL_BY_SOMETHING_ELSE
        case RunStatus.CANCELED:
            return "the run was canceled", "", advice_on.CANCELED
        case RunStatus.SUBMITTED | RunStatus.QUEUED | RunStatus.RUNNING:
            message = f"the run has finished, but its status is {run.status.value}"
            return message, "", advice_on.CONTRADICTION
        case RunStatus.UNKNOWN if run.status_text:
            message = f"the run's status, {run.status_text}, is unknown to the gate"
            return "the run's status is unknown to the gate", message, advice_on.UNKNOWN_STATUS
        case RunStatus.UNKNOWN:
            return "the run has no status", "", advice_on.NO_STATUS
        case _:
            assert_never(run.status)


def _evidence_check(criterion: Criterion, run: TestRun, case: str, more: str, advice: str) -> Check:
    """Return the check with a breach made inconclusive: tests are missing, none has failed."""
    check = _criterion_check(criterion, run)
    if check.state is CheckState.INCONCLUSIVE:
        return replace(check, advice=advice_on.INCOMPLETE)
    if check.state is CheckState.HOLDS:
        return check
    return replace(
        check, state=CheckState.INCONCLUSIVE, message=case + more, case=case, advice=advice
    )


def _total_check(run: TestRun) -> Check:
    return _evidence_check(
        SOME_TESTS, run, "no test ran", ": the run has 0 tests", advice_on.NO_TESTS
    )


def _executed_check(run: TestRun) -> Check:
    ignored = f": {run.ignored} of {run.total} tests were ignored" if run.ignored else ""
    case = "no test was executed"
    return _evidence_check(SOME_RAN, run, case, ignored, advice_on.NONE_EXECUTED)


def _counts_check(run: TestRun) -> Check:
    counts = {
        "totalCount": run.total,
        "passCount": run.passed,
        "failCount": run.failed,
        "ignoredCount": run.ignored,
    }
    wrong = [
        f"{name} is {'missing' if count is None else count}"
        for name, count in counts.items()
        if count is None or count < 0
    ]
    if not wrong and run.done is not None and run.total is not None and run.done > run.total:
        wrong = [f"{run.done} tests are counted, but the run has {run.total}"]
    return Check(
        name="counts",
        state=CheckState.INCONCLUSIVE if wrong else CheckState.HOLDS,
        message="the counts are inconsistent: " + ", ".join(wrong)
        if wrong
        else "the counts add up",
        case="the counts are inconsistent" if wrong else "",
        advice=advice_on.INCOMPLETE if wrong else "",
        expected_text="known and consistent",
        actual_text=", ".join(wrong) or "consistent",
    )


def _default_checks(policy: Policy, run: TestRun, evidence: Evidence) -> Iterator[Check]:
    if ALL_RAN not in policy.replaced:
        not_run = measure(run)[Metric.NOT_RUN]
        case = f"{not_run} of {run.total} tests never ran"
        yield _evidence_check(ALL_RAN, run, case, "", advice_on.not_run(not_run))
    if NO_FAILURES in policy.replaced:
        return
    if policy.trust_status and run.status is RunStatus.PASS:
        if policy.trust_origin:
            yield _trust_check(policy.trust_origin, run)
        return
    if policy.quarantine:
        yield _quarantine_check(run, evidence)
        return
    check = _criterion_check(NO_FAILURES, run)
    if check.state is CheckState.BREACHED:
        message = f"{check.actual_text} of {_shown(run.total)} tests failed{_called_pass(run)}"
        check = replace(_breached(check, NO_FAILURES, run, evidence), message=message)
    elif check.state is CheckState.INCONCLUSIVE:
        check = replace(check, advice=advice_on.INCOMPLETE)
    yield check


def _failing_case(run: TestRun, evidence: Evidence) -> str:
    failed = f"{_shown(run.failed)} of {_shown(run.total)} tests failed"
    new = _new_failures(evidence)
    if new is None:
        return failed
    if not new:
        return f"no new failure, but {failed}"
    others = len(evidence.failures) - new
    failures = f"{new} new failure{'' if new == 1 else 's'}"
    return f"{failures} and {others} other{'' if others == 1 else 's'}" if others else failures


def _new_failures(evidence: Evidence) -> int | None:
    """Count the new failures; unknown without a run to compare with, where all count as new."""
    return evidence.counts[FailureClass.NEW] if evidence.baseline.earlier else None


def _called_pass(run: TestRun) -> str:
    if run.status is not RunStatus.PASS:
        return ""
    return (
        ", though Testery calls the run PASS: they are quarantined or passed on a retry"
        " (--trust-status accepts that)"
    )


def _quarantine_check(run: TestRun, evidence: Evidence) -> Check:
    check = Check(
        name=OUTSIDE_QUARANTINE,
        state=CheckState.HOLDS,
        message="no test failed",
        expected_text="0",
        actual_text="0",
    )
    if run.failed == 0 and not evidence.failures:
        return check
    if evidence.unknown:
        return replace(
            check,
            state=CheckState.INCONCLUSIVE,
            message=f"{_shown(run.failed)} tests failed, and which ones is unknown:"
            f" {evidence.unknown}",
            case="which tests failed is unknown",
            advice=advice_on.FAILURES_UNKNOWN,
            actual_text="unknown",
        )
    outside = len(evidence.failures) - evidence.counts[FailureClass.QUARANTINED]
    inside = f"{evidence.counts[FailureClass.QUARANTINED]} in quarantine"
    if outside:
        message = f"{outside} failed outside the quarantine, {inside}{_called_pass(run)}"
        return replace(
            check,
            state=CheckState.BREACHED,
            message=message,
            case=f"{outside} failed outside the quarantine",
            advice=advice_on.OUTSIDE_QUARANTINE,
            actual_text=str(outside),
        )
    return replace(check, message=f"all failed tests are tolerated: {inside}")


def _baseline_check(evidence: Evidence) -> Check:
    known = evidence.baseline.earlier is not None
    return Check(
        name=COMPARED,
        state=CheckState.HOLDS if known else CheckState.INCONCLUSIVE,
        message=f"compared with {evidence.baseline.description}"
        if known
        else _nothing_to_compare_with(evidence),
        case="" if known else "there is nothing to compare with",
        advice="" if known else advice_on.NOTHING_TO_COMPARE_WITH,
        expected_text="yes",
        actual_text="yes" if known else "no",
    )


def _nothing_to_compare_with(evidence: Evidence) -> str:
    return f"there is nothing to compare with: {evidence.unknown or evidence.baseline.why_none}"


def _incomplete(criterion: Criterion, evidence: Evidence) -> str:
    """Return why a metric is unknown although there is a baseline; empty without one."""
    if evidence.baseline.earlier is None:
        return ""
    if criterion.metric is Metric.FLAKY_FAILED:
        return f"a part of the history is missing: {evidence.history_lacks}"
    return evidence.cut_off


def _trust_check(origin: str, run: TestRun) -> Check:
    check = Check(
        name="trusted status",
        state=CheckState.HOLDS,
        message="failed tests are accepted where Testery calls the run PASS",
        expected_text="PASS",
        actual_text=run.status_text,
    )
    return _asked_for_by(origin, check)


def _asked_for_by(origin: str, check: Check) -> Check:
    """Return the check with its configuration file in all texts."""
    if not origin:
        return check
    suffix = named_origin(origin)
    return replace(
        check,
        name=check.name + suffix,
        message=check.message + suffix,
        expected_text=check.expected_text + suffix,
        origin=origin,
    )


def _required_check(criterion: Criterion, run: TestRun, evidence: Evidence) -> Check:
    """Check a run against a criterion of the user's own."""
    check = _criterion_check(criterion, run, evidence)
    if check.state is CheckState.HOLDS:
        return check
    if check.state is CheckState.BREACHED:
        return _breached(check, criterion, run, evidence)
    unread = bool(evidence.unknown or _incomplete(criterion, evidence))
    return replace(check, advice=advice_on.unknown(criterion, unread=unread))


def _breached(
    check: Check, criterion: Criterion, run: TestRun, evidence: Evidence = NOT_READ
) -> Check:
    """Return the check of a breached criterion with its case and advice."""
    if run.failed and run.failed > 0 and criterion.metric in OF_FAILURES:
        advice = advice_on.failures(criterion, run, _new_failures(evidence))
        return replace(check, case=_failing_case(run, evidence), advice=advice)
    case = f"{criterion.metric.value} is {check.actual_text}"
    return replace(check, case=case, advice=advice_on.breach(criterion))


def _criterion_check(criterion: Criterion, run: TestRun, evidence: Evidence = NOT_READ) -> Check:
    measured = measure_tests(evidence) if criterion.metric in OF_TESTS else measure(run)
    actual = measured[criterion.metric]
    metric = criterion.metric.value
    if actual is None:
        state = CheckState.INCONCLUSIVE
        why = _source(criterion, run, evidence)
        message = f"{criterion} can't be judged: {metric} is unknown ({why})"
        actual_text, case = "unknown", f"{metric} is unknown"
    else:
        actual_text, case = format_actual(actual, criterion), ""
        holds = criterion.holds(actual)
        state = CheckState.HOLDS if holds else CheckState.BREACHED
        message = f"{metric} is {actual_text}" + ("" if holds else f", required is {criterion}")
        if criterion.metric in OF_CLASS and not holds:
            message = f"{message} ({_classes(evidence)})"
    check = Check(
        name=str(criterion),
        state=state,
        message=message,
        case=case,
        criterion=criterion,
        actual=actual,
        expected_text=str(criterion).removeprefix(f"{metric} "),
        actual_text=actual_text,
    )
    return _asked_for_by(criterion.origin, check)


def _classes(evidence: Evidence) -> str:
    """Return how many failing tests there are of each class, in words."""
    counts = [f"{count} {one.value}" for one, count in evidence.counts.items() if count]
    return f"failed: {', '.join(counts)}" if counts else "no test failed"


def _early_check(criterion: Criterion, run: TestRun, *, lost: bool) -> Check:
    check = _criterion_check(criterion, run)
    origin = named_origin(criterion.origin)
    so_far = f"{criterion.metric.value} is {check.actual_text} so far{origin}"
    if lost:
        message = f"{criterion} can no longer hold: {so_far}"
        check = replace(check, state=CheckState.BREACHED, message=message)
        return _breached(check, criterion, run)
    return replace(check, state=CheckState.OPEN, message=f"not decided: {so_far}", case="")


def _expectation_check(expectation: Expectation, run: TestRun) -> Check:
    field, wanted = expectation.field, expectation.value
    found = field.of(run)
    same = same_git_ref if field is Field.GIT_REF else str.__eq__
    holds = any(same(one, wanted) for one in found)
    shown = found[0] if found else "unknown"
    check = Check(
        name=str(expectation),
        state=CheckState.HOLDS if holds else CheckState.INCONCLUSIVE,
        message=f"{field.value} is {shown}"
        + ("" if holds else f", expected is {wanted}: the run is about something else"),
        case="" if holds else f"the run is about another {field.value}",
        advice="" if holds else advice_on.another_build(expectation),
        expected_text=wanted,
        actual_text=shown,
    )
    return _asked_for_by(expectation.origin, check)


def _age_check(policy: Policy, max_age: timedelta, run: TestRun, now: datetime) -> Check:
    earliest, found = _moment(now - max_age), _moment(run.end_time)
    problem = case = advice = ""
    if run.end_time is None or run.end_time < now - max_age:
        case = "the run is too old"
        problem = f", which is not after {earliest}: {case}"
        advice = advice_on.TOO_OLD
    elif run.end_time > now + CLOCK_TOLERANCE:
        case = "the API's clock or this machine's is wrong"
        problem = f", but it is only {_moment(now)}: {case}"
        advice = advice_on.WRONG_CLOCK
    check = Check(
        name="age",
        state=CheckState.INCONCLUSIVE if problem else CheckState.HOLDS,
        message=f"the run finished at {found}{problem}",
        case=case,
        advice=advice,
        expected_text=f"finished after {earliest}",
        actual_text=found,
    )
    return _asked_for_by(policy.age_origin, check)


def _moment(time: datetime | None) -> str:
    return "an unknown time" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _shown(value: object) -> str:
    if isinstance(value, Fraction):
        return f"{float(value):g}"
    return "unknown" if value is None else str(value)


_SOURCES: Mapping[Metric, tuple[str, ...]] = {
    Metric.TOTAL: ("total",),
    Metric.PASSED: ("passed",),
    Metric.FAILED: ("failed",),
    Metric.IGNORED: ("ignored",),
    Metric.EXECUTED: ("passed", "failed"),
    Metric.NOT_RUN: ("total", "passed", "failed", "ignored"),
    Metric.PASS_RATE: ("passed", "failed"),
    Metric.FAIL_RATE: ("passed", "failed"),
    Metric.IGNORED_RATE: ("ignored", "total"),
    Metric.COVERAGE: ("coverage",),
    Metric.DURATION: ("start_time", "end_time"),
    Metric.QUEUE_TIME: ("create_time", "start_time"),
    Metric.TESTING_TIME: ("testing_time",),
}


def _source(criterion: Criterion, run: TestRun, evidence: Evidence) -> str:
    """Return why a metric is unknown: its sources are missing or inconsistent."""
    if criterion.metric in OF_TESTS:
        return (
            _incomplete(criterion, evidence)
            or evidence.unknown
            or _nothing_to_compare_with(evidence)
        )
    values = {name.replace("_", " "): getattr(run, name) for name in _SOURCES[criterion.metric]}
    unsaid = [name for name, value in values.items() if value is None]
    if unsaid:
        return f"the API does not report {', '.join(unsaid)}"
    return "the run has " + ", ".join(f"{name} {_shown(value)}" for name, value in values.items())
