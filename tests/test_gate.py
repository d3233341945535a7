from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests_mock

from testery_gate import reports
from testery_gate.api.client import Limits, TesteryClient
from testery_gate.errors import ExitCode, Interrupted, ReportLost
from testery_gate.gate import (
    Effects,
    Waiting,
    judge,
    judge_runs,
    judge_selection,
    publish,
)
from testery_gate.judging.verdict import Policy, Verdict, evaluate, no_verdict
from testery_gate.model import RunStatus, TestRun
from testery_gate.runs.references import RunReference
from testery_gate.runs.selection import Condition, Field, Query, Selection
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import Progress
from tests.builders import make_answer, make_policy, make_run, make_transport
from tests.fakes import FakeClock

BASE = "https://api.example.test/api"
RESULT = {"id": 1, "status": "PASS", "projectTest": {"name": "adds", "file": "a.feature"}}


class Walk:
    """The walk on a fake clock, against answers that a test gives."""

    def __init__(self, api: requests_mock.Mocker, *, timeout: float = 600, **waiting: Any) -> None:
        self.api, self.clock, self.said = api, FakeClock(), list[str]()
        deadline = Deadline.after(timeout, self.clock)
        self.client = TesteryClient(
            make_transport(BASE, "a-token"),
            Limits(deadline=deadline, outage_tolerance=5),
            sleep=self.clock.sleep,
            jitter=lambda: 1.0,
        )
        self.waiting = Waiting(deadline=deadline, pace=lambda _: 10, **waiting)
        self.sleep: Callable[[float], None] = self.clock.sleep
        self.update: Callable[[Progress], None] = lambda _: None

    def effects(self) -> Effects:
        return Effects(
            sleep=lambda seconds: self.sleep(seconds),
            update=lambda progress: self.update(progress),
            say=self.said.append,
        )

    def run(self, *answers: dict[str, Any], run_id: int = 55676) -> None:
        """Let a run answer so, one after the other; the last stays."""
        self.api.get(f"{BASE}/test-runs/{run_id}", [{"json": answer} for answer in answers])

    def judge(self, *run_ids: int, policy: Policy | None = None, **others: Any) -> list[Verdict]:
        references = [RunReference(run_id=run_id) for run_id in run_ids or (55676,)]
        return list(
            judge_runs(
                references,
                policy or Policy(),
                self.client,
                self.effects(),
                self.waiting,
                **others,
            )
        )


@pytest.fixture
def api(requests_mock: requests_mock.Mocker) -> requests_mock.Mocker:
    """An API that has an account and no results."""
    requests_mock.get(f"{BASE}/account", json={"name": "acme"})
    requests_mock.get(f"{BASE}/test-runs", json=[])
    requests_mock.get(re.compile(r".*/results$"), status_code=404)
    return requests_mock


RUNNING = make_answer(not_run=20, status="RUNNING", complete=False)


