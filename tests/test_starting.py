"""A start over real HTTP, whatever goes wrong: never two runs, and a verdict or a doubt."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from testery_gate.api.client import Limits, TesteryClient
from testery_gate.errors import ExitCode, Interrupted
from testery_gate.gate import Effects, Gate, Waiting
from testery_gate.judging.judged import Judged
from testery_gate.judging.policy import Policy
from testery_gate.model import RunStatus
from testery_gate.runs.start import Start
from testery_gate.simulator import load_scenario
from testery_gate.simulator.scenario import Endpoint, Fault, Kind
from testery_gate.waiting.deadline import Deadline
from tests.builders import make_transport
from tests.canary import CANARY, Simulator
from tests.fakes import FakeClock

OWN = Start(project="demo", environment="qa", build_key="testery-gate-1", own_key=True)
USERS = replace(OWN, build_key="v1.2", own_key=False)
SECONDS = 0.3
"""How long a request may really take; all that waits otherwise has a clock of its own."""
NOT_THE_ANSWERS = (Kind.ANSWER, Kind.HTML, Kind.EMPTY, Kind.NULL, Kind.HANG, Kind.RESET)
"""What can happen before the run is created as well as after it."""
OF_THE_ANSWER = (Kind.CUT_OFF, Kind.RESET_IN_BODY, Kind.GARBAGE, Kind.LIST, Kind.SLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a start ended, and what it left."""

    judged: Judged
    started: Sequence[int]
    told: Sequence[int]
    posts: int


def play(faults: Sequence[Fault], wanted: Start = OWN, scenario: str = "passing") -> Played:
    """Start a run of a stand-in that misbehaves so, wait for it and judge it."""
    clock = FakeClock()
    posts: list[str] = []
    told: list[int] = []
    with Simulator(
        replace(load_scenario(scenario), faults=tuple(faults)),
        clock=clock,
        on_exchange=lambda exchange: posts.extend([exchange.method] * (exchange.method == "POST")),
    ) as api:
        before = api.run_ids
        deadline = Deadline.after(600, clock)
        limits = Limits(deadline=deadline, outage_tolerance=20, requests=(SECONDS,), start=SECONDS)
        client = TesteryClient(make_transport(api.url, CANARY), limits, sleep=clock.sleep)
        waiting = Waiting(
            deadline=deadline, appear_by=deadline, poll_interval=lambda _: 2.0, with_results=False
        )
        effects = Effects(
            sleep=clock.sleep,
            update=lambda _: None,
            say=lambda _: None,
            started=told.append,
        )
        (judged,) = Gate(Policy(), client, effects, waiting).judge(wanted)
        started = [run_id for run_id in api.run_ids if run_id not in before]
    return Played(judged=judged, started=started, told=told, posts=len(posts))


def fault_of_the_start(chance: random.Random) -> Fault:
    kind = chance.choice((*NOT_THE_ANSWERS, *NOT_THE_ANSWERS, *OF_THE_ANSWER))
    return Fault(
        kind=kind,
        endpoints=frozenset({Endpoint.CREATE}),
        carried_out=kind in NOT_THE_ANSWERS and chance.random() < 0.6,
        code=chance.choice((200, 500, 502, 503, 504)),
        delay=10 * SECONDS,
        times=chance.choice((1, 2)),
    )


def fault_of_the_rest(chance: random.Random) -> Fault:
    return Fault(
        kind=chance.choice((Kind.ANSWER, Kind.HTML, Kind.CUT_OFF, Kind.RESET, Kind.GARBAGE)),
        endpoints=frozenset({chance.choice((Endpoint.LIST, Endpoint.RUN))}),
        code=chance.choice((500, 502)),
        first=chance.choice((1, 2)),
        times=chance.choice((1, 3, 1000)),
    )


