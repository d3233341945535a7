"""The API's answer about a run at a given age: a pure function of the run's script."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate

from testery_gate.simulator.scenario import ENDED, QUEUED, Counts, Json, Phase, Run, Test

TIME_FORMAT = "%Y-%m-%d %H:%M:%S+0000"

# Tests take unequal shares of the testing time, in this rhythm.
_SHARES = (3, 1, 4, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The state of a run: in which phase, for how many seconds, with which counts."""

    index: int
    spent: float
    phase: Phase
    counts: Counts


def moment(run: Run, age: float) -> Moment:
    """The state of the run ``age`` seconds after its creation."""
    begins = _begins(run)
    index = bisect_right(begins, age, lo=1) - 1
    phase, spent = run.phases[index], age - begins[index]
    # A phase that goes on for ever, or takes no time, has its counts at once.
    share = spent / phase.lasts if spent < phase.lasts < math.inf else 1.0
    before = run.phases[index - 1].counts if index else Counts()
    counts = _grown(before, phase.counts, share)
    return Moment(index=index, spent=spent, phase=phase, counts=counts)


def _begins(run: Run) -> list[float]:
    """The age at which each phase begins."""
    return list(accumulate((phase.lasts for phase in run.phases[:-1]), initial=0.0))


def _grown(before: Counts, after: Counts, share: float) -> Counts:
    def between(start: int, end: int) -> int:
        return start + int((end - start) * share)

    return Counts(
        total=after.total,
        passed=between(before.passed, after.passed),
        failed=between(before.failed, after.failed),
        ignored=between(before.ignored, after.ignored),
    )


def canceled(run: Run, age: float) -> Run:
    """The run after a cancellation at this age; a run that has ended does not change."""
    now = moment(run, age)
    if _is_over(now.phase):
        return run
    cut = replace(now.phase, lasts=now.spent, counts=now.counts)
    end = Phase(
        status="CANCELED", counts=now.counts, complete=True, status_info="Canceled by a user"
    )
    return replace(run, phases=(*run.phases[: now.index], cut, end))


def run_object(run: Run, age: float, create_time: datetime) -> dict[str, Json]:
    """The run as the API answers it, its fields in the documented order."""
    now = moment(run, age)

    def reached(is_it: Callable[[Phase], bool]) -> str | None:
        """When the first such phase began, if that has happened yet."""
        for phase, begins in zip(run.phases, _begins(run), strict=True):
            if is_it(phase) and begins <= age:
                return timestamp(create_time + timedelta(seconds=begins))
        return None

    end_time = reached(_is_over)
    answered: dict[str, Json] = {
        "id": run.id,
        "name": run.name,
        "testName": run.test_name,
        "key": run.key,
        "startTime": reached(_has_started),
        "endTime": end_time,
        "createTime": timestamp(create_time),
        "accountId": run.account_id,
        "projectId": run.project_id,
        "status": now.phase.status,
        "copies": run.copies,
        "passCount": now.counts.passed,
        "failCount": now.counts.failed,
        "ignoredCount": now.counts.ignored,
        "codeCoverageName": None,
        "codeCoverageVersion": None,
        "codeCoveragePercentage": None,
        "codeCoverageTotalStatements": None,
        "codeCoverageCoveredStatements": None,
        "totalTestingTime": _testing_time(run, now.counts),
        "isSchedule": None,
        "totalCount": now.counts.total,
        "gitRef": run.git_ref,
        "buildKey": run.build_key,
        "environment": run.environment,
        "statusInfo": now.phase.status_info,
        "includeTags": list(run.include_tags),
        "complete": now.phase.complete,
    }
    if run.branch is not None:
        answered["branch"] = run.branch
    if run.observed_fields:
        open_tests = now.counts.total - now.counts.passed - now.counts.failed - now.counts.ignored
        answered |= {
            "notRunCount": open_tests if end_time else 0,
            "timeoutCount": 0,
            "branch": run.branch or "main",
            "environmentId": 7,
            "ended": end_time is not None,
            "phase": now.phase.status,
            "createdAt": timestamp(create_time),
        }
    return now.phase.patch.apply(run.patch.apply(answered))


def timestamp(time: datetime) -> str:
    """A time in UTC as the API writes it."""
    return time.strftime(TIME_FORMAT)


def _has_started(phase: Phase) -> bool:
    return phase.status not in QUEUED | {"CANCELED"}


def _is_over(phase: Phase) -> bool:
    return phase.complete or phase.status in ENDED


