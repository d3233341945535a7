"""Which tests are named while the gate waits, and how often the API is asked for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from threading import Event

import pytest

from testery_gate.errors import ApiError, NoAnswer, NotFound, Unauthorized
from testery_gate.model import TestResult
from testery_gate.progress.failing import MOST_READS, NAMED, PAUSE, naming
from testery_gate.waiting.polling import Progress
from tests.builders import make_result, make_run
from tests.fakes import FakeClock
from tests.progress.scenes import progress, running


class Shown:
    """A display that keeps what it is given."""

    def __init__(self) -> None:
        self.updates = 0
        self.lines: list[str] = []

    def update(self, _progress: Progress) -> None:
        self.updates += 1

    def say(self, line: str) -> None:
        self.lines.append(line)


class Api:
    """Has the tests of runs, and counts how often it was asked for each run's."""

    def __init__(self) -> None:
        self.results: Sequence[TestResult] = ()
        self.error: BaseException | None = None
        self.asked: list[int] = []
        self.connections = 0

    def connect(self) -> Callable[[int], Sequence[TestResult]]:
        self.connections += 1
        return self.fetch

    def fetch(self, run_id: int) -> Sequence[TestResult]:
        self.asked.append(run_id)
        if self.error is not None:
            raise self.error
        return self.results


class Wait:
    """A wait whose polls the test makes, and whose background work is done at once."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.clock, self.shown, self.api = FakeClock(), Shown(), Api()
        self.begun: list[Callable[[], None]] = []
        self._at_once = at_once

    @contextmanager
    def polls(self) -> Iterator[Callable[..., list[str]]]:
        with naming(self.shown, self.api.connect, clock=self.clock, start=self._start) as update:

            def poll(*failed: int, after: float = PAUSE) -> list[str]:
                self.clock.now += after
                self.shown.lines.clear()
                update(progress(*(running(29, failed=one, id=n) for n, one in enumerate(failed))))
                return [*self.shown.lines]

            yield poll

    def _start(self, work: Callable[[], None]) -> None:
        if self._at_once:
            work()
        else:
            self.begun.append(work)


def failed(*names: str) -> list[TestResult]:
    return [make_result(name, "FAIL", file="a.feature") for name in names]


def test_each_test_is_named_once_as_it_fails() -> None:
    wait = Wait()
    with wait.polls() as poll:
        assert poll(0) == []
        wait.api.results = [*failed("signs in"), make_result("pays")]
        assert poll(1) == ["failed: signs in (a.feature)"]
        assert poll(1) == []
        wait.api.results = [*failed("signs in"), make_result("pays", "FAIL", file="")]
        assert poll(2) == ["failed: pays"]
    assert wait.api.asked == [0, 0]
    assert wait.api.connections == 1
    assert wait.shown.updates == 4


def test_a_long_name_is_cut_and_still_another_than_one_that_begins_so() -> None:
    wait = Wait()
    wait.api.results = [make_result("n" * 200 + end, "FAIL", file="f" * 200) for end in "ab"]
    with wait.polls() as poll:
        assert poll(2) == [f"failed: {'n' * 99}… ({'f' * 99}…)"] * 2


def test_what_passed_when_it_was_tried_again_has_not_failed() -> None:
    wait = Wait()
    wait.api.results = [*failed("signs in"), make_result("signs in", file="a.feature")]
    with wait.polls() as poll:
        assert poll(1) == []


def test_of_several_runs_the_run_is_named_and_each_has_its_turn() -> None:
    wait = Wait()
    wait.api.results = failed("signs in")
    with wait.polls() as poll:
        assert poll(1, 1) == ["run 0 failed: signs in (a.feature)"]
        assert poll(2, 1) == ["run 1 failed: signs in (a.feature)"]
    assert wait.api.asked == [0, 1]


def test_more_tests_than_a_screen_takes_are_counted() -> None:
    wait = Wait()
    names = [f"t {number}" for number in range(NAMED + 3)]
    with wait.polls() as poll:
        wait.api.results = failed(*names[:-1])
        assert poll(12)[-2:] == ["failed: t 9 (a.feature)", "failed: 2 more tests"]
        wait.api.results = failed(*names)
        assert poll(13) == ["failed: 1 more test"]


def test_the_api_is_asked_seldom() -> None:
    wait = Wait()
    wait.api.results = failed("signs in")
    with wait.polls() as poll:
        asked_at: list[float] = []
        for number in range(1, 200):
            poll(number, after=PAUSE / 2)
            if len(wait.api.asked) > len(asked_at):
                asked_at.append(wait.clock.now)
    assert [later - earlier for earlier, later in pairwise(asked_at)] == [
        PAUSE,
        2 * PAUSE,
        4 * PAUSE,
        8 * PAUSE,
    ]
    assert len(asked_at) == MOST_READS


def test_a_run_that_has_ended_is_not_asked_for() -> None:
    wait = Wait()
    with naming(wait.shown, wait.api.connect, clock=wait.clock) as update:
        update(progress(make_run(failed=1)))
        update(progress(running(3, failed=1), next_look=None))
    assert wait.api.asked == []


@pytest.mark.parametrize("error", [NotFound("none"), Unauthorized("not for you")])
def test_an_api_that_refuses_is_not_asked_again(error: ApiError) -> None:
    wait = Wait()
    wait.api.error = error
    with wait.polls() as poll:
        assert [poll(number) for number in (1, 2, 3)] == [[], [], []]
    assert wait.api.asked == [0]


@pytest.mark.parametrize("error", [NoAnswer("HTTP 502"), ValueError("a defect")])
def test_a_fault_is_not_shown_and_does_not_end_it(error: Exception) -> None:
    wait = Wait()
    wait.api.error = error
    with wait.polls() as poll:
        assert poll(1) == []
        wait.api.error, wait.api.results = None, failed("signs in")
        assert poll(1) == []
        assert poll(2) == ["failed: signs in (a.feature)"]


def test_nobody_waits_for_an_answer_and_a_late_one_is_dropped() -> None:
    wait = Wait(at_once=False)
    wait.api.results = failed("signs in")
    with wait.polls() as poll:
        assert poll(1) == []
        assert poll(2) == []
        (work,) = wait.begun
    work()
    assert wait.shown.lines == []


def test_the_work_is_done_by_a_thread() -> None:
    asked = Event()

    def connect() -> Callable[[int], Sequence[TestResult]]:
        asked.set()
        raise NotFound("none")

    with naming(Shown(), connect) as update:
        update(progress(running(3, failed=1)))
        assert asked.wait(30)


def test_a_thread_that_can_not_be_started_is_no_fault_of_the_wait() -> None:
    def start(_work: Callable[[], None]) -> None:
        tried.append(1)
        raise RuntimeError("can't start new thread")

    tried: list[int] = []
    clock, api, shown = FakeClock(), Api(), Shown()
    with naming(shown, api.connect, clock=clock, start=start) as update:
        for failed in (1, 2):
            update(progress(running(3, failed=failed)))
            clock.now += PAUSE
    assert (shown.updates, tried) == (2, [1])


def test_without_a_connection_nothing_is_named() -> None:
    shown = Shown()
    with naming(shown, None) as update:
        update(progress(running(3, failed=1)))
    assert (shown.updates, shown.lines) == (1, [])
