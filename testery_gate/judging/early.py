"""The results that an unfinished run can still reach, for deciding early.

Counts only grow, and no test counts twice. So the counts so far, and the total if it is known,
limit the range in which every count and rate can end.
"""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from testery_gate.judging.criteria import Criterion, Metric, Operator, measure
from testery_gate.model import TestRun

_Range = tuple[Fraction, Fraction | None]
"""The lowest and the highest value that a metric can end with; ``None`` is no bound."""

_NEARLY_0 = Fraction(1, 10**9)
"""A rate above 0, and below each threshold above 0: thresholds have six decimals at most."""


def can_still_hold(criterion: Criterion, run: TestRun, *, total_known: bool) -> bool:
    """Whether the remaining tests can make the criterion hold; true where nothing is known."""
    reachable = _range(criterion.metric, run, total_known=total_known)
    if reachable is None:
        return True
    low, high = reachable
    match criterion.operator:
        case Operator.AT_MOST | Operator.LESS:
            return criterion.holds(low)
        case Operator.AT_LEAST | Operator.GREATER:
            return high is None or criterion.holds(high)
        case Operator.EQUAL:
            return low <= criterion.threshold and (high is None or criterion.threshold <= high)
        case Operator.UNEQUAL:
            return low != high or criterion.holds(low)
        case _:
            assert_never(criterion.operator)


def _range(metric: Metric, run: TestRun, *, total_known: bool) -> _Range | None:
    values = measure(run)
    passed, failed, ignored = (values[count] for count in _COUNTS)
    if passed is None or failed is None or ignored is None:
        # One count alone still gives a lower bound: failures count also without a passCount.
        count = values[metric] if metric in _COUNTS else None
        return None if count is None else (count, None)
    total = values[Metric.TOTAL] if total_known else None
    rest = None if total is None else total - passed - failed - ignored
    if rest is not None and rest < 0:
        return None
    match metric:
        case Metric.PASSED | Metric.FAILED | Metric.IGNORED | Metric.EXECUTED:
            count = values[metric] or Fraction(0)
            return count, None if rest is None else count + rest
        case Metric.PASS_RATE:
            return _rate_range(passed, failed, rest)
        case Metric.FAIL_RATE:
            return _rate_range(failed, passed, rest)
        case Metric.IGNORED_RATE:
            return _rate_range(ignored, passed + failed, rest)
        case Metric.TOTAL if total is not None:
            return total, total
        case Metric.NOT_RUN:
            return Fraction(0), rest
        case _:
            return None


_COUNTS = (Metric.PASSED, Metric.FAILED, Metric.IGNORED)


def _rate_range(part: Fraction, other: Fraction, rest: Fraction | None) -> _Range | None:
    if part + other == 0:
        return None
    if rest is None:
        # Any number of tests may follow. So a rate can get as near to 0% and 100% as you like, but
        # reach them only while no test has had the opposite outcome.
        low = _NEARLY_0 if part else Fraction(0)
        high = 100 - _NEARLY_0 if other else Fraction(100)
        return low, high
    whole = part + other + rest
    return 100 * part / whole, 100 * (part + rest) / whole
