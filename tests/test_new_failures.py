"""The whole walk with earlier runs: what is new, known or flaky, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import requests_mock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testery_gate.errors import ExitCode, Interrupted
from testery_gate.evidence.baseline import Baseline, Previous
from testery_gate.evidence.gathering import (
    FOR_THE_BASELINE,
    LAG,
    MOST_TRIED,
    Gathering,
    Unread,
    Wanted,
)
from testery_gate.evidence.outcomes import Outcomes
from testery_gate.gate import Gate
from testery_gate.judging.judged import Judged
from testery_gate.model import TestRun
from testery_gate.runs.references import RunReference
from testery_gate.waiting.deadline import Deadline
from tests.builders import make_answer, make_policy
from tests.evidence.reading import ReadWhenAsked
from tests.evidence.test_failures import Tolerated
from tests.test_gate import BASE, Walk, api

__all__ = ["api"]
ONLY_NEW = make_policy("new_failed <= 0")


def results(**statuses: str) -> list[dict[str, Any]]:
    """Return the answer of the results endpoint: a status or more for each test."""
    return [
        {"id": number, "status": status, "projectTest": {"name": name, "file": "a.feature"}}
        for number, (name, all_of_it) in enumerate(statuses.items())
        for status in all_of_it.split()
    ]


class Past:
    """An API with run 9, which is judged, and earlier ones."""

    def __init__(self, api: requests_mock.Mocker) -> None:
        self.api = api
        self.listed: list[dict[str, Any]] = []
        self.slept = 0.0
        """Seconds, of the last time that runs were judged."""

    def add(self, run_id: int, answers: Sequence[dict[str, Any]] | None, **fields: Any) -> None:
        """Add a run with these results; ``None`` where the API has none of them."""
        failed = sum(result["status"] == "FAIL" for result in answers or ())
        about = {
            "id": run_id,
            "gitRef": f"{run_id}abcdef",
            "buildKey": str(run_id),
            "createTime": f"2020-05-04 20:{run_id:02}:00+0000",
        }
        # Each result stands for a test, unless the test says otherwise.
        about["total"] = max(len(answers or ()), failed) or 10
        answer = make_answer(**{"failed": failed} | about | fields)
        self.listed.insert(0, answer)
        self.api.get(f"{BASE}/test-runs/{run_id}", json=answer)
        self.api.get(f"{BASE}/test-runs", json=self.listed)
        if answers is not None:
            self.api.get(f"{BASE}/test-runs/{run_id}/results", json=answers)

    def judge(
        self,
        wanted: Wanted | None = None,
        policy: Any = ONLY_NEW,
        tests: type[ReadWhenAsked] = ReadWhenAsked,
    ) -> Judged:
        (judged,) = self.judge_all([9], wanted, policy, tests)
        return judged

    def judge_all(
        self,
        run_ids: Sequence[int],
        wanted: Wanted | None = None,
        policy: Any = ONLY_NEW,
        tests: type[ReadWhenAsked] = ReadWhenAsked,
    ) -> Sequence[Judged]:
        walk = Walk(self.api, policy=policy)
        gathering = Gathering(
            wanted or Wanted(baseline=Previous()),
            tests(walk.client.results),
            walk.client,
            trust_status=policy.trust_status,
            clock=walk.clock,
            sleep=walk.clock.sleep,
        )
        gate = Gate(policy, walk.client, walk.effects, walk.waiting, gathering)
        runs = gate.judge([RunReference(run_id=run_id) for run_id in run_ids])
        self.slept = sum(walk.clock.slept)
        return runs


@pytest.fixture
def past(api: requests_mock.Mocker) -> Past:
    return Past(api)


def test_a_known_failure_passes_and_a_new_one_does_not(past: Past) -> None:
    past.add(8, results(a="FAIL", b="PASS"))
    past.add(9, results(a="FAIL", b="PASS"))
    assert past.judge().exit_code is ExitCode.PASSED
    past.add(9, results(a="FAIL", b="FAIL"))
    judged = past.judge()
    assert judged.exit_code is ExitCode.FAILED
    assert judged.verdict.reason == (
        "new_failed is 1, required is new_failed <= 0 (failed: 1 new, 1 known)"
    )


def test_the_previous_run_is_the_newest_that_can_be_compared(past: Past) -> None:
    past.add(5, results(a="FAIL"))
    past.add(6, [], total=10, failed=1)
    past.add(7, results(a="FAIL"), status="CANCELED")
    past.add(8, results(a="FAIL"), gitRef="9abcdef")
    past.add(9, results(a="FAIL"))
    judged = past.judge()
    assert judged.exit_code is ExitCode.PASSED
    assert judged.evidence is not None
    assert judged.evidence.baseline.description == "run 5 (5abcdef, 2020-05-04 23:22 UTC)"


def test_an_older_run_does_not_stand_in_for_one_that_a_fault_hides(past: Past) -> None:
    past.add(7, results(a="FAIL"))
    past.add(8, results(a="PASS"))
    past.add(9, results(a="FAIL"))
    past.api.get(f"{BASE}/test-runs/8/results", status_code=500)
    judged = past.judge()
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert "the test results of run 8 can't be read" in judged.notes[0]


def test_the_baselines_of_all_runs_take_a_minute_together(past: Past) -> None:
    deadlines: list[Deadline] = []

    class Endless(ReadWhenAsked):
        """The API asks for a longer pause than there is time for."""

        def outcomes(self, run: TestRun, until: Deadline, /) -> Outcomes | Unread:
            deadlines.append(until)
            until.clock.sleep(until.remaining())  # type: ignore[attr-defined]  # a fake clock
            return Unread(why="HTTP 429", by_fault=True)

    for number in (1, 2, 3):
        past.add(number, results(a="FAIL"), environment=f"env-{number}")
        past.add(number + 5, results(a="FAIL"), environment=f"env-{number}")
    runs = past.judge_all([6, 7, 8], tests=Endless)
    assert {judged.exit_code for judged in runs} == {ExitCode.INCONCLUSIVE}
    assert len(deadlines) == 3
    assert past.slept == FOR_THE_BASELINE


def test_without_a_baseline_every_failure_is_new(past: Past) -> None:
    past.add(8, results(a="FAIL"), environment="production")
    past.add(9, results(a="FAIL"))
    judged = past.judge()
    assert judged.exit_code is ExitCode.FAILED
    assert judged.notes == (
        "there is no run to compare with: no earlier run of the same project, environment and name"
        " was found",
    )


@pytest.mark.parametrize(
    ("answers", "fields", "why"),
    [
        pytest.param(None, {"failed": 1}, "its test results can't be read", id="none"),
        pytest.param(
            results(a="FAIL", b="PASS"), {"failed": 2}, "show 1 of its 2 failed tests", id="too few"
        ),
    ],
)
def test_without_usable_results_it_is_inconclusive(
    past: Past, answers: Sequence[dict[str, Any]] | None, fields: dict[str, Any], why: str
) -> None:
    past.add(8, results(a="FAIL", b="FAIL"))
    past.add(9, answers, **fields)
    judged = past.judge()
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert why in judged.verdict.reason
    assert why in judged.notes[0]


@pytest.mark.parametrize(
    ("status_code", "code"),
    [
        pytest.param(500, ExitCode.INCONCLUSIVE, id="a fault may hide a baseline"),
        pytest.param(403, ExitCode.FAILED, id="a refusal is no baseline"),
    ],
)
def test_a_list_that_can_not_be_read_excuses_nothing(
    past: Past, status_code: int, code: ExitCode
) -> None:
    past.add(9, results(a="FAIL"))
    past.api.get(f"{BASE}/test-runs", status_code=status_code)
    judged = past.judge()
    assert judged.exit_code is code
    assert "earlier runs can't be read" in judged.notes[0]


def second_page_fails(past: Past, status_code: int = 500) -> None:
    """Let the list answer once, and not to its end."""
    past.api.get(f"{BASE}/test-runs", status_code=status_code)
    past.api.get(f"{BASE}/test-runs?page=0&limit=100", json=past.listed)


@pytest.mark.parametrize(
    ("status_code", "code"),
    [
        pytest.param(500, ExitCode.INCONCLUSIVE, id="a fault may hide a baseline"),
        pytest.param(401, ExitCode.INCONCLUSIVE, id="a token that was good before"),
        pytest.param(403, ExitCode.INCONCLUSIVE, id="a page that nobody may read"),
        pytest.param(404, ExitCode.FAILED, id="there is no more"),
    ],
)
@pytest.mark.parametrize(
    "earlier",
    [
        pytest.param({"environment": "production"}, id="none that can be compared with"),
        pytest.param({}, id="none with results"),
    ],
)
def test_a_fault_in_the_middle_of_the_list_is_not_its_end(
    past: Past, earlier: dict[str, str], status_code: int, code: ExitCode
) -> None:
    past.add(8, [], failed=1, **earlier)
    past.add(9, results(a="FAIL"))
    second_page_fails(past, status_code)
    judged = past.judge()
    assert judged.exit_code is code
    assert ("earlier runs can't be read" in judged.notes[0]) is (code is not ExitCode.FAILED)


def test_what_was_read_of_the_list_before_a_fault_counts(past: Past) -> None:
    past.add(8, results(a="FAIL"))
    past.add(9, results(a="FAIL"))
    second_page_fails(past)
    judged = past.judge(Wanted(baseline=Previous(), history=3))
    assert judged.exit_code is ExitCode.PASSED
    (note,) = judged.notes
    assert note.startswith("older runs are missing from the history: HTTP 500")


def test_behind_a_fault_nothing_is_unknown_where_nothing_counts(past: Past) -> None:
    past.add(9, results(a="FAIL", b="PASS"))
    past.api.get(f"{BASE}/test-runs", status_code=500)
    quarantine = Wanted(baseline=Previous(), quarantine=Tolerated(frozenset("a")))
    assert past.judge(quarantine).exit_code is ExitCode.PASSED


def test_results_that_come_after_the_counts_are_asked_for_again(past: Past) -> None:
    past.add(8, results(a="FAIL"))
    past.add(9, results(a="FAIL"))
    late: list[dict[str, Any]] = [{"json": []}, {"json": results(a="FAIL")}]
    past.api.get(f"{BASE}/test-runs/9/results", late)
    assert past.judge().exit_code is ExitCode.PASSED
    past.api.get(f"{BASE}/test-runs/9/results", json=[])
    judged = past.judge()
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert "show 0 of its 1 failed tests" in judged.notes[0]


def test_results_that_lag_take_no_time_from_other_runs(past: Past) -> None:
    runs = range(8, 15)
    for run_id in runs:
        past.add(run_id, [], failed=1, environment=f"env-{run_id}")
    past.add(14, results(a="FAIL"), environment="env-14")
    *others, last = past.judge_all(runs)
    assert {judged.exit_code for judged in others} == {ExitCode.INCONCLUSIVE}
    assert last.exit_code is ExitCode.FAILED
    assert past.slept == LAG


def test_what_was_read_is_kept_where_it_can_not_be_read_again(past: Past) -> None:
    past.add(9, results(a="FAIL", b="PASS"), failed=2)
    late: list[dict[str, Any]] = [{"json": results(a="FAIL", b="PASS")}, {"status_code": 503}]
    past.api.get(f"{BASE}/test-runs/9/results", late)
    judged = past.judge()
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert "show 1 of its 2 failed tests" in judged.notes[0]
    assert judged.results is not None
    assert len(judged.results) == 2


def test_a_history_that_a_fault_cuts_is_said_where_there_is_no_baseline_too(past: Past) -> None:
    past.add(8, results(a="FAIL"))
    past.add(9, results(a="FAIL"))
    second_page_fails(past)
    kept = Baseline(why_none="file q.json has no such run")
    judged = past.judge(Wanted(baseline=lambda _: kept, history=3))
    assert "older runs are missing from the history: HTTP 500" in judged.notes[1]


def test_a_fault_that_hides_the_baseline_and_the_history_is_said_once(past: Past) -> None:
    past.add(8, [], failed=1)
    past.add(9, results(a="FAIL"))
    second_page_fails(past)
    judged = past.judge(Wanted(baseline=Previous(), history=3))
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert sum("HTTP 500" in note for note in judged.notes) == 1


def test_what_a_quarantine_names_in_none_of_several_runs_is_said_once(past: Past) -> None:
    past.add(8, results(a="FAIL", b="PASS"))
    past.add(9, results(a="FAIL"))
    wanted = Wanted(baseline=Previous(), quarantine=Tolerated(frozenset("a")))
    notes = [judged.notes[-1] for judged in past.judge_all([8, 9], wanted)]
    assert notes == ["2 tests in 2 runs", "1 tests"]
    past.api.get(f"{BASE}/test-runs/9/results", status_code=404)
    assert "2 runs" not in str([judged.notes for judged in past.judge_all([8, 9], wanted)])
    past.add(9, [], status="RUNNING", complete=False)
    assert "in 1 run" not in str([judged.notes for judged in past.judge_all([8, 9], wanted)])


def test_a_test_that_the_api_does_not_name_is_never_known(past: Past) -> None:
    unnamed = [{"status": "FAIL", "projectTest": None}, *results(b="PASS")]
    past.add(8, unnamed)
    past.add(9, unnamed)
    judged = past.judge()
    assert judged.exit_code is ExitCode.FAILED
    assert judged.evidence is not None
    assert judged.evidence.failures[0].why == "the API does not name it"


@pytest.mark.parametrize(
    ("run_id", "code", "why"),
    [
        pytest.param(5, ExitCode.PASSED, "", id="a run"),
        pytest.param(7, ExitCode.FAILED, "run 7 is CANCELED: it did not finish", id="canceled"),
        pytest.param(8, ExitCode.FAILED, "run 8 has no test results", id="without tests"),
        pytest.param(4, ExitCode.FAILED, "HTTP 404", id="no such run"),
        pytest.param(9, ExitCode.FAILED, "run 9 is the run that is judged", id="itself"),
    ],
)
def test_a_run_that_is_named_is_the_baseline(
    past: Past, run_id: int, code: ExitCode, why: str
) -> None:
    past.api.get(f"{BASE}/test-runs/4", status_code=404)
    past.add(5, results(a="FAIL"))
    past.add(7, results(a="FAIL"), status="CANCELED")
    past.add(8, [])
    past.add(9, results(a="FAIL"))
    judged = past.judge(Wanted(baseline=run_id))
    assert judged.exit_code is code
    assert why in " ".join(judged.notes)


def test_a_baseline_that_may_be_the_wrong_one_is_noted(past: Past) -> None:
    past.add(8, results(a="FAIL"), environment="production", createTime="2020-05-04 21:00:00+0000")
    past.add(9, results(a="FAIL"))
    assert past.judge(Wanted(baseline=8)).notes == (
        "the baseline may be the wrong one: the runs are of different environments: production and"
        " dev",
        "the baseline may be the wrong one: run 9 was created before run 8",
    )


def test_a_pull_request_that_runs_twice_does_not_make_its_failure_known(past: Past) -> None:
    past.add(6, results(a="PASS"), branch="main")
    past.add(7, results(a="FAIL"), branch="fix")
    past.add(8, results(a="FAIL"), branch="fix", gitRef="9abcdef0")
    past.add(9, results(a="FAIL"), branch="fix")
    assert past.judge().exit_code is ExitCode.PASSED  # the commit before it failed too
    judged = past.judge(Wanted(baseline=Previous(), git_ref="main", history=5))
    assert judged.exit_code is ExitCode.FAILED
    assert judged.evidence is not None
    assert [run.id for run in judged.evidence.history] == [6]


def test_a_history_tells_a_flaky_test(past: Past) -> None:
    for run_id, status in ((5, "PASS"), (6, "FAIL"), (7, "PASS"), (8, "PASS")):
        past.add(run_id, results(a=status, b="PASS"))
    past.add(9, results(a="FAIL", b="PASS"))
    assert past.judge().exit_code is ExitCode.FAILED
    judged = past.judge(Wanted(baseline=Previous(), history=4))
    assert judged.exit_code is ExitCode.PASSED
    policy = make_policy("new_failed <= 0", "flaky_failed <= 0")
    assert past.judge(Wanted(baseline=Previous(), history=4), policy).verdict.reason == (
        "flaky_failed is 1, required is flaky_failed <= 0 (failed: 1 flaky)"
    )


def test_a_part_of_the_history_that_can_not_be_read_is_said(past: Past) -> None:
    past.add(7, None)
    past.add(8, results(a="PASS"))
    past.add(9, results(a="FAIL"))
    judged = past.judge(Wanted(baseline=Previous(), history=5))
    assert "1 of 2 earlier runs are missing from the history" in judged.notes[0]


@pytest.mark.parametrize(
    ("status_code", "metric", "code"),
    [
        pytest.param(200, "known_failed", ExitCode.FAILED, id="known"),
        pytest.param(404, "known_failed", ExitCode.INCONCLUSIVE, id="not offered: known"),
        pytest.param(404, "new_failed", ExitCode.FAILED, id="not offered: new"),
        pytest.param(404, "flaky_failed", ExitCode.PASSED, id="not offered: flaky on a retry"),
    ],
)
def test_without_a_baseline_no_failure_is_not_known(
    past: Past, status_code: int, metric: str, code: ExitCode
) -> None:
    past.add(8, results(a="FAIL"))
    past.add(9, results(a="FAIL"))
    past.api.get(f"{BASE}/test-runs/8/results", status_code=status_code, json=results(a="FAIL"))
    assert past.judge(policy=make_policy(f"{metric} <= 0")).exit_code is code


@pytest.mark.parametrize(
    ("status_code", "code"),
    [
        pytest.param(200, ExitCode.FAILED, id="flaky"),
        pytest.param(404, ExitCode.PASSED, id="not offered"),
        pytest.param(500, ExitCode.INCONCLUSIVE, id="a fault may hide that it is flaky"),
    ],
)
def test_with_a_part_of_the_history_no_failure_is_not_flaky(
    past: Past, status_code: int, code: ExitCode
) -> None:
    for run_id, status in ((6, "PASS"), (7, "FAIL"), (8, "PASS")):
        past.add(run_id, results(a=status))
    past.add(9, results(a="FAIL"))
    past.api.get(f"{BASE}/test-runs/7/results", status_code=status_code, json=results(a="FAIL"))
    wanted = Wanted(baseline=Previous(), history=3)
    assert past.judge(wanted, make_policy("flaky_failed <= 0")).exit_code is code
    assert past.judge(wanted, make_policy("known_failed <= 0")).exit_code is ExitCode.PASSED


@pytest.mark.parametrize(
    ("status_code", "code"),
    [
        pytest.param(404, ExitCode.PASSED, id="there is no more"),
        pytest.param(500, ExitCode.INCONCLUSIVE, id="a fault may hide that it is flaky"),
    ],
)
def test_with_a_part_of_the_list_no_failure_is_not_flaky(
    past: Past, status_code: int, code: ExitCode
) -> None:
    past.add(8, results(a="PASS"))
    past.add(9, results(a="FAIL"))
    second_page_fails(past, status_code)
    policy = make_policy("flaky_failed <= 0")
    assert past.judge(Wanted(baseline=Previous(), history=3), policy).exit_code is code
    assert past.judge(Wanted(baseline=Previous(), history=1), policy).exit_code is ExitCode.PASSED


def test_a_history_without_a_baseline_does_not_show_which_failures_are_flaky(past: Past) -> None:
    past.add(9, results(a="FAIL"))
    wanted = Wanted(baseline=Previous(), history=3)
    judged = past.judge(wanted, make_policy("flaky_failed <= 0"))
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert "flaky_failed is unknown (there is nothing to compare with" in judged.verdict.reason


def test_tests_that_are_missing_can_be_refused(past: Past) -> None:
    past.add(8, results(a="FAIL", b="PASS"))
    past.add(9, results(b="PASS"))
    policy = make_policy("new_failed <= 0", "missing <= 0")
    assert past.judge(policy=policy).verdict.reason == "missing is 1, required is missing <= 0"


@pytest.mark.parametrize("metric", ["missing", "added", "fixed"])
@pytest.mark.parametrize(
    ("judged_total", "earlier_total", "why"),
    [
        pytest.param(4, 3, "run 9 show 3 of its 4 tests", id="the judged run"),
        pytest.param(3, 4, "run 8 show 3 of its 4 tests", id="the baseline"),
    ],
)
@pytest.mark.parametrize("named", [False, True], ids=["previous", "named"])
def test_what_differs_is_unknown_where_tests_are_cut_off(
    past: Past, metric: str, judged_total: int, earlier_total: int, why: str, *, named: bool
) -> None:
    past.add(8, results(a="FAIL", b="PASS", c="FAIL"), total=earlier_total)
    past.add(9, results(b="PASS", c="PASS", d="PASS"), total=judged_total)
    wanted = Wanted(baseline=8 if named else Previous())
    for allowed in (0, 9):
        judged = past.judge(wanted, make_policy(f"{metric} <= {allowed}"))
        assert judged.exit_code is ExitCode.INCONCLUSIVE
        assert why in judged.verdict.reason
        assert "Try again later" in judged.verdict.advice
    assert past.judge(wanted).exit_code is ExitCode.PASSED


def test_what_is_known_does_not_take_all_tests(past: Past) -> None:
    past.add(8, results(a="FAIL"), total=5)
    past.add(9, results(a="FAIL"), total=5)
    assert past.judge().exit_code is ExitCode.PASSED


def test_a_test_that_is_renamed_is_new(past: Past) -> None:
    past.add(8, results(a="FAIL"))
    past.add(9, results(renamed="FAIL"))
    assert past.judge().exit_code is ExitCode.FAILED


def test_results_that_are_cut_off_excuse_nothing(past: Past) -> None:
    answers = results(a="FAIL", b="PASS")
    past.add(8, answers)
    past.add(9, answers)
    past.api.get(f"{BASE}/test-runs/9/results", text=json.dumps(answers)[:-1])
    assert past.judge().exit_code is ExitCode.INCONCLUSIVE


def test_results_of_another_run_excuse_nothing(past: Past) -> None:
    past.add(8, results(a="FAIL", b="PASS"))
    past.add(9, results(a="FAIL", b="FAIL"))
    past.api.get(f"{BASE}/test-runs/9/results", json=results(a="FAIL", b="PASS"))
    assert past.judge().exit_code is ExitCode.INCONCLUSIVE


def test_what_differs_is_unknown_without_a_baseline(past: Past) -> None:
    past.add(9, results(a="PASS"))
    judged = past.judge(policy=make_policy("missing <= 0"))
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert "missing is unknown (there is nothing to compare with" in judged.verdict.reason


class Noting(ReadWhenAsked):
    """Notes what is read ahead."""

    ahead: ClassVar[list[list[int]]] = []

    def read_ahead(self, runs: Sequence[TestRun], /) -> None:
        self.ahead.append([run.id for run in runs])


def test_the_history_is_read_while_the_gate_waits(past: Past) -> None:
    for run_id in (6, 7, 8):
        past.add(run_id, results(a="PASS"))
    past.add(9, results(a="PASS"))
    running = make_answer(id=9, total=10, not_run=5, status="RUNNING", complete=False)
    past.api.get(f"{BASE}/test-runs/9", [{"json": running}, {"json": past.listed[0]}])
    Noting.ahead.clear()
    wanted = Wanted(baseline=Previous(), history=2)
    assert past.judge(wanted, tests=Noting).exit_code is ExitCode.PASSED
    # The baseline first, at the first look and at the end.
    assert Noting.ahead == [[8, 8, 7], [8, 8, 7]]


class Stopped(ReadWhenAsked):
    """A signal arrives while earlier runs are read."""

    def outcomes(self, run: TestRun, until: Deadline, /) -> Outcomes | Unread:
        raise Interrupted(15)


def test_a_signal_while_earlier_runs_are_read_ends_the_gate(past: Past) -> None:
    past.add(8, results(a="FAIL"))
    past.add(9, results(a="FAIL"))
    judged = past.judge(tests=Stopped)
    assert judged.exit_code is ExitCode.TERMINATED
    assert judged.notes == ("the verdict was inconclusive",)


NAMES = "ab"
RESULTS = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(["PASS", "FAIL", "FAIL PASS", "IGNORED"]), min_size=1
)


@dataclass(frozen=True)
class Earlier:
    """An earlier run, and what may be wrong with it or with the answer to a question for it."""

    statuses: dict[str, str]
    commit: str
    wrong: str

    @property
    def usable(self) -> bool:
        return self.wrong == ""

    def failed(self, name: str) -> bool:
        return self.usable and "FAIL" in self.statuses.get(name, "")

    def passed(self, name: str) -> bool:
        return self.usable and "PASS" in self.statuses.get(name, "")


WRONG = ["", "", "", "canceled", "no results", "an error", "cut off", "fewer failures", "not JSON"]
EARLIER = st.builds(
    Earlier,
    statuses=RESULTS,
    commit=st.sampled_from(["aaaaaaa", "bbbbbbb", "ccccccc"]),
    wrong=st.sampled_from(WRONG),
)


def add(past: Past, run_id: int, one: Earlier) -> None:
    """Put an earlier run into the API."""
    answers = results(**one.statuses)
    failed = sum(result["status"] == "FAIL" for result in answers)
    about: dict[str, Any] = {"gitRef": one.commit, "failed": failed}
    match one.wrong:
        case "canceled":
            past.add(run_id, answers, status="CANCELED", **about)
        case "fewer failures":
            past.add(run_id, answers, **about | {"failed": failed + 1})
        case wrong:
            past.add(run_id, answers, **about)
            broken: dict[str, dict[str, Any]] = {
                "no results": {"json": []},
                "an error": {"status_code": 404},
                "cut off": {"text": json.dumps(answers)[:-1]},
                "not JSON": {"text": "<html>"},
            }
            answer = broken.get(wrong, {"json": answers})
            past.api.get(f"{BASE}/test-runs/{run_id}/results", **answer)


# 40 where it has to be quick, else 200.
@settings(
    max_examples=2 * settings().max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    judged_run=RESULTS,
    lacking=st.integers(0, 1),
    earlier=st.lists(EARLIER, max_size=6),
    history=st.integers(0, 6),
    quarantined=st.frozensets(st.sampled_from(NAMES), max_size=1),
)
def test_only_new_passes_only_what_evidence_excuses(
    requests_mock: requests_mock.Mocker,
    judged_run: dict[str, str],
    lacking: int,
    earlier: list[Earlier],
    history: int,
    quarantined: frozenset[str],
) -> None:
    """Whatever is wrong with earlier runs and their results; all commits may be the same one."""
    requests_mock.reset()
    requests_mock.get(f"{BASE}/account", status_code=404)
    past = Past(requests_mock)
    for number, one in enumerate(earlier):
        add(past, number, one)
    answers = results(**judged_run)
    failed = sum(result["status"] == "FAIL" for result in answers)
    past.add(9, answers, failed=failed + lacking, gitRef="aaaaaaa")
    judged = past.judge(
        Wanted(baseline=Previous(), history=history, quarantine=Tolerated(quarantined))
    )
    assert judged.evidence is not None
    if not lacking:
        assert sum(judged.evidence.counts.values()) == failed
    baseline, hidden = the_baseline(earlier)
    if judged.exit_code is ExitCode.PASSED:
        assert not lacking
        for name, statuses in judged_run.items():
            if "FAIL" in statuses and name not in quarantined:
                assert not hidden
                known = baseline is not None and baseline.failed(name)
                both = any(one.failed(name) for one in earlier) and any(
                    one.passed(name) for one in earlier
                )
                assert known or "PASS" in statuses or (history and both)
    else:
        assert judged.exit_code is (ExitCode.INCONCLUSIVE if lacking or hidden else ExitCode.FAILED)


def the_baseline(earlier: Sequence[Earlier]) -> tuple[Earlier | None, bool]:
    """Return the run that is the baseline, and whether a fault hides what may be it."""
    finished = [one for one in earlier if one.commit != "aaaaaaa" and one.wrong != "canceled"]
    for one in finished[: -MOST_TRIED - 1 : -1]:
        if one.wrong in {"cut off", "not JSON"}:
            return None, True
        if one.usable:
            return one, False
    return None, False
