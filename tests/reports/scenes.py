"""Verdicts as readers meet them: what the pictures of the page show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from testery_gate.errors import ExitCode
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.failures import evidence_of
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from testery_gate.judging.judged import Judged
from testery_gate.model import Attachments, TestResult
from tests.builders import NOW, judge, make_policy, make_result, make_run, not_judged
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


def _readme() -> Sequence[Judged]:
    """Return a run of 24 tests with a new failure, for somebody who has never seen the gate."""
    run = make_run(total=24, failed=2, name="Shop", environment="staging", branch="main")
    run = replace(run, testing_time=timedelta(minutes=4, seconds=12))
    new, known = "applies a voucher", "tracks a parcel"
    failing = [
        make_result(
            new,
            "FAIL",
            id="11",
            file="cypress/e2e/checkout.cy.js",
            error="AssertionError: expected the total to be 81.00, but it is 90.00",
            stack_trace="    at Context.<anonymous> (cypress/e2e/checkout.cy.js:48:16)",
        ),
        make_result(
            known,
            "FAIL",
            id="18",
            file="cypress/e2e/orders.cy.js",
            error="Error: the parcel service answered 410",
        ),
    ]
    others = [
        make_result(f"shows article {number}", file="cypress/e2e/shop.cy.js")
        for number in range(22)
    ]
    results = [*failing, *others]
    strips = {test.name: "PPPPP" for test in others} | {new: "PPPPP", known: "PPFFF"}
    files = {test.name: test.file for test in results}
    past = []
    for number in range(5):
        seen = {
            TestId(files[name], name): TestOutcome(strip[number]) for name, strip in strips.items()
        }
        time = NOW - timedelta(days=5 - number)
        earlier = replace(
            run,
            id=55640 + 6 * number,
            git_ref=f"{number + 3}c1e" * 10,
            create_time=time,
            end_time=time,
        )
        past.append(EarlierRun(run=earlier, outcomes=seen))
    history = History.of(past)
    evidence = evidence_of(run, results, baseline=Baseline(earlier=past[-1]), history=history)
    judged = judge(make_policy("new_failed <= 0"), run, results, evidence)
    address = "https://files.testery.example/11"
    attachments = {
        "11": Attachments(screenshots=(f"{address}/1.png",), videos=(f"{address}/1.mp4",))
    }
    return (replace(judged, web_url=PAGE, comparable=followed(run), attachments=attachments),)


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
    "readme": _readme(),
    **{name: EXAMPLES[name] for name in ("evidence", "passed", "timed-out", "inconclusive")},
    **{name: EXAMPLES[name] for name in ("many-runs", "hostile", "decided-early")},
    **LARGE,
}
