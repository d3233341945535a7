"""JSON for programs, as ``docs/json-report.md`` and its schema describe it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from testery_gate import __version__
from testery_gate.judging.criteria import Unit, measure
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check
from testery_gate.model import TestResult, TestRun
from testery_gate.reports.view import exit_code_of
from testery_gate.text import clean_text

SCHEMA_VERSION = "1.1"
"""The second number grows when a field is added, the first when one changes or goes."""


def render(runs: Sequence[Judged]) -> str:
    """Return the report on one run or more, in ASCII alone."""
    exit_code = exit_code_of(runs)
    head = {
        "schemaVersion": SCHEMA_VERSION,
        "tool": {"name": "testery-gate", "version": __version__},
        "outcome": exit_code.outcome,
        "exitCode": exit_code.value,
    }
    head_text = dumped(head).removesuffix(_END)
    items = _items(map(_judged, runs), margin="    ")
    return "".join([head_text, ',\n  "runs": [', *items, "\n  ]", _END, "\n"])


_END = "\n}"


def render_runs(runs: Sequence[TestRun]) -> str:
    """Return runs as a list, each with what a report says of it but no verdict."""
    listed = ({"id": run.id, "run": _run(run), "metrics": _metrics(run)} for run in runs)
    return "".join(["[", *_items(listed, margin="  "), "\n]\n"])


def _items(values: Iterable[Mapping[str, object]], *, margin: str) -> Iterator[str]:
    """Print one value after the other: as objects they take several times as much memory."""
    between = f"\n{margin}"
    for value in values:
        yield between + dumped(value).replace("\n", f"\n{margin}")
        between = f",\n{margin}"


def dumped(value: Mapping[str, object]) -> str:
    """Return an object as JSON in ASCII, which a log can hold."""
    text = json.dumps(value, indent=2, allow_nan=False)
    # Some CI systems obey '##[' and '##vso[' anywhere in a log, also in JSON that is printed there.
    return text.replace("##", r"#\u0023")


def _judged(judged: Judged) -> Mapping[str, object]:
    run, results = judged.run, judged.results
    return {
        "id": judged.run_id,
        "webUrl": _text(judged.web_url),
        "outcome": judged.exit_code.outcome,
        "exitCode": judged.exit_code.value,
        "reason": clean_text(judged.verdict.reason),
        "advice": _text(judged.verdict.advice),
        "notes": [clean_text(note) for note in judged.all_notes],
        "decidedEarly": judged.verdict.decided_early,
        "openTests": judged.verdict.open_tests,
        "checks": [_check(check) for check in judged.verdict.checks],
        "run": None if run is None else _run(run),
        "metrics": None if run is None else _metrics(run),
        "tests": None if results is None else [_test(result) for result in results],
    }


def _check(check: Check) -> Mapping[str, object]:
    criterion, actual = check.criterion, check.actual
    return {
        "name": clean_text(check.name),
        "state": check.state.value,
        "deciding": check.deciding,
        "message": clean_text(check.message),
        "metric": None if criterion is None else criterion.metric.value,
        "operator": None if criterion is None else criterion.operator.value,
        "expected": None if criterion is None else _number(criterion.threshold),
        "actual": None
        if criterion is None or actual is None
        else _number(actual, apart_from=criterion.threshold),
        "unit": None if criterion is None else _UNITS[criterion.metric.unit],
        "expectedText": clean_text(check.expected_text),
        "actualText": clean_text(check.actual_text),
        "origin": _text(check.origin),
    }


_UNITS = {Unit.TESTS: "tests", Unit.PERCENT: "percent", Unit.TIME: "seconds"}


def _run(run: TestRun) -> Mapping[str, object]:
    return {
        "name": _text(run.name),
        "status": _text(run.status_text),
        "statusInfo": _text(run.status_info),
        "complete": run.complete,
        "projectId": run.project_id,
        "environment": _text(run.environment),
        "gitRef": _text(run.git_ref),
        "buildKey": _text(run.build_key),
        "includeTags": [clean_text(tag) for tag in run.include_tags],
        "createTime": _time(run.create_time),
        "startTime": _time(run.start_time),
        "endTime": _time(run.end_time),
    }


def _metrics(run: TestRun) -> Mapping[str, object]:
    return {
        metric.value: None if value is None else _number(value, apart_from=Fraction(100))
        for metric, value in measure(run).items()
    }


def _test(result: TestResult) -> Mapping[str, object]:
    return {
        "id": _text(result.id),
        "name": clean_text(result.name),
        "file": _text(result.file),
        "status": _text(result.status_text),
        "duration": _seconds(result.duration),
        "error": _text(result.error),
        "stackTrace": _text(result.stack_trace),
    }


def _text(text: str | None) -> str | None:
    return clean_text(text or "") or None


def _number(value: Fraction, *, apart_from: Fraction | None = None) -> int | float:
    """Return the nearest number that programs can hold, yet on the right side of another.

    A rate so near to its threshold that a float can't tell them apart would read as equal.
    """
    number = float(value)
    if apart_from is not None and value != apart_from and number == float(apart_from):
        return math.nextafter(number, math.inf if value > apart_from else -math.inf)
    return value.numerator if value.denominator == 1 else number


def _time(time: datetime | None) -> str | None:
    return None if time is None else f"{time.replace(tzinfo=None).isoformat()}Z"


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None or duration < timedelta(0) else duration.total_seconds()
