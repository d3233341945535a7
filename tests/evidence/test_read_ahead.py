"""Earlier runs are read in the background: newest first, few at a time, and never for ever."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from testery_gate.errors import ApiError, NoAnswer, NotFound, Unauthorized, Unavailable
from testery_gate.evidence.cache import Cache
from testery_gate.evidence.gathering import Unread
from testery_gate.evidence.outcomes import Outcomes, TestId, TestOutcome
from testery_gate.evidence.read_ahead import (
    MOST_AT_A_TIME,
    MOST_FAULTS,
    MOST_PAUSE,
    MOST_REFUSALS,
    MOST_RUNS,
    Fetch,
    ReadAhead,
)
from testery_gate.model import TestResult, TestRun
from testery_gate.waiting.deadline import Deadline
from tests.acceptance import command
from tests.builders import make_result, make_run
from tests.evidence.test_cache import outcomes_of_run
from tests.servers import hang, raw_server

LONG = 60.0
"""Seconds, which no test takes unless it fails."""
ONE_TEST: Outcomes = {TestId("features/calculator.feature", "one"): TestOutcome.PASSED}


def run_of(run_id: int, **others: object) -> TestRun:
    """Return a finished run with one test, which passed."""
    created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=run_id)
    return replace(make_run(id=run_id, total=1, create_time=created), **others)  # type: ignore[arg-type]  # the fields of a run


def runs_of(run_ids: Iterable[int]) -> Sequence[TestRun]:
    return [run_of(run_id) for run_id in run_ids]


@dataclass
class Api:
    """Answers only when it may, and remembers what it was asked for."""

    answers: Mapping[int, Sequence[TestResult] | BaseException] = field(default_factory=dict)
    """By run; any other run has one test, which passed."""
    may_answer: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(10_000))
    asked: list[int] = field(default_factory=list)
    connections: int = 0
    pauses: list[float] = field(default_factory=list)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Once for each request."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _at_once: int = 0
    most_at_once: int = 0

    def connect(self) -> Fetch:
        in_use = threading.Lock()
        with self._lock:
            self.connections += 1

        def fetch(run_id: int) -> Sequence[TestResult]:
            assert in_use.acquire(blocking=False), "two threads use one connection"
            with self._lock:
                self.asked.append(run_id)
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
            self.came.release()
            assert self.may_answer.acquire(timeout=LONG)
            with self._lock:
                self._at_once -= 1
            in_use.release()
            answer = self.answers.get(run_id, [make_result("one")])
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return fetch

    def wait_for(self, requests: int) -> None:
        for _ in range(requests):
            assert self.came.acquire(timeout=LONG)

    def reader(self, cache: Cache | None = None, **others: int) -> ReadAhead:
        return ReadAhead(self.connect, cache, sleep=self.pauses.append, **others)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "results.sqlite", "api", "token")


def soon() -> Deadline:
    return Deadline.after(LONG)


def found(reader: ReadAhead, runs: Iterable[TestRun]) -> Sequence[Outcomes | Unread]:
    return [reader.outcomes(run, soon()) for run in runs]


def unread(run_id: int, why: str, *, by_fault: bool = True) -> Unread:
    return Unread(why=f"the test results of run {run_id} can't be read: {why}", by_fault=by_fault)


def silent() -> threading.Semaphore:
    return threading.Semaphore(0)


# What is read, and in which order


def test_the_tests_of_a_run_that_nobody_asked_for_before() -> None:
    api = Api()
    assert api.reader().outcomes(run_of(1), soon()) == ONE_TEST
    assert api.asked == [1]


def test_the_newest_come_first_and_four_at_a_time() -> None:
    api = Api(may_answer=silent())
    reader = api.reader()
    reader.read_ahead(runs_of([3, 9, 1, 8, 2, 7, 5, 6, 4]))
    api.wait_for(MOST_AT_A_TIME)
    assert set(api.asked) == {6, 7, 8, 9}
    for following in (5, 4, 3, 2, 1):
        api.may_answer.release()
        api.wait_for(1)
        assert api.asked[-1] == following
    api.may_answer.release(9)
    assert found(reader, runs_of(range(1, 10))) == [ONE_TEST] * 9
    assert api.most_at_once == MOST_AT_A_TIME
    assert api.connections == MOST_AT_A_TIME


def test_by_the_time_of_creation_as_far_as_it_is_known() -> None:
    api = Api(may_answer=silent())
    runs = [
        run_of(1, create_time=datetime(2026, 5, 1, tzinfo=UTC)),
        run_of(2, create_time=datetime(2026, 4, 1, tzinfo=UTC)),
        run_of(3, create_time=None),
        run_of(4, create_time=None),
    ]
    reader = api.reader()
    reader.read_ahead(runs_of([96, 97, 98, 99]))
    api.wait_for(4)
    reader.read_ahead(runs)
    for following in (1, 2, 4, 3):
        api.may_answer.release()
        api.wait_for(1)
        assert api.asked[-1] == following
    api.may_answer.release(4)


def test_no_run_is_asked_for_twice() -> None:
    api = Api()
    reader = api.reader()
    for _ in range(3):
        reader.read_ahead(runs_of([1, 2]))
        assert found(reader, runs_of([1, 2])) == [ONE_TEST] * 2
    assert sorted(api.asked) == [1, 2]


def test_what_somebody_waits_for_comes_next() -> None:
    api = Api(may_answer=silent())
    reader = api.reader()
    reader.read_ahead(runs_of(range(1, 10)))
    api.wait_for(4)
    late = reader.outcomes(run_of(2), Deadline.after(0))
    assert late == Unread(why="the test results of run 2 were not read in time", by_fault=True)
    api.may_answer.release()
    api.wait_for(1)
    assert api.asked[-1] == 2
    api.may_answer.release(9)
    assert reader.outcomes(run_of(2), soon()) == ONE_TEST


def test_a_thread_that_begins_later_takes_the_connection_of_one_that_has_ended() -> None:
    api = Api()
    reader = api.reader()
    for run_id in range(1, 30):
        assert reader.outcomes(run_of(run_id), soon()) == ONE_TEST
    assert api.connections <= MOST_AT_A_TIME


def test_the_same_tests_of_several_runs_are_held_once() -> None:
    one, other = found(Api().reader(), runs_of([1, 2]))
    assert isinstance(one, Mapping)
    assert isinstance(other, Mapping)
    assert [id(test) for test in one] == [id(test) for test in other]


def test_so_many_runs_and_no_more() -> None:
    api = Api()
    reader = api.reader()
    reader.read_ahead(runs_of(range(1, MOST_RUNS + 50)))
    assert found(reader, runs_of(range(1, MOST_RUNS + 1))) == [ONE_TEST] * MOST_RUNS
    lacking = reader.outcomes(run_of(MOST_RUNS + 1), soon())
    assert lacking == Unread(why="the tests of at most 200 earlier runs are read", by_fault=True)


def test_so_many_tests_and_no_more() -> None:
    api = Api()
    reader = api.reader(most_tests=2)
    outcomes = found(reader, runs_of([1, 2, 3]))
    assert outcomes[:2] == [ONE_TEST] * 2
    assert outcomes[2] == Unread(
        why="the earlier runs have more than 2 tests together", by_fault=True
    )


# What is of no use


@pytest.mark.parametrize("status", ["RUNNING", "QUEUED", "SUBMITTED", ""])
def test_a_run_that_is_not_finished_is_not_asked_for(status: str) -> None:
    api = Api()
    reader = api.reader()
    run = make_run(id=1, status=status)
    reader.read_ahead([run])
    assert reader.outcomes(run, soon()) == Unread(why="run 1 is not finished")
    assert reader.outcomes(run_of(1), soon()) == ONE_TEST
    assert api.asked == [1]


def test_a_run_without_a_count_of_failures_is_not_asked_for() -> None:
    api = Api()
    reader = api.reader()
    reader.read_ahead([run_of(1, failed=None)])
    lacking = reader.outcomes(run_of(1, failed=None), soon())
    assert lacking == Unread(why="run 1 does not say how many of its tests failed")
    assert api.asked == []


def test_results_that_lack_failures_are_not_used_nor_kept(cache: Cache) -> None:
    lacking = Api().reader(cache).outcomes(run_of(1, failed=2), soon())
    assert lacking == Unread(why="the test results of run 1 show 0 of its 2 failed tests")
    assert cache.read(1) is None


def test_results_that_lack_tests_are_used_and_not_kept(cache: Cache) -> None:
    reader = Api().reader(cache)
    assert reader.outcomes(run_of(1, total=2), soon()) == ONE_TEST
    why = "the test results of run 1 show 1 of its 2 tests"
    assert reader.why_cut_off(run_of(1)) == why
    assert cache.read(1) is None
    reader.outcomes(run_of(2, total=1), soon())
    assert reader.why_cut_off(run_of(2)) == ""


# The cache


def test_what_was_read_is_kept(cache: Cache) -> None:
    Api().reader(cache).outcomes(run_of(1), soon())
    assert cache.read(1) == ONE_TEST


def test_what_is_kept_is_not_asked_for(cache: Cache) -> None:
    cache.write(1, outcomes_of_run(1))
    api = Api()
    assert api.reader(cache).outcomes(run_of(1), soon()) == outcomes_of_run(1)
    assert api.connections == 0


def test_a_run_that_may_get_more_results_is_used_and_not_kept(cache: Cache) -> None:
    run = run_of(1, complete=False)
    assert Api().reader(cache).outcomes(run, soon()) == ONE_TEST
    assert cache.read(1) is None
    cache.write(1, outcomes_of_run(1))
    assert Api().reader(cache).outcomes(run, soon()) == ONE_TEST


def test_all_are_looked_up_before_the_first_is_asked_for(cache: Cache) -> None:
    cache.write(1, outcomes_of_run(1))
    api = Api(may_answer=silent())
    reader = api.reader(cache)
    reader.read_ahead(runs_of(range(1, 9)))
    assert reader.outcomes(run_of(1), soon()) == outcomes_of_run(1)
    api.may_answer.release(7)
    found(reader, runs_of(range(1, 9)))
    assert sorted(api.asked) == [2, 3, 4, 5, 6, 7, 8]


# What the API refuses


@pytest.mark.parametrize("error", [NotFound("nothing there"), Unauthorized("no access")])
def test_after_a_few_refusals_the_api_is_left_alone(error: ApiError, cache: Cache) -> None:
    cache.write(1, outcomes_of_run(1))
    api = Api(dict.fromkeys(range(1, 200), error))
    reader = api.reader(cache)
    reader.read_ahead(runs_of(range(1, 100)))
    outcomes = found(reader, runs_of(range(1, 150)))
    assert outcomes == [
        outcomes_of_run(1),
        *(unread(run_id, error.message, by_fault=False) for run_id in range(2, 150)),
    ]
    assert MOST_REFUSALS <= len(api.asked) < MOST_REFUSALS + MOST_AT_A_TIME
    assert not any(api.pauses)


def test_a_refusal_is_about_one_run() -> None:
    refused = {3: NotFound("no 3"), 6: Unauthorized("no 6"), 7: NotFound("no 7")}
    api = Api(refused)
    outcomes = found(api.reader(), runs_of(range(1, 12)))
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Unread)]
    assert refusals == [unread(run_id, f"no {run_id}", by_fault=False) for run_id in (3, 6, 7)]
    assert sorted(api.asked) == list(range(1, 12))


# An API that has too much to do


def no_answer(retry_after: float | None = None) -> Unavailable:
    """Return what the client raises for HTTP 429."""
    error = Unavailable("HTTP 429 Too Many Requests")
    error.__cause__ = NoAnswer(error.message, retry_after=retry_after)
    return error


def test_an_api_that_is_too_busy_gets_fewer_requests_and_then_none() -> None:
    api = Api(dict.fromkeys(range(1, 100), no_answer()), may_answer=silent())
    reader = api.reader()
    reader.read_ahead(runs_of(range(1, 50)))
    api.wait_for(MOST_AT_A_TIME)
    api.may_answer.release(100)
    assert found(reader, runs_of(range(1, 50))) == [
        unread(run_id, "HTTP 429 Too Many Requests") for run_id in range(1, 50)
    ]
    assert MOST_FAULTS <= len(api.asked) < MOST_FAULTS + MOST_AT_A_TIME
    assert sorted(pause for pause in api.pauses if pause) == [1, 2, 4, 8, 16]


def test_it_is_asked_again_later_and_then_it_works() -> None:
    answers: dict[int, Sequence[TestResult] | BaseException] = {2: no_answer()}
    api = Api(answers)
    paused = threading.Event()

    def pause(seconds: float) -> None:
        api.pauses.append(seconds)
        answers.clear()
        paused.set()

    reader = ReadAhead(api.connect, None, sleep=pause)
    assert reader.outcomes(run_of(2), soon()) == ONE_TEST
    assert api.asked == [2, 2]
    assert api.pauses == [1.0]


def test_a_run_that_never_has_an_answer_does_not_hold_up_the_others() -> None:
    api = Api({5: no_answer()})
    reader = api.reader()
    reader.read_ahead(runs_of(range(1, 10)))
    outcomes = found(reader, runs_of(range(1, 10)))
    assert outcomes.count(ONE_TEST) == 8
    assert outcomes[4] == unread(5, "HTTP 429 Too Many Requests")
    assert api.asked.count(5) == 2


def test_after_a_fault_one_thread_goes_on() -> None:
    api = Api({20: no_answer()}, may_answer=silent())
    at_the_pause = threading.Event()
    go_on = threading.Event()

    def pause(_: float) -> None:
        at_the_pause.set()
        assert go_on.wait(LONG)

    reader = ReadAhead(api.connect, None, sleep=pause)
    reader.read_ahead(runs_of([20]))
    api.wait_for(1)
    api.may_answer.release()
    assert at_the_pause.wait(LONG)
    reader.read_ahead(runs_of(range(1, 20)))
    assert api.asked == [20]
    late = reader.outcomes(run_of(20), Deadline.after(0))
    assert late == unread(20, "HTTP 429 Too Many Requests")
    go_on.set()
    for alone in (20, 19):  # the first since somebody waited for it
        api.wait_for(1)
        assert api.asked[-1] == alone
        api.may_answer.release()
    api.wait_for(2)  # since there was an answer
    assert api.most_at_once == 2
    api.may_answer.release(100)
    found(reader, runs_of(range(1, 20)))


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (no_answer(30), 30.0),
        (NoAnswer("busy", retry_after=20), 20.0),
        (no_answer(0), 1.0),
        (no_answer(1e300), MOST_PAUSE),
        (Unavailable("without a cause"), 1.0),
    ],
)
def test_the_api_says_how_long_to_leave_it_alone(error: ApiError, pause: float) -> None:
    api = Api({1: error})
    assert api.reader().outcomes(run_of(1), soon()) == unread(1, error.message)
    assert api.pauses[0] == pause


# How it ends


def test_what_is_not_there_in_time_is_there_later() -> None:
    api = Api(may_answer=silent())
    reader = api.reader()
    late = reader.outcomes(run_of(1), Deadline.after(0.01))
    assert late == Unread(why="the test results of run 1 were not read in time", by_fault=True)
    api.may_answer.release()
    assert reader.outcomes(run_of(1), soon()) == ONE_TEST


def test_a_defect_is_shown_to_who_waits() -> None:
    api = Api({1: ValueError("a defect")})
    reader = api.reader()
    with pytest.raises(ValueError, match="a defect"):
        reader.outcomes(run_of(1), soon())
    assert reader.outcomes(run_of(2), soon()) == ONE_TEST


PROGRAM = """
import signal, sys, time
from functools import partial
from testery_gate.api.client import Limits, TesteryClient
from testery_gate.errors import Interrupted
from testery_gate.evidence.read_ahead import ReadAhead
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.signals import Interrupts
from tests.builders import make_run, make_transport

