"""What the reports for people say of failing tests that were held against earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence
from testery_gate.evidence.failures import evidence_of
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from testery_gate.judging.judged import Judged
from testery_gate.model import TestRun
from testery_gate.reports import html, markdown, summary, view
from testery_gate.reports.view import Mark
from tests.builders import judge, make_policy, make_result, make_run
from tests.reports.examples import EXAMPLES, Tolerated
from tests.reports.page import Page, words

FILE = "features/calculator.feature"
NO_BASELINE = Baseline(why_none="there is none")
RUN = make_run(total=3, failed=3)


def earlier(run_id: int, outcomes: Mapping[str, str], **fields: Any) -> EarlierRun:
    """Return an earlier run: a letter for the outcome of each test."""
    found = {TestId(FILE, name): TestOutcome(letter) for name, letter in outcomes.items()}
    return EarlierRun(run=make_run(**{"id": run_id, "build_key": None} | fields), outcomes=found)


def held(
    results: str,
    before: Mapping[str, str] | None = None,
    past: Sequence[EarlierRun] = (),
    run: TestRun = RUN,
    **others: Any,
) -> Judged:
    """Return a run whose failing tests have these letters for names, held against others."""
    made = [make_result(name, "FAIL", error=f"error of {name}") for name in results]
    evidence = evidence_of(
        run,
        made,
        baseline=NO_BASELINE if before is None else Baseline(earlier=earlier(7, before)),
        history=History.of(past),
        **others,
    )
    return judge(make_policy(), run, made, evidence)


def text(*runs: Judged, width: int = 200, unicode: bool = True) -> str:
    return summary.render(runs, width=width, color=False, unicode=unicode)


RENDERED: Mapping[str, Callable[..., str]] = {
    "summary": text,
    "markdown": lambda *runs: markdown.render(runs),
    "html": lambda *runs: words(Page.of(*runs).root),
}


@pytest.mark.parametrize("format_", RENDERED)
def test_new_failures_come_first_and_each_is_called_what_it_is(format_: str) -> None:
    (judged,) = EXAMPLES["evidence"]
    report = RENDERED[format_](judged)
    report = report[
        report.lower().index("failing tests: 1 new, 1 flaky, 2 known, 1 quarantined of 30") :
    ]
    labels = ("NEW", "flaky:", "known:", "known:", "quarantined:")
    at = 0
    for label, failure in zip(labels, judged.evidence.failures, strict=True):  # type: ignore[union-attr]
        at = report.index(label, at + 1)
        name = report.index(failure.result.name, at)
        assert name - at < 20
        strip = view.strip(failure.strip)
        assert report.index(failure.result.error or "", name) > report.index(strip, name) > name


def test_in_the_first_view_of_a_page_is_the_name_of_what_is_new() -> None:
    page = Page.of(*EXAMPLES["evidence"])
    summary = "NEW pays with a card features/checkout.feature · 1.25s"
    assert words(page.all("summary")[0]).startswith(summary)
    assert words(page.all("h1")[0]).startswith("FAILED: 1 new failure, 1 flaky, 2 known")
    assert [found.get("open") for found in page.all("details")][:2] == ["", None]


def test_beside_a_failure_stands_why_it_is_of_its_class() -> None:
    past = [earlier(5, {"a": "P", "b": "F"}), earlier(6, {"a": "P"}), earlier(8, {"c": "F"})]
    tests = view.failing_tests(held("abc", {"a": "P", "b": "F", "c": "O"}, past))
    assert [
        (test.label, test.mark, test.result.name, view.strip(test.outcomes), test.details)
        for test in tests
    ] == [
        ("NEW", Mark.BAD, "a", "✓✓·✗", "since this run; it passed in run 7"),
        (
            *("NEW", Mark.BAD, "c", "··✗✗"),
            "since run 8, 2020-05-04, abcd4e8; it was not executed in run 7",
        ),
        ("known", Mark.NOTICE, "b", "✗··✗", "for at least 2 runs; it failed in run 7 too"),
    ]


@pytest.mark.parametrize(
    ("fields", "since"),
    [
        pytest.param({"git_ref": "main"}, "since run 6, 2026-11-20, main", id="a branch"),
        pytest.param({"git_ref": "a" * 64}, "since run 6, 2026-11-20, aaaaaaa", id="a commit"),
        pytest.param({"git_ref": None}, "since run 6, 2026-11-20", id="no git ref"),
        pytest.param(
            {"git_ref": "x\x1b[2J\ny " * 40},
            f"since run 6, 2026-11-20, {'x y ' * 14}x y…",
            id="anything",
        ),
        pytest.param({"create_time": None}, "since run 6, abcd4e8", id="no time"),
    ],
)
def test_since_when_it_fails_is_said_as_far_as_it_is_known(
    fields: dict[str, Any], since: str
) -> None:
    time = {"create_time": datetime(2026, 11, 20, 10, tzinfo=UTC)}
    past = [earlier(5, {"a": "P"}, git_ref="b"), earlier(6, {"a": "F"}, **(time | fields))]
    (test,) = view.failing_tests(held("a", past=past))
    assert test.details == since


def test_a_strip_shows_the_last_of_many_runs_and_each_outcome_has_its_sign() -> None:
    past = [earlier(number, {"a": "P"}) for number in range(30, 50)]
    past += [earlier(50, {"a": "B"}), earlier(51, {"a": "O"}), earlier(52, {})]
    judged = held("a", {"a": "P"}, past)
    (test,) = view.failing_tests(judged)
    assert view.strip(test.outcomes) == f"{'✓' * 16}±-·✗"
    assert view.strip(test.outcomes, unicode=False) == f"{'P' * 16}B-.F"
    assert view.strip_in_words(test.outcomes).endswith(
        "passed, both, not executed, not there, failed"
    )
    signs = "✓ passed, ✗ failed, ± both, - not executed, · not there"
    assert view.comparison(judged)["history"] == (
        f"23 earlier runs, then this one; a strip ends with the last 20: {signs}"
    )
    assert "PPPPB-.F since this run" in text(judged, unicode=False)


def test_what_they_were_compared_with_is_said_once() -> None:
    judged = held("ab", {"a": "F", "b": "P", "c": "P"})
    for report in (text(judged), markdown.render([judged])):
        assert report.count("(abcd4e8") + report.count("(`abcd4e8") == 1
    assert view.comparison(judged) == {
        "compared with": "run 7 (abcd4e87d8d928a21a393b0def6ab0c0a21d35a2, 2020-05-04 23:22 UTC):"
        " 0 fixed, 1 missing, 0 added"
    }


def test_without_a_run_to_compare_with_the_note_says_why() -> None:
    (judged,) = EXAMPLES["no-baseline"]
    why = "no earlier run of the same project, environment and name was found"
    for render in RENDERED.values():
        report = render(judged)
        assert report.count(why) == 1
        assert "no other run, so no failure counts as known" in report
    in_quarantine = held("ab", quarantine=Tolerated("b"))
    assert [(test.label, test.details) for test in view.failing_tests(in_quarantine)] == [
        ("NEW", ""),
        ("quarantined", "the sandbox is down (owner payments, until 2020-06-30)"),
    ]


@pytest.mark.parametrize("format_", RENDERED)
def test_missing_tests_are_named_and_the_rest_is_counted(format_: str) -> None:
    report = RENDERED[format_](held("", dict.fromkeys("abcdefg", "P"), run=make_run(total=2)))
    assert "0 fixed, 7 missing, 0 added" in report
    assert "and 2 more" in report
    assert "none of 0" in report


def test_what_testery_tolerates_is_called_so_and_comes_last() -> None:
    judged = held("ab", {"a": "F"}, run=make_run(total=3), trust_status=True)
    assert [(test.label, test.mark) for test in view.failing_tests(judged)] == [
        ("tolerated", Mark.NOTICE)
    ] * 2
    for render in RENDERED.values():
        report = render(judged)
        assert "2 tolerated of 2" in report
        assert "tolerated: a" in report.replace("`", "")


@pytest.mark.parametrize("format_", RENDERED)
def test_where_the_tests_say_nothing_they_are_listed_as_without_earlier_runs(format_: str) -> None:
    judged = held("ab", {"a": "F"})
    unknown = Evidence(unknown="they are too few", results=judged.results)
    plain = RENDERED[format_](replace(judged, evidence=None))
    assert RENDERED[format_](replace(judged, evidence=unknown)) == plain
    assert "2 of 2" in plain


@pytest.mark.parametrize("format_", RENDERED)
def test_where_no_test_is_to_be_listed_they_are_counted(format_: str) -> None:
    (judged,) = EXAMPLES["evidence"]
    report = RENDERED[format_](replace(judged, results=None))
    assert "1 new, 1 flaky, 2 known, 1 quarantined of 30" in report
    assert "1 fixed, 1 missing, 1 added" in report
    assert "pays" not in report
    assert "checkout.feature" not in report


def test_what_matters_of_a_run_that_passed_is_remarked_where_there_are_several() -> None:
    failed, passed = held("ab", {}), judge(make_policy(), make_run(id=2))
    known = replace(passed, results=failed.results, evidence=held("a", {"a": "F"}).evidence)
    fewer = replace(passed, run_id=3, evidence=held("", {"a": "F", "b": "P"}).evidence)
    assert view.remarks_on_passed([failed, passed, known, fewer]) == {
        "failing tests: 1 known of 1 (run 2)": "note",
        "missing tests: 2 (run 3)": "note",
    }


@given(st.integers(0, 30), st.integers(0, 30), st.integers(500, 40_000))
def test_a_new_failure_is_the_last_to_be_cut(new: int, known: int, limit: int) -> None:
    names = [f"qqq{number}." for number in range(known)] + [
        f"jjj{number}." for number in range(new)
    ]
    made = [make_result(name, "FAIL", error="E" * 300) for name in names]
    evidence = evidence_of(
        RUN,
        made,
        baseline=Baseline(earlier=earlier(7, {name: "F" for name in names if "qqq" in name})),
        history=History.of([earlier(7, {})]),
    )
    judged = judge(make_policy(), RUN, made, evidence)
    page = Page.of(judged, limit=max(limit, 10_000))
    listed = [words(found) for found in page.all("section") if "Failing" in words(found[0])]
    for report in (markdown.render([judged], limit=limit), *listed, text(judged)):
        if "qqq" in report:
            assert all(name in report for name in names if "jjj" in name)


@pytest.mark.slow  # renders thousands of failures in each format
def test_each_of_many_failures_is_named_with_its_history() -> None:
    run = make_run(total=3_000, failed=3_000)
    names = [f"test {number}" for number in range(3_000)]
    made = [make_result(name, "FAIL", error="x" * 5_000) for name in names]
    past = [earlier(number, dict.fromkeys(names, "F")) for number in range(1, 21)]
    evidence = evidence_of(run, made, baseline=Baseline(earlier=past[-1]), history=History.of(past))
    rendered = html.render([judge(make_policy(), run, made, evidence)])
    assert len(rendered.encode()) <= html.LIMIT
    assert rendered.count("for at least 21 runs") == 3_000


def test_a_line_of_the_summary_that_is_too_long_is_folded_below_its_strip() -> None:
    judged = held("a", {"a": "P"}, [earlier(6, {})])
    assert "    ·✗ since this run; it passed in run\n    7\n" in text(judged, width=40)
