"""How the gate ended as a whole: one code and one reason for all its runs.

:func:`facts` returns what other programs need first, with the same words for all of them.
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
    """How the gate ended; there are no runs if it ended before it read one."""

    exit_code: ExitCode
    reason: str
    advice: str = ""
    runs: Sequence[Judged] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    """The paths of the reports, by format."""


def overall(
    runs: Sequence[Judged],
    exit_code: ExitCode | None = None,
    paths: Mapping[str, str] | None = None,
) -> Ending:
    """Return the ending of at least one run.

    ``exit_code`` is the process's, where it is not the one of the runs.
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

    With several runs the counts are sums, which are unknown if one count is, and ids and addresses
    are separated by commas. New, known and similar tests are counted only where evidence was
    asked for.
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
    """Return the sum; ``None`` if a value is unknown, because a sum of the rest would mislead."""
    known = [value for value in values if value is not None]
    return sum(known, Fraction(0)) if known and len(known) == len(values) else None


def _pass_rate(passed: Fraction | None, failed: Fraction | None) -> Fraction | None:
    if passed is None or failed is None or passed + failed == 0:
        return None
    return passed * 100 / (passed + failed)
