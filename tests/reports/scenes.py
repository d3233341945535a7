"""Verdicts as readers meet them: what the pictures of the page show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.model import TestResult
from tests.builders import judge, make_policy, make_result, make_run, not_judged
from tests.reports.examples import EXAMPLES, LARGE, PAGE, followed, watched

_LOGIN = """\
AssertionError: expected {status} to equal 200
    at Proxy.<anonymous> (node_modules/chai/lib/chai/core/assertions.js:1027:12)
    at Proxy.methodWrapper (node_modules/chai/lib/chai/utils/addMethod.js:57:25)
    at Context.<anonymous> (cypress/e2e/login.cy.js:{line}:34)
    at callFn (node_modules/mocha/lib/runnable.js:366:21)
    at Runnable.run (node_modules/mocha/lib/runnable.js:354:5)
    at Runner.runTest (node_modules/mocha/lib/runner.js:666:10)
    at node_modules/mocha/lib/runner.js:789:12
    at next (node_modules/mocha/lib/runner.js:581:14)
    at node_modules/mocha/lib/runner.js:591:7
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""
_TIMEOUT = "TimeoutError: no element #pay after {time} ms at https://staging.test/basket/{time}"


def _failing(number: int) -> TestResult:
    error = _TIMEOUT.format(time=5_000 + number)
    if number < 26:
        error = _LOGIN.format(status=401 + number % 3, line=12 + number)
    return make_result(
        f"signs in as customer {number}" if number < 26 else f"pays order {number}",
        "FAIL",
        id=str(number + 1),
        file="cypress/e2e/login.cy.js" if number < 26 else "cypress/e2e/basket.cy.js",
        error=error.partition("\n")[0],
        stack_trace=error,
        duration=timedelta(milliseconds=900 + 37 * number),
    )


def _checkout() -> Sequence[Judged]:
    """Return a run of which 28 of 300 tests failed, with two distinct errors."""
    run = make_run(total=300, failed=28, name="Checkout", environment="staging")
    passed = [
        make_result(f"shows article {number}", file="cypress/e2e/shop.cy.js", id=str(number))
        for number in range(100, 372)
    ]
    results = [*map(_failing, range(28)), *passed]
    policy = make_policy("failed <= 3%", "pass_rate >= 90%", warn=["duration <= 5m"])
    judged = replace(judge(policy, run, results), web_url=PAGE, comparable=followed(run))
    return (replace(judged, observed=watched(run, 0, 60, 180, 330, 480)),)


def _fleet() -> Sequence[Judged]:
    """Return 200 runs, of which 12 failed and one is not there."""
    runs = []
    for number in range(199):
        failed = 2 if number % 17 == 3 else 0
        run = make_run(
            id=60_000 + number,
            total=20,
            failed=failed,
            name=f"Shop {number % 8}",
            environment=("staging", "production")[number % 2],
        )
        results = [_failing(index) for index in range(failed)]
        results += [make_result(f"shows article {index}") for index in range(20 - failed)]
        runs.append(replace(judge(make_policy(), run, results), web_url=PAGE))
    return (*runs, not_judged(61_000, ExitCode.NOT_FOUND, "there is no run 61000"))


SCENES: Mapping[str, Sequence[Judged]] = {
    "checkout": _checkout(),
    "fleet": _fleet(),
    **{name: EXAMPLES[name] for name in ("evidence", "passed", "timed-out", "inconclusive")},
    **{name: EXAMPLES[name] for name in ("many-runs", "hostile", "decided-early")},
    **LARGE,
}
