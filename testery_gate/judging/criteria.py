"""The criterion language: ``METRIC OP VALUE``, which states what must hold.

Values are exact: a rate is a fraction, a duration a fraction of seconds, and nothing is rounded
before it is compared.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import assert_never

from testery_gate.evidence.classes import Evidence, FailureClass
from testery_gate.model import TestRun


class CriterionError(ValueError):
    """The text is not a criterion; the message says why, and what to write."""


class Unit(Enum):
    """What a metric counts; durations are held in seconds."""

    TESTS = "tests"
    PERCENT = "%"
    TIME = "time"


class Metric(Enum):
    """What can be measured on a run, and on its single tests."""

    TOTAL = "total"
    PASSED = "passed"
    FAILED = "failed"
    IGNORED = "ignored"
    EXECUTED = "executed"
    NOT_RUN = "not_run"
    PASS_RATE = "pass_rate"  # noqa: S105  (not a password)
    FAIL_RATE = "fail_rate"
    IGNORED_RATE = "ignored_rate"
    COVERAGE = "coverage"
    DURATION = "duration"
    QUEUE_TIME = "queue_time"
    TESTING_TIME = "testing_time"
    NEW_FAILED = "new_failed"
    KNOWN_FAILED = "known_failed"
    FLAKY_FAILED = "flaky_failed"
    QUARANTINED_FAILED = "quarantined_failed"
    FIXED = "fixed"
    MISSING = "missing"
    ADDED = "added"

    @property
    def unit(self) -> Unit:
        """What this metric counts."""
        return _UNITS.get(self, Unit.TESTS)


_UNITS = {
    Metric.PASS_RATE: Unit.PERCENT,
    Metric.FAIL_RATE: Unit.PERCENT,
    Metric.IGNORED_RATE: Unit.PERCENT,
    Metric.COVERAGE: Unit.PERCENT,
    Metric.DURATION: Unit.TIME,
    Metric.QUEUE_TIME: Unit.TIME,
    Metric.TESTING_TIME: Unit.TIME,
}
OF_CLASS = {
    Metric.NEW_FAILED: FailureClass.NEW,
    Metric.KNOWN_FAILED: FailureClass.KNOWN,
    Metric.FLAKY_FAILED: FailureClass.FLAKY,
    Metric.QUARANTINED_FAILED: FailureClass.QUARANTINED,
}
"""The metrics that count the failing tests of a class."""
OF_TESTS = frozenset({*OF_CLASS, Metric.FIXED, Metric.MISSING, Metric.ADDED})
"""The metrics that need to know the single tests."""
_RATE_OF = {
    Metric.PASSED: Metric.PASS_RATE,
    Metric.FAILED: Metric.FAIL_RATE,
    Metric.IGNORED: Metric.IGNORED_RATE,
}


class Operator(Enum):
    """A comparison of the actual value with the threshold."""

    AT_MOST = "<="
    AT_LEAST = ">="
    LESS = "<"
    GREATER = ">"
    EQUAL = "=="
    UNEQUAL = "!="


_COMPARISONS: Mapping[Operator, Callable[[Fraction, Fraction], bool]] = {
    Operator.AT_MOST: operator.le,
    Operator.AT_LEAST: operator.ge,
    Operator.LESS: operator.lt,
    Operator.GREATER: operator.gt,
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """What must hold of one metric; the threshold is in tests, percent or seconds."""

    metric: Metric
    operator: Operator
    threshold: Fraction
    origin: str = field(default="", compare=False)
    """The configuration file that asks for it, if one does."""

    def __str__(self) -> str:
        """Print what :func:`parse_criterion` reads back as the same criterion."""
        value = format_value(self.threshold, self.metric.unit)
        return f"{self.metric.value} {self.operator.value} {value}"

    def holds(self, actual: Fraction) -> bool:
        """Compare exactly."""
        return _COMPARISONS[self.operator](actual, self.threshold)


# Compiled when first needed, by re: compiling all would double the time to import this module.
_CRITERION = r"\s*([\w-]+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*"
_NUMBER = r"\d{1,12}(?:\.\d{1,6})?"
_DURATION_PART = r"(\d{1,12}(?:\.\d{1,6})?)(ms|h|m|s)"
_SECONDS = {
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
}
_FINEST = Fraction(1, 1_000_000)
_LONGEST = Fraction(3_600_000_000)


def parse_criterion(text: str) -> Criterion:
    """Read ``METRIC OP VALUE``; raises :class:`CriterionError`."""
    match = re.fullmatch(_CRITERION, text, re.ASCII)
    if match is None:
        raise CriterionError(
            f"{text!r} is not a criterion; write METRIC OP VALUE, for example 'failed <= 5%',"
            " with one of <= >= < > == !="
        )
    name, symbol, value = match.groups()
    return build_criterion(_parse_metric(name), Operator(symbol), value)


def build_criterion(metric: Metric, symbol: Operator, value: str) -> Criterion:
    """Read the value for a metric; a percentage turns a count of tests into its rate.

    Raises :class:`CriterionError`.
    """
    if metric.unit is Unit.TESTS and value.endswith("%"):
        if metric not in _RATE_OF:
            rates = ", ".join(count.value for count in _RATE_OF)
            raise CriterionError(
                f"{metric.value} counts tests and has no percentage; only {rates} have"
            )
        metric = _RATE_OF[metric]
    threshold = _PARSERS[metric.unit](metric, value)
    return Criterion(metric=metric, operator=symbol, threshold=threshold)


def parse_duration(text: str) -> Fraction:
    """Read ``90s``, ``10m``, ``1h30m`` or ``500ms`` as seconds; ``0`` needs no unit.

    Raises :class:`CriterionError`.
    """
    if text == "0":
        return Fraction(0)
    parts = list(re.finditer(_DURATION_PART, text, re.ASCII))
    units = [part[2] for part in parts]
    in_order = units == sorted(set(units), key=list(_SECONDS).index)
    if not parts or "".join(part[0] for part in parts) != text or not in_order:
        raise CriterionError(f"{text!r} is not a duration; write 90s, 10m, 1h30m or 500ms")
    seconds = sum((Fraction(part[1]) * _SECONDS[part[2]] for part in parts), Fraction(0))
    if seconds % _FINEST or seconds > _LONGEST:
        raise CriterionError(f"{text!r} is finer than a microsecond or longer than 1000000h")
    return seconds


def _parse_metric(name: str) -> Metric:
    try:
        return Metric(name)
    except ValueError:
        names = [metric.value for metric in Metric]
        near = difflib.get_close_matches(name.lower(), names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the metrics are {', '.join(names)}"
        raise CriterionError(f"unknown metric {name!r}; {hint}") from None


def _parse_tests(metric: Metric, value: str) -> Fraction:
    if not re.fullmatch(_NUMBER, value, re.ASCII) or "." in value:
        raise CriterionError(
            f"{metric.value} counts tests: write a whole number, not {value!r}"
            if metric not in _RATE_OF
            else f"{metric.value!r} takes a whole number or a percentage, such as 5 or 5%, not"
            f" {value!r}"
            f"{_meant_percentage(value)}"
        )
    return Fraction(value)


def _parse_percentage(metric: Metric, value: str) -> Fraction:
    number = value.removesuffix("%")
    if number == value or not re.fullmatch(_NUMBER, number, re.ASCII) or Fraction(number) > 100:
        raise CriterionError(
            f"{metric.value} takes a percentage from 0% to 100%, for example 95%, not {value!r}"
            f"{_meant_percentage(value)}"
        )
    return Fraction(number)


def with_percent_sign(value: str) -> str:
    """Return a percentage whose sign may be left out; raises :class:`CriterionError`.

    A number below 1 without the sign is refused: whoever writes 0.95 means 95%.
    """
    if meant := _meant_percentage(value):
        raise CriterionError(f"{value!r} is below 1%{meant} If not, write {value}%")
    return f"{value.removesuffix('%')}%"


def _meant_percentage(value: str) -> str:
    """Return the question whether a percentage was meant, for a value such as 0.95."""
    if not re.fullmatch(_NUMBER, value, re.ASCII) or not 0 < Fraction(value) < 1:
        return ""
    meant = 100 * Fraction(value)
    return f"; did you mean {format_value(meant, Unit.PERCENT)}?"


def _parse_time(metric: Metric, value: str) -> Fraction:
    try:
        return parse_duration(value)
    except CriterionError as error:
        raise CriterionError(f"{metric.value} takes a duration: {error}") from None


_PARSERS: Mapping[Unit, Callable[[Metric, str], Fraction]] = {
    Unit.TESTS: _parse_tests,
    Unit.PERCENT: _parse_percentage,
    Unit.TIME: _parse_time,
}


def measure(run: TestRun) -> Mapping[Metric, Fraction | None]:
    """Return every metric of the run; ``None`` where its source is missing or impossible."""
    total, passed, failed, ignored = (
        _count(count) for count in (run.total, run.passed, run.failed, run.ignored)
    )
    executed = _sum(passed, failed)
    done = _sum(executed, ignored)
    return {
        Metric.TOTAL: total,
        Metric.PASSED: passed,
        Metric.FAILED: failed,
        Metric.IGNORED: ignored,
        Metric.EXECUTED: executed,
        Metric.NOT_RUN: None if total is None or done is None or done > total else total - done,
        Metric.PASS_RATE: _rate(passed, executed),
        Metric.FAIL_RATE: _rate(failed, executed),
        Metric.IGNORED_RATE: _rate(ignored, total),
        Metric.COVERAGE: _coverage(run.coverage),
        Metric.DURATION: _between(run.start_time, run.end_time),
        Metric.QUEUE_TIME: _between(run.create_time, run.start_time),
        Metric.TESTING_TIME: _seconds(run.testing_time),
    }


def measure_tests(evidence: Evidence | None) -> Mapping[Metric, Fraction | None]:
    """Return every metric of the single tests; ``None`` where the evidence for it is missing."""
    if evidence is None or evidence.unknown:
        return dict.fromkeys(OF_TESTS)
    differing = {
        Metric.FIXED: evidence.fixed,
        Metric.MISSING: evidence.missing,
        Metric.ADDED: evidence.added,
    }
    counts = evidence.counts
    unknown = _unknown_classes(evidence)
    return {
        **{
            metric: None if one in unknown else Fraction(counts[one])
            for metric, one in OF_CLASS.items()
        },
        **{
            metric: None if tests is None else Fraction(len(tests))
            for metric, tests in differing.items()
        },
    }


def _unknown_classes(evidence: Evidence) -> Collection[FailureClass]:
    """Return the classes in which more or fewer failures may be than were counted.

    Without a baseline, or with a part of the history, a failure that is known or flaky may count as
    new. That makes no verdict greener for a criterion on new ones, but for one on the others.
    """
    counts = evidence.counts
    if not len(evidence.failures) - counts[FailureClass.QUARANTINED]:
        return ()
    if evidence.baseline.by_fault:
        return FailureClass.NEW, FailureClass.KNOWN, FailureClass.FLAKY
    unknown = [] if evidence.baseline.earlier else [FailureClass.KNOWN]
    if evidence.history_lacks and counts[FailureClass.NEW]:
        unknown.append(FailureClass.FLAKY)
    return unknown


def _count(count: int | None) -> Fraction | None:
    return None if count is None or count < 0 else Fraction(count)


def _sum(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else one + other


def _rate(part: Fraction | None, whole: Fraction | None) -> Fraction | None:
    return None if part is None or not whole else 100 * part / whole


def _coverage(percent: Fraction | None) -> Fraction | None:
    return None if percent is None or not 0 <= percent <= 100 else percent


def _between(start: datetime | None, end: datetime | None) -> Fraction | None:
    return None if start is None or end is None else _seconds(end - start)


def _seconds(time: timedelta | None) -> Fraction | None:
    if time is None or time < timedelta(0):
        return None
    return Fraction(time // timedelta(microseconds=1), 1_000_000)


def format_value(value: Fraction, unit: Unit) -> str:
    """Print a value, exactly if it needs few digits, as thresholds do."""
    match unit:
        case Unit.TESTS:
            return str(value)
        case Unit.PERCENT:
            return f"{_decimal(value, _digits(value))}%"
        case Unit.TIME:
            return _format_time(value)
        case _:
            assert_never(unit)


def format_actual(actual: Fraction, criterion: Criterion) -> str:
    """Print the actual value, with enough digits not to look equal to another threshold."""
    unit = criterion.metric.unit
    if unit is not Unit.PERCENT:
        return format_value(actual, unit)
    return f"{_decimal(actual, _distinguishing_digits(actual, criterion.threshold))}%"


def format_percentage(value: Fraction) -> str:
    """Print a rate; 0% and 100% only where they are exact."""
    edges = [edge for edge in (Fraction(0), Fraction(100)) if edge != value]
    return f"{_decimal(value, max(_distinguishing_digits(value, edge) for edge in edges))}%"


def _distinguishing_digits(value: Fraction, other: Fraction) -> int:
    """Return the fewest decimals that keep the order of the two; at least 2 if it has them."""
    digits = min(_digits(value), 2)
    while _order(round(value, digits), other) != _order(value, other):
        digits += 1
    return digits


def _order(value: Fraction, other: Fraction) -> int:
    return (value > other) - (value < other)


def _digits(value: Fraction) -> int:
    """Return how many decimals print this value exactly, at most 12."""
    return next((n for n in range(12) if round(value, n) == value), 12)


def _decimal(value: Fraction, digits: int) -> str:
    scaled = round(value * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def _format_time(seconds: Fraction) -> str:
    parts = []
    rest = seconds
    for name in ("h", "m"):
        amount, rest = divmod(rest, _SECONDS[name])
        if amount:
            parts.append(f"{amount}{name}")
    if 0 < rest < 1 and not parts:
        milliseconds = rest * 1000
        return f"{_decimal(milliseconds, _digits(milliseconds))}ms"
    if rest or not parts:
        parts.append(f"{_decimal(rest, _digits(rest))}s")
    return "".join(parts)
