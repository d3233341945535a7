"""The results that an unfinished run can still reach, for deciding early.

Counts only grow, and no test counts twice. So the counts so far, and the total if it is known,
limit the range in which every count and rate can end.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from testery_gate.judging.criteria import Criterion, Metric, Operator, measure
from testery_gate.model import TestRun


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a metric can end in; ``None`` is no bound, an open bound is never reached."""

    low: Fraction
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False

    def can_meet(self, criterion: Criterion) -> bool:
        """Whether some value of the range makes the criterion hold."""
        threshold = criterion.threshold
        match criterion.operator:
            case Operator.AT_MOST:
                return self._comes_down_to(threshold)
            case Operator.LESS:
                return self.low < threshold
            case Operator.AT_LEAST:
                return self._comes_up_to(threshold)
            case Operator.GREATER:
                return self.high is None or self.high > threshold
            case Operator.EQUAL:
                return self._comes_down_to(threshold) and self._comes_up_to(threshold)
            case Operator.UNEQUAL:
                return self.low != threshold or self.high != threshold
            case _:
                assert_never(criterion.operator)

    def _comes_down_to(self, threshold: Fraction) -> bool:
        return self.low < threshold or (self.low == threshold and not self.low_open)

    def _comes_up_to(self, threshold: Fraction) -> bool:
        if self.high is None:
            return True
        return self.high > threshold or (self.high == threshold and not self.high_open)


def can_still_hold(criterion: Criterion, run: TestRun, *, total_known: bool) -> bool:
    """Whether the remaining tests can make the criterion hold; true where nothing is known."""
    reachable = _range(criterion.metric, run, total_known=total_known)
    return reachable is None or reachable.can_meet(criterion)


def _range(metric: Metric, run: TestRun, *, total_known: bool) -> Range | None:
    values = measure(run)
    passed, failed, ignored = (values[count] for count in _COUNTS)
    if passed is None or failed is None or ignored is None:
        # One count alone still has a lower bound: a failure is not undone by a missing passCount.
        count = values[metric] if metric in _COUNTS else None
        return None if count is None else Range(count)
    total = values[Metric.TOTAL] if total_known else None
    rest = None if total is None else total - passed - failed - ignored
    if rest is not None and rest < 0:
        return None
    match metric:
        case Metric.PASSED | Metric.FAILED | Metric.IGNORED | Metric.EXECUTED:
            count = values[metric] or Fraction(0)
            return Range(count, None if rest is None else count + rest)
        case Metric.PASS_RATE:
            return _rate_range(passed, failed, rest)
        case Metric.FAIL_RATE:
            return _rate_range(failed, passed, rest)
        case Metric.IGNORED_RATE:
            return _rate_range(ignored, passed + failed, rest)
        case Metric.TOTAL if total is not None:
            return Range(total, total)
        case Metric.NOT_RUN:
            return Range(Fraction(0), rest)
        case _:
            return None


_COUNTS = (Metric.PASSED, Metric.FAILED, Metric.IGNORED)


def _rate_range(part: Fraction, other: Fraction, rest: Fraction | None) -> Range | None:
    if part + other == 0:
        return None
    if rest is None:
        # Any number may follow: a rate comes as near to its ends as you like, but to 0% or 100%
        # only where nothing has spoken against it yet.
        return Range(Fraction(0), Fraction(100), low_open=part > 0, high_open=other > 0)
    whole = part + other + rest
    return Range(100 * part / whole, 100 * (part + rest) / whole)
