from __future__ import annotations

import pytest

from testery_gate.evidence.outcomes import TestId, outcomes_of, why_cut_off, why_unusable
from tests.builders import make_result, make_run, with_unknown


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        pytest.param(["PASS"], "PASSED", id="passed"),
        pytest.param(["FAIL"], "FAILED", id="failed"),
        pytest.param(["FAIL", "FAIL"], "FAILED", id="failed again"),
        pytest.param(["FAIL", "PASS"], "BOTH", id="passed on a retry"),
        pytest.param(["PASS", "FAIL", "PASS"], "BOTH", id="failed on a retry"),
        pytest.param(["IGNORED"], "OTHER", id="ignored"),
        pytest.param(["NOT_RUN", "FAIL"], "FAILED", id="run late"),
        pytest.param(["FAIL", "NOT_RUN"], "FAILED", id="not run again"),
    ],
)
def test_the_results_of_a_test_make_one_outcome(statuses: list[str], outcome: str) -> None:
    results = [make_result("pays", status) for status in statuses]
    ((test, found),) = outcomes_of(results).items()
    assert (test, found.name) == (TestId("features/calculator.feature", "pays"), outcome)


def test_a_test_is_its_file_and_its_name() -> None:
    results = [make_result("a", file="x"), make_result("a", file="y"), make_result("b", file="x")]
    assert list(outcomes_of(results)) == [("x", "a"), ("y", "a"), ("x", "b")]


@pytest.mark.parametrize(
    ("failed", "why"),
    [
        pytest.param(0, "", id="more than counted"),
        pytest.param(1, "", id="as many"),
        pytest.param(
            2, "the test results of run 55676 show 1 of its 2 failed tests", id="fewer than counted"
        ),
        pytest.param(None, "run 55676 does not say how many of its tests failed", id="not counted"),
    ],
)
def test_results_with_fewer_failures_than_the_run_counts_say_nothing(
    failed: int | None, why: str
) -> None:
    run = make_run(failed=failed or 0)
    run = with_unknown(run, "failed") if failed is None else run
    assert why_unusable(run, [make_result("a", "FAIL"), make_result("b")]) == why


@pytest.mark.parametrize(
    ("total", "why"),
    [
        pytest.param(1, "", id="more than counted, as one was tried again"),
        pytest.param(2, "", id="as many"),
        pytest.param(
            3, "the test results of run 55676 show 2 of its 3 tests", id="fewer than counted"
        ),
        pytest.param(None, "run 55676 does not say how many tests it has", id="not counted"),
    ],
)
def test_results_with_fewer_tests_than_the_run_counts_are_cut_off(
    total: int | None, why: str
) -> None:
    run = make_run(total=total or 0)
    run = with_unknown(run, "total") if total is None else run
    assert why_cut_off(run, [make_result("a", "FAIL"), make_result("b", "IGNORED")]) == why