interrupts = Interrupts()
interrupts.install()

def connect():
    limits = Limits(deadline=Deadline.after(60), outage_tolerance=0)
    client = TesteryClient(make_transport(sys.argv[1], "token"), limits, sleep=time.sleep)
    return partial(client.results, brief=True)

reader = ReadAhead(connect, None)
runs = [make_run(id=run_id) for run_id in range(1, 20)]
reader.read_ahead(runs)
try:
    unread = reader.outcomes(runs[0], Deadline.after(float(sys.argv[2])))
except Interrupted as cause:
    sys.exit(cause.exit_code)
print(unread.why)
sys.exit(7)
"""


def start(url: str, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=command.unmeasured(os.environ),
        cwd=Path(__file__).parents[2],
    )


def test_requests_that_hang_do_not_keep_the_process_from_ending() -> None:
    with raw_server(hang) as api:
        process = start(api.url, 0.5)
        output = process.communicate(timeout=20)
    assert output == ("the test results of run 1 were not read in time\n", "")
    assert process.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_who_waits_for_a_request_that_hangs(number: signal.Signals) -> None:
    came = threading.Event()

    def say_nothing(connection: socket.socket) -> None:
        came.set()
        hang(connection)

    with raw_server(say_nothing) as api:
        process = start(api.url, LONG)
        assert came.wait(20)
        process.send_signal(number)
        output = process.communicate(timeout=20)
    assert output == ("", "")
    assert process.returncode == 128 + number