@pytest.mark.quick(1)
@pytest.mark.parametrize("block", range(10))
def test_a_start_is_never_doubled_and_its_end_is_a_verdict_or_a_doubt(block: int) -> None:
    """200 of them, with faults of the start and of what is asked before and after it."""
    for number in range(20):
        chance = random.Random(f"{block} {number}")  # noqa: S311  (a choice of faults)
        faults = [fault_of_the_start(chance)]
        faults += [fault_of_the_rest(chance) for _ in range(chance.choice((0, 0, 1, 2)))]
        wanted = chance.choice((OWN, USERS))
        played = play(faults, wanted)
        seen = (block, number, faults, wanted, played)
        assert played.posts <= 1, seen
        assert len(played.started) <= 1, seen
        assert list(played.told) in ([], list(played.started)), seen
        assert played.judged.exit_code in {ExitCode.PASSED, ExitCode.UNAVAILABLE}, seen
        if played.judged.exit_code is ExitCode.PASSED:
            assert [played.judged.run_id] == list(played.told) == list(played.started), seen
        elif played.posts and not played.told:
            assert "whether a run was started is not known" in played.judged.verdict.reason, seen


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(kind=Kind.CUT_OFF), id="cut off"),
        pytest.param(Fault(kind=Kind.RESET_IN_BODY), id="reset in the answer"),
        pytest.param(Fault(kind=Kind.RESET, carried_out=True), id="reset before it"),
        pytest.param(Fault(kind=Kind.HANG, carried_out=True), id="no answer"),
        pytest.param(Fault(kind=Kind.SLOW, delay=10 * SECONDS), id="slow"),
        pytest.param(Fault(kind=Kind.ANSWER, code=500, carried_out=True), id="500"),
        pytest.param(Fault(kind=Kind.HTML, code=502, carried_out=True), id="502 in HTML"),
        pytest.param(Fault(kind=Kind.HTML, carried_out=True), id="200 in HTML"),
        pytest.param(Fault(kind=Kind.EMPTY, code=201, carried_out=True), id="nothing in it"),
        pytest.param(
            Fault(kind=Kind.REDIRECT, to="/api/test-runs", carried_out=True), id="a redirect"
        ),
        pytest.param(Fault(kind=Kind.ANSWER, code=408, carried_out=True), id="408"),
    ],
)
def test_a_run_whose_start_was_not_answered_is_found_and_judged(fault: Fault) -> None:
    played = play([replace(fault, endpoints=frozenset({Endpoint.CREATE}))])
    assert (played.judged.exit_code, played.posts) == (ExitCode.PASSED, 1)
    assert [played.judged.run_id] == played.started == played.told
    (note,) = played.judged.notes
    assert "the answer to the start was lost" in note


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(kind=Kind.ANSWER, code=500), id="500"),
        pytest.param(Fault(kind=Kind.HANG), id="no answer"),
        pytest.param(Fault(kind=Kind.RESET), id="reset"),
    ],
)
def test_a_start_that_may_have_created_nothing_is_a_doubt(fault: Fault) -> None:
    played = play([replace(fault, endpoints=frozenset({Endpoint.CREATE}))])
    assert (played.judged.exit_code, played.posts) == (ExitCode.UNAVAILABLE, 1)
    assert (played.judged.run_id, played.started, played.told) == (None, [], [])
    assert "the list shows none within 30 s" in played.judged.verdict.reason
    assert "testery-gate list --build-key testery-gate-1" in played.judged.verdict.advice


def test_the_run_of_another_job_with_the_same_key_is_not_judged_for_the_one_that_was_lost() -> None:
    fault = Fault(kind=Kind.ANSWER, code=500, endpoints=frozenset({Endpoint.CREATE}))
    played = play([replace(fault, carried_out=True)], USERS)
    assert (played.judged.exit_code, played.posts) == (ExitCode.UNAVAILABLE, 1)
    assert "run 55677 may be it, or another job's" in played.judged.verdict.reason
    assert played.told == []


@pytest.mark.parametrize("scenario", ["passing", "failing"])
def test_a_run_that_turns_out_to_be_of_another_build_is_no_evidence(scenario: str) -> None:
    answer = Fault(
        kind=Kind.ANSWER,
        endpoints=frozenset({Endpoint.CREATE}),
        code=201,
        body='{"id": 55676}',
    )
    judged = play([answer], scenario=scenario).judged
    assert (judged.run_id, judged.exit_code) == (55676, ExitCode.INCONCLUSIVE)
    assert "is not the run that was started: it has another build key" in judged.verdict.reason
    shown = {check.name for check in judged.verdict.checks}
    assert {"run is the one that was started", "status"} <= shown


def test_a_start_that_is_put_off_is_repeated() -> None:
    fault = Fault(
        kind=Kind.ANSWER,
        endpoints=frozenset({Endpoint.CREATE}),
        code=429,
        retry_after=3,
        times=2,
    )
    played = play([fault])
    assert (played.judged.exit_code, played.posts) == (ExitCode.PASSED, 3)
    assert len(played.started) == 1


def test_a_run_with_an_answer_is_waited_for_without_a_note() -> None:
    played = play([])
    assert (played.judged.exit_code, played.posts) == (ExitCode.PASSED, 1)
    assert played.judged.notes == ()
    assert played.told == played.started == [played.judged.run_id]


# Signals


class Stopped:
    """A start that a signal stops where a test says, on a stand-in that goes on."""

    def __init__(self, *faults: Fault, cancel: bool, wanted: Start = OWN, **effects: Any) -> None:
        self.clock, self.said = FakeClock(), list[str]()
        scenario = replace(load_scenario("passing"), faults=faults)
        with Simulator(scenario, clock=self.clock) as api:
            deadline = Deadline.after(600, self.clock)
            limits = Limits(
                deadline=deadline, outage_tolerance=20, requests=(SECONDS,), start=SECONDS
            )
            sleep = effects.get("sleep", self.clock.sleep)
            client = TesteryClient(make_transport(api.url, CANARY), limits, sleep=sleep)
            waiting = Waiting(
                deadline=deadline,
                appear_by=deadline,
                poll_interval=lambda _: 2.0,
                cancel_on_interrupt=cancel,
            )
            plain = Effects(
                sleep=self.clock.sleep,
                update=lambda _: None,
                say=self.said.append,
                sleep_on=self.clock.sleep,
            )
            gate = Gate(Policy(), client, replace(plain, **effects), waiting)
            (self.judged,) = gate.judge(wanted)
            self.status_before = client.run(55676).status
            """That of the run that was there already."""
            self.statuses = {
                run_id: client.run(run_id).status for run_id in api.run_ids if run_id > 55676
            }


