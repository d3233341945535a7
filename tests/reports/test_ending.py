"""All runs together, in the words for other programs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.reports.ending import Ending, facts, overall
from testery_gate.text import clean_text
from tests.builders import judge, make_policy, make_run, not_judged, with_unknown
from tests.reports.examples import EXAMPLES, any_runs_judged

GONE = not_judged(2, ExitCode.NOT_FOUND, "there is no run 2")


def counted(**counts: Any) -> Ending:
    return overall([judge(make_policy(), make_run(**counts))])


def test_one_run_is_told_as_it_is() -> None:
    assert facts(overall(EXAMPLES["passed"])) == {
        "outcome": "passed",
        "exit-code": "0",
        "passed": "3",
        "failed": "0",
        "ignored": "1",
        "total": "4",
        "pass-rate": "100",
        "run-id": "55676",
        "run-url": "https://testery.app/acme/test-runs/55676",
        "reason": "3 of 4 tests passed, 0 failed, 1 ignored",
    }


def test_a_pass_rate_never_reads_as_more_than_it_is() -> None:
    assert facts(counted(total=100_000, failed=1))["pass-rate"] == "99.999"
    assert facts(counted(total=3, failed=1))["pass-rate"].startswith("66.6")
    assert facts(counted(total=3, ignored=3))["pass-rate"] == ""


def test_counts_of_several_runs_are_added() -> None:
    runs = [make_run(total=10, failed=1, ignored=2, id=1), make_run(total=20, failed=3, id=2)]
    values = facts(overall([judge(make_policy(), run) for run in runs]))
    assert [values[name] for name in ("passed", "failed", "ignored", "total")] == [
        *("24", "4", "2", "30")
    ]
    assert Fraction(values["pass-rate"]) - Fraction(2400, 28) < Fraction(1, 100)
    assert values["run-id"] == "1,2"


def test_a_sum_of_something_unknown_is_unknown() -> None:
    runs = [make_run(id=1), with_unknown(make_run(id=2), "ignored")]
    values = facts(overall([judge(make_policy(), run) for run in runs]))
    assert (values["passed"], values["ignored"]) == ("60", "")
    assert facts(overall([judge(make_policy(), runs[0]), GONE]))["passed"] == ""


OF_TESTS = (
    *("new-failed", "known-failed", "flaky-failed", "quarantined-failed"),
    *("fixed", "missing", "added"),
)


def of_tests(*runs: Judged) -> list[str | None]:
    values = facts(overall(runs))
    return [values.get(name) for name in OF_TESTS]


def test_single_tests_are_counted_where_that_was_asked_for() -> None:
    assert of_tests(*EXAMPLES["passed"]) == [None] * 7
    assert of_tests(*EXAMPLES["evidence"]) == ["1", "2", "1", "1", "1", "1", "1"]
    assert of_tests(*EXAMPLES["no-baseline"]) == ["2", "", "0", "0", "", "", ""]
    assert list(facts(overall(EXAMPLES["evidence"])))[6:-3] == ["pass-rate", *OF_TESTS]


def test_their_counts_of_several_runs_are_added() -> None:
    (one,), (other,) = EXAMPLES["evidence"], EXAMPLES["no-baseline"]
    assert of_tests(one, one) == ["2", "4", "2", "2", "2", "2", "2"]
    assert of_tests(one, other) == ["3", "", "1", "1", "", "", ""]
    assert of_tests(one, GONE) == [""] * 7


def test_before_a_run_was_looked_at_only_the_reason_is_known() -> None:
    values = facts(Ending(exit_code=ExitCode.USAGE, reason="there is\nno token"))
    assert {name: value for name, value in values.items() if value} == {
        "outcome": "usage",
        "exit-code": "2",
        "reason": "there is no token",
    }


def test_no_run_that_matches_has_no_id() -> None:
    values = facts(overall([not_judged(None, ExitCode.NOT_FOUND, "no run matches")]))
    assert (values["run-id"], values["outcome"]) == ("", "not_found")


def test_the_reason_is_that_of_the_first_run_that_decides() -> None:
    failed = [judge(make_policy(), make_run(failed=n, id=n)) for n in (3, 4)]
    ending = overall([judge(make_policy(), make_run(id=1)), GONE, *failed])
    assert ending.exit_code is ExitCode.FAILED
    assert ending.reason == "run 3: 3 of 30 tests failed (and 1 more runs failed)"
    assert overall([failed[0]]).reason == "3 of 30 tests failed"


def test_an_exit_code_that_no_run_has_is_its_own_reason() -> None:
    ending = overall(EXAMPLES["passed"], ExitCode.REPORT_LOST, {"json": "x.json"})
    assert ending.reason == ExitCode.REPORT_LOST.meaning
    assert ending.paths == {"json": "x.json"}


@given(any_runs_judged.map(overall))
def test_facts_are_clean_lines(ending: Ending) -> None:
    for value in facts(ending).values():
        assert value == clean_text(value)
        assert value == " ".join(value.split())
