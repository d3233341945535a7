"""The classes of failing tests, and what is known of each (``docs/evidence.md``).

Nothing here makes a verdict greener for want of evidence: without a baseline every failure is new,
and where the results are not usable all metrics are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from testery_gate.evidence.outcomes import TestId, TestOutcome
from testery_gate.model import TestResult


class FailureClass(Enum):
    """Whose failure it is; each FAIL result is of exactly one class."""

    NEW = "new"
    FLAKY = "flaky"
    KNOWN = "known"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The run in which a test began to fail, as far as the history that was read shows it."""

    run_id: int
    time: datetime | None
    git_ref: str | None
    at_least: bool
    """Whether it is the oldest run that was read, so that the test may have failed before."""


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
class Baseline:
    """What the run was compared with."""

    description: str
    """In words, such as ``run 55670 (main, 2026-11-20 10:00:00 UTC)``, or the name of a file."""
    run_id: int | None = None
    why_none: str = ""
    """Why there is no usable baseline; then no failure is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the single tests of a run say, held against earlier runs."""

    unknown: str = ""
    """Why the single tests say nothing; then all metrics are unknown, and all else is empty."""
    failures: Sequence[Failure] = ()
    """Every FAIL result in the order of the classes, and within a class in the API's order."""
    tolerated: Sequence[TestResult] = ()
    """FAIL results of a run that Testery calls PASS, where its status is trusted: in no class."""
    baseline: Baseline | None = None
    fixed: Sequence[TestId] | None = None
    missing: Sequence[TestId] | None = None
    added: Sequence[TestId] | None = None
    """The tests that differ from the baseline; ``None`` without one."""
    history: Sequence[int] = ()
    """The ids of the runs whose tests were read for the strips, the oldest first."""
    notes: tuple[str, ...] = ()
    """What the reports say besides, such as that a part of the history is missing."""

    @property
    def counts(self) -> Mapping[FailureClass, int]:
        """How many FAIL results there are of each class."""
        classes = [failure.failure_class for failure in self.failures]
        return {one: classes.count(one) for one in FailureClass}
