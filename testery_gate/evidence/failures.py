"""The classes of failing tests, and what is known of each (``docs/evidence.md``).

Nothing here makes a verdict greener for want of evidence: without a baseline every failure is new,
and where the results are not usable all metrics are unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.flakiness import History, Since
from testery_gate.evidence.outcomes import (
    Outcomes,
    TestId,
    TestOutcome,
    fixed,
    lacking,
    outcomes_of,
)
from testery_gate.model import UNNAMED_TEST, ResultStatus, RunStatus, TestResult, TestRun


class FailureClass(Enum):
    """Whose failure it is, the most urgent first; each FAIL result is of exactly one class."""

    NEW = "new"
    FLAKY = "flaky"
    KNOWN = "known"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A test that failed in the run that is judged."""

    result: TestResult
    failure_class: FailureClass
    why: str
    """Why it is of this class, in words."""
    strip: tuple[TestOutcome | None, ...] = ()
    """What came of it in the history, the oldest first, and in this run; ``None`` where a run did
    not have it. Empty where no history was read."""
    since: Since | None = None
    """Since when it fails without a pass in between; ``None`` where no history was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the single tests of a run say, held against earlier runs."""

    unknown: str = ""
    """Why the single tests say nothing; then all metrics are unknown, and all else is empty."""
    results: Sequence[TestResult] | None = None
    """The run's tests; ``None`` where they could not be read."""
    failures: Sequence[Failure] = ()
    """Every FAIL result in the order of the classes, and within a class in the API's order."""
    tolerated: Sequence[TestResult] = ()
    """FAIL results of a run that Testery calls PASS, where its status is trusted: in no class."""
    baseline: Baseline = field(default_factory=Baseline)
    fixed: Sequence[TestId] | None = None
    missing: Sequence[TestId] | None = None
    added: Sequence[TestId] | None = None
    """The tests that differ from the baseline; ``None`` without one."""
    history: Sequence[TestRun] = ()
    """The runs whose tests were read for the strips, the oldest first."""
    notes: tuple[str, ...] = ()
    """What the reports say besides, such as that a part of the history is missing."""

    @property
    def counts(self) -> Mapping[FailureClass, int]:
        """How many FAIL results there are of each class."""
        classes = [failure.failure_class for failure in self.failures]
        return {one: classes.count(one) for one in FailureClass}

    @property
    def by_test(self) -> Mapping[TestId, Failure]:
        """What is known of each test that failed; of all its FAIL results it is the same."""
        return {TestId.of(failure.result): failure for failure in self.failures}


class Tolerating(Protocol):
    """Which failing tests are in quarantine."""

    def why_tolerated(self, test: TestId, /) -> str:
        """Return why a failure of this test is tolerated; empty if it is not."""

    def notes(self, outcomes: Outcomes, /) -> tuple[str, ...]:
        """Return what the reports of a run say of a quarantine that tolerates no more."""

    def note_of_unmatched(self, tests: Iterable[TestId], runs: int, /) -> str:
        """Return what the reports say where a quarantine names none of the tests of the runs."""


def failing(results: Iterable[TestResult]) -> Sequence[TestResult]:
    """Return the FAIL results, in their order."""
    return [result for result in results if result.status is ResultStatus.FAIL]


def evidence_of(
    run: TestRun,
    results: Sequence[TestResult],
    *,
    baseline: Baseline,
    history: History,
    quarantine: Tolerating | None = None,
    trust_status: bool = False,
    notes: tuple[str, ...] = (),
) -> Evidence:
    """Hold the usable results of a run against a baseline and a history."""
    now = outcomes_of(results)
    failures: list[Failure] = []
    tolerated = trust_status and run.status is RunStatus.PASS
    for result in () if tolerated else failing(results):
        test = TestId.of(result)
        failure_class, why = _classified(test, now, baseline, history, quarantine)
        seen = (*history.strip(test), now[test]) if history.runs else ()
        since = history.failing_since(test, run)
        failures.append(
            Failure(result=result, failure_class=failure_class, why=why, strip=seen, since=since)
        )
    order = list(FailureClass)
    before = baseline.earlier.outcomes if baseline.earlier else None
    return Evidence(
        results=results,
        failures=sorted(failures, key=lambda failure: order.index(failure.failure_class)),
        tolerated=failing(results) if tolerated else (),
        baseline=baseline,
        fixed=None if before is None else fixed(before, now),
        missing=None if before is None else lacking(now, before),
        added=None if before is None else lacking(before, now),
        history=[earlier.run for earlier in history.runs],
        notes=(*notes, *(quarantine.notes(now) if quarantine else ())),
    )


def _classified(
    test: TestId,
    now: Outcomes,
    baseline: Baseline,
    history: History,
    quarantine: Tolerating | None,
) -> tuple[FailureClass, str]:
    """Return the first class that fits, and why."""
    if quarantine and (why := quarantine.why_tolerated(test)):
        return FailureClass.QUARANTINED, why
    if test.name == UNNAMED_TEST:
        return FailureClass.NEW, "the API does not name it"
    earlier = baseline.earlier
    before = earlier.outcomes.get(test) if earlier else None
    if before is not None and before.has_failed:
        return FailureClass.KNOWN, f"it failed in {baseline.description} too"
    if now[test] is TestOutcome.BOTH:
        return FailureClass.FLAKY, "it passed in this run too"
    if why := history.inconsistency(test):
        return FailureClass.FLAKY, why
    if earlier is None:
        return FailureClass.NEW, f"there is nothing to compare with: {baseline.why_none}"
    if before is None:
        return FailureClass.NEW, f"{baseline.description} does not have it"
    did = "passed" if before is TestOutcome.PASSED else "was not executed"
    return FailureClass.NEW, f"it {did} in {baseline.description}"