# The tests of a run are in one row: those that pass, that fail, that are ignored, and that never
# run. Each group has its greatest length from the beginning, so that a test that has ended keeps
# its place and its status in all later answers.


def results(run: Run, age: float) -> list[dict[str, Json]]:
    """The run's per-test results as the API answers them, in agreement with its counts."""
    now, most = moment(run, age), highest(run)
    rows = (
        row
        for index, status in enumerate(_statuses(now, most))
        for row in _attempts(run, index, status, most)
    )
    return [run.result_patch.apply(row) for row in rows]


def result_details(run: Run, result: dict[str, Json]) -> dict[str, Json]:
    """One result with the fields that the API adds when it is asked for by its id."""
    added: dict[str, Json] = {"screenShots": [], "videos": [], "processOutput": "1 test\n"}
    return run.detail_patch.apply({**result, **added})


def highest(run: Run) -> Counts:
    """The most tests that ever passed, failed and were ignored at some point of the script."""
    if run.tests:
        return counts_of(run.tests)
    return Counts(
        passed=max(phase.counts.passed for phase in run.phases),
        failed=max(phase.counts.failed for phase in run.phases),
        ignored=max(phase.counts.ignored for phase in run.phases),
    )


def counts_of(tests: Sequence[Test]) -> Counts:
    """How many tests there are, and how many of them end in which way."""
    ends = [test.status for test in tests]
    return Counts(
        total=len(ends),
        passed=ends.count("PASS"),
        failed=ends.count("FAIL"),
        ignored=ends.count("IGNORED"),
    )


def _statuses(now: Moment, most: Counts) -> list[str]:
    still_open = "NOT_RUN" if _is_over(now.phase) else "PENDING"
    groups = (
        ("PASS", now.counts.passed, most.passed),
        ("FAIL", now.counts.failed, most.failed),
        ("IGNORED", now.counts.ignored, most.ignored),
    )
    row: list[str] = []
    for status, ended, size in groups:
        row += [status] * ended + [still_open] * (size - ended)
    row += [still_open] * (now.counts.total - len(row))
    if now.phase.status == "RUNNING" and "PENDING" in row:
        row[row.index("PENDING")] = "RUNNING"
    return row[: now.counts.total]


def _attempts(run: Run, index: int, status: str, most: Counts) -> Iterator[dict[str, Json]]:
    """The results of one test; after a retry there is a failure before the pass."""
    last = _result(run, index, status, most)
    if run.tests and run.tests[index].retried and status == "PASS":
        yield {**_result(run, index, "FAIL", most), "id": run.id * 1_000_000 + 500_000 + index + 1}
    yield last


def _result(run: Run, index: int, status: str, most: Counts) -> dict[str, Json]:
    def nth(texts: tuple[str, ...]) -> str:
        return fill(texts[index % len(texts)], index + 1)

    if run.tests:
        test = run.tests[index]
        name, file, own_error = test.name, test.file, test.error
    else:
        name, file, own_error = nth(run.test_names), nth(run.test_files), None
    duration = error = trace = None
    if status in {"PASS", "FAIL"}:
        duration = _worked(run, index + 1, most) - _worked(run, index, most)
    if status == "FAIL":
        error = nth(run.errors) if own_error is None else own_error
        trace = f"{error}\n    at {file}:{index + 1}"
    return {
        "id": run.id * 1_000_000 + index + 1,
        "status": status,
        "duration": duration,
        "error": error,
        "stackTrace": trace,
        "projectTest": {"name": name, "file": file, "fileFilter": file},
    }


def _testing_time(run: Run, counts: Counts) -> int:
    most = highest(run)
    failures = _worked(run, most.passed + counts.failed, most) - _worked(run, most.passed, most)
    return _worked(run, counts.passed, most) + failures


def _worked(run: Run, tests: int, most: Counts) -> int:
    """The milliseconds that the first so many tests of the row take together."""

    def weight(first: int) -> int:
        rounds, rest = divmod(first, len(_SHARES))
        return rounds * sum(_SHARES) + sum(_SHARES[:rest])

    return run.testing_time * weight(tests) // max(weight(most.passed + most.failed), 1)


def fill(text: str, number: int) -> str:
    """The text with its placeholders replaced: for what TOML can't hold, and for long texts."""
    if "{" not in text:
        return text
    return (
        text.replace("{n}", str(number))
        .replace("{lone-surrogate}", "\ud800")
        .replace("{long}", "long " * 20_000)
    )