def test_a_run_is_waited_for_judged_and_completed(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(RUNNING, make_answer())
    api.get(f"{BASE}/test-runs/55676/results", json=[RESULT])
    (verdict,) = walk.judge()
    assert verdict.exit_code is ExitCode.PASSED
    assert verdict.web_url == "https://testery.app/acme/test-runs/55676"
    assert [result.name for result in verdict.results or ()] == ["adds"]
    assert walk.clock.slept == [10]


def test_results_that_are_not_offered_are_noted_once_and_not_asked_for_again(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    for run_id in (1, 2):
        walk.run(make_answer(id=run_id), run_id=run_id)
    verdicts = walk.judge(1, 2)
    assert [verdict.results for verdict in verdicts] == [None, None]
    assert all("only counts, no single test results" in verdict.notes[0] for verdict in verdicts)
    asked = [request.path for request in api.request_history if "results" in request.path]
    assert asked == ["/api/test-runs/1/results"]


def test_results_are_left_out_on_request(api: requests_mock.Mocker) -> None:
    walk = Walk(api, with_results=False)
    walk.run(make_answer())
    (verdict,) = walk.judge()
    assert (verdict.results, verdict.notes) == (None, ())
    assert not [request for request in api.request_history if "results" in request.path]


@pytest.mark.parametrize(
    "account",
    [
        pytest.param({"status_code": 403}, id="not offered"),
        pytest.param({"json": {"name": None}}, id="no name"),
        pytest.param({"json": {"name": "../evil"}}, id="no name for an address"),
    ],
)
def test_without_an_account_there_is_no_address(
    api: requests_mock.Mocker, account: dict[str, Any]
) -> None:
    walk = Walk(api)
    walk.run(make_answer())
    api.get(f"{BASE}/account", **account)
    (verdict,) = walk.judge()
    assert verdict.exit_code is ExitCode.PASSED
    assert verdict.web_url is None


def test_an_address_that_the_user_gave_is_kept(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer())
    address = "https://testery.app/other/test-runs/55676"
    (verdict,) = judge_runs(
        [RunReference(run_id=55676, web_url=address)],
        Policy(),
        walk.client,
        walk.effects(),
        walk.waiting,
    )
    assert verdict.web_url == address
    assert not [request for request in api.request_history if "account" in request.path]


def test_only_a_run_that_was_seen_gets_an_address(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer(id=1), run_id=1)
    api.get(f"{BASE}/test-runs/2", status_code=404)
    seen, gone = walk.judge(1, 2)
    assert (seen.web_url, gone.web_url) == ("https://testery.app/acme/test-runs/1", None)
    assert gone.exit_code is ExitCode.NOT_FOUND


def test_a_run_that_is_not_finished_in_time_says_how_far_it_came(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, timeout=25)
    walk.run(RUNNING)
    (verdict,) = walk.judge()
    assert verdict.exit_code is ExitCode.TIMED_OUT
    assert verdict.reason == ("not finished within 25 s: the run was RUNNING, 10 of 30 tests done")
    assert "--timeout" in verdict.advice
    assert verdict.run is not None


def test_a_run_without_counts_or_status_is_described_without_them(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, timeout=0)
    walk.run({"id": 55676})
    (verdict,) = walk.judge()
    assert verdict.reason == "not finished within 0 s: the run was without a status"


def test_an_outage_keeps_what_was_seen(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs/55676", [{"json": RUNNING}, {"status_code": 502}])
    (verdict,) = walk.judge()
    assert verdict.exit_code is ExitCode.UNAVAILABLE
    assert "HTTP 502" in verdict.reason
    assert verdict.run is not None


def test_a_rejected_token_is_every_runs_end(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs/1", status_code=401)
    assert [verdict.exit_code for verdict in walk.judge(1, 2)] == [ExitCode.UNAUTHORIZED] * 2


@pytest.mark.parametrize("stage", ["sleep", "update"])
def test_a_signal_ends_the_wait_with_a_verdict(api: requests_mock.Mocker, stage: str) -> None:
    walk = Walk(api)
    walk.run(RUNNING)

    def stop(_: object) -> None:
        raise Interrupted(15)

    setattr(walk, stage, stop)
    (verdict,) = walk.judge()
    assert verdict.exit_code is ExitCode.TERMINATED
    assert verdict.reason == ("stopped by SIGTERM while the run was RUNNING, 10 of 30 tests done")


def test_a_signal_while_results_are_fetched_is_the_outcome_of_every_report(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    walk.run(make_answer())

    def stop(*_: object) -> Any:
        raise Interrupted(2)

    api.get(f"{BASE}/test-runs/55676/results", json=stop)
    (verdict,) = walk.judge()
    assert verdict.exit_code is ExitCode.INTERRUPTED
    assert verdict.notes == ("the verdict was passed",)


def test_a_run_that_can_not_be_had_hides_no_failed_one(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer(id=1, failed=1), run_id=1)
    api.get(f"{BASE}/test-runs/2", status_code=500)
    for run_ids in ((1, 2), (2, 1)):
        verdicts = walk.judge(*run_ids)
        assert {v.run_id: v.exit_code for v in verdicts} == {
            1: ExitCode.FAILED,
            2: ExitCode.UNAVAILABLE,
        }


def test_an_api_that_is_gone_is_not_asked_for_every_run(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    for run_id in range(1, 21):
        api.get(f"{BASE}/test-runs/{run_id}", status_code=500)
    api.get(f"{BASE}/test-runs", status_code=500)
    verdicts = walk.judge(*range(1, 21))
    assert {verdict.exit_code for verdict in verdicts} == {ExitCode.UNAVAILABLE}
    assert not [request for request in api.request_history if request.path.endswith("/3")]


def test_failing_fast_ends_the_wait_when_a_criterion_is_lost(api: requests_mock.Mocker) -> None:
    walk = Walk(api, fail_fast=True)
    walk.run(RUNNING, make_answer(failed=1, not_run=20, status="RUNNING", complete=False))
    (verdict,) = walk.judge(policy=make_policy("total >= 1"))
    assert (verdict.exit_code, verdict.decided_early) == (ExitCode.FAILED, True)
    assert walk.clock.slept == [10]


def test_a_canceled_run_is_followed_to_the_newer_one(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer(id=1, status="CANCELED"), run_id=1)
    walk.run(RUNNING | {"id": 2}, make_answer(id=2), run_id=2)
    newer = {1: make_run(id=2)}
    (verdict,) = walk.judge(1, follow=lambda runs: {run.id: newer[run.id] for run in runs})
    assert (verdict.run_id, verdict.exit_code) == (2, ExitCode.PASSED)
    story = "run 1 was canceled, and newer run 2 followed"
    assert story in verdict.notes
    assert walk.said == [story]


def test_a_canceled_run_without_a_newer_one_is_inconclusive(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer(status="CANCELED"))
    (verdict,) = walk.judge(follow=lambda _: {})
    assert verdict.exit_code is ExitCode.INCONCLUSIVE


def test_a_successor_that_can_not_be_looked_for_is_said(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer(status="CANCELED"))

    def broken(_: Sequence[TestRun]) -> Mapping[int, TestRun]:
        walk.client.page(0, 10)
        return {}

    api.get(f"{BASE}/test-runs", status_code=403)
    (verdict,) = walk.judge(follow=broken)
    assert verdict.exit_code is ExitCode.INCONCLUSIVE
    assert "can't be told" in walk.said[0]


QUERY = Query(
    selection=Selection(conditions=(Condition(field=Field.ENVIRONMENT, wanted="dev"),)),
    max_age=None,
)


def select(walk: Walk, *, appear_within: float = 0, follow: bool = True) -> list[Verdict]:
    return list(
        judge_selection(
            QUERY,
            Policy(),
            walk.client,
            walk.effects(),
            walk.waiting,
            appear_by=Deadline.after(appear_within, walk.clock),
            follow=follow,
        )
    )


def test_a_selected_run_is_judged(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs", json=[make_answer()])
    walk.run(make_answer())
    assert [verdict.exit_code for verdict in select(walk, follow=False)] == [ExitCode.PASSED]


def test_a_selected_run_that_was_superseded_is_followed(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    old, new = make_answer(id=1, status="CANCELED"), make_answer(id=2)
    api.get(f"{BASE}/test-runs", [{"json": [old]}, {"json": []}, {"json": [new, old]}])
    walk.run(old, run_id=1)
    walk.run(new, run_id=2)
    (verdict,) = select(walk)
    assert (verdict.run_id, verdict.exit_code) == (2, ExitCode.PASSED)


def test_no_match_is_a_verdict_that_says_what_was_searched(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs", json=[])
    (verdict,) = select(walk)
    assert (verdict.run_id, verdict.exit_code) == (None, ExitCode.NOT_FOUND)
    assert "environment dev" in verdict.reason


def test_a_signal_while_waiting_for_a_run_to_appear_is_a_verdict(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs", json=[])

    def stop(_: float) -> None:
        raise Interrupted(2)

    walk.sleep = stop
    (verdict,) = select(walk, appear_within=60)
    assert verdict.exit_code is ExitCode.INTERRUPTED


PASSED = evaluate(Policy(), make_run())
FAILED = evaluate(Policy(), make_run(failed=1))


class Broken(io.StringIO):
    """A pipe whose reader went away."""

    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


def test_reports_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    stdout = io.StringIO()
    file = tmp_path / "t.xml"
    code = publish(
        [PASSED],
        [
            reports.Report(format="junit", path=str(file)),
            reports.Report(format="json", path="-"),
        ],
        stdout,
        lambda error: pytest.fail(str(error)),
    )
    assert code is ExitCode.PASSED
    assert file.read_text(encoding="utf-8").startswith("<?xml")
    assert stdout.getvalue().startswith("{")


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        pytest.param([PASSED], ExitCode.REPORT_LOST, id="passed"),
        pytest.param([FAILED], ExitCode.FAILED, id="failed"),
        pytest.param([PASSED, FAILED], ExitCode.FAILED, id="both"),
        pytest.param(
            [no_verdict(1, ExitCode.TIMED_OUT, "late")], ExitCode.TIMED_OUT, id="timed out"
        ),
    ],
)
def test_a_lost_report_is_complained_of_and_hides_no_worse_code(
    tmp_path: Path, verdicts: list[Verdict], code: ExitCode
) -> None:
    lost: list[ReportLost] = []
    (tmp_path / "file").touch()
    wanted = [
        reports.Report(format="json", path=str(tmp_path / "file" / "below" / "a.json")),
        reports.Report(format="json", path="-"),
    ]
    assert publish(verdicts, wanted, Broken(), lost.append) is code
    assert len(lost) == 2
    assert "Broken pipe" in lost[1].message


def test_a_signal_between_two_steps_is_every_runs_verdict(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer(id=1, status="CANCELED"), run_id=1)
    api.get(f"{BASE}/test-runs", [{"json": [make_answer(id=1, status="CANCELED")]}])
    targets: tuple[Any, ...] = ([RunReference(run_id=1), RunReference(run_id=2)], QUERY)

    def stop(*_: object) -> Any:
        raise Interrupted(15)

    effects = Effects(sleep=walk.sleep, update=walk.update, say=stop)
    api.get(f"{BASE}/test-runs/1", json=stop)
    for target, run_ids in zip(targets, ([1, 2], [1]), strict=True):
        verdicts = judge(
            target,
            Policy(),
            walk.client,
            effects,
            walk.waiting,
            appear_by=Deadline.after(0, walk.clock),
            follow=True,
        )
        assert [verdict.run_id for verdict in verdicts] == run_ids
        assert {verdict.exit_code for verdict in verdicts} == {ExitCode.TERMINATED}
        assert {verdict.reason for verdict in verdicts} == {
            "stopped by SIGTERM while the run was not seen yet"
        }


def test_a_signal_before_the_first_look_is_the_verdict_on_each_run_that_is_named(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)

    def stop() -> float:
        raise Interrupted(15)

    verdicts = judge(
        [RunReference(run_id=1), RunReference(run_id=2)],
        Policy(),
        walk.client,
        walk.effects(),
        replace(walk.waiting, deadline=Deadline(0.0, stop)),
        appear_by=Deadline.after(0, walk.clock),
        follow=True,
    )
    assert [(one.run_id, one.exit_code) for one in verdicts] == [
        (1, ExitCode.TERMINATED),
        (2, ExitCode.TERMINATED),
    ]


def test_a_signal_while_nothing_expects_one_is_a_verdict(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs", json=[])

    def stop(_: str) -> None:
        raise Interrupted(2)

    walk.run(make_answer(status="CANCELED"))
    effects = Effects(sleep=walk.sleep, update=walk.update, say=stop)
    waits = judge(
        QUERY,
        Policy(),
        walk.client,
        effects,
        walk.waiting,
        appear_by=Deadline.after(60, walk.clock),
        follow=True,
    )
    assert [(v.run_id, v.exit_code) for v in waits] == [(None, ExitCode.INTERRUPTED)]


def test_a_signal_while_a_newer_run_is_looked_for_keeps_what_was_seen(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    walk.run(make_answer(status="CANCELED"))

    def stop(_: object) -> Any:
        raise Interrupted(2)

    (verdict,) = walk.judge(follow=stop)
    assert verdict.run is not None


def test_only_what_was_superseded_is_replaced(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer(id=1, status="CANCELED"), run_id=1)
    walk.run(make_answer(id=2), run_id=2)
    walk.run(make_answer(id=3), run_id=3)
    newer = make_run(id=3)
    verdicts = walk.judge(
        1, 2, follow=lambda canceled: {run.id: newer for run in canceled if run.id == 1}
    )
    assert [verdict.run_id for verdict in verdicts] == [3, 2]
    assert {verdict.exit_code for verdict in verdicts} == {ExitCode.PASSED}


def test_a_signal_while_a_newer_run_is_announced_is_a_verdict(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    old, new = make_answer(id=1, status="CANCELED"), make_answer(id=2)
    api.get(f"{BASE}/test-runs", [{"json": [old]}, {"json": []}, {"json": [new, old]}])
    walk.run(old, run_id=1)

    def stop(_: str) -> None:
        raise Interrupted(2)

    (verdict,) = judge(
        QUERY,
        Policy(),
        walk.client,
        Effects(sleep=walk.sleep, update=walk.update, say=stop),
        walk.waiting,
        appear_by=Deadline.after(0, walk.clock),
        follow=True,
    )
    assert (verdict.run_id, verdict.exit_code) == (None, ExitCode.INTERRUPTED)
    assert verdict.reason == "stopped by SIGINT"


def test_a_verdict_tells_how_the_run_was_watched(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(RUNNING, make_answer())
    (verdict,) = walk.judge()
    assert [(one.at, one.status) for one in verdict.observed] == [
        (0, RunStatus.RUNNING),
        (10, RunStatus.PASS),
    ]


def test_a_verdict_that_was_reached_tells_of_comparable_runs(api: requests_mock.Mocker) -> None:
    walk = Walk(api, history=2)
    walk.run(make_answer())
    before = [make_answer(id=run_id, createTime="2020-02-01T00:00:00Z") for run_id in (7, 6)]
    api.get(f"{BASE}/test-runs", json=[make_answer(), *before])
    (verdict,) = walk.judge()
    assert [run.id for run in verdict.history or ()] == [7, 55676]
    # The tests of the run come first: no chart is worth them where time runs out.
    paths = [request.path for request in api.request_history]
    assert paths.index("/api/test-runs/55676/results") < paths.index("/api/test-runs")


def test_comparable_runs_are_asked_for_only_where_they_are_wanted_and_of_use(
    api: requests_mock.Mocker,
) -> None:
    unwanted, of_no_use = Walk(api), Walk(api, history=20)
    unwanted.run(make_answer())
    assert unwanted.judge()[0].history is None
    of_no_use.run(RUNNING)
    of_no_use.waiting = replace(of_no_use.waiting, deadline=Deadline.after(0, of_no_use.clock))
    assert of_no_use.judge()[0].history is None
    assert not [request for request in api.request_history if request.path == "/api/test-runs"]
