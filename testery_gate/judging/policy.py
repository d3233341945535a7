"""What decides a verdict besides the run itself: the user's criteria, and the default ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as field_of_class
from datetime import timedelta
from fractions import Fraction

from testery_gate.judging.criteria import (
    OF_CLASS,
    OF_TESTS,
    Criterion,
    Metric,
    Operator,
    Unit,
    format_value,
)
from testery_gate.model import Field

EXPECTABLE = (Field.GIT_REF, Field.BUILD_KEY, Field.ENVIRONMENT, Field.PROJECT_ID, Field.NAME)
"""The fields that ``--expect`` can check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The run must be about this build."""

    field: Field
    """One of :data:`EXPECTABLE`."""
    value: str
    origin: str = field_of_class(default="", compare=False)
    """The configuration file that asks for it, if one does."""

    def __str__(self) -> str:
        return f"{self.field.value} is {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All that decides a verdict besides the run itself."""

    required: tuple[Criterion, ...] = ()
    warned: tuple[Criterion, ...] = ()
    expected: tuple[Expectation, ...] = ()
    trust_status: bool = False
    max_age: timedelta | None = None
    """The most time since the run finished."""
    quarantine: bool = False
    """Whether there is a quarantine file, so that only other failures count by default."""
    needs_baseline: bool = False
    """Whether a run that can't be compared with an earlier one gets no verdict (exit code 5)."""
    trust_origin: str = ""
    age_origin: str = ""
    """The configuration files that ask for these two, if some do."""

    @property
    def replaced(self) -> Sequence[Criterion]:
        """The default criteria that the user's own criteria replace."""
        judged = {criterion.metric for criterion in self.required}
        return [default for default, metrics in _REPLACING.items() if judged & metrics]

    @property
    def judges_tests(self) -> bool:
        """Whether a criterion, also one that only warns, is about the single tests."""
        return any(criterion.metric in OF_TESTS for criterion in (*self.required, *self.warned))


OF_FAILURES = frozenset(
    {Metric.FAILED, Metric.PASSED, Metric.FAIL_RATE, Metric.PASS_RATE, *OF_CLASS}
)
"""The metrics that say how many tests failed."""
NO_FAILURES = Criterion(metric=Metric.FAILED, operator=Operator.AT_MOST, threshold=Fraction(0))
NO_NEW_FAILURES = replace(NO_FAILURES, metric=Metric.NEW_FAILED)
ALL_RAN = Criterion(metric=Metric.NOT_RUN, operator=Operator.EQUAL, threshold=Fraction(0))
SOME_TESTS = Criterion(metric=Metric.TOTAL, operator=Operator.AT_LEAST, threshold=Fraction(1))
SOME_RAN = Criterion(metric=Metric.EXECUTED, operator=Operator.AT_LEAST, threshold=Fraction(1))
_REPLACING = {SOME_RAN: {Metric.EXECUTED}, ALL_RAN: {Metric.NOT_RUN}, NO_FAILURES: OF_FAILURES}
"""By default criterion: a criterion of the user's on one of these metrics replaces it."""
OUTSIDE_QUARANTINE = "no failed test outside the quarantine"
COMPARED = "there is a run to compare with"


def default_checks(policy: Policy) -> Sequence[str]:
    """Return the names of the checks that apply by default under this policy."""
    replaced = policy.replaced
    failures = OUTSIDE_QUARANTINE if policy.quarantine else str(NO_FAILURES)
    if policy.trust_status:
        failures = f"{failures}, unless the status is PASS"
    return (
        "status is PASS, or FAIL by its tests",
        str(SOME_TESTS),
        *(() if SOME_RAN in replaced else (str(SOME_RAN),)),
        "counts are known and consistent",
        *(() if ALL_RAN in replaced else (str(ALL_RAN),)),
        *(() if NO_FAILURES in replaced else (failures,)),
        *(() if policy.max_age is None else (f"finished within the last {_span(policy.max_age)}",)),
        *((COMPARED,) if policy.needs_baseline else ()),
    )


def named_origin(origin: str) -> str:
    """Return the end of a text that names the configuration file; empty without one."""
    return f" (from {origin})" if origin else ""


def _span(time: timedelta) -> str:
    return format_value(Fraction(time // timedelta(seconds=1)), Unit.TIME)
