"""What the reports say, before any format lays it out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testery_gate.errors import ExitCode
from testery_gate.judging.verdict import CheckState
from testery_gate.reports import markdown, summary, view
from testery_gate.reports.view import Mark
from tests.builders import (
    judge,
    make_policy,
    make_result,
    make_run,
    not_judged,
    with_unknown,
)

GONE = not_judged(2, ExitCode.NOT_FOUND, "there is no run 2")


def test_the_worst_comes_first_and_the_rest_stays_in_order() -> None:
    runs = [judge(make_policy(), make_run(failed=n % 2, id=n)) for n in range(1, 5)]
    assert [judged.run_id for judged in view.worst_first([*runs, GONE])] == [1, 3, 2, 2, 4]
    assert [judged.run_id for judged in view.not_passed([*runs, GONE])] == [1, 3, 2]


@pytest.mark.parametrize(
    ("state", "deciding", "mark", "result"),
    [
        (CheckState.HOLDS, True, Mark.GOOD, "holds"),
        (CheckState.HOLDS, False, Mark.GOOD, "holds"),
        (CheckState.BREACHED, True, Mark.BAD, "breached, fails"),
        (CheckState.BREACHED, False, Mark.NOTICE, "breached, warns"),
        (CheckState.INCONCLUSIVE, True, Mark.UNSURE, "inconclusive"),
        (CheckState.INCONCLUSIVE, False, Mark.NOTICE, "inconclusive, warns"),
        (CheckState.OPEN, True, Mark.NEUTRAL, "open"),
    ],
)
def test_a_check_of_a_failed_run_is_marked(
    state: CheckState, deciding: bool, mark: Mark, result: str
) -> None:
    failed = judge(make_policy(), make_run(failed=1))
    check = replace(failed.verdict.checks[-1], state=state, deciding=deciding)
    assert view.mark_of_check(check) is mark
    assert view.result_of_check(check, failed.exit_code) == result
    assert view.subject(check) == "failed"


def test_a_check_that_leaves_no_verdict_says_so() -> None:
    judged = judge(make_policy(), make_run(status="CANCELED"))
    check = replace(judged.verdict.checks[-1], state=CheckState.INCONCLUSIVE)
    assert view.result_of_check(check, judged.exit_code) == "inconclusive, no verdict"


def test_what_is_unknown_is_no_fact() -> None:
    known = view.facts(with_unknown(make_run(name="", total=3), "start_time", "passed"))
    assert known["tests"] == "? passed, 0 failed, 0 ignored, ? not run, 3 in all"
    assert known["project"] == "123"
    assert not known.keys() & {"name", "pass rate", "started", "queued", "ran", "coverage"}


@pytest.mark.parametrize(
    ("error", "stack_trace", "lines"),
    [
        (None, None, []),
        ("", " \n\n", []),
        ("\n  off by one ", None, ["  off by one"]),
        ("off by one", "off by one\nat a.py:3\n", ["off by one", "at a.py:3"]),
        ("off by one", "at a.py:3", ["off by one", "", "at a.py:3"]),
    ],
)
def test_an_error_is_told_once(
    error: str | None, stack_trace: str | None, lines: list[str]
) -> None:
    result = make_result(status="FAIL", error=error, stack_trace=stack_trace)
    assert list(view.error_lines(result)) == lines
    assert view.first_error_line(result) == ("off by one" if error else "")


def test_how_many_more_there_are() -> None:
    assert [view.more(2, "runs"), view.more(1, "runs"), view.more(2)] == [
        "and 2 more runs",
        "and 1 more",
        "and 2 more",
    ]


def test_remarks_on_runs_that_passed_name_the_runs_and_begin_with_warnings() -> None:
    policy = make_policy(warn=["duration <= 5m"])
    slow = [replace(judge(policy, make_run(id=n)), notes=("a note",)) for n in range(1, 8)]
    failed = judge(policy, make_run(id=8, failed=1))
    remarks = view.remarks_on_passed([judge(make_policy(), make_run(id=9)), failed, *slow])
    assert remarks == {
        "duration is 6m26s, required is duration <= 5m (runs 1, 2, 3, 4, 5, and 2 more)": "warning",
        "a note (runs 1, 2, 3, 4, 5, and 2 more)": "note",
    }
    assert view.remarks_on_passed(slow[:1]) == {
        "duration is 6m26s, required is duration <= 5m (run 1)": "warning",
        "a note (run 1)": "note",
    }


@pytest.mark.parametrize("notes", [1, view.REMARKS, view.REMARKS + 3])
def test_remarks_are_in_the_text_and_in_markdown_as_far_as_they_fit(notes: int) -> None:
    runs = [
        replace(judge(make_policy(), make_run(id=n)), notes=(f"the note {n}",))
        for n in range(1, notes + 2)
    ]
    for text in (
        summary.render(runs, width=80, color=False, unicode=True),
        markdown.render(runs),
    ):
        assert text.count("the note ") == min(notes + 1, view.REMARKS)
        assert ("more remarks" in text) is (notes > view.REMARKS)
