from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import requests
import requests_mock

from testery_gate.api.client import Limits, TesteryClient
from testery_gate.api.time_limit import TookTooLong
from testery_gate.errors import ApiError, ExitCode, Interrupted
from testery_gate.gate import Effects, Gate, Waiting
from testery_gate.judging.judged import Judged
from testery_gate.judging.policy import Policy
from testery_gate.model import Attachments, Field, RunStatus
from testery_gate.runs.references import PipedRuns, RunReference
from testery_gate.runs.selection import Condition, Group, Query, Selection
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import Sighting
from tests.builders import make_answer, make_policy, make_transport
from tests.fakes import FakeClock

BASE = "https://api.example.test/api"
RESULT = {"id": 1, "status": "PASS", "projectTest": {"name": "adds", "file": "a.feature"}}


class Walk:
    """The gate on a fake clock, against answers that a test gives."""

    def __init__(
        self,
        api: requests_mock.Mocker,
        *,
        policy: Policy | None = None,
        timeout: float = 600,
        appear_within: float = 0,
        **waiting: Any,
    ) -> None:
        self.api, self.clock, self.said = api, FakeClock(), list[str]()
        deadline = Deadline.after(timeout, self.clock)
        self.client = TesteryClient(
            make_transport(BASE, "a-token"),
            Limits(deadline=deadline, outage_tolerance=5),
            sleep=self.clock.sleep,
            jitter=lambda: 1.0,
        )
        appear_by = Deadline.after(appear_within, self.clock)
        self.waiting = replace(
            Waiting(deadline=deadline, poll_interval=lambda _: 10, appear_by=appear_by), **waiting
        )
        self.effects = Effects(sleep=self.clock.sleep, update=lambda _: None, say=self.said.append)
        self.policy = policy or Policy()

    def stopped_in(self, effect: str, signal_number: int = 15) -> None:
        """Let a signal arrive when an effect is next used."""
        self.effects = replace(self.effects, **{effect: interrupting(signal_number)})

    def run(self, *answers: dict[str, Any], run_id: int = 55676) -> None:
        """Let a run answer so, one after the other; the last stays."""
        self.api.get(f"{BASE}/test-runs/{run_id}", [{"json": answer} for answer in answers])

    def lists(self) -> int:
        """Return how often the list was asked for from its beginning."""
        asked = [request.url for request in self.api.request_history]
        return sum("test-runs?page=0" in url for url in asked)

    def judge(self, *run_ids: int) -> Sequence[Judged]:
        """Judge runs that are named."""
        return self.judge_target([RunReference(run_id=run_id) for run_id in run_ids or (55676,)])

    def judge_target(self, target: Sequence[RunReference] | PipedRuns | Query) -> Sequence[Judged]:
        return Gate(self.policy, self.client, self.effects, self.waiting).judge(target)


def interrupting(signal_number: int) -> Callable[..., Any]:
    """Return what a signal arrives in."""

    def interrupt(*_: object) -> Any:
        raise Interrupted(signal_number)

    return interrupt


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
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.PASSED
    assert judged.web_url == "https://testery.app/acme/test-runs/55676"
    assert [result.name for result in judged.results or ()] == ["adds"]
    assert walk.clock.slept == [10]


