"""JSON for programs, as ``docs/json-report.md`` and its schema describe it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import islice

from testery_gate import __version__
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence, Failure
from testery_gate.evidence.outcomes import TestId
from testery_gate.judging.criteria import Metric, Unit, measure, measure_tests
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check
from testery_gate.model import Attachments, ResultStatus, TestResult, TestRun
from testery_gate.reports.view import TOLERATED, WHY_TOLERATED, exit_code_of
from testery_gate.text import clean_text

SCHEMA_VERSION = "1.3"
"""The second number grows when a field is added, the first when one changes or is removed."""

MOST_DIFFERING = 1_000
"""How many tests are named that were fixed, are missing or were added. If the files of a suite are
renamed, all tests are missing and all are added."""


def render(runs: Sequence[Judged]) -> str:
    """Return the report on one run or more, in ASCII only."""
    exit_code = exit_code_of(runs)
    outcome = {"outcome": exit_code.outcome, "exitCode": exit_code.value}
    text = dumped({**head(SCHEMA_VERSION), **outcome}).removesuffix(_END)
    text += ',\n  "runs": ['
    for part in _runs(runs):
        text += part  # in place; a list of the parts would take as much memory again
    text += f"\n  ]{_END}\n"
    return text


_END = "\n}"


def render_runs(runs: Sequence[TestRun]) -> str:
    """Return runs as a list, each with the fields of a report but without a verdict."""
    return "".join(["[", *_items(map(listed, runs)), "\n]\n"])


def _runs(runs: Sequence[Judged]) -> Iterator[str]:
    """Return the runs one after the other as JSON, in parts."""
    between = ""
    for judged in runs:
        yield f"{between}\n    "
        for part in _judged(judged):
            yield part.replace("\n", "\n    ")
        between = ","


def _items(values: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Return the items of a list as JSON, a batch at a time: as objects they take more memory."""
    between = ""
    remaining = iter(values)
    while batch := [*islice(remaining, _BATCH)]:
        yield between + dumped(batch).removeprefix("[").removesuffix("\n]")
        between = ","


_BATCH = 500


def dumped(value: Mapping[str, object] | Sequence[object]) -> str:
    """Return an object or a list as JSON in ASCII, which may stand in a log."""
    text = json.dumps(value, indent=2, allow_nan=False)
    # Some CI systems execute '##[' and '##vso[' anywhere in a log, also in printed JSON.
    return text.replace("##", r"#\u0023")


def _judged(judged: Judged) -> Iterator[str]:
    """Return a run as JSON in parts; most of it is its tests."""
    run, results, evidence = judged.run, judged.results, judged.evidence
    before = {
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
        "metrics": None if run is None else _metrics(run, evidence),
    }
    after = {
        "evidence": None if evidence is None else _evidence(evidence),
        "attachments": [_attached(*item) for item in judged.attachments.items()],
    }
    yield dumped(before).removesuffix(_END)
    yield ',\n  "tests": '
    if results:
        yield "["
        for tests in _items(_tests(results, evidence)):
            yield tests.replace("\n", "\n  ")
        yield "\n  ]"
    else:
        yield "null" if results is None else "[]"
    yield "," + dumped(after).removeprefix("{")


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
        "actual": None if criterion is None else _number(actual, apart_from=criterion.threshold),
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
        "branch": _text(run.branch),
        "includeTags": [clean_text(tag) for tag in run.include_tags],
        "createTime": _time(run.create_time),
        "startTime": _time(run.start_time),
        "endTime": _time(run.end_time),
    }


def _metrics(run: TestRun, evidence: Evidence | None) -> Mapping[str, object]:
    measured = {**measure(run), **measure_tests(evidence)}
    return {metric.value: _number(measured[metric], apart_from=Fraction(100)) for metric in Metric}


def _tests(
    results: Sequence[TestResult], evidence: Evidence | None
) -> Iterator[Mapping[str, object]]:
    failures = {} if evidence is None else evidence.by_test
    otherwise = _TOLERATED if evidence is not None and evidence.tolerated else _NOTHING

    def known(result: TestResult) -> Mapping[str, object]:
        if result.status is not ResultStatus.FAIL:
            return _NOTHING
        failure = failures.get(TestId.of(result))
        return otherwise if failure is None else _failure(failure)

    return ({**_test(result), **known(result)} for result in results)


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


