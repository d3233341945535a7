"""Runs, answers and policies for tests: consistent unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from hypothesis import strategies as st

from testery_gate.api.connection import Route
from testery_gate.api.transport import Transport
from testery_gate.errors import ExitCode
from testery_gate.evidence.classes import Evidence
from testery_gate.judging.criteria import Metric, Operator, Unit, parse_criterion
from testery_gate.judging.judged import Judged
from testery_gate.judging.policy import Expectation, Policy
from testery_gate.judging.unjudged import no_verdict
from testery_gate.judging.verdict import Verdict, decide_early
from testery_gate.judging.verdict import evaluate as evaluate_now
from testery_gate.model import Field, ResultStatus, RunStatus, TestResult, TestRun

NOW = datetime(2020, 5, 4, 23, 23, 59, tzinfo=UTC)
"""A minute after the run of the API's documentation has ended."""


def evaluate(
    policy: Policy, run: TestRun, now: datetime = NOW, evidence: Evidence | None = None
) -> Verdict:
    """Judge a run a minute after it should have ended."""
    return evaluate_now(policy, run, now, evidence)


def make_run(
    *,
    total: int = 30,
    failed: int = 0,
    ignored: int = 0,
    not_run: int = 0,
    status: str | None = None,
    **others: Any,
) -> TestRun:
    """Return the run of the API's documentation, with these counts; what is left has passed.

    The status follows from the counts. ``others`` are fields of the run, and win.
    """
    status_text = ("FAIL" if failed else "PASS") if status is None else status
    known = status_text in {status.value for status in RunStatus}
    run = TestRun(
        id=55676,
        name="nightly",
        status=RunStatus(status_text) if known else RunStatus.UNKNOWN,
        status_text=status_text,
        complete=True,
        total=total,
        passed=total - failed - ignored - not_run,
        failed=failed,
        ignored=ignored,
        testing_time=timedelta(seconds=1036),
        create_time=datetime(2020, 5, 4, 23, 15, 10, tzinfo=UTC),
        start_time=datetime(2020, 5, 4, 23, 16, 33, tzinfo=UTC),
        end_time=datetime(2020, 5, 4, 23, 22, 59, tzinfo=UTC),
        project_id=123,
        environment="dev",
        git_ref="abcd4e87d8d928a21a393b0def6ab0c0a21d35a2",
        build_key="23",
    )
    return replace(run, **others)


def with_unknown(run: TestRun, *fields: str) -> TestRun:
    """Return the run as it is where the API leaves these fields out."""
    unknown: dict[str, Any] = dict.fromkeys(fields)
    return replace(run, **unknown)


def make_answer(
    *, total: int = 30, failed: int = 0, ignored: int = 0, not_run: int = 0, **others: Any
) -> dict[str, Any]:
    """Return what the API answers for :func:`make_run`.

    ``others`` are fields of the answer, and win.
    """
    answer: dict[str, Any] = {
        "id": 55676,
        "name": "nightly",
        "testName": None,
        "key": "ABCDABCD75349414053EB9961013126945472A93",
        "startTime": "2020-05-04 23:16:33+0000",
        "endTime": "2020-05-04 23:22:59+0000",
        "createTime": "2020-05-04 23:15:10+0000",
        "accountId": 123,
        "projectId": 123,
        "status": "FAIL" if failed else "PASS",
        "copies": 1,
        "passCount": total - failed - ignored - not_run,
        "failCount": failed,
        "ignoredCount": ignored,
        "codeCoverageName": None,
        "codeCoverageVersion": None,
        "codeCoveragePercentage": None,
        "codeCoverageTotalStatements": None,
        "codeCoverageCoveredStatements": None,
        "totalTestingTime": 1036000,
        "isSchedule": None,
        "totalCount": total,
        "gitRef": "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2",
        "buildKey": "23",
        "environment": "dev",
        "statusInfo": None,
        "includeTags": [],
        "complete": True,
    }
    return answer | others