def test_results_that_are_not_offered_are_noted_once_and_not_asked_for_again(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    for run_id in (1, 2):
        walk.run(make_answer(id=run_id), run_id=run_id)
    runs = walk.judge(1, 2)
    assert [judged.results for judged in runs] == [None, None]
    assert all("only counts, no individual test results" in judged.notes[0] for judged in runs)
    asked = [request.path for request in api.request_history if "results" in request.path]
    assert asked == ["/api/test-runs/1/results"]


def test_results_are_left_out_on_request(api: requests_mock.Mocker) -> None:
    walk = Walk(api, with_results=False)
    walk.run(make_answer())
    (judged,) = walk.judge()
    assert (judged.results, judged.notes) == (None, ())
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
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.PASSED
    assert judged.web_url is None


def test_an_address_that_the_user_gave_is_kept(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer())
    address = "https://testery.app/other/test-runs/55676"
    (judged,) = walk.judge_target([RunReference(run_id=55676, web_url=address)])
    assert judged.web_url == address
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
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.TIMED_OUT
    assert judged.verdict.reason == (
        "not finished within 25 s: the run was RUNNING, 10 of 30 tests done"
    )
    assert "--timeout" in judged.verdict.advice
    assert judged.run is not None


def test_a_run_without_counts_or_status_is_described_without_them(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, timeout=0)
    walk.run({"id": 55676})
    (judged,) = walk.judge()
    assert judged.verdict.reason == "not finished within 0 s: the run was without a status"


def test_an_outage_keeps_what_was_seen(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs/55676", [{"json": RUNNING}, {"status_code": 502}])
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.UNAVAILABLE
    assert "HTTP 502" in judged.verdict.reason
    assert judged.run is not None


def test_a_rejected_token_is_every_runs_end(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    api.get(re.compile(f"{BASE}/test-runs/[12]$"), status_code=401)
    assert [judged.exit_code for judged in walk.judge(1, 2)] == [ExitCode.UNAUTHORIZED] * 2


@pytest.mark.parametrize("stage", ["sleep", "update"])
def test_a_signal_ends_the_wait_with_a_verdict(api: requests_mock.Mocker, stage: str) -> None:
    walk = Walk(api)
    walk.run(RUNNING)
    walk.stopped_in(stage)
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.TERMINATED
    assert judged.verdict.reason == (
        "stopped by SIGTERM while the run was RUNNING, 10 of 30 tests done"
    )


def test_a_signal_while_results_are_fetched_is_the_outcome_of_every_report(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    walk.run(make_answer())
    api.get(f"{BASE}/test-runs/55676/results", json=interrupting(2))
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.INTERRUPTED
    assert judged.notes == ("the verdict was passed",)


def test_a_run_that_can_not_be_had_hides_no_failed_one(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(make_answer(id=1, failed=1), run_id=1)
    api.get(f"{BASE}/test-runs/2", status_code=500)
    for run_ids in ((1, 2), (2, 1)):
        runs = walk.judge(*run_ids)
        assert {judged.run_id: judged.exit_code for judged in runs} == {
            1: ExitCode.FAILED,
            2: ExitCode.UNAVAILABLE,
        }


def test_an_api_that_is_gone_takes_no_longer_for_many_runs(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    for run_id in range(1, 201):
        api.get(f"{BASE}/test-runs/{run_id}", status_code=500)
    api.get(f"{BASE}/test-runs", status_code=500)
    verdicts = walk.judge(*range(1, 201))
    assert {verdict.exit_code for verdict in verdicts} == {ExitCode.UNAVAILABLE}
    assert sum(walk.clock.slept) == 5 + 5  # for the list, and for the runs


@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize("failed_first", [True, False])
def test_a_failure_shows_whatever_becomes_of_the_other_runs(
    api: requests_mock.Mocker, status: int, failed_first: bool
) -> None:
    walk = Walk(api)
    api.get(re.compile(f"{BASE}/test-runs/[1-4]$"), status_code=status)
    failure = 0 if failed_first else 5
    walk.run(make_answer(id=failure, failed=1, status="FAIL"), run_id=failure)
    verdicts = walk.judge(*sorted({1, 2, 3, 4, failure}))
    codes = {verdict.run_id: verdict.exit_code for verdict in verdicts}
    expected = ExitCode.UNAUTHORIZED if status == 401 else ExitCode.UNAVAILABLE
    assert codes == {**dict.fromkeys((1, 2, 3, 4), expected), failure: ExitCode.FAILED}


@pytest.mark.parametrize("timeout", [0, 5])
def test_a_list_that_hangs_takes_no_named_run_the_time(
    api: requests_mock.Mocker, timeout: float
) -> None:
    walk = Walk(api, timeout=timeout)

    def hang(request: Any, _: object) -> Any:
        walk.clock.now += request.timeout[1]
        raise requests.ReadTimeout

    api.get(f"{BASE}/test-runs", json=hang)
    for run_id in (1, 2, 3):
        walk.run(make_answer(id=run_id, failed=1), run_id=run_id)
    assert [judged.exit_code for judged in walk.judge(1, 2, 3)] == [ExitCode.FAILED] * 3


def test_a_run_in_an_outage_keeps_no_news_of_another_back(api: requests_mock.Mocker) -> None:
    walk = Walk(api, timeout=12)
    walk.client._limits = replace(walk.client._limits, outage_tolerance=300)
    api.get(f"{BASE}/test-runs/1", status_code=500)
    walk.run(RUNNING | {"id": 2}, make_answer(id=2, failed=1), run_id=2)
    unavailable, failed = walk.judge(1, 2)
    assert unavailable.exit_code is ExitCode.UNAVAILABLE
    assert failed.exit_code is ExitCode.FAILED


def test_failing_fast_ends_the_wait_when_a_criterion_is_lost(api: requests_mock.Mocker) -> None:
    walk = Walk(api, policy=make_policy("total >= 1"), fail_fast=True)
    walk.run(RUNNING, make_answer(failed=1, not_run=20, status="RUNNING", complete=False))
    (judged,) = walk.judge()
    assert (judged.exit_code, judged.verdict.decided_early) == (ExitCode.FAILED, True)
    assert walk.clock.slept == [10]


def test_a_run_that_is_named_may_still_appear(api: requests_mock.Mocker) -> None:
    walk = Walk(api, appear_within=60)
    walk.run(make_answer(id=1, failed=1), run_id=1)
    api.get(f"{BASE}/test-runs/2", [{"status_code": 404}] * 2 + [{"json": make_answer(id=2)}])
    runs = walk.judge(1, 2)
    assert [judged.exit_code for judged in runs] == [ExitCode.FAILED, ExitCode.PASSED]
    assert walk.said == ["There is no run 2 yet; waiting up to 60 s for it"]
    assert walk.clock.slept == [1.25, 1.875]


def test_a_run_that_does_not_appear_is_not_found_when_the_time_is_over(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, appear_within=7)
    api.get(f"{BASE}/test-runs/2", status_code=404)
    (judged,) = walk.judge(2)
    assert judged.exit_code is ExitCode.NOT_FOUND
    assert sum(walk.clock.slept) == 7


def test_a_run_that_was_there_has_no_need_to_appear(api: requests_mock.Mocker) -> None:
    walk = Walk(api, appear_within=60)
    api.get(f"{BASE}/test-runs/55676", [{"json": RUNNING}, {"status_code": 404}])
    (judged,) = walk.judge()
    assert (judged.exit_code, walk.said) == (ExitCode.NOT_FOUND, [])


def test_an_outage_while_a_run_may_still_appear_hides_no_other(api: requests_mock.Mocker) -> None:
    walk = Walk(api, appear_within=60)
    walk.run(make_answer(id=1, failed=1), run_id=1)
    api.get(f"{BASE}/test-runs/2", [{"status_code": 404}, {"status_code": 503}])
    runs = walk.judge(1, 2)
    assert [judged.exit_code for judged in runs] == [ExitCode.FAILED, ExitCode.UNAVAILABLE]


QUERY = Query(
    selection=Selection(conditions=(Condition(field=Field.ENVIRONMENT, wanted="dev"),)),
    max_age=None,
)
OLD = make_answer(id=1, status="CANCELED")
OTHERS = [
    make_answer(id=900 - n, environment="qa", createTime="2020-05-03 23:15:10+0000")
    for n in range(40)
]
"""Enough older runs that the newest one is found on the first page."""


def superseded(walk: Walk, *pages: dict[str, Any]) -> None:
    """Let the list show a canceled run, run 1, and then these pages to who asks for a newer one."""
    walk.api.get(f"{BASE}/test-runs", [{"json": [OLD]}, {"json": []}, *pages])
    walk.run(OLD, run_id=1)


def test_a_selected_run_is_judged(api: requests_mock.Mocker) -> None:
    walk = Walk(api, follow=False)
    api.get(f"{BASE}/test-runs", json=[make_answer()])
    walk.run(make_answer())
    assert [judged.exit_code for judged in walk.judge_target(QUERY)] == [ExitCode.PASSED]


def test_a_canceled_run_is_followed_to_the_newer_one(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    new = make_answer(id=2)
    superseded(walk, {"json": [new, OLD]})
    walk.run(RUNNING | {"id": 2}, new, run_id=2)
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (2, ExitCode.PASSED)
    note = "run 1 was canceled, and newer run 2 followed"
    assert note in judged.notes
    assert walk.said == [note]


def test_a_canceled_run_without_a_newer_one_is_inconclusive(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    superseded(walk, {"json": [OLD]})
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (1, ExitCode.INCONCLUSIVE)
    assert walk.said == []


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"projectId": 9}, id="project"),
        pytest.param({"name": "smoke"}, id="name"),
    ],
)
def test_a_run_of_another_kind_does_not_take_the_place_of_a_canceled_one(
    api: requests_mock.Mocker, other: dict[str, Any]
) -> None:
    walk = Walk(api)
    new = make_answer(id=2, **other)
    superseded(walk, {"json": [new, OLD]})
    walk.run(new, run_id=2)
    runs = walk.judge_target(QUERY)
    assert [(judged.run_id, judged.exit_code) for judged in runs] == [
        (2, ExitCode.PASSED),
        (1, ExitCode.INCONCLUSIVE),
    ]


def test_a_canceled_run_is_what_was_asked_for(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    superseded(walk, {"json": [make_answer(id=2), OLD]})
    wanted = Condition(field=Field.STATUS, wanted="CANCELED")
    selection = replace(QUERY.selection, conditions=(*QUERY.selection.conditions, wanted))
    (judged,) = walk.judge_target(replace(QUERY, selection=selection))
    assert (judged.run_id, judged.exit_code) == (1, ExitCode.INCONCLUSIVE)


def test_without_following_the_first_answer_stands(api: requests_mock.Mocker) -> None:
    walk = Walk(api, follow=False)
    superseded(walk, {"json": [make_answer(id=2), OLD]})
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (1, ExitCode.INCONCLUSIVE)
    assert walk.lists() == 1


def test_where_all_are_meant_a_canceled_one_is_too(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    new = make_answer(id=2)
    superseded(walk, {"json": [new, OLD]})
    walk.run(new, run_id=2)
    every = replace(QUERY, selection=replace(QUERY.selection, every=True))
    runs = walk.judge_target(every)
    assert [(judged.run_id, judged.exit_code) for judged in runs] == [
        (2, ExitCode.PASSED),
        (1, ExitCode.INCONCLUSIVE),
    ]
    assert walk.said == ["run 2 appeared and is judged too"]


@pytest.mark.parametrize("follow", [True, False])
def test_a_named_run_that_was_canceled_is_followed_on_request(
    api: requests_mock.Mocker, follow: bool
) -> None:
    walk = Walk(api, follow=follow)
    new = make_answer(id=2)
    api.get(f"{BASE}/test-runs", json=[new, OLD])
    walk.run(OLD, run_id=1)
    walk.run(new, run_id=2)
    (judged,) = walk.judge(1)
    assert judged.run_id == (2 if follow else 1)
    assert judged.exit_code is (ExitCode.PASSED if follow else ExitCode.INCONCLUSIVE)
    assert judged.web_url == f"https://testery.app/acme/test-runs/{judged.run_id}"
    assert bool(walk.lists()) == follow


@pytest.mark.parametrize("other", [{"gitRef": "main"}, {"buildKey": "24"}])
def test_a_named_run_is_not_followed_to_another_build(
    api: requests_mock.Mocker, other: dict[str, Any]
) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs", json=[make_answer(id=2, **other), OLD])
    walk.run(OLD, run_id=1)
    (judged,) = walk.judge(1)
    assert (judged.run_id, judged.exit_code) == (1, ExitCode.INCONCLUSIVE)
    assert judged.notes[0] == "newer run 2 is not known to be of the same commit and build"


def test_a_successor_of_a_named_run_that_can_not_be_looked_for_is_noted(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    walk.run(OLD, run_id=1)
    api.get(f"{BASE}/test-runs", status_code=403)
    (judged,) = walk.judge(1)
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert judged.notes[0].startswith("it is unknown whether a newer run followed: ")


def test_a_named_run_that_is_not_canceled_needs_no_list(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(RUNNING, make_answer())
    assert [judged.exit_code for judged in walk.judge()] == [ExitCode.PASSED]
    # What others took is all that it is read for.
    assert walk.lists() == 1


@pytest.mark.parametrize(
    ("failed", "code"),
    [
        pytest.param(0, ExitCode.UNAVAILABLE, id="passed"),
        pytest.param(1, ExitCode.FAILED, id="failed"),
    ],
)
def test_a_selection_that_can_not_be_asked_again_is_part_of_the_evidence(
    api: requests_mock.Mocker, failed: int, code: ExitCode
) -> None:
    walk = Walk(api)
    run = make_answer(id=1, failed=failed)
    api.get(f"{BASE}/test-runs", [{"json": [run]}, {"json": []}, {"status_code": 503}])
    walk.run(run, run_id=1)
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (1, code)
    unknown = "it is unknown whether other runs are meant by now"
    assert unknown in (judged.notes[0] if failed else judged.verdict.reason)
    assert "status" in [check.name for check in judged.verdict.checks]


def test_while_runs_are_waited_for_it_is_asked_again_now_and_then(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    # The list says too little to spare a look at the run itself.
    api.get(f"{BASE}/test-runs", json=[make_answer(id=1, complete=None), *OTHERS])
    walk.run(*([RUNNING | {"id": 1}] * 8), make_answer(id=1), run_id=1)
    (judged,) = walk.judge_target(QUERY)
    assert judged.exit_code is ExitCode.PASSED
    # In 80 s at the beginning, for how long others took, twice meanwhile, and at the end.
    assert walk.lists() == 5


def test_a_run_that_is_not_meant_any_more_is_not_waited_for(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    stuck, newer = RUNNING | {"id": 1}, make_answer(id=2, failed=1)
    api.get(f"{BASE}/test-runs", [{"json": [stuck]}, {"json": []}, {"json": [newer, stuck]}])
    walk.run(stuck, run_id=1)
    walk.run(newer, run_id=2)
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (2, ExitCode.FAILED)
    assert walk.clock.slept == [10.0] * 3


def test_many_runs_that_are_described_take_few_requests(api: requests_mock.Mocker) -> None:
    walk = Walk(api, timeout=95, with_results=False)
    runs = [RUNNING | {"id": run_id} for run_id in range(200, 0, -1)]

    def page(request: Any, _: object) -> Any:
        number, limit = (int(request.qs[name][0]) for name in ("page", "limit"))
        return runs[number * limit : (number + 1) * limit]

    api.get(f"{BASE}/test-runs", json=page)
    walk.judge_target(replace(QUERY, selection=replace(QUERY.selection, every=True)))
    looks = len(walk.clock.slept) + 1
    # To find the runs and to look at them takes as much; at the deadline nothing more is asked.
    assert looks == 11
    assert len(api.request_history) <= (1 + looks) * 4


def test_a_run_that_is_meant_again_is_looked_at_again(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    first, newer = RUNNING | {"id": 1}, make_answer(id=2, name="smoke")
    api.get(
        f"{BASE}/test-runs",
        [
            {"json": [first, *OTHERS]},
            {"json": [RUNNING | {"id": 2, "name": "smoke"}, first, *OTHERS]},
            {"json": [newer, OLD, *OTHERS]},
        ],
    )
    walk.run(*[first] * 4, OLD, run_id=1)
    walk.run(RUNNING | {"id": 2, "name": "smoke"}, newer, run_id=2)
    runs = walk.judge_target(QUERY)
    assert [(judged.run_id, judged.exit_code) for judged in runs] == [
        (2, ExitCode.PASSED),
        (1, ExitCode.INCONCLUSIVE),
    ]


def test_a_run_that_joins_is_waited_for_although_its_first_look_brings_nothing(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    first, joined = RUNNING | {"id": 1}, RUNNING | {"id": 2}
    every = replace(QUERY, selection=replace(QUERY.selection, every=True))
    both = [joined | {"complete": None}, first | {"complete": None}]
    api.get(f"{BASE}/test-runs", [{"json": [first]}, {"json": []}, {"json": both}])
    walk.run(*[first] * 5, make_answer(id=1), run_id=1)
    answers = {"json": joined}, {"json": make_answer(id=2, failed=1)}
    api.get(f"{BASE}/test-runs/2", [{"status_code": 503}, *answers])
    runs = walk.judge_target(every)
    assert {judged.run_id: judged.exit_code for judged in runs} == {
        1: ExitCode.PASSED,
        2: ExitCode.FAILED,
    }


def test_an_answer_meanwhile_that_does_not_come_is_not_needed(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    run = make_answer(id=1)
    refused, page = {"status_code": 403}, {"json": [run, *OTHERS]}
    api.get(f"{BASE}/test-runs", [page, refused, page])
    walk.run(*([RUNNING | {"id": 1}] * 4), run, run_id=1)
    (judged,) = walk.judge_target(QUERY)
    assert judged.exit_code is ExitCode.PASSED


def test_a_run_that_may_not_be_the_newest_is_inconclusive(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    run, untimed = make_answer(id=1, failed=1), make_answer(id=2, createTime=None)
    api.get(f"{BASE}/test-runs", json=[untimed, run])
    walk.run(run, run_id=1)
    (judged,) = walk.judge_target(QUERY)
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert "run 2 may be newer than run 1" in judged.verdict.reason
    assert judged.verdict.case == "which run is meant is unclear"
    assert judged.run is not None


def test_a_run_that_may_not_be_the_newest_is_neither_failed_nor_canceled_early(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, fail_fast=True, cancel_when_decided=True)
    run = LOSING | {"id": 1}
    api.get(f"{BASE}/test-runs", json=[make_answer(id=2, createTime=None), run])
    walk.run(run, run_id=1)
    (judged,) = walk.judge_target(QUERY)
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert "run 2 may be newer than run 1" in judged.verdict.reason
    assert canceled(api) == []


def test_a_list_that_lags_behind_is_not_followed_back(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    passed = itertools.count()

    def lagging(_request: object, _context: object) -> list[dict[str, Any]]:
        return [make_answer(id=1, status="RUNNING", complete=False, passCount=next(passed) % 20)]

    api.get(f"{BASE}/test-runs", json=lagging)
    walk.run(make_answer(id=1), run_id=1)
    (judged,) = walk.judge_target(QUERY)
    assert judged.exit_code is ExitCode.PASSED
    asked = [request.path for request in api.request_history]
    assert asked.count("/api/test-runs/1") == 2


def test_a_complete_run_that_is_started_anew_is_noticed_though_the_list_lagged_before(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    began = walk.clock.now

    def answer(run_id: int, ends: float, **others: Any) -> dict[str, Any]:
        ended = walk.clock.now - began >= ends
        still = {"status": "RUNNING", "complete": False}
        return make_answer(id=run_id, **others) | ({} if ended else still)

    def listed(_request: object, _context: object) -> list[dict[str, Any]]:
        # The second run joins when the first one was looked at because of the list that lags.
        asked = [request.path for request in api.request_history].count("/api/test-runs/1")
        return [*([answer(2, 300)] if asked > 1 else []), answer(1, 1000)]

    def again(_request: object, _context: object) -> dict[str, Any]:
        return make_answer(id=1) if walk.clock.now - began < 200 else answer(1, 400, failed=3)

    api.get(f"{BASE}/test-runs", json=listed)
    api.get(f"{BASE}/test-runs/1", json=again)
    api.get(f"{BASE}/test-runs/2", json=lambda *_: answer(2, 300))
    every = replace(QUERY, selection=replace(QUERY.selection, every=True))
    codes = {judged.run_id: judged.exit_code for judged in walk.judge_target(every)}
    assert codes == {1: ExitCode.FAILED, 2: ExitCode.PASSED}


def test_too_few_runs_are_not_headed_as_none(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    run = make_answer(id=1)
    api.get(f"{BASE}/test-runs", json=[run])
    walk.run(run, run_id=1)
    (judged,) = walk.judge_target(replace(QUERY, min_runs=2))
    assert judged.exit_code is ExitCode.NOT_FOUND
    assert judged.verdict.case == "too few runs were found"


def test_an_input_that_does_not_end_is_not_headed_as_a_run(api: requests_mock.Mocker) -> None:
    def read(_seconds: float) -> Sequence[RunReference]:
        raise TookTooLong

    (judged,) = Walk(api).judge_target(PipedRuns(read=read))
    assert judged.exit_code is ExitCode.TIMED_OUT
    assert judged.verdict.case == "standard input did not end in time"


def test_a_list_that_lags_behind_does_not_keep_a_run_from_its_verdict(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    run = make_answer(id=1)
    api.get(f"{BASE}/test-runs", json=[run | {"status": "RUNNING", "complete": False}])
    walk.run(run, run_id=1)
    (judged,) = walk.judge_target(QUERY)
    assert judged.exit_code is ExitCode.PASSED
    asked = [request.path for request in api.request_history]
    assert asked.count("/api/test-runs/1") == 2


def test_only_what_was_superseded_is_replaced(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    other = make_answer(id=2, name="smoke")
    new = make_answer(id=3)
    api.get(
        f"{BASE}/test-runs", [{"json": [other, OLD]}, {"json": []}, {"json": [new, other, OLD]}]
    )
    for answer in (OLD, other, new):
        walk.run(answer, run_id=answer["id"])
    each = replace(QUERY, selection=replace(QUERY.selection, each=(Group.NAME,)))
    runs = walk.judge_target(each)
    assert [judged.run_id for judged in runs] == [3, 2]
    assert {judged.exit_code for judged in runs} == {ExitCode.PASSED}


def test_no_match_is_a_verdict_that_says_what_was_searched(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs", json=[])
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (None, ExitCode.NOT_FOUND)
    assert "environment dev" in judged.verdict.reason


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        ("sleep", "stopped by SIGINT while there was no run with environment dev"),
        ("say", "stopped by SIGINT while there was no run with environment dev"),
    ],
)
def test_a_signal_while_waiting_for_a_run_to_appear_is_a_verdict(
    api: requests_mock.Mocker, effect: str, reason: str
) -> None:
    walk = Walk(api, appear_within=60)
    api.get(f"{BASE}/test-runs", json=[])
    walk.stopped_in(effect, 2)
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (None, ExitCode.INTERRUPTED)
    assert judged.verdict.reason == reason


@pytest.mark.parametrize(
    ("target", "run_ids"),
    [
        pytest.param([RunReference(run_id=1), RunReference(run_id=2)], [1, 2], id="named"),
        pytest.param(QUERY, [1], id="described"),
    ],
)
def test_a_signal_in_the_first_look_is_every_runs_verdict(
    api: requests_mock.Mocker, target: Sequence[RunReference] | Query, run_ids: list[int]
) -> None:
    walk = Walk(api)
    api.get(f"{BASE}/test-runs", json=[OLD])
    api.get(f"{BASE}/test-runs/1", json=interrupting(15))
    runs = walk.judge_target(target)
    assert [judged.run_id for judged in runs] == run_ids
    assert {judged.exit_code for judged in runs} == {ExitCode.TERMINATED}
    assert {judged.verdict.reason for judged in runs} == {
        "stopped by SIGTERM while the run was not seen yet"
    }


def test_a_signal_before_the_first_look_is_the_verdict_on_each_run_that_is_named(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, deadline=Deadline(0.0, interrupting(15)))
    assert [(judged.run_id, judged.exit_code) for judged in walk.judge(1, 2)] == [
        (1, ExitCode.TERMINATED),
        (2, ExitCode.TERMINATED),
    ]


def test_a_signal_while_a_newer_run_is_looked_for_keeps_what_was_seen(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    superseded(walk, {"json": interrupting(2)})
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (1, ExitCode.INTERRUPTED)
    assert "the verdict was inconclusive" in judged.notes


def test_a_signal_while_a_newer_run_is_announced_is_a_verdict(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    superseded(walk, {"json": [make_answer(id=2), OLD]})
    walk.stopped_in("say", 2)
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (1, ExitCode.INTERRUPTED)


def test_a_verdict_tells_how_the_run_was_watched(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(RUNNING, make_answer())
    (judged,) = walk.judge()
    assert [(one.at, one.status) for one in judged.observed] == [
        (0, RunStatus.RUNNING),
        (10, RunStatus.PASS),
    ]


def test_a_verdict_that_was_reached_tells_of_comparable_runs(api: requests_mock.Mocker) -> None:
    walk = Walk(api, comparable=2)
    walk.run(make_answer())
    before = [make_answer(id=run_id, createTime="2020-02-01T00:00:00Z") for run_id in (7, 6)]
    api.get(f"{BASE}/test-runs", json=[make_answer(), *before])
    (judged,) = walk.judge()
    assert [run.id for run in judged.comparable or ()] == [7, 55676]
    # The tests of the run come first: no chart is worth them where time runs out.
    paths = [request.path for request in api.request_history]
    assert paths.index("/api/test-runs/55676/results") < paths.index("/api/test-runs")


def test_comparable_runs_are_asked_for_only_where_they_are_wanted_and_of_use(
    api: requests_mock.Mocker,
) -> None:
    unwanted, of_no_use = Walk(api), Walk(api, comparable=20)
    unwanted.run(make_answer())
    assert unwanted.judge()[0].comparable is None
    of_no_use.run(RUNNING)
    of_no_use.waiting = replace(of_no_use.waiting, deadline=Deadline.after(0, of_no_use.clock))
    assert of_no_use.judge()[0].comparable is None
    assert not [request for request in api.request_history if request.path == "/api/test-runs"]


def earlier(run_id: int, minutes: int) -> dict[str, Any]:
    """The answer of an earlier run, that took so long."""
    return make_answer(
        id=run_id,
        createTime="2020-02-01T00:00:00Z",
        startTime="2020-02-01T01:00:00Z",
        endTime=f"2020-02-01T01:{minutes:02}:00Z",
    )


def listed(api: requests_mock.Mocker) -> list[str]:
    return [request.query for request in api.request_history if request.path == "/api/test-runs"]


def test_a_wait_asks_once_how_long_such_runs_take_and_needs_nothing_more_for_the_history(
    api: requests_mock.Mocker,
) -> None:
    seen: list[Sighting | ApiError] = []
    walk = Walk(api, comparable=3)
    walk.effects = replace(walk.effects, update=lambda now: seen.extend(now.runs.values()))
    walk.run(RUNNING, RUNNING, make_answer())
    api.get(f"{BASE}/test-runs", json=[RUNNING, earlier(9, 7), earlier(8, 6), earlier(7, 8)])
    (judged,) = walk.judge()
    assert [one.usual for one in seen if isinstance(one, Sighting)] == [(420, 360, 480)] * 3
    assert [run.id for run in judged.comparable or ()] == [8, 9, 55676]
    assert listed(api) == ["page=0&limit=100"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status_code": 500}, id="a fault"),
        pytest.param({"status_code": 401}, id="a refusal"),
        pytest.param({"text": "<html>"}, id="no JSON"),
    ],
)
def test_what_only_sharpens_a_guess_is_asked_for_once_and_changes_no_verdict(
    api: requests_mock.Mocker, answer: dict[str, Any]
) -> None:
    walk = Walk(api)
    walk.run(RUNNING, make_answer())
    api.get(f"{BASE}/test-runs", **answer)
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.PASSED
    assert walk.said == []
    assert walk.clock.slept == [10]
    assert len(listed(api)) == 1


def test_a_list_that_failed_where_it_was_not_needed_is_tolerated_as_ever_where_it_is(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api)
    # The wait's own question fails long before the newer run is looked for.
    failing = [{"status_code": 500}] * 2
    newer = make_answer(id=60000)
    api.get(f"{BASE}/test-runs", [{"json": [RUNNING]}, {"json": []}, *failing, {"json": [newer]}])
    walk.run(RUNNING, make_answer(status="CANCELED"))
    walk.run(newer, run_id=60000)
    (judged,) = walk.judge_target(QUERY)
    assert (judged.run_id, judged.exit_code) == (60000, ExitCode.PASSED)


def test_a_signal_while_others_are_compared_ends_the_wait(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(RUNNING)
    api.get(f"{BASE}/test-runs", json=interrupting(15))
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.TERMINATED
    assert "10 of 30 tests done" in judged.verdict.reason


FILE = "https://files.example.test/1.png?signature=secret"


class Attaching(Walk):
    """A walk whose reports show what failing tests left, of runs with so many of them."""

    def __init__(self, api: requests_mock.Mocker, *counts: int, **options: Any) -> None:
        wanted = [
            (run, test) for run, count in enumerate(counts, 1) for test in range(1, count + 1)
        ]
        super().__init__(
            api, with_attachments=lambda _: [(run, str(test)) for run, test in wanted], **options
        )
        for run in range(1, len(counts) + 1):
            self.run(make_answer(id=run, failed=1), run_id=run)
        self.runs = range(1, len(counts) + 1)

    def offers(self, **answer: Any) -> None:
        self.api.get(re.compile(r".*/results/\d+$"), **answer)

    def asked(self) -> list[str]:
        found = (
            re.search(r"test-runs/(\d+/results/\d+)$", r.path) for r in self.api.request_history
        )
        return [match[1] for match in found if match]


def test_what_failing_tests_left_is_gathered_for_the_reports(api: requests_mock.Mocker) -> None:
    walk = Attaching(api, 1, 30)
    walk.offers(json={"screenShots": [FILE]})
    first, second = walk.judge(*walk.runs)
    assert first.attachments == {"1": Attachments(screenshots=(FILE,))}
    assert len(second.attachments) == 19
    assert len(walk.asked()) == 20
    assert not any("screenshots" in note for note in (*first.notes, *second.notes))


def test_what_a_test_did_not_leave_is_no_fault(api: requests_mock.Mocker) -> None:
    walk = Attaching(api, 2)
    walk.offers(json={"screenShots": [], "processOutput": ""})
    (judged,) = walk.judge(1)
    assert judged.attachments == {}
    assert len(walk.asked()) == 2
    assert not any("screenshots" in note for note in judged.notes)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status_code": 404}, "the API does not offer them"),
        ({"status_code": 403}, "the token may not read them"),
        ({"status_code": 401}, "the token may not read them"),
        (
            {"status_code": 503, "headers": {"Retry-After": "60"}},
            "the API gave no readable answer in time",
        ),
        ({"text": f'{{"screenShots": ["{FILE}'}, "the API gave no readable answer in time"),
        ({"json": {"id": 7, "videos": [FILE]}}, "the API gave no readable answer in time"),
    ],
)
def test_what_is_not_offered_is_said_once_and_not_asked_for_again(
    api: requests_mock.Mocker, answer: dict[str, Any], why: str
) -> None:
    walk = Attaching(api, 2, 2)
    walk.offers(**answer)
    first, second = walk.judge(*walk.runs)
    assert (first.exit_code, second.exit_code) == (ExitCode.FAILED, ExitCode.FAILED)
    told = [note for note in (*first.notes, *second.notes) if "screenshots" in note]
    assert told == [f"no screenshots, videos or console output of failing tests: {why}"]
    assert walk.asked() == ["1/results/1"]
    assert walk.clock.slept == []


def test_what_comes_too_late_is_not_waited_for(api: requests_mock.Mocker) -> None:
    walk = Attaching(api, 9)

    def slowly(*_: object) -> Any:
        walk.clock.now += 2
        return {"screenShots": [FILE]}

    walk.offers(json=slowly)
    (judged,) = walk.judge(1)
    assert [*judged.attachments] == ["1", "2", "3"]
    assert judged.notes[-1] == (
        "not all screenshots, videos or console output of failing tests: they took too long"
    )
    assert len(walk.asked()) == 3


def test_an_answer_that_takes_all_the_time_came_too_late(api: requests_mock.Mocker) -> None:
    walk = Attaching(api, 2)

    def late(*_: object) -> Any:
        walk.clock.now += 5
        raise requests.ReadTimeout

    walk.offers(json=late)
    (judged,) = walk.judge(1)
    assert judged.notes[-1].endswith(": they took too long")


def test_a_signal_while_screenshots_are_asked_for_is_the_outcome(
    api: requests_mock.Mocker,
) -> None:
    walk = Attaching(api, 1)
    walk.offers(json=interrupting(15))
    (judged,) = walk.judge(1)
    assert judged.exit_code is ExitCode.TERMINATED


CANCEL_DECIDED = "the verdict was decided"


def canceled(api: requests_mock.Mocker) -> list[str]:
    """Return what was canceled, in this order."""
    return [
        request.path.rpartition("/")[2]
        for request in api.request_history
        if request.method == "PATCH"
    ]


@pytest.mark.parametrize("number", [2, 15])
def test_a_signal_cancels_what_has_not_finished_where_that_was_asked_for(
    api: requests_mock.Mocker, number: int
) -> None:
    walk = Walk(api, cancel_on_interrupt=True)
    walk.run(make_answer(id=1), run_id=1)
    walk.run(RUNNING | {"id": 2}, run_id=2)
    api.get(f"{BASE}/test-runs/3", status_code=404)
    api.patch(f"{BASE}/test-runs/2", json={})
    walk.stopped_in("sleep", number)
    passed, stopped, gone = walk.judge(1, 2, 3)
    name = {2: "SIGINT", 15: "SIGTERM"}[number]
    assert canceled(api) == ["2"]
    assert [request.json() for request in api.request_history if request.method == "PATCH"] == [
        {"status": "CANCELED"}
    ]
    assert (passed.exit_code, gone.exit_code) == (ExitCode.PASSED, ExitCode.NOT_FOUND)
    assert stopped.exit_code == 128 + number
    assert stopped.notes == (f"the gate canceled run 2 in Testery: {name}",)
    assert walk.said == [f"The gate canceled run 2 in Testery: {name}"]
    assert stopped.verdict.advice == "The run was canceled in Testery: start another one."


@pytest.mark.parametrize(
    "ended", [make_answer(), make_answer(status="FAIL", failed=1, complete=False)]
)
def test_a_run_that_has_ended_meanwhile_keeps_its_end(
    api: requests_mock.Mocker, ended: dict[str, Any]
) -> None:
    walk = Walk(api, cancel_on_interrupt=True)
    walk.run(RUNNING, ended)
    walk.stopped_in("sleep")
    (judged,) = walk.judge()
    assert canceled(api) == []
    assert judged.exit_code is ExitCode.TERMINATED
    assert judged.notes == ("run 55676 was not canceled in Testery (SIGTERM): it had ended",)


def test_a_signal_cancels_nothing_by_itself(api: requests_mock.Mocker) -> None:
    walk = Walk(api)
    walk.run(RUNNING)
    walk.stopped_in("sleep")
    (judged,) = walk.judge()
    assert canceled(api) == []
    assert "the run itself goes on" in judged.verdict.advice


def test_what_can_not_be_canceled_is_noted_and_takes_nothing_from_the_end(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, cancel_on_interrupt=True)
    walk.run(RUNNING)
    api.patch(f"{BASE}/test-runs/55676", status_code=409, json={"message": "it is over"})
    walk.stopped_in("sleep")
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.TERMINATED
    assert judged.notes == (
        "run 55676 could not be canceled in Testery (SIGTERM): the API refuses the request"
        " (HTTP 409 Conflict): it is over",
    )
    assert "the run itself goes on" in judged.verdict.advice


LOSING = make_answer(failed=1, not_run=20, status="RUNNING", complete=False)


@pytest.mark.parametrize("code", [200, 500])
def test_a_run_that_is_decided_early_is_canceled_and_stays_failed(
    api: requests_mock.Mocker, code: int
) -> None:
    walk = Walk(api, fail_fast=True, cancel_when_decided=True, with_results=False)
    walk.run(RUNNING, LOSING)
    walk.run(make_answer(id=2, failed=1), run_id=2)
    api.patch(f"{BASE}/test-runs/55676", status_code=code, json={})
    failed, other = walk.judge(55676, 2)
    assert set(canceled(api)) == {"55676"}
    assert (failed.exit_code, failed.verdict.decided_early) == (ExitCode.FAILED, True)
    assert failed.run is not None
    assert failed.run.status is RunStatus.RUNNING
    (said,) = [note for note in failed.notes if CANCEL_DECIDED in note]
    assert (said == f"the gate canceled run 55676 in Testery: {CANCEL_DECIDED}") == (code == 200)
    assert other.exit_code is ExitCode.FAILED


def test_a_run_that_is_decided_early_goes_on_unless_it_is_to_be_canceled(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, fail_fast=True, cancel_on_interrupt=True)
    walk.run(RUNNING, LOSING)
    (judged,) = walk.judge()
    assert (judged.exit_code, canceled(api)) == (ExitCode.FAILED, [])


def test_a_signal_after_the_verdict_cancels_what_still_runs(api: requests_mock.Mocker) -> None:
    walk = Walk(api, fail_fast=True, cancel_on_interrupt=True)
    walk.run(RUNNING, LOSING)
    api.get(f"{BASE}/account", json=interrupting(2))
    api.patch(f"{BASE}/test-runs/55676", json={})
    (judged,) = walk.judge()
    assert canceled(api) == ["55676"]
    assert judged.exit_code is ExitCode.INTERRUPTED
    assert judged.notes[-2:] == (
        "the verdict was failed",
        "the gate canceled run 55676 in Testery: SIGINT",
    )


def test_a_signal_while_a_decided_run_is_canceled_is_how_it_ends(
    api: requests_mock.Mocker,
) -> None:
    walk = Walk(api, fail_fast=True, cancel_when_decided=True, cancel_on_interrupt=True)
    walk.run(RUNNING, LOSING)
    api.patch(f"{BASE}/test-runs/55676", [{"json": interrupting(15)}, {"json": {}}])
    (judged,) = walk.judge()
    assert judged.exit_code is ExitCode.TERMINATED
    assert "the gate canceled run 55676 in Testery: SIGTERM" in judged.notes
