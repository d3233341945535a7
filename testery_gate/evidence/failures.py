"""The classes of failing tests, and what is known of each (``docs/evidence.md``).

Missing evidence never helps a run to pass: without a baseline every failure is new, and where the
results are not usable all metrics are unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence, Failure, FailureClass
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import (
    Outcomes,
    TestId,
    TestOutcome,
    fixed,
    lacking,
    outcomes_of,
)
from testery_gate.model import UNNAMED_TEST, ResultStatus, RunStatus, TestResult, TestRun


class Tolerating(Protocol):
    """Which failing tests are in quarantine."""

    def why_tolerated(self, test: TestId, /) -> str:
        """Return why a failure of this test is tolerated; empty if it is not."""

    def notes(self, outcomes: Outcomes, /) -> tuple[str, ...]:
        """Return the reports' notes on expired entries of a quarantine."""

    def note_of_unmatched(self, tests: Iterable[TestId], runs: int, /) -> str:
        """Return the reports' note on entries that name none of the tests of the runs."""


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
    history_lacks: str = "",
    cut_off: str = "",
    trust_status: bool = False,
    notes: tuple[str, ...] = (),
) -> Evidence:
    """Return the evidence: the usable results of a run, compared with a baseline and a history.

    ``cut_off`` is why the results may lack tests of the run; empty if they don't.
    """
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
    cut_off = cut_off or baseline.cut_off
    before = baseline.earlier.outcomes if baseline.earlier and not cut_off else None
    differing_unknown = (
        [f"it is unknown which tests are fixed, missing or added: {cut_off}"]
        if baseline.earlier and cut_off
        else []
    )
    return Evidence(
        results=results,
        failures=sorted(failures, key=lambda failure: order.index(failure.failure_class)),
        tolerated=failing(results) if tolerated else (),
        baseline=baseline,
        fixed=None if before is None else fixed(before, now),
        missing=None if before is None else lacking(now, before),
        added=None if before is None else lacking(before, now),
        cut_off=cut_off,
        history=[earlier.run for earlier in history.runs],
        history_lacks=history_lacks,
        notes=(*notes, *differing_unknown, *(quarantine.notes(now) if quarantine else ())),
    )


def _classified(
    test: TestId,
    now: Outcomes,
    baseline: Baseline,
    history: History,
    quarantine: Tolerating | None,
) -> tuple[FailureClass, str]:
    """Return the first class that fits, and the reason."""
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
