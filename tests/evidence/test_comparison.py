from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from testery_gate.evidence.baseline import doubts
from testery_gate.evidence.comparison import Slower, compare
from testery_gate.evidence.outcomes import TestOutcome
from testery_gate.model import TestResult
from tests.builders import make_result, make_run, with_unknown


def results(**statuses: str) -> Sequence[TestResult]:
    """Return the tests of a run, with a status or more each."""
    return [
        make_result(name, status)
        for name, all_of_it in statuses.items()
        for status in all_of_it.split()
    ]


def timed(**seconds: float | None) -> Sequence[TestResult]:
    """Return tests that passed, each in so many seconds."""
    return [
        make_result(name, duration=None if took is None else timedelta(seconds=took))
        for name, took in seconds.items()
    ]


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        pytest.param("PASS", "FAIL", "new_failures", id="broke"),
        pytest.param("PASS", "FAIL PASS", "new_failures", id="failed, and passed on a retry"),
        pytest.param("IGNORED", "FAIL", "new_failures", id="failed when it was executed again"),
        pytest.param("FAIL", "FAIL", "still_failing", id="failed twice"),
        pytest.param("FAIL PASS", "FAIL", "still_failing", id="failed before its retry"),
        pytest.param("FAIL", "PASS", "fixed", id="mended"),
        pytest.param("FAIL", "IGNORED", "not_executed", id="no longer executed"),
        pytest.param("PASS", "NOT_RUN", "not_executed", id="not executed this time"),
        pytest.param("PASS", "", "missing", id="gone"),
        pytest.param("FAIL", "", "missing", id="gone while it failed"),
        pytest.param("", "PASS", "added", id="came"),
        pytest.param("PASS", "PASS", "", id="passed twice"),
        pytest.param("IGNORED", "IGNORED", "", id="never executed"),
        pytest.param("IGNORED", "PASS", "", id="executed again"),
    ],
)
def test_a_test_is_of_one_kind(before: str, now: str, kind: str) -> None:
    found = compare(results(pays=before), results(pays=now))
    kinds = ["new_failures", "still_failing", "fixed", "not_executed", "missing", "added"]
    assert [one for one in kinds if getattr(found, one)] == [kind] * bool(kind)


def test_a_test_that_comes_and_fails_is_a_new_failure_and_added() -> None:
    found = compare([], results(pays="FAIL"))
    assert [failure.test for failure in found.new_failures] == found.added
    assert found.new_failures[0].before is None


def test_a_new_failure_is_shown_by_its_first_error() -> None:
    now = [make_result("pays", "FAIL", error="first"), make_result("pays", "FAIL", error="second")]
    (failure,) = compare(results(pays="PASS"), now).new_failures
    assert failure.result.error == "first"
    assert failure.before is TestOutcome.PASSED
    assert failure.now is TestOutcome.FAILED


@pytest.mark.parametrize(
    ("before", "now", "slower"),
    [
        pytest.param(1, 2, True, id="twice as long and a second"),
        pytest.param(0, 1, True, id="took no time"),
        pytest.param(1.5, 2.9, False, id="less than twice as long"),
        pytest.param(0.1, 1.0, False, id="less than a second"),
        pytest.param(2, 1, False, id="faster"),
        pytest.param(None, 9, False, id="unknown before"),
        pytest.param(1, None, False, id="unknown now"),
        pytest.param(1, -9, False, id="a duration that can't be"),
    ],
)
def test_a_test_is_slower_by_a_plain_rule(
    before: float | None, now: float | None, slower: bool
) -> None:
    assert bool(compare(timed(pays=before), timed(pays=now)).slower) is slower


def test_those_that_lost_most_time_come_first() -> None:
    found = compare(timed(a=1, b=1, c=1), timed(a=3, b=9, c=4)).slower
    assert [one.test.name for one in found] == ["b", "c", "a"]
    assert isinstance(found[0], Slower)
    assert (found[0].before, found[0].now) == (timedelta(seconds=1), timedelta(seconds=9))


def test_no_time_is_too_long_to_compare() -> None:
    old, new = ([make_result("pays", duration=took)] for took in (timedelta(0), timedelta.max))
    assert [one.now for one in compare(old, new).slower] == [timedelta.max]
    assert compare(new, old).slower == []
    assert compare(new, new).slower == []


@pytest.mark.parametrize(("before", "now"), [("FAIL", "PASS"), ("PASS", "PASS FAIL")])
def test_only_tests_that_passed_twice_are_slower(before: str, now: str) -> None:
    slow = [make_result("pays", status, duration=timedelta(hours=1)) for status in now.split()]
    assert compare(results(pays=before), slow).slower == []


OLD, NEW = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({}, [], id="alike"),
        pytest.param({"id": 1}, ["both are run 1"], id="the same run"),
        pytest.param(
            {"project_id": 7}, ["the runs are of different projects: 123 and 7"], id="projects"
        ),
        pytest.param(
            {"environment": None, "name": "weekly"},
            [
                "the runs are of different environments: dev and none",
                "the runs are of different names: nightly and weekly",
            ],
            id="environments and names",
        ),
        pytest.param(
            {"create_time": OLD - timedelta(days=1)}, ["run 2 was created before run 1"], id="order"
        ),
        pytest.param({"create_time": None}, [], id="order unknown"),
        pytest.param(
            {"status": "RUNNING"}, ["run 2 is RUNNING: it has not finished"], id="running"
        ),
        pytest.param({"status": ""}, ["run 2 is of no status: it has not finished"], id="unknown"),
    ],
)
def test_what_makes_a_comparison_doubtful_is_said(
    fields: dict[str, Any], said: Sequence[str]
) -> None:
    old = make_run(id=1, create_time=OLD)
    about: dict[str, Any] = {"id": 2, "create_time": NEW}
    assert doubts(old, make_run(**about | fields)) == said


def test_of_the_old_run_it_is_said_too() -> None:
    old = with_unknown(make_run(id=1, status="CANCELED"), "create_time")
    assert doubts(old, make_run(id=2)) == ["run 1 is CANCELED: it has not finished"]
