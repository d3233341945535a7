"""How the gate ended as a whole: one code and one reason for all its runs.

:func:`facts` are what other programs ask for first, in the same words wherever they are handed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from testery_gate.errors import ExitCode
from testery_gate.judging.criteria import (
    OF_TESTS,
    Metric,
    format_percentage,
    measure,
    measure_tests,
)
from testery_gate.judging.judged import Judged
from testery_gate.reports.view import advice, exit_code_of, outcome
from testery_gate.text import clean_line

LONGEST_REASON = 1_000
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the gate ended; without runs, it ended before it saw one."""

    exit_code: ExitCode
    reason: str
    advice: str = ""
    runs: Sequence[Judged] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    """Where the reports are that were asked for, by format."""


def overall(
    runs: Sequence[Judged],
    exit_code: ExitCode | None = None,
    paths: Mapping[str, str] | None = None,
) -> Ending:
    """Put at least one run together.

    ``exit_code`` is the process's, where it is not what the runs come to.
    """
    code = exit_code_of(runs) if exit_code is None else exit_code
    reasons = [
        f"run {judged.run_id}: {judged.verdict.reason}" if len(runs) > 1 else judged.verdict.reason
        for judged in runs
        if judged.exit_code is code
    ]
    reason = reasons[0] if reasons else code.meaning
    if len(reasons) > 1:
        reason += f" (and {len(reasons) - 1} more runs {outcome(code)})"
    return Ending(
        exit_code=code, reason=reason, advice=advice(code, runs), runs=runs, paths=paths or {}
    )


def facts(ending: Ending) -> Mapping[str, str]:
    """Return the outcome, the counts and the runs; what is unknown is empty.

    With several runs the counts are sums, unknown where one of them is, and ids and addresses
    are separated by commas. The single tests are counted where that was asked for.
    """
    measured = [
        {**({} if judged.run is None else measure(judged.run)), **measure_tests(judged.evidence)}
        for judged in ending.runs
    ]
    counts = {metric: _sum([values.get(metric) for values in measured]) for metric in _SHOWN}
    rate = _pass_rate(counts[Metric.PASSED], counts[Metric.FAILED])
    of_tests = OF_TESTS if any(judged.evidence for judged in ending.runs) else ()
    addresses = [judged.web_url for judged in ending.runs if judged.web_url]
    named = {
        "outcome": ending.exit_code.outcome,
        "exit-code": str(ending.exit_code.value),
        **{metric.value: _shown(counts[metric]) for metric in _COUNTS},
        "pass-rate": "" if rate is None else format_percentage(rate).removesuffix("%"),
        **{
            metric.value.replace("_", "-"): _shown(counts[metric])
            for metric in Metric
            if metric in of_tests
        },
        "run-id": ",".join(
            str(judged.run_id) for judged in ending.runs if judged.run_id is not None
        ),
        "run-url": ",".join(addresses),
        "reason": ending.reason[:LONGEST_REASON],
    }
    return {name: clean_line(value) for name, value in named.items()}


_COUNTS = (Metric.PASSED, Metric.FAILED, Metric.IGNORED, Metric.TOTAL)
_SHOWN = (*_COUNTS, *OF_TESTS)


def _shown(count: Fraction | None) -> str:
    return "" if count is None else str(count)


def _sum(values: Sequence[Fraction | None]) -> Fraction | None:
    """Add up; unknown where one value is, because a sum of the rest would be taken for all."""
    known = [value for value in values if value is not None]
    return sum(known, Fraction(0)) if known and len(known) == len(values) else None


def _pass_rate(passed: Fraction | None, failed: Fraction | None) -> Fraction | None:
    if passed is None or failed is None or passed + failed == 0:
        return None
    return passed * 100 / (passed + failed)
