"""A run's state is a pure function of its script and its age."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from testery_gate.simulator import load_scenario
from testery_gate.simulator.scenario import ENDED, Counts, Json, Patch, Phase, Run
from testery_gate.simulator.script import canceled, highest, moment, results, run_object

NOTHING = Patch()
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

# The example of the API's documentation, word for word.
DOCUMENTED = """{
"id": 55676,
"name": "...",
"testName": null,
"key": "ABCDABCD75349414053EB9961013126945472A93",
"startTime": "2020-05-04 23:16:33+0000",
"endTime": "2020-05-04 23:22:59+0000",
"createTime": "2020-05-04 23:15:10+0000",
"accountId": 123,
"projectId": 123,
"status": "PASS",
"copies": 1,
"passCount": 30,
"failCount": 0,
"ignoredCount": 0,
"codeCoverageName": null,
"codeCoverageVersion": null,
"codeCoveragePercentage": null,
"codeCoverageTotalStatements": null,
"codeCoverageCoveredStatements": null,
"totalTestingTime": 1036000,
"isSchedule": null,
"totalCount": 30,
"gitRef": "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2",
"buildKey": "23",
"environment": "dev",
"statusInfo": null,
"includeTags": [],
"complete": true
}"""


def make_run(
    *phases: Phase,
    testing_time: int = 30_000,
    observed_fields: bool = False,
    patch: Patch = NOTHING,
) -> Run:
    return Run(
        phases=phases, testing_time=testing_time, observed_fields=observed_fields, patch=patch
    )


def submitted(lasts: float = 10) -> Phase:
    return Phase(status="SUBMITTED", lasts=lasts)


def running(lasts: float = 20, *, passed: int = 0, failed: int = 0, ignored: int = 0) -> Phase:
    counts = Counts(total=30, passed=passed, failed=failed, ignored=ignored)
    return Phase(status="RUNNING", lasts=lasts, counts=counts)


def ended(status: str = "PASS", *, passed: int = 0, failed: int = 0, ignored: int = 0) -> Phase:
    counts = Counts(total=30, passed=passed, failed=failed, ignored=ignored)
    return Phase(status=status, counts=counts, complete=True)


def shown(run: Run, age: float) -> dict[str, Json]:
    return run_object(run, age, CREATED)


def test_the_documented_example_is_answered_word_for_word() -> None:
    run = load_scenario("documented").runs[0]
    assert run.create_time is not None
    answered = run_object(run, -run.created, run.create_time)
    assert json.dumps(answered) == json.dumps(json.loads(DOCUMENTED))


@pytest.mark.parametrize(
    ("age", "status", "passed", "total"),
    [
        pytest.param(0, "SUBMITTED", 0, 0, id="at-its-creation"),
        pytest.param(9.9, "SUBMITTED", 0, 0, id="just-before-the-second-phase"),
        pytest.param(10, "RUNNING", 0, 30, id="second-phase-begins"),
        pytest.param(20, "RUNNING", 15, 30, id="half-of-the-second-phase"),
        pytest.param(29.9, "RUNNING", 29, 30, id="end-of-the-second-phase"),
        pytest.param(30, "PASS", 30, 30, id="ended"),
        pytest.param(1e9, "PASS", 30, 30, id="long-ago"),
    ],
)
def test_counts_grow_towards_the_end_of_each_phase(
    age: float, status: str, passed: int, total: int
) -> None:
    run = make_run(submitted(), running(passed=30), ended(passed=30))
    answered = shown(run, age)
    assert (answered["status"], answered["passCount"]) == (status, passed)
    assert answered["totalCount"] == total


def test_a_last_phase_with_an_end_keeps_its_counts_afterwards() -> None:
    run = make_run(running(10, passed=20))
    assert shown(run, 5)["passCount"] == 10
    assert shown(run, 500)["passCount"] == 20


def test_phases_that_take_no_time_are_passed_over() -> None:
    run = make_run(submitted(0), running(0, passed=30), ended(passed=30))
    assert shown(run, 0)["status"] == "PASS"
    assert moment(make_run(running(0, passed=7)), 0).counts.passed == 7


@pytest.mark.parametrize(
    ("age", "start", "end"),
    [
        pytest.param(9, None, None, id="submitted"),
        pytest.param(10, "2026-01-02 03:04:15+0000", None, id="running"),
        pytest.param(30, "2026-01-02 03:04:15+0000", "2026-01-02 03:04:35+0000", id="ended"),
    ],
)
def test_times_are_null_until_they_have_come(age: float, start: str, end: str) -> None:
    answered = shown(make_run(submitted(), running(), ended()), age)
    assert answered["createTime"] == "2026-01-02 03:04:05+0000"
    assert (answered["startTime"], answered["endTime"]) == (start, end)


def test_a_run_that_is_canceled_in_the_queue_never_started() -> None:
    answered = shown(make_run(submitted(), ended("CANCELED")), 10)
    assert answered["startTime"] is None
    assert answered["endTime"] == "2026-01-02 03:04:15+0000"


def test_testing_time_is_the_sum_of_the_durations_at_every_age() -> None:
    run = make_run(running(20, passed=17, failed=8, ignored=5), ended(passed=17, failed=8))
    for age in range(25):
        durations = [row["duration"] for row in results(run, age)]
        ran = [duration for duration in durations if isinstance(duration, int)]
        assert shown(run, age)["totalTestingTime"] == sum(ran)
    assert shown(run, 25)["totalTestingTime"] == 30_000


def test_observed_fields_come_after_the_documented_ones() -> None:
    run = make_run(running(passed=20), ended(passed=20), observed_fields=True)
    early, late = shown(run, 1), shown(run, 99)
    assert list(late)[:28] == list(shown(make_run(ended()), 0))
    assert (early["notRunCount"], early["ended"]) == (0, False)
    assert (late["notRunCount"], late["ended"]) == (10, True)
    assert late["createdAt"] == late["createTime"]


def test_patches_of_phase_and_run_change_the_answer() -> None:
    phase = Phase(status="PASS", patch=Patch(without=frozenset({"complete"})))
    answered = shown(make_run(phase, patch=Patch(fields={"passCount": None, "new": [1]})), 0)
    assert answered["passCount"] is None
    assert answered["new"] == [1]
    assert "complete" not in answered


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(5, {}, id="no-test-is-known-yet"),
        pytest.param(10, {"RUNNING": 1, "PENDING": 29}, id="the-first-runs"),
        pytest.param(
            20, {"PASS": 10, "FAIL": 2, "IGNORED": 1, "RUNNING": 1, "PENDING": 16}, id="halfway"
        ),
        pytest.param(30, {"PASS": 20, "FAIL": 4, "IGNORED": 2, "NOT_RUN": 4}, id="some-never-ran"),
    ],
)
def test_results_agree_with_the_counts(age: float, expected: Mapping[str, int]) -> None:
    run = make_run(
        submitted(),
        running(passed=20, failed=4, ignored=2),
        ended("FAIL", passed=20, failed=4, ignored=2),
    )
    statuses = [row["status"] for row in results(run, age)]
    assert {status: statuses.count(status) for status in statuses} == expected


def test_a_finished_test_keeps_its_result() -> None:
    run = make_run(
        running(10, passed=3, failed=3),
        running(10, passed=20, failed=6, ignored=4),
        ended("FAIL", passed=20, failed=6, ignored=4),
    )
    settled: dict[Json, dict[str, Json]] = {}
    for age in range(25):
        for row in results(run, age):
            if row["id"] in settled:
                assert row == settled[row["id"]]
            if row["status"] in {"PASS", "FAIL", "IGNORED"}:
                settled[row["id"]] = row
    assert len(settled) == 30


def test_only_a_failed_test_has_an_error() -> None:
    for row in results(make_run(ended("FAIL", passed=28, failed=2)), 0):
        failed = row["status"] == "FAIL"
        assert (row["error"] is not None) == failed
        assert (row["stackTrace"] is not None) == failed


def test_more_counts_than_tests_give_no_more_results_than_tests() -> None:
    phase = Phase(status="PASS", counts=Counts(total=2, passed=5), complete=True)
    assert len(results(make_run(phase), 0)) == 2


def test_a_cancellation_ends_the_run_where_it_stands() -> None:
    run = canceled(make_run(submitted(), running(passed=30), ended(passed=30)), 20)
    assert shown(run, 15)["status"] == "RUNNING"
    late = shown(run, 99)
    assert (late["status"], late["complete"], late["passCount"]) == ("CANCELED", True, 15)
    assert late["endTime"] == "2026-01-02 03:04:25+0000"
    assert len(results(run, 99)) == 30


def test_a_run_that_has_ended_is_not_canceled() -> None:
    run = make_run(submitted(), ended(passed=30))
    assert canceled(run, 10) is run


def test_highest_counts_are_taken_over_all_phases() -> None:
    run = make_run(running(passed=4, ignored=2), ended(passed=3, failed=1))
    assert highest(run) == Counts(passed=4, failed=1, ignored=2)


def test_ended_statuses_are_the_documented_ones() -> None:
    assert sorted(ENDED) == ["CANCELED", "FAIL", "PASS"]