def make_result(name: str = "adds two numbers", status: str = "PASS", **others: Any) -> TestResult:
    """Return one test of a run; ``others`` are fields of the result, and win."""
    result = TestResult(
        id="1",
        name=name,
        file="features/calculator.feature",
        status=ResultStatus(status),
        status_text=status,
        duration=timedelta(milliseconds=1250),
    )
    return replace(result, **others)


def make_policy(
    *required: str,
    warn: Sequence[str] = (),
    expect: Sequence[tuple[str, str]] = (),
    trust_status: bool = False,
) -> Policy:
    """Return a policy whose criteria are written as a user writes them."""
    return Policy(
        required=tuple(map(parse_criterion, required)),
        warned=tuple(map(parse_criterion, warn)),
        expected=tuple(Expectation(field=Field(field), value=value) for field, value in expect),
        trust_status=trust_status,
    )


_DECIMALS = st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,6})?", fullmatch=True)
_PERCENTAGES = st.from_regex(r"(100(\.0{1,6})?|[0-9]{1,2}(\.[0-9]{1,6})?)%", fullmatch=True)
_HOURS = st.from_regex(r"[0-9]{1,5}(\.[0-9]{1,6})?h", fullmatch=True)
_MINUTES = st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,6})?m", fullmatch=True)
_SECONDS = st.from_regex(r"[0-9]{1,8}(\.[0-9]{1,6})?s", fullmatch=True)
_MILLISECONDS = st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,3})?ms", fullmatch=True)
_NOTHING = st.just("")
_VALUES = {
    Unit.TESTS: st.from_regex(r"[0-9]{1,12}", fullmatch=True),
    Unit.PERCENT: _PERCENTAGES,
    Unit.TIME: st.tuples(
        *(part | _NOTHING for part in (_HOURS, _MINUTES, _SECONDS, _MILLISECONDS))
    ).map(lambda parts: "".join(parts) or "0"),
}


@st.composite
def criterion_texts(draw: st.DrawFn, metrics: Sequence[Metric] = tuple(Metric)) -> str:
    """Draw a criterion as a user can write it."""
    metric = draw(st.sampled_from(metrics))
    values = _VALUES[metric.unit]
    if metric in {Metric.PASSED, Metric.FAILED, Metric.IGNORED}:
        values |= _PERCENTAGES
    symbol = draw(st.sampled_from(Operator)).value
    blank = draw(st.sampled_from(["", " ", "  "]))
    return f"{metric.value}{blank}{symbol}{blank}{draw(values)}"


def make_route(base_url: str, **others: Any) -> Route:
    """Return the route to an address, whatever the environment of the tests says."""
    parts = urlsplit(base_url)
    return Route(url=base_url, host=parts.hostname or "", port=parts.port or 443, **others)


def make_transport(base_url: str, token: str, **route: Any) -> Transport:
    """Return what sends requests to an address."""
    return Transport(make_route(base_url, **route), token)


def judge(
    policy: Policy,
    run: TestRun,
    results: Sequence[TestResult] | None = None,
    evidence: Evidence | None = None,
    **others: Any,
) -> Judged:
    """Return a finished run with the verdict on it; ``others`` are what stands beside that."""
    verdict = evaluate(policy, run, evidence=evidence)
    return Judged(
        run_id=run.id, run=run, verdict=verdict, results=results, evidence=evidence, **others
    )


def judge_early(policy: Policy, run: TestRun, *, total_known: bool) -> Judged | None:
    """Return a run with the verdict that ends the wait for it, if there is one."""
    verdict = decide_early(policy, run, total_known=total_known)
    return None if verdict is None else Judged(run_id=run.id, run=run, verdict=verdict)


def not_judged(
    run_id: int | None,
    exit_code: ExitCode,
    reason: str,
    *,
    advice: str = "",
    run: TestRun | None = None,
) -> Judged:
    """Return a run that could not be judged."""
    return Judged(run_id=run_id, run=run, verdict=no_verdict(exit_code, reason, advice=advice))


def with_verdict(judged: Judged, **fields: Any) -> Judged:
    """Return the run with these fields of its verdict changed."""
    return replace(judged, verdict=replace(judged.verdict, **fields))
