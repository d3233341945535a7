"""From a run to a verdict, by the tables of the specification."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.errors import ExitCode
from testery_gate.judging.criteria import parse_criterion
from testery_gate.judging.policy import EXPECTABLE, Policy, default_checks
from testery_gate.judging.verdict import Check, CheckState, Verdict, decide_early
from testery_gate.model import RunStatus, TestRun, same_git_ref
from tests.builders import criterion_texts, evaluate, make_policy, make_run, with_unknown

HOLDS, BREACHED = CheckState.HOLDS, CheckState.BREACHED
INCONCLUSIVE, OPEN = CheckState.INCONCLUSIVE, CheckState.OPEN


def judged(policy: Policy, run: TestRun) -> int:
    return int(evaluate(policy, run).exit_code)


def check_of(verdict: Verdict, name: str) -> Check:
    [check] = [check for check in verdict.checks if check.name == name]
    return check


def without_advice(check: Check) -> Check:
    assert bool(check.case and check.advice) is (check.state is not HOLDS)
    return replace(check, case="", advice="")


# The whole space of finished runs --------------------------------------------------------------

COMPLETE = [
    (True, status)
    for status in ("SUBMITTED", "QUEUED", "RUNNING", "PASS", "FAIL", "CANCELED", "PAUSED", "")
]
SETTLED = [(False, "PASS"), (False, "FAIL"), (False, "CANCELED")]
WITHOUT_COMPLETE = [(None, "PASS"), (None, "FAIL"), (None, "CANCELED")]
FINISHED = [*COMPLETE, *SETTLED, *WITHOUT_COMPLETE]
SOME_FINISHED = [(True, "PASS"), (False, "FAIL"), (None, "CANCELED"), (True, "PAUSED")]

TOTALS = (None, -1, 0, 30)
PASSED = (None, -1, 0, 26, 28, 30)
FAILED = (None, -1, 0, 2, 3, 31)
IGNORED = (None, -1, 0, 2, 31)

Count = int | None
Oracle = Callable[[str, Count, Count, Count, Count], int]


def evidence(status: str, total: Count, passed: Count, failed: Count, ignored: Count) -> bool:
    """Whether the checks hold that nobody can replace: status, total and counts."""
    if total is None or passed is None or failed is None or ignored is None:
        return False
    if min(passed, failed, ignored) < 0 or total < 1 or passed + failed + ignored > total:
        return False
    return status == "PASS" or (status == "FAIL" and failed > 0)


def open_in(total: Count, passed: Count, failed: Count, ignored: Count) -> int:
    """Count the tests that never ran, where the evidence is there."""
    return (total or 0) - (passed or 0) - (failed or 0) - (ignored or 0)


def by_default(status: str, total: Count, passed: Count, failed: Count, ignored: Count) -> int:
    if failed is not None and failed > 0:
        return 1
    if not evidence(status, total, passed, failed, ignored):
        return 5
    return 0 if open_in(total, passed, failed, ignored) == 0 else 5


def with_two_failures_allowed(
    status: str, total: Count, passed: Count, failed: Count, ignored: Count
) -> int:
    if failed is not None and failed > 2:
        return 1
    if not evidence(status, total, passed, failed, ignored):
        return 5
    return 0 if open_in(total, passed, failed, ignored) == 0 else 5


def with_trust(status: str, total: Count, passed: Count, failed: Count, ignored: Count) -> int:
    if failed is not None and failed > 0 and status != "PASS":
        return 1
    if not evidence(status, total, passed, failed, ignored):
        return 5
    return 0 if open_in(total, passed, failed, ignored) == 0 else 5


def with_four_open_allowed(
    status: str, total: Count, passed: Count, failed: Count, ignored: Count
) -> int:
    if failed is not None and failed > 0:
        return 1
    known = None not in (total, passed, failed, ignored)
    sane = known and min(total or 0, passed or 0, failed or 0, ignored or 0) >= 0
    if sane and open_in(total, passed, failed, ignored) > 4:
        return 1
    return 0 if evidence(status, total, passed, failed, ignored) else 5


def with_nine_in_ten_passing(
    status: str, total: Count, passed: Count, failed: Count, ignored: Count
) -> int:
    if passed is not None and failed is not None and passed >= 0 and failed >= 0:
        if passed + failed > 0 and passed < 9 * failed:
            return 1
        if passed + failed == 0:
            return 5
    if not evidence(status, total, passed, failed, ignored):
        return 5
    return 0 if open_in(total, passed, failed, ignored) == 0 else 5


@pytest.mark.parametrize(
    ("policy", "oracle", "finished"),
    [
        pytest.param(make_policy(), by_default, FINISHED, id="default"),
        pytest.param(
            make_policy("failed <= 2"), with_two_failures_allowed, SOME_FINISHED, id="failed <= 2"
        ),
        pytest.param(
            make_policy(trust_status=True), with_trust, SOME_FINISHED, id="trust the status"
        ),
        pytest.param(
            make_policy("not_run <= 4"), with_four_open_allowed, SOME_FINISHED, id="not_run <= 4"
        ),
        pytest.param(
            make_policy("passed >= 90%"),
            with_nine_in_ten_passing,
            SOME_FINISHED,
            id="passed >= 90%",
        ),
    ],
)
def test_every_finished_run_ends_as_the_tables_say(
    policy: Policy, oracle: Oracle, finished: Sequence[tuple[bool | None, str]]
) -> None:
    wrong = []
    seen = set()
    for (complete, status), *counts in itertools.product(finished, TOTALS, PASSED, FAILED, IGNORED):
        total, passed, failed, ignored = counts
        run = TestRun(
            id=1,
            status=RunStatus(status) if status != "PAUSED" else RunStatus.UNKNOWN,
            status_text=status,
            complete=complete,
            total=total,
            passed=passed,
            failed=failed,
            ignored=ignored,
        )
        expected = oracle(status, total, passed, failed, ignored)
        seen.add(expected)
        if judged(policy, run) != expected:
            wrong.append((complete, status, *counts, expected))

    assert wrong == []
    assert seen == {0, 1, 5}


# The checks, one by one ------------------------------------------------------------------------


def test_a_passing_run_passes_and_every_check_says_so() -> None:
    verdict = evaluate(make_policy(), make_run())

    assert verdict == Verdict(
        exit_code=ExitCode.PASSED,
        reason="30 of 30 tests passed, 0 failed",
        checks=(
            Check(
                name="status",
                state=HOLDS,
                message="Testery calls the run PASS",
                expected_text="PASS, or FAIL by its tests",
                actual_text="PASS",
            ),
            Check(
                name="total >= 1",
                state=HOLDS,
                message="total is 30",
                criterion=parse_criterion("total >= 1"),
                actual=Fraction(30),
                expected_text=">= 1",
                actual_text="30",
            ),
            Check(
                name="executed >= 1",
                state=HOLDS,
                message="executed is 30",
                criterion=parse_criterion("executed >= 1"),
                actual=Fraction(30),
                expected_text=">= 1",
                actual_text="30",
            ),
            Check(
                name="counts",
                state=HOLDS,
                message="the counts add up",
                expected_text="known and consistent",
                actual_text="consistent",
            ),
            Check(
                name="not_run == 0",
                state=HOLDS,
                message="not_run is 0",
                criterion=parse_criterion("not_run == 0"),
                actual=Fraction(0),
                expected_text="== 0",
                actual_text="0",
            ),
            Check(
                name="failed <= 0",
                state=HOLDS,
                message="failed is 0",
                criterion=parse_criterion("failed <= 0"),
                actual=Fraction(0),
                expected_text="<= 0",
                actual_text="0",
            ),
        ),
    )
    assert all(check.deciding for check in verdict.checks)
    assert not verdict.decided_early


def test_the_states_of_a_check_have_the_names_that_reports_use() -> None:
    assert [state.value for state in CheckState] == ["holds", "breached", "inconclusive", "open"]


def test_checks_come_in_order_the_users_after_the_default_ones_and_warnings_last() -> None:
    policy = make_policy(
        "ignored <= 5%",
        "duration <= 10m",
        warn=["failed <= 3", "coverage >= 80%"],
        expect=[("build-key", "23"), ("environment", "dev")],
    )
    verdict = evaluate(policy, make_run())

    assert [(check.name, check.deciding) for check in verdict.checks] == [
        ("status", True),
        ("total >= 1", True),
        ("executed >= 1", True),
        ("counts", True),
        ("not_run == 0", True),
        ("failed <= 0", True),
        ("ignored_rate <= 5%", True),
        ("duration <= 10m", True),
        ("build-key is 23", True),
        ("environment is dev", True),
        ("failed <= 3", False),
        ("coverage >= 80%", False),
    ]


@pytest.mark.parametrize(
    ("changes", "state", "message", "actual"),
    [
        pytest.param({}, HOLDS, "Testery calls the run PASS", "PASS", id="PASS"),
        pytest.param(
            {"status_info": "retried"}, HOLDS, "Testery calls the run PASS", "PASS", id="PASS, info"
        ),
        pytest.param(
            {"failed": 1, "passed": 29}, HOLDS, "Testery calls the run FAIL", "FAIL", id="FAIL"
        ),
        pytest.param(
            {"status": "FAIL"},
            INCONCLUSIVE,
            "the run is FAIL without a failed test",
            "FAIL",
            id="FAIL without failed tests",
        ),
        pytest.param(
            {"status": "FAIL", "status_info": "runner\n lost"},
            INCONCLUSIVE,
            "the run is FAIL without a failed test: runner lost",
            "FAIL",
            id="FAIL without failed tests, with a reason",
        ),
        pytest.param(
            {"status": "CANCELED"}, INCONCLUSIVE, "the run was canceled", "CANCELED", id="CANCELED"
        ),
        pytest.param(
            {"status": "CANCELED", "status_info": "displaced"},
            INCONCLUSIVE,
            "the run was canceled: displaced",
            "CANCELED",
            id="CANCELED with a reason",
        ),
        *(
            pytest.param(
                {"status": status},
                INCONCLUSIVE,
                f"the run has finished, but its status is {status}",
                status,
                id=status,
            )
            for status in ("SUBMITTED", "QUEUED", "RUNNING")
        ),
        pytest.param(
            {"status": "PAUSED"},
            INCONCLUSIVE,
            "the run's status, PAUSED, is unknown to the gate",
            "PAUSED",
            id="an unknown status",
        ),
        pytest.param(
            {"status": ""}, INCONCLUSIVE, "the run has no status", "missing", id="no status"
        ),
    ],
)
def test_the_status_must_be_pass_or_a_fail_that_the_counts_explain(
    changes: dict[str, Any], state: CheckState, message: str, actual: str
) -> None:
    verdict = evaluate(make_policy("failed <= 1"), make_run(**changes))
    check = check_of(verdict, "status")

    assert (check.state, check.message, check.actual_text) == (state, message, actual)
    assert check.expected_text == "PASS, or FAIL by its tests"
    assert verdict.exit_code == (0 if state is HOLDS else 5)


@pytest.mark.parametrize("failed", [None, -1, 0])
def test_a_fail_is_explained_by_a_known_failure_only(failed: int | None) -> None:
    run = replace(make_run(status="FAIL"), failed=failed)

    assert check_of(evaluate(make_policy(), run), "status").state is INCONCLUSIVE


@pytest.mark.parametrize(
    ("total", "state", "message", "actual"),
    [
        (1, HOLDS, "total is 1", "1"),
        (0, INCONCLUSIVE, "no test ran: the run has 0 tests", "0"),
        (
            None,
            INCONCLUSIVE,
            "total >= 1 can't be judged: total is unknown (the API does not report total)",
            "unknown",
        ),
        (
            -1,
            INCONCLUSIVE,
            "total >= 1 can't be judged: total is unknown (the run has total -1)",
            "unknown",
        ),
    ],
)
def test_there_must_be_tests(
    total: int | None, state: CheckState, message: str, actual: str
) -> None:
    run = replace(make_run(total=total or 0), total=total)
    verdict = evaluate(make_policy(), run)
    check = check_of(verdict, "total >= 1")

    assert (check.state, check.message, check.actual_text) == (state, message, actual)
    assert verdict.exit_code == (0 if state is HOLDS else 5)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({"total": None}, "totalCount is missing", id="total missing"),
        pytest.param({"passed": None}, "passCount is missing", id="passed missing"),
        pytest.param({"failed": None}, "failCount is missing", id="failed missing"),
        pytest.param({"ignored": None}, "ignoredCount is missing", id="ignored missing"),
        pytest.param({"total": -1}, "totalCount is -1", id="total below 0"),
        pytest.param({"passed": -2}, "passCount is -2", id="passed below 0"),
        pytest.param({"failed": -3}, "failCount is -3", id="failed below 0"),
        pytest.param({"ignored": -4}, "ignoredCount is -4", id="ignored below 0"),
        pytest.param(
            {"passed": None, "failed": -3}, "passCount is missing, failCount is -3", id="two"
        ),
        pytest.param({"total": 29}, "30 tests are counted, but the run has 29", id="too many"),
        pytest.param({"ignored": 1}, "31 tests are counted, but the run has 30", id="ignored too"),
    ],
)
def test_counts_must_be_known_and_consistent(changes: dict[str, Any], wrong: str) -> None:
    verdict = evaluate(make_policy(), replace(make_run(), **changes))
    check = check_of(verdict, "counts")

    assert without_advice(check) == Check(
        name="counts",
        state=INCONCLUSIVE,
        message=f"the counts are inconsistent: {wrong}",
        expected_text="known and consistent",
        actual_text=wrong,
    )
    assert verdict.exit_code == 5


@pytest.mark.parametrize("field", ["total", "passed", "failed", "ignored"])
@pytest.mark.parametrize("policy", [make_policy("failed <= 9", "not_run <= 9"), make_policy()])
def test_no_count_may_be_missing_or_negative_whatever_is_tolerated(
    field: str, policy: Policy
) -> None:
    for count in (None, -1):
        changes: dict[str, Any] = {field: count}
        assert judged(policy, replace(make_run(), **changes)) == 5


@pytest.mark.parametrize(
    ("required", "not_run", "code"),
    [
        pytest.param((), 0, 0, id="all ran"),
        pytest.param((), 1, 5, id="one did not"),
        pytest.param(("not_run <= 1",), 1, 0, id="one may be left"),
        pytest.param(("not_run <= 1",), 2, 1, id="one may be left, two are"),
        pytest.param(("not_run == 0",), 1, 1, id="the user's own criterion decides"),
        pytest.param(("not_run >= 0",), 29, 0, id="any may be left"),
        pytest.param(("not_run >= 0",), 30, 5, id="any may be left, but one has to run"),
        pytest.param(("executed >= 1",), 1, 5, id="another metric replaces nothing"),
        pytest.param(("total >= 1", "failed <= 5"), 1, 5, id="nor do others"),
    ],
)
def test_tests_that_never_ran_are_no_evidence_unless_the_user_allows_them(
    required: Sequence[str], not_run: int, code: int
) -> None:
    verdict = evaluate(make_policy(*required), make_run(not_run=not_run))

    assert verdict.exit_code == code
    names = [check.name for check in verdict.checks]
    replaced = any("not_run" in text for text in required)
    assert names.count("not_run == 0") == (0 if replaced and "not_run == 0" not in required else 1)


def test_the_tests_that_never_ran_are_counted_and_the_way_to_allow_them_named() -> None:
    check = check_of(evaluate(make_policy(), make_run(not_run=10)), "not_run == 0")

    assert check.state is INCONCLUSIVE
    assert check.actual == 10
    assert check.message == check.case == "10 of 30 tests never ran"
    assert "If they are not needed: --require 'not_run <= 10'" in check.advice


def test_a_warning_on_not_run_replaces_nothing() -> None:
    assert judged(make_policy(warn=["not_run <= 5"]), make_run(not_run=1)) == 5


def test_more_tests_counted_than_there_are_is_no_failure_even_with_a_criterion_on_not_run() -> None:
    verdict = evaluate(make_policy("not_run == 0"), replace(make_run(), total=29))

    assert verdict.exit_code == 5
    assert check_of(verdict, "not_run == 0").message == (
        "not_run == 0 can't be judged: not_run is unknown"
        " (the run has total 29, passed 30, failed 0, ignored 0)"
    )


@pytest.mark.parametrize(
    ("required", "code"),
    [
        pytest.param((), 1, id="default"),
        pytest.param(("failed <= 2",), 0, id="failed"),
        pytest.param(("failed <= 1",), 1, id="failed, breached"),
        pytest.param(("passed >= 28",), 0, id="passed"),
        pytest.param(("passed >= 29",), 1, id="passed, breached"),
        pytest.param(("fail_rate <= 10%",), 0, id="fail_rate"),
        pytest.param(("fail_rate <= 5%",), 1, id="fail_rate, breached"),
        pytest.param(("pass_rate >= 90%",), 0, id="pass_rate"),
        pytest.param(("pass_rate >= 95%",), 1, id="pass_rate, breached"),
        pytest.param(("failed <= 10%",), 0, id="failed in percent"),
        pytest.param(("passed >= 90%",), 0, id="passed in percent"),
        pytest.param(("total >= 30",), 1, id="total replaces nothing"),
        pytest.param(("executed >= 30",), 1, id="nor does executed"),
        pytest.param(("ignored <= 0",), 1, id="nor ignored"),
        pytest.param(("ignored <= 0%",), 1, id="nor ignored_rate"),
        pytest.param(("not_run <= 5",), 1, id="nor not_run"),
        pytest.param(("duration <= 10m",), 1, id="nor a time"),
        pytest.param(("failed <= 2", "passed >= 29"), 1, id="every criterion must hold"),
    ],
)
def test_no_test_may_fail_unless_the_user_says_how_many(required: Sequence[str], code: int) -> None:
    assert judged(make_policy(*required), make_run(failed=2)) == code


@pytest.mark.parametrize(
    "warning", ["failed <= 2", "passed >= 1", "fail_rate <= 10%", "pass_rate >= 90%"]
)
def test_a_warning_never_replaces_the_default(warning: str) -> None:
    verdict = evaluate(make_policy(warn=[warning]), make_run(failed=2))

    assert verdict.exit_code == 1
    assert check_of(verdict, warning).state is HOLDS


@pytest.mark.parametrize(
    ("run", "message"),
    [
        pytest.param(make_run(failed=2), "2 of 30 tests failed", id="FAIL"),
        pytest.param(
            with_unknown(make_run(failed=2), "total"), "2 of unknown tests failed", id="no total"
        ),
        pytest.param(
            make_run(failed=2, status="PASS"),
            "2 of 30 tests failed, though Testery calls the run PASS: they are quarantined or"
            " passed on a retry (--trust-status accepts that)",
            id="PASS",
        ),
    ],
)
def test_the_message_of_a_failure_says_how_many_and_names_the_way_to_trust_the_status(
    run: TestRun, message: str
) -> None:
    verdict = evaluate(make_policy(), run)

    assert verdict.exit_code == 1
    assert check_of(verdict, "failed <= 0").message == message


@pytest.mark.parametrize(
    ("policy", "status", "failed", "code"),
    [
        pytest.param(make_policy(trust_status=True), "PASS", 2, 0, id="PASS is trusted"),
        pytest.param(make_policy(trust_status=True), "PASS", 0, 0, id="PASS without failures"),
        pytest.param(make_policy(trust_status=True), "FAIL", 2, 1, id="FAIL is not excused"),
        pytest.param(make_policy(trust_status=True), "CANCELED", 2, 1, id="nor is CANCELED"),
        pytest.param(make_policy(trust_status=True), "CANCELED", 0, 5, id="CANCELED is no PASS"),
        pytest.param(make_policy(trust_status=True), "PAUSED", 0, 5, id="nor is the unknown"),
        pytest.param(make_policy(), "PASS", 2, 1, id="PASS is not trusted unasked"),
        pytest.param(
            make_policy("failed <= 1", trust_status=True), "PASS", 2, 1, id="a criterion stays"
        ),
        pytest.param(
            make_policy("failed <= 1", trust_status=True), "PASS", 1, 0, id="a criterion that holds"
        ),
    ],
)
def test_trust_status_drops_the_default_check_of_a_run_that_is_pass(
    policy: Policy, status: str, failed: int, code: int
) -> None:
    assert judged(policy, make_run(failed=failed, status=status)) == code


def test_a_policy_trusts_nothing_unless_told_to() -> None:
    assert Policy() == make_policy()
    assert judged(Policy(), make_run(failed=2, status="PASS")) == 1


def test_trust_in_the_status_excuses_no_missing_evidence() -> None:
    policy = make_policy(trust_status=True)

    assert judged(policy, make_run(total=0)) == 5
    assert judged(policy, make_run(not_run=1)) == 5
    assert judged(policy, with_unknown(make_run(), "failed")) == 5


def test_the_dropped_check_is_not_among_the_checks() -> None:
    verdict = evaluate(make_policy(trust_status=True), make_run(failed=2, status="PASS"))

    assert "failed <= 0" not in [check.name for check in verdict.checks]
    assert verdict.reason == "28 of 30 tests passed, 2 failed"


@pytest.mark.parametrize(
    ("policy", "names"),
    [
        pytest.param(make_policy(), ["not_run == 0", "failed <= 0"], id="all"),
        pytest.param(make_policy("passed >= 1"), ["not_run == 0"], id="failures are judged"),
        pytest.param(make_policy("not_run <= 1"), ["failed <= 0"], id="what never ran is judged"),
        pytest.param(make_policy("not_run <= 1", "failed <= 1"), [], id="both are judged"),
        pytest.param(
            make_policy(trust_status=True),
            ["not_run == 0", "failed <= 0, unless the status is PASS"],
            id="the status is trusted",
        ),
        pytest.param(
            Policy(max_age=timedelta(hours=24)),
            ["not_run == 0", "failed <= 0", "finished within the last 24h"],
            id="the age is judged",
        ),
    ],
)
def test_the_checks_that_nobody_asked_for_can_be_named_beforehand(
    policy: Policy, names: Sequence[str]
) -> None:
    assert list(default_checks(policy)) == [
        "status is PASS, or FAIL by its tests",
        "total >= 1",
        "executed >= 1",
        "counts are known and consistent",
        *names,
    ]


# What the user asks for ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criterion", "state", "message", "expected", "actual"),
    [
        ("passed >= 28", HOLDS, "passed is 28", ">= 28", "28"),
        (
            "passed >= 29",
            BREACHED,
            "passed is 28, required is passed >= 29",
            ">= 29",
            "28",
        ),
        ("passed >= 93.33%", HOLDS, "pass_rate is 93.333%", ">= 93.33%", "93.333%"),
        (
            "passed >= 93.34%",
            BREACHED,
            "pass_rate is 93.33%, required is pass_rate >= 93.34%",
            ">= 93.34%",
            "93.33%",
        ),
        (
            "duration <= 5m",
            BREACHED,
            "duration is 6m26s, required is duration <= 5m",
            "<= 5m",
            "6m26s",
        ),
        (
            "coverage >= 80%",
            INCONCLUSIVE,
            "coverage >= 80% can't be judged: coverage is unknown"
            " (the API does not report coverage)",
            ">= 80%",
            "unknown",
        ),
    ],
)
def test_a_criterion_says_what_was_expected_and_what_was_found(
    criterion: str, state: CheckState, message: str, expected: str, actual: str
) -> None:
    policy = make_policy("failed <= 9", criterion)
    verdict = evaluate(policy, make_run(failed=2))
    check = verdict.checks[-1]

    assert check.name == str(policy.required[-1])
    assert check.criterion == policy.required[-1]
    assert (check.state, check.message) == (state, message)
    assert (check.expected_text, check.actual_text) == (expected, actual)
    assert verdict.exit_code == {HOLDS: 0, BREACHED: 1, INCONCLUSIVE: 5}[state]


@pytest.mark.parametrize(
    ("metric", "source"),
    [
        ("executed >= 1", "the API does not report passed, failed"),
        ("not_run <= 1", "the API does not report passed, failed"),
        ("pass_rate >= 1%", "the API does not report passed, failed"),
        ("fail_rate >= 1%", "the API does not report passed, failed"),
        ("passed >= 1", "the API does not report passed"),
        ("failed >= 1", "the API does not report failed"),
        ("coverage >= 1%", "the run has coverage 100.5"),
        ("duration >= 1s", "the API does not report end time"),
        ("queue_time >= 1s", "the API does not report create time"),
        ("testing_time >= 1s", "the API does not report testing time"),
    ],
)
def test_an_unknown_metric_is_inconclusive_and_names_what_it_is_made_of(
    metric: str, source: str
) -> None:
    run = with_unknown(make_run(), "passed", "failed", "end_time", "create_time", "testing_time")
    verdict = evaluate(make_policy(metric), replace(run, coverage=Fraction(201, 2)))
    check = check_of(verdict, metric)

    assert check.state is INCONCLUSIVE
    assert check.actual is None
    assert check.actual_text == "unknown"
    assert check.message.endswith(f" is unknown ({source})")
    assert verdict.exit_code == 5


@pytest.mark.parametrize(
    ("metric", "source"),
    [
        ("total >= 1", "the API does not report total"),
        ("ignored <= 1", "the run has ignored -1"),
        ("ignored <= 1%", "the API does not report total"),
    ],
)
def test_what_the_other_counts_are_made_of_is_named_too(metric: str, source: str) -> None:
    run = replace(make_run(), total=None, ignored=-1)
    check = evaluate(make_policy(metric), run).checks[-1]

    assert check.message.endswith(f" is unknown ({source})")


@pytest.mark.parametrize(
    "warning",
    [
        pytest.param("passed >= 31", id="breached"),
        pytest.param("coverage >= 80%", id="unknown"),
        pytest.param("passed >= 30", id="holding"),
    ],
)
@pytest.mark.parametrize(
    ("run", "code"),
    [
        pytest.param(make_run(), 0, id="a passing run"),
        pytest.param(make_run(failed=1), 1, id="a failing run"),
        pytest.param(make_run(not_run=1), 5, id="an inconclusive run"),
    ],
)
def test_a_warning_never_decides(warning: str, run: TestRun, code: int) -> None:
    verdict = evaluate(make_policy(warn=[warning]), run)

    assert verdict.exit_code == code
    assert verdict.reason == evaluate(make_policy(), run).reason
    assert not check_of(verdict, warning).deciding


def test_a_breached_warning_is_reported_as_breached() -> None:
    check = check_of(evaluate(make_policy(warn=["passed >= 31"]), make_run()), "passed >= 31")

    assert check.state is BREACHED
    assert check.actual == 30


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ("git-ref", "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2", "main"),
        ("build-key", "23", "24"),
        ("environment", "dev", "Dev"),
        ("project-id", "123", "12"),
        ("name", "nightly", "night"),
    ],
)
def test_the_run_must_be_about_the_expected_build(field: str, right: str, wrong: str) -> None:
    same = evaluate(make_policy(expect=[(field, right)]), make_run())
    other = evaluate(make_policy(expect=[(field, wrong)]), make_run())

    assert same.exit_code == 0
    assert check_of(same, f"{field} is {right}") == Check(
        name=f"{field} is {right}",
        state=HOLDS,
        message=f"{field} is {right}",
        expected_text=right,
        actual_text=right,
    )
    assert other.exit_code == 5
    assert without_advice(check_of(other, f"{field} is {wrong}")) == Check(
        name=f"{field} is {wrong}",
        state=INCONCLUSIVE,
        message=f"{field} is {right}, expected is {wrong}: the run is about something else",
        expected_text=wrong,
        actual_text=right,
    )


@pytest.mark.parametrize(
    ("field", "attribute"),
    [
        ("git-ref", "git_ref"),
        ("build-key", "build_key"),
        ("environment", "environment"),
        ("project-id", "project_id"),
        ("name", "name"),
    ],
)
@pytest.mark.parametrize("value", ["", "unknown", "None"])
def test_what_is_unknown_is_not_as_expected(field: str, attribute: str, value: str) -> None:
    run = with_unknown(make_run(), attribute)
    verdict = evaluate(make_policy(expect=[(field, value)]), run)

    assert verdict.exit_code == 5
    assert verdict.checks[-1].actual_text == "unknown"


def test_every_field_that_can_be_expected_is_tested_here() -> None:
    assert [field.value for field in EXPECTABLE] == [
        "git-ref",
        "build-key",
        "environment",
        "project-id",
        "name",
    ]


SHA = "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(SHA, SHA, True, id="equal"),
        pytest.param("main", "main", True, id="equal branches"),
        pytest.param("v1", "v1", True, id="equal and short"),
        pytest.param(SHA[:7], SHA, True, id="seven digits"),
        pytest.param(SHA[:39], SHA, True, id="all digits but one"),
        pytest.param(SHA[:6], SHA, False, id="six digits are too few"),
        pytest.param(SHA[:7].upper(), SHA, True, id="capitals"),
        pytest.param(SHA.upper(), SHA, True, id="all capitals"),
        pytest.param("abcd4e8", "abcd4e9", False, id="another commit"),
        pytest.param(SHA[:10] + "0", SHA, False, id="another commit with the same start"),
        pytest.param(SHA[-10:], SHA, False, id="the end of a commit"),
        pytest.param("release", "release-2", False, id="branches don't abbreviate"),
        pytest.param("abcd4e8-fix", "abcd4e8", False, id="nor a branch beginning with a commit"),
        pytest.param("Main-branch", "main-branch", False, id="branches keep their case"),
        pytest.param("refs/heads/main", "main", False, id="nor is a full name its end"),
        pytest.param("", SHA, False, id="nothing"),
        pytest.param(SHA + "\n", SHA, False, id="a newline"),
        pytest.param("a" * 64, "a" * 40, True, id="SHA-256"),
        pytest.param("a" * 65, "a" * 40, False, id="longer than any commit"),
    ],
)
def test_git_refs_match_by_the_start_of_a_commit_either_way_round(
    one: str, other: str, same: bool
) -> None:
    assert same_git_ref(one, other) is same
    assert same_git_ref(other, one) is same


@pytest.mark.parametrize(("in_run", "wanted"), [(SHA[:7], SHA), (SHA, SHA[:7])])
def test_an_abbreviated_commit_is_as_expected(in_run: str, wanted: str) -> None:
    assert judged(make_policy(expect=[("git-ref", wanted)]), make_run(git_ref=in_run)) == 0


def test_only_git_refs_are_abbreviated() -> None:
    assert judged(make_policy(expect=[("build-key", SHA[:7])]), make_run(build_key=SHA)) == 5


END = datetime(2020, 5, 4, 23, 22, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("end_time", "ago", "state", "message", "actual"),
    [
        pytest.param(
            END,
            timedelta(hours=1),
            HOLDS,
            "the run finished at 2020-05-04 23:22:59 UTC",
            "2020-05-04 23:22:59 UTC",
            id="just in time",
        ),
        pytest.param(
            END,
            timedelta(hours=1, seconds=1),
            INCONCLUSIVE,
            "the run finished at 2020-05-04 23:22:59 UTC, which is not after"
            " 2020-05-04 23:23:00 UTC: the run is too old",
            "2020-05-04 23:22:59 UTC",
            id="too long ago",
        ),
        pytest.param(
            None,
            timedelta(hours=1),
            INCONCLUSIVE,
            "the run finished at an unknown time, which is not after"
            " 2020-05-04 23:22:59 UTC: the run is too old",
            "an unknown time",
            id="nobody knows when",
        ),
        pytest.param(
            END,
            timedelta(minutes=-5),
            HOLDS,
            "the run finished at 2020-05-04 23:22:59 UTC",
            "2020-05-04 23:22:59 UTC",
            id="clocks differ a little",
        ),
        pytest.param(
            END,
            timedelta(minutes=-5, seconds=-1),
            INCONCLUSIVE,
            "the run finished at 2020-05-04 23:22:59 UTC, but it is only 2020-05-04 23:17:58 UTC:"
            " the API's clock or this machine's is wrong",
            "2020-05-04 23:22:59 UTC",
            id="in the future",
        ),
    ],
)
def test_a_run_must_be_as_young_as_the_user_asks_for(
    end_time: datetime | None, ago: timedelta, state: CheckState, message: str, actual: str
) -> None:
    max_age, now = timedelta(hours=1), END + ago
    verdict = evaluate(Policy(max_age=max_age), make_run(end_time=end_time), now)

    assert without_advice(check_of(verdict, "age")) == Check(
        name="age",
        state=state,
        message=message,
        expected_text=f"finished after {now - max_age:%Y-%m-%d %H:%M:%S} UTC",
        actual_text=actual,
    )
    assert verdict.exit_code == (0 if state is HOLDS else 5)


def test_a_run_of_any_age_will_do_unless_the_user_says_otherwise() -> None:
    verdict = evaluate(Policy(), make_run(end_time=None))

    assert verdict.exit_code == 0
    assert "age" not in [check.name for check in verdict.checks]


def test_an_old_run_that_failed_has_failed() -> None:
    assert judged(Policy(max_age=timedelta(seconds=1)), make_run(failed=1)) == 1


@pytest.mark.parametrize(
    ("policy", "run", "code", "message"),
    [
        pytest.param(
            make_policy(),
            make_run(total=30, ignored=30),
            5,
            "no test was executed: 30 of 30 tests were ignored",
            id="all ignored",
        ),
        pytest.param(
            make_policy("executed >= 0"), make_run(total=30, ignored=30), 0, None, id="allowed"
        ),
        pytest.param(
            make_policy(trust_status=True),
            make_run(total=30, ignored=30),
            5,
            "no test was executed: 30 of 30 tests were ignored",
            id="the status is no evidence",
        ),
        pytest.param(
            make_policy("executed >= 10"), make_run(total=9), 1, None, id="the user's own decides"
        ),
        pytest.param(
            make_policy(), make_run(total=30, not_run=30), 5, "no test was executed", id="none ran"
        ),
    ],
)
def test_a_run_of_which_nothing_was_executed_is_no_evidence(
    policy: Policy, run: TestRun, code: int, message: str | None
) -> None:
    verdict = evaluate(policy, run)
    assert verdict.exit_code == code
    found = [check.message for check in verdict.checks if check.name == "executed >= 1"]
    assert found == ([] if message is None else [message])


# Which outcome wins, and what it says ----------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "run", "code", "reason"),
    [
        pytest.param(
            make_policy(),
            make_run(failed=2, not_run=3),
            1,
            "2 of 30 tests failed",
            id="tests failed and tests never ran",
        ),
        pytest.param(
            make_policy(),
            make_run(failed=2, status="CANCELED"),
            1,
            "2 of 30 tests failed",
            id="tests failed before the run was canceled",
        ),
        pytest.param(
            make_policy("coverage >= 80%"),
            make_run(failed=2),
            1,
            "2 of 30 tests failed",
            id="tests failed and coverage is unknown",
        ),
        pytest.param(
            make_policy(expect=[("name", "hourly")]),
            make_run(failed=2),
            1,
            "2 of 30 tests failed",
            id="tests failed in another build",
        ),
        pytest.param(
            make_policy("total >= 31"),
            make_run(failed=2),
            1,
            "2 of 30 tests failed (and 1 more check)",
            id="two criteria are breached",
        ),
        pytest.param(
            make_policy("total >= 31", "executed >= 31", warn=["passed >= 31"]),
            make_run(failed=2),
            1,
            "2 of 30 tests failed (and 2 more checks)",
            id="three criteria are breached and a warning",
        ),
        pytest.param(
            make_policy(),
            make_run(status="CANCELED"),
            5,
            "the run was canceled",
            id="one thing is missing",
        ),
        pytest.param(
            make_policy(),
            make_run(status="CANCELED", not_run=10),
            5,
            "the run was canceled (and 1 more check)",
            id="two things are missing",
        ),
        pytest.param(
            make_policy("failed <= 5%"),
            make_run(total=100, failed=5, ignored=1, not_run=0),
            1,
            "fail_rate is 5.05%, required is fail_rate <= 5%",
            id="the rate is of what was executed",
        ),
        pytest.param(
            make_policy("failed <= 5"),
            make_run(failed=2),
            0,
            "28 of 30 tests passed, 2 failed",
            id="passed with failures that are allowed",
        ),
        pytest.param(
            make_policy(),
            make_run(ignored=3),
            0,
            "27 of 30 tests passed, 0 failed, 3 ignored",
            id="passed with tests ignored",
        ),
    ],
)
def test_failed_beats_inconclusive_and_the_reason_is_the_first_that_counts(
    policy: Policy, run: TestRun, code: int, reason: str
) -> None:
    verdict = evaluate(policy, run)

    assert (verdict.exit_code, verdict.reason) == (code, reason)


# Deciding early --------------------------------------------------------------------------------


TO_ALLOW_TWO = (
    "Open the failing tests and fix what they show. --only-new would let pass what failed before"
    " too, --max-failed 2 so many of any kind."
)


def test_a_lost_run_is_judged_before_it_has_finished() -> None:
    run = make_run(total=30, failed=2, ignored=1, not_run=20, status="RUNNING", complete=False)
    verdict = decide_early(make_policy("coverage >= 80%"), run, total_known=True)

    assert verdict == Verdict(
        exit_code=ExitCode.FAILED,
        reason="failed <= 0 can no longer hold: failed is 2 so far",
        case="2 of 30 tests failed",
        advice=TO_ALLOW_TWO,
        checks=(
            Check(
                name="failed <= 0",
                state=BREACHED,
                message="failed <= 0 can no longer hold: failed is 2 so far",
                case="2 of 30 tests failed",
                advice=TO_ALLOW_TWO,
                criterion=parse_criterion("failed <= 0"),
                actual=Fraction(2),
                expected_text="<= 0",
                actual_text="2",
            ),
            Check(
                name="coverage >= 80%",
                state=OPEN,
                message="not decided: coverage is unknown so far",
                criterion=parse_criterion("coverage >= 80%"),
                actual=None,
                expected_text=">= 80%",
                actual_text="unknown",
            ),
        ),
        notes=("decided early, with 20 of 30 tests still open",),
        decided_early=True,
        open_tests=20,
    )


def test_a_criterion_that_holds_so_far_is_not_decided() -> None:
    run = make_run(failed=2, not_run=20, status="RUNNING")
    verdict = decide_early(make_policy("failed <= 1", "ignored <= 3"), run, total_known=True)

    assert verdict is not None
    assert [(check.name, check.state, check.message) for check in verdict.checks] == [
        ("failed <= 1", BREACHED, "failed <= 1 can no longer hold: failed is 2 so far"),
        ("ignored <= 3", OPEN, "not decided: ignored is 0 so far"),
    ]


def test_the_reason_is_the_first_criterion_that_is_lost() -> None:
    run = make_run(failed=5, not_run=10, status="RUNNING")
    policy = make_policy("ignored <= 3", "passed >= 26", "failed <= 4")
    verdict = decide_early(policy, run, total_known=True)

    assert verdict is not None
    assert verdict.reason == "passed >= 26 can no longer hold: passed is 15 so far"
    assert [check.state for check in verdict.checks] == [OPEN, BREACHED, BREACHED]


def test_a_criterion_that_holds_so_far_can_be_lost() -> None:
    # All 30 tests are reported, so one of the two is bound to be breached in the end.
    run = make_run(total=30, failed=2, not_run=0, status="RUNNING")
    verdict = decide_early(make_policy("failed >= 0", "total != 30"), run, total_known=True)

    assert verdict is not None
    assert verdict.reason == "total != 30 can no longer hold: total is 30 so far"


@pytest.mark.parametrize(
    ("run", "total_known", "note", "open_tests"),
    [
        pytest.param(
            make_run(failed=1, not_run=29),
            True,
            "decided early, with 29 of 30 tests still open",
            29,
            id="known",
        ),
        pytest.param(
            make_run(failed=1),
            True,
            "decided early, with 0 of 30 tests still open",
            0,
            id="none",
        ),
        pytest.param(
            make_run(failed=1, not_run=29),
            False,
            "decided early, with an unknown number of tests still open",
            None,
            id="the total is not stable yet",
        ),
        pytest.param(
            with_unknown(make_run(failed=1), "passed"),
            True,
            "decided early, with an unknown number of tests still open",
            None,
            id="a count is unknown",
        ),
        pytest.param(
            with_unknown(make_run(failed=1), "total"),
            False,
            "decided early, with an unknown number of tests still open",
            None,
            id="the total is unknown",
        ),
    ],
)
def test_an_early_verdict_says_how_many_tests_were_open(
    run: TestRun, total_known: bool, note: str, open_tests: int | None
) -> None:
    verdict = decide_early(make_policy(), run, total_known=total_known)

    assert verdict is not None
    assert verdict.exit_code == 1
    assert verdict.decided_early
    assert (verdict.notes, verdict.open_tests) == ((note,), open_tests)


@pytest.mark.parametrize(
    ("policy", "early"),
    [
        pytest.param(make_policy(), True, id="default"),
        pytest.param(make_policy(trust_status=True), False, id="the status may yet be PASS"),
        pytest.param(make_policy("failed <= 2"), False, id="within what is allowed"),
        pytest.param(make_policy("failed <= 1"), True, id="beyond what is allowed"),
        pytest.param(
            make_policy("failed <= 1", trust_status=True), True, id="trust spares no criterion"
        ),
        pytest.param(make_policy("passed >= 28"), False, id="the rest may all pass"),
        pytest.param(make_policy("passed >= 29"), True, id="too few can pass"),
        pytest.param(make_policy("pass_rate >= 93%"), False, id="the rate can come up to it"),
        pytest.param(make_policy("pass_rate >= 94%"), True, id="the rate can not"),
        pytest.param(make_policy("ignored <= 0"), True, id="the default stays beside others"),
        pytest.param(
            make_policy("failed <= 2", warn=["failed <= 1"]), False, id="a warning decides nothing"
        ),
        pytest.param(
            make_policy("failed <= 2", expect=[("name", "hourly")]),
            False,
            id="nor does another build",
        ),
    ],
)
def test_a_run_is_judged_early_where_a_deciding_criterion_is_lost(
    policy: Policy, early: bool
) -> None:
    run = make_run(failed=2, not_run=20, status="RUNNING", complete=False)

    assert (decide_early(policy, run, total_known=True) is not None) is early


# Laws ------------------------------------------------------------------------------------------

counts = st.none() | st.integers(-1, 40)
instants = st.none() | st.datetimes(
    datetime(2020, 1, 1), datetime(2020, 1, 2), timezones=st.just(UTC)
)


@st.composite
def any_runs(draw: st.DrawFn) -> TestRun:
    """Draw a run of which anything may be wrong."""
    status = draw(st.sampled_from([*(status.value for status in RunStatus), "PAUSED"]))
    return replace(
        make_run(status=status),
        complete=draw(st.none() | st.booleans()),
        total=draw(counts),
        passed=draw(counts),
        failed=draw(counts),
        ignored=draw(counts),
        coverage=draw(st.none() | st.fractions(-1, 101)),
        testing_time=draw(st.none() | st.timedeltas(timedelta(-1), timedelta(1))),
        create_time=draw(instants),
        start_time=draw(instants),
        end_time=draw(instants),
    )


@st.composite
def consistent_runs(draw: st.DrawFn) -> TestRun:
    """Draw a run with at least one passed test, whose status agrees with its counts."""
    passed, failed = draw(st.integers(1, 6)), draw(st.integers(0, 4))
    ignored, not_run = draw(st.integers(0, 2)), draw(st.integers(0, 1))
    total = passed + failed + ignored + not_run
    status = draw(st.sampled_from(["PASS", "FAIL" if failed else "PASS"]))
    return make_run(total=total, failed=failed, ignored=ignored, not_run=not_run, status=status)


def criteria(*texts: str, values: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.builds("{} {}".format, st.sampled_from(texts), st.sampled_from(values)))


NUMBERS = [str(number) for number in range(7)]
PERCENTAGES = ["0%", "10%", "25%", "50%", "75%", "90%", "100%"]
SYMBOLS = ["<=", ">=", "<", ">", "==", "!="]
# What a failed test can only bring nearer to a breach.
bounds = st.tuples(
    criteria("failed <=", "failed <", "passed >=", "passed >", values=NUMBERS),
    criteria(*("failed <=", "fail_rate <", "passed >=", "pass_rate >"), values=PERCENTAGES),
).map(lambda lists: [*lists[0], *lists[1]])
# What only depends on how many tests there are.
neutral = criteria(
    *(f"{m} {s}" for m in ("total", "executed", "ignored", "not_run") for s in SYMBOLS),
    values=NUMBERS,
)
warnings = st.lists(criterion_texts(), max_size=3)
expectations = st.lists(
    st.sampled_from([("environment", "dev"), ("environment", "prod"), ("build-key", "23")]),
    max_size=2,
)


@given(any_runs(), st.integers(1, 40), warnings, expectations)
def test_by_default_a_run_with_a_failed_test_never_passes(
    run: TestRun, failed: int, warned: list[str], expected: list[tuple[str, str]]
) -> None:
    policy = make_policy(warn=warned, expect=expected)

    assert judged(policy, replace(run, failed=failed)) == 1


@given(
    any_runs() | consistent_runs(),
    st.lists(criterion_texts(), max_size=2) | bounds,
    warnings,
    expectations,
    st.booleans(),
)
def test_a_run_fails_by_a_known_breach_only_and_passes_where_all_holds(
    run: TestRun,
    required: list[str],
    warned: list[str],
    expected: list[tuple[str, str]],
    trust_status: bool,
) -> None:
    policy = make_policy(*required, warn=warned, expect=expected, trust_status=trust_status)
    verdict = evaluate(policy, run)
    deciding = [check for check in verdict.checks if check.deciding]
    breached = [
        check
        for check in deciding
        if check.criterion is not None
        and check.actual is not None
        and check.state is BREACHED
        and not check.criterion.holds(check.actual)
    ]

    assert [check for check in deciding if check.state is BREACHED] == breached
    assert (verdict.exit_code == 1) == bool(breached)
    assert (verdict.exit_code == 0) == all(check.state is HOLDS for check in deciding)
    assert verdict.exit_code in {0, 1, 5}
    assert verdict.reason


@given(consistent_runs(), bounds, neutral, st.booleans(), st.booleans())
def test_a_test_that_fails_instead_of_passing_never_helps(
    run: TestRun, bounded: list[str], others: list[str], trust_status: bool, shown: bool
) -> None:
    """Hold the law to policies that bound failures from above and passes from below.

    Any criterion on a metric that does not tell passed from failed may stand beside them.
    """
    policy = make_policy(*bounded, *others, trust_status=trust_status)
    assert run.passed is not None
    assert run.failed is not None
    worse = replace(run, passed=run.passed - 1, failed=run.failed + 1)
    if shown:
        worse = replace(worse, status=RunStatus.FAIL, status_text="FAIL")

    assert judged(policy, run) == 0 or judged(policy, worse) != 0


@given(consistent_runs(), bounds, st.booleans())
def test_one_more_failed_test_never_helps(run: TestRun, bounded: list[str], shown: bool) -> None:
    """Hold the law to the same bounds, for a run that has executed tests and explains its FAIL.

    What it can't hold for is in :func:`test_where_one_more_failed_test_does_help`.
    """
    policy = make_policy(*bounded)
    assert run.failed is not None
    assert run.total is not None
    worse = replace(run, total=run.total + 1, failed=run.failed + 1)
    if shown:
        worse = replace(worse, status=RunStatus.FAIL, status_text="FAIL")

    assert judged(policy, run) == 0 or judged(policy, worse) != 0


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        pytest.param(
            make_policy("failed <= 1", "total >= 31"),
            make_run(),
            make_run(total=31, failed=1),
            id="a lower bound on total",
        ),
        pytest.param(
            make_policy("failed <= 1", "executed >= 31"),
            make_run(),
            make_run(total=31, failed=1),
            id="a lower bound on executed",
        ),
        pytest.param(
            make_policy("failed <= 1", "ignored <= 6.5%"),
            make_run(ignored=2),
            make_run(total=31, ignored=2, failed=1),
            id="an upper bound on a rate that it dilutes",
        ),
        pytest.param(
            make_policy("failed >= 1"), make_run(), make_run(total=31, failed=1), id="failed >="
        ),
        pytest.param(
            make_policy("failed == 1"), make_run(), make_run(total=31, failed=1), id="failed =="
        ),
        pytest.param(
            make_policy("failed != 0"), make_run(), make_run(total=31, failed=1), id="failed !="
        ),
        pytest.param(
            make_policy("passed < 100%"), make_run(), make_run(total=31, failed=1), id="passed <"
        ),
        pytest.param(
            make_policy("failed <= 1"),
            make_run(status="FAIL"),
            make_run(total=31, failed=1),
            id="a FAIL that no test explained",
        ),
        pytest.param(
            make_policy("failed <= 1"),
            make_run(total=0),
            make_run(total=1, failed=1),
            id="a run without tests",
        ),
        pytest.param(
            make_policy(trust_status=True),
            make_run(total=0),
            make_run(total=1, failed=1, status="PASS"),
            id="a run without tests, trusted",
        ),
        pytest.param(
            make_policy("failed <= 100%"),
            make_run(total=2, ignored=2),
            make_run(total=3, ignored=2, failed=1),
            id="a rate that was unknown",
        ),
        pytest.param(
            make_policy("failed <= 1"),
            make_run(not_run=1),
            make_run(failed=1),
            id="a test that had not run",
        ),
    ],
)
def test_where_one_more_failed_test_does_help(
    policy: Policy, before: TestRun, after: TestRun
) -> None:
    """Show the limits of the law that one more failed test never makes a verdict passing.

    With no criterion of the user's it has none but one: a run of no tests at all that is trusted.
    With a tolerance, the failed test can be the evidence that was missing: that there are tests
    at all, that enough were executed, that a FAIL is about tests. And a user can ask for failures.
    """
    assert judged(policy, before) != 0
    assert judged(policy, after) == 0