_NOTHING: Mapping[str, object] = {"class": None, "why": None, "strip": None, "since": None}
_TOLERATED: Mapping[str, object] = {**_NOTHING, "class": TOLERATED, "why": WHY_TOLERATED}


def _failure(failure: Failure) -> Mapping[str, object]:
    strip = [None if outcome is None else outcome.word for outcome in failure.strip]
    since = failure.since
    return {
        "class": failure.failure_class.value,
        "why": _text(failure.why),
        "strip": strip or None,
        "since": None if since is None else {**seen_in(since.run), "atLeast": since.at_least},
    }


def _attached(result_id: str, attachments: Attachments) -> Mapping[str, object]:
    return {
        "testId": result_id,
        "screenshots": list(attachments.screenshots),
        "videos": list(attachments.videos),
        "consoleOutput": attachments.output_url,
    }


def _evidence(evidence: Evidence) -> Mapping[str, object]:
    counts = {one.value: count for one, count in evidence.counts.items()}
    counts[TOLERATED] = len(evidence.tolerated)
    return {
        "unknown": _text(evidence.unknown),
        "counts": None if evidence.unknown else counts,
        "baseline": _baseline(evidence.baseline),
        "whyNoBaseline": _text(evidence.baseline.why_none),
        "fixed": _differing(evidence.fixed),
        "missing": _differing(evidence.missing),
        "added": _differing(evidence.added),
        "history": [run.id for run in evidence.history],
    }


def _baseline(baseline: Baseline) -> Mapping[str, object] | None:
    if baseline.earlier is None:
        return None
    run = baseline.earlier.run
    return {
        "runId": run.id,
        "gitRef": _text(run.git_ref),
        "branch": _text(run.branch),
        "source": _text(baseline.source),
        "description": clean_text(baseline.description),
    }


def _differing(tests: Sequence[TestId] | None) -> Mapping[str, object] | None:
    if tests is None:
        return None
    named = [test_id(test) for test in tests[:MOST_DIFFERING]]
    return {"total": len(tests), "tests": named}


def _text(text: str | None) -> str | None:
    return clean_text(text or "") or None


def _number(value: Fraction | None, *, apart_from: Fraction | None = None) -> int | float | None:
    """Return the nearest int or float, but never ``apart_from`` for another value.

    Otherwise a rate very near to its threshold could become equal to it.
    """
    if value is None:
        return None
    number = float(value)
    if apart_from is not None and value != apart_from and number == float(apart_from):
        return math.nextafter(number, math.inf if value > apart_from else -math.inf)
    return value.numerator if value.denominator == 1 else number


def _time(time: datetime | None) -> str | None:
    return None if time is None else f"{time.replace(tzinfo=None).isoformat()}Z"


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None or duration < timedelta(0) else duration.total_seconds()


def head(schema_version: str) -> Mapping[str, object]:
    """Return what the JSON of a command begins with."""
    return {
        "schemaVersion": schema_version,
        "tool": {"name": "testery-gate", "version": __version__},
    }


def listed(run: TestRun) -> Mapping[str, object]:
    """Return a run as ``list`` does."""
    return {"id": run.id, "run": _run(run), "metrics": _metrics(run, None)}


def moved(old: TestRun, new: TestRun) -> Mapping[str, object]:
    """Return the difference of each metric, new minus old; null where one run doesn't have it."""
    now = measure(new)
    return {
        metric.value: None
        if before is None or (after := now[metric]) is None
        else _number(after - before)
        for metric, before in measure(old).items()
    }


def test_id(test: TestId) -> Mapping[str, object]:
    """Return the file and name, by which a test is the same one in two runs."""
    return {"file": _text(test.file), "name": clean_text(test.name)}


def seen_in(run: TestRun) -> Mapping[str, object]:
    """Return in which run something was seen."""
    return {"runId": run.id, "time": _time(run.create_time), "gitRef": _text(run.git_ref)}
