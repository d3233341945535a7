"""How the tests of one run differ from those of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from testery_gate.evidence.durations import Durations
from testery_gate.evidence.failures import failing
from testery_gate.evidence.outcomes import TestId, TestOutcome, fixed, lacking, outcomes_of
from testery_gate.model import TestResult

SLOWER_BY = timedelta(seconds=1)
SLOWER_TIMES = 2
"""A test became slower if it takes at least so much longer, and at least so many times as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFailure:
    """A test that fails, and did not before."""

    test: TestId
    before: TestOutcome | None
    """Its outcome before; ``None`` if the run did not have it."""
    now: TestOutcome
    """Its outcome now: it only failed, or it passed on a retry."""
    result: TestResult
    """Its first FAIL result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slower:
    """A test that passed twice, and took longer the second time."""

    test: TestId
    before: timedelta
    now: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the tests changed. The lists have the order of the API; the slowest come first.

    A test that was retried passed only if none of its results is FAIL.
    """

    new_failures: Sequence[NewFailure]
    still_failing: Sequence[TestId]
    fixed: Sequence[TestId]
    """They failed, and pass."""
    not_executed: Sequence[TestId]
    """They passed or failed, and do neither now."""
    missing: Sequence[TestId]
    """The new run does not have them."""
    added: Sequence[TestId]
    """The old run does not have them, whatever their outcome."""
    slower: Sequence[Slower]


def compare(old: Sequence[TestResult], new: Sequence[TestResult]) -> Comparison:
    """Compare the usable results of a run with those of another."""
    before, now = outcomes_of(old), outcomes_of(new)
    first_failures: dict[TestId, TestResult] = {}
    for result in failing(new):
        first_failures.setdefault(TestId.of(result), result)

    def failed_before(test: TestId) -> bool:
        return test in before and before[test].has_failed

    return Comparison(
        new_failures=[
            NewFailure(test=test, before=before.get(test), now=now[test], result=result)
            for test, result in first_failures.items()
            if not failed_before(test)
        ],
        still_failing=[test for test in first_failures if failed_before(test)],
        fixed=fixed(before, now),
        not_executed=[
            test
            for test, outcome in before.items()
            if outcome is not TestOutcome.OTHER and now.get(test) is TestOutcome.OTHER
        ],
        missing=lacking(now, before),
        added=lacking(before, now),
        slower=_slower(
            Durations.of(old),
            Durations.of(new),
            [
                test
                for test, outcome in now.items()
                if outcome is before.get(test) is TestOutcome.PASSED
            ],
        ),
    )


def _slower(before: Durations, now: Durations, tests: Sequence[TestId]) -> Sequence[Slower]:
    found = []
    for test in tests:
        took, takes = before.mean(test), now.mean(test)
        if took is None or takes is None:
            continue
        # In this order: the difference of two durations can be below the smallest timedelta.
        if takes / SLOWER_TIMES >= took and takes - took >= SLOWER_BY:
            found.append(Slower(test=test, before=took, now=takes))
    return sorted(found, key=lambda one: one.now - one.before, reverse=True)
