"""Which problems are reported one by one, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given

from testery_gate.ci.issues import LONGEST_LINE, MOST, Severity, errors, gate_errors, warnings
from testery_gate.errors import ExitCode
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence
from testery_gate.evidence.failures import evidence_of
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from testery_gate.judging.judged import Judged
from testery_gate.reports.ending import Ending, overall
from testery_gate.text import clean_text
from tests.builders import judge, make_policy, make_result, make_run, not_judged
from tests.ci.reporting import ENDINGS, any_ending
from tests.reports.examples import ERROR, EXAMPLES


def failing(count: int) -> Ending:
    results = [
        make_result(f"test {n}", "FAIL", error=f"\n\nerror {n}\n  at x") for n in range(count)
    ]
    return overall([judge(make_policy(), make_run(failed=count), results)])


def test_a_failing_check_comes_before_a_failing_test() -> None:
    issues = list(map(str, errors(ENDINGS["failed"])))
    assert issues == [
        "Testery: fail_rate <= 30%: fail_rate is 33.33%, required is fail_rate <= 30%\n"
        "Open the failing tests and fix what they show, or change what is allowed:"
        " fail_rate <= 30%.\nhttps://testery.app/acme/test-runs/55676",
        "Testery: build-key is 24: build-key is 23, expected is 24:"
        " the run is about something else\n"
        "Name the run of this build, or change --expect build-key=24.\nhttps://testery.app/acme/test-runs/55676",
        "signs in (features/calculator.feature): AssertionError: expected 401 to equal 200",
    ]


def test_ten_are_told_and_no_rest_is_counted() -> None:
    issues = errors(failing(9))
    assert len(issues) == MOST
    assert str(issues[-1]) == "test 8 (features/calculator.feature): error 8"


def test_more_than_ten_are_counted_in_the_last_one() -> None:
    issues = errors(failing(30))
    assert len(issues) == MOST
    assert str(issues[-2]) == "test 7 (features/calculator.feature): error 7"
    assert str(issues[-1]) == "Testery: and 22 more; see the log and the reports"
    assert issues[-1].severity is Severity.ERROR


def test_a_test_without_an_error_is_told_all_the_same() -> None:
    run = make_run(failed=1)
    ending = overall([judge(make_policy(), run, [make_result("t", "FAIL", file="", error="")])])
    assert str(errors(ending)[-1]) == "t: Testery calls this test FAIL, and gives no error"


def test_failing_tests_of_a_run_that_passed_are_no_errors() -> None:
    results = [make_result("t", "FAIL")]
    ending = overall([judge(make_policy("failed <= 1"), make_run(failed=1), results)])
    assert ending.exit_code is ExitCode.PASSED
    assert not errors(ending)


def held_against(before: str, count: int = 1, *required: str, **about: Any) -> Judged:
    """A run with failing tests, of which these failed before too; letters are names."""
    results = [make_result(name, "FAIL", error=f"error {name}") for name in "abcdefghijkl"[:count]]
    baseline = EarlierRun(
        run=make_run(id=7),
        outcomes={
            TestId.of(result): TestOutcome.FAILED if result.name in before else TestOutcome.PASSED
            for result in results
        },
    )
    policy = make_policy(*(required or ["new_failed <= 0"]), trust_status="status" in about)
    run = make_run(failed=count, **about)
    evidence = evidence_of(
        run,
        results,
        baseline=Baseline(earlier=baseline),
        history=History(),
        trust_status=policy.trust_status,
    )
    return judge(policy, run, results, evidence)


def annotated(*runs: Judged) -> list[str]:
    return [str(issue) for issue in errors(overall(runs))]


def test_only_new_failures_are_told_and_the_others_are_counted() -> None:
    (_, *tests), last = annotated(*EXAMPLES["evidence"]), errors(overall(EXAMPLES["evidence"]))[-1]
    assert tests == [
        "pays with a card (features/checkout.feature): AssertionError: expected 402 to equal 200",
        "Testery: 1 flaky, 2 known and 1 quarantined failures are not annotated",
    ]
    assert last.severity is Severity.WARNING


def test_one_that_is_known_is_counted_too() -> None:
    assert annotated(held_against("a", 2))[1:] == [
        "b (features/calculator.feature): error b",
        "Testery: 1 known failure is not annotated",
    ]


def test_where_all_failures_are_new_nothing_is_counted() -> None:
    assert annotated(*EXAMPLES["no-baseline"])[1:] == [
        f"signs in (features/calculator.feature): {ERROR}",
        "signs out (features/calculator.feature): Testery calls this test FAIL, and gives no error",
    ]


def test_where_another_criterion_fails_the_run_known_failures_are_only_counted() -> None:
    assert annotated(held_against("abc", 3, "new_failed <= 0", "failed <= 2"))[1:] == [
        "Testery: 3 known failures are not annotated"
    ]


def test_known_failures_of_a_run_that_passed_are_not_even_counted() -> None:
    assert not annotated(held_against("abc", 3))


def test_what_testery_tolerates_is_counted() -> None:
    judged = held_against("", 2, "total >= 31", status="PASS")
    assert annotated(judged)[1:] == ["Testery: 2 tolerated failures are not annotated"]


def test_the_others_of_several_runs_are_counted_in_one_line_beside_ten() -> None:
    issues = annotated(held_against("a", 12, id=1), held_against("ab", 2, "failed <= 1", id=2))
    assert len(issues) == MOST
    assert issues[2] == "b (run 1) (features/calculator.feature): error b"
    assert issues[-2:] == [
        "Testery: and 5 more; see the log and the reports",
        "Testery: 3 known failures are not annotated",
    ]


def test_where_the_tests_say_nothing_each_is_told_as_ever() -> None:
    results = [make_result("a", "FAIL")]
    evidence = Evidence(unknown="they can't be read", results=results)
    judged = judge(make_policy("new_failed <= 0"), make_run(failed=2), results, evidence)
    (_, test) = annotated(judged)
    assert test.startswith("a (features/calculator.feature): ")


def test_tests_that_are_left_out_of_the_reports_are_not_reported() -> None:
    (_,) = annotated(replace(held_against("a", 2), results=None))


def test_what_does_not_decide_is_a_warning() -> None:
    policy = make_policy(warn=["ignored == 0", "coverage >= 80%", "total >= 1"])
    ending = overall([judge(policy, make_run(ignored=1))])
    assert not errors(ending)
    assert [(issue.severity, issue.title) for issue in warnings(ending)] == [
        (Severity.WARNING, "Testery: ignored == 0"),
        (Severity.WARNING, "Testery: coverage >= 80%"),
    ]


def test_with_several_runs_the_worst_comes_first_and_each_says_which_run() -> None:
    missing = not_judged(2, ExitCode.NOT_FOUND, "there is no run 2", advice="Look at the id.")
    failed = judge(make_policy(), make_run(failed=1, id=3), [make_result("t", "FAIL")])
    issues = list(
        map(str, errors(overall([judge(make_policy(), make_run(id=1)), missing, failed])))
    )
    assert issues == [
        "Testery: failed <= 0 (run 3): 1 of 30 tests failed\n"
        "Open the failing tests and fix what they show. --only-new would let pass what failed"
        " before too, --max-failed 1 so many of any kind.",
        "Testery: run exists (run 2): there is no run 2\nLook at the id.",
        "t (run 3) (features/calculator.feature): Testery calls this test FAIL, and gives no error",
    ]


def test_an_ending_that_no_run_has_is_told_first() -> None:
    assert list(map(str, errors(ENDINGS["usage"]))) == [
        "Testery: usage: there is no API token\nSet TESTERY_API_TOKEN."
    ]
    assert list(map(str, errors(ENDINGS["report-lost"]))) == [
        "Testery: report lost: the verdict was passed, but a report could not be written\n"
        "Make its path writable, and let 'testery-gate check' write the reports of the same runs"
        " again."
    ]


@given(any_ending)
def test_issues_are_few_clean_and_short(ending: Ending) -> None:
    issues = (*errors(ending), *warnings(ending))
    severities = Counter(issue.severity for issue in issues)
    assert max(len(errors(ending)), *severities.values(), 0) <= MOST
    for issue in issues:
        assert len(issue.message) < 4096 - 4
        assert max(map(len, issue.message.split("\n"))) <= LONGEST_LINE
        for text in (issue.title, issue.file, issue.message):
            assert text == clean_text(text)
        assert len(issue.title.splitlines()) <= 1
        assert len(issue.file.splitlines()) <= 1


@given(any_ending)
def test_whatever_is_not_passed_has_an_error_and_nothing_else_has(ending: Ending) -> None:
    wrong = ending.exit_code is not ExitCode.PASSED or not ending.runs
    assert bool(list(gate_errors(ending))) is wrong


@given(any_ending)
def test_another_exit_code_than_the_runs_have_is_an_error(ending: Ending) -> None:
    stopped = replace(ending, exit_code=ExitCode.REPORT_LOST)
    assert next(gate_errors(stopped)).title == "Testery: report lost"