def interrupt(*_: object) -> None:
    raise Interrupted(signal.SIGTERM)


LATE = Fault(kind=Kind.HANG, endpoints=frozenset({Endpoint.CREATE}), carried_out=True)


@pytest.mark.parametrize("cancel", [True, False])
def test_a_signal_while_the_start_is_looked_up_cancels_what_is_found(cancel: bool) -> None:
    stopped = Stopped(LATE, cancel=cancel, say=interrupt_once())
    assert stopped.judged.exit_code is ExitCode.TERMINATED
    assert list(stopped.statuses.values()) == [
        RunStatus.CANCELED if cancel else RunStatus.SUBMITTED
    ]
    if cancel:
        assert stopped.judged.run_id == 55677
        assert stopped.judged.notes == ("the gate canceled run 55677 in Testery: SIGTERM",)
        assert "had just been started" in stopped.judged.verdict.reason
        assert "canceled in Testery" in stopped.judged.verdict.advice
    else:
        assert stopped.judged.run_id is None
        assert "while a run was being started: it may be there" in stopped.judged.verdict.reason
        assert "testery-gate list --build-key" in stopped.judged.verdict.advice


def interrupt_once() -> Callable[[str], None]:
    """Return what a signal arrives in, the first time it is called."""
    calls: list[str] = []

    def say(line: str) -> None:
        calls.append(line)
        if len(calls) == 1:
            interrupt()

    return say


DOWN = Fault(kind=Kind.ANSWER, code=500, endpoints=frozenset({Endpoint.LIST}), times=1000)


@pytest.mark.parametrize(
    ("faults", "note"),
    [
        pytest.param([replace(LATE, carried_out=False)], "no run is surely the one", id="none"),
        pytest.param([LATE, DOWN], "the list can't be read", id="no list"),
    ],
)
def test_where_nothing_is_found_nothing_is_canceled(faults: Sequence[Fault], note: str) -> None:
    stopped = Stopped(*faults, cancel=True, say=interrupt_once())
    assert stopped.judged.exit_code is ExitCode.TERMINATED
    (said,) = stopped.judged.notes
    assert said.startswith("nothing was canceled")
    assert note in said
    assert RunStatus.CANCELED not in stopped.statuses.values()


def test_a_run_that_may_be_another_job_is_not_canceled() -> None:
    stopped = Stopped(LATE, cancel=True, wanted=USERS, say=interrupt_once())
    assert stopped.judged.notes == ("nothing was canceled: no run is surely the one",)
    assert list(stopped.statuses.values()) == [RunStatus.SUBMITTED]


def test_a_run_of_another_build_is_not_canceled() -> None:
    answer = Fault(
        kind=Kind.ANSWER,
        endpoints=frozenset({Endpoint.CREATE}),
        code=201,
        body='{"id": 55676}',
    )
    stopped = Stopped(answer, cancel=True, sleep=interrupt)
    note, also = stopped.judged.notes
    assert "is not the run that was started" in also
    assert note.startswith("run 55676 was not canceled in Testery (SIGTERM): it has another")
    assert stopped.status_before is RunStatus.SUBMITTED


def test_a_signal_before_the_start_starts_nothing() -> None:
    fault = Fault(kind=Kind.ANSWER, code=429, endpoints=frozenset({Endpoint.CREATE}))
    stopped = Stopped(fault, cancel=True, sleep=interrupt)
    assert stopped.statuses == {}
    assert stopped.judged.verdict.reason == "stopped by SIGTERM before a run was started"
    assert stopped.judged.notes == ()


@pytest.mark.parametrize("cancel", [True, False])
def test_a_signal_just_after_the_start_says_how_to_go_on(cancel: bool) -> None:
    stopped = Stopped(cancel=cancel, started=interrupt)
    assert (stopped.judged.run_id, stopped.judged.exit_code) == (55677, ExitCode.TERMINATED)
    assert "run 55677 had just been started" in stopped.judged.verdict.reason
    assert ("'testery-gate wait 55677'" in stopped.judged.verdict.advice) != cancel
    assert (stopped.statuses[55677] is RunStatus.CANCELED) == cancel


@pytest.mark.parametrize("cancel", [True, False])
def test_a_signal_during_the_wait_says_how_to_go_on(cancel: bool) -> None:
    stopped = Stopped(cancel=cancel, sleep=interrupt)
    assert (stopped.judged.run_id, stopped.judged.exit_code) == (55677, ExitCode.TERMINATED)
    assert ("'testery-gate wait 55677'" in stopped.judged.verdict.advice) != cancel
    assert (stopped.statuses[55677] is RunStatus.CANCELED) == cancel
