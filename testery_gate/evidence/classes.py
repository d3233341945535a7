"""What is known of each failed test, such as its class; criteria and reports read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.outcomes import TestId, TestOutcome
from testery_gate.model import TestResult, TestRun

if TYPE_CHECKING:
    from testery_gate.evidence.flakiness import Since


class FailureClass(Enum):
    """The classes of failures, the most urgent first; each FAIL result is in exactly one."""

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
    """Its outcomes in the history, the oldest first, and in this run; ``None`` where a run did not
    have it. Empty where no history was read."""
    since: Since | None = None
    """Since when it fails without a pass in between; ``None`` where no history was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the single tests of a run show, compared with earlier runs."""

    unknown: str = ""
    """Why nothing is known of the single tests; then all metrics are unknown, the rest is empty."""
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
    """The tests that differ from the baseline; ``None`` without one, or where tests are cut off."""
    cut_off: str = ""
    """Why results of the run or of the baseline may lack tests; empty if they don't."""
    history: Sequence[TestRun] = ()
    """The runs whose tests were read for the strips, the oldest first."""
    history_lacks: str = ""
    """Why the history that was asked for does not show which failures are flaky; empty if it does,
    or none was asked for."""
    notes: tuple[str, ...] = ()
    """Notes for the reports, such as that a part of the history is missing."""

    @property
    def counts(self) -> Mapping[FailureClass, int]:
        """How many FAIL results there are of each class."""
        classes = [failure.failure_class for failure in self.failures]
        return {one: classes.count(one) for one in FailureClass}

    @property
    def by_test(self) -> Mapping[TestId, Failure]:
        """What is known of each failed test; the same for all its FAIL results."""
        return {TestId.of(failure.result): failure for failure in self.failures}
