from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from testery_gate.errors import Interrupted, NotFound, Unavailable
from testery_gate.model import TestRun
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import (
    MOST_OBSERVATIONS,
    SETTLING_SECONDS,
    Durations,
    PollInterval,
    Progress,
    Seen,
    Sighting,
    Watch,
    wait_for,
)
from tests.builders import make_run, with_unknown
from tests.fakes import FakeClock

RUNNING = make_run(status="RUNNING", complete=False, not_run=20)
FURTHER = make_run(status="RUNNING", complete=False, not_run=10)
DONE = make_run()
ENDED = datetime(2020, 5, 4, 23, 22, 59, tzinfo=UTC)
"""When all these runs ended."""


def every(seconds: float) -> PollInterval:
    return lambda _: seconds


class Script:
    """Plays what each look brings, by the time since the start; the last entry stays."""

    def __init__(self, clock: FakeClock, *moments: tuple[float, Seen]) -> None:
        self.clock, self.start, self.moments = clock, clock.now, moments
        self.looks: list[float] = []
        self.asked: list[list[int]] = []

    def __call__(self, run_ids: Sequence[int]) -> Mapping[int, Seen]:
        elapsed = self.clock.now - self.start
        self.looks.append(elapsed)
        self.asked.append(list(run_ids))
        seen = [what for since, what in self.moments if since <= elapsed]
        return dict.fromkeys(run_ids, seen[-1])


def watch(
    clock: FakeClock,
    fetch: Callable[[Sequence[int]], Mapping[int, Seen]],
    *,
    timeout: float = 600,
    poll_interval: PollInterval | None = None,
    run_ids: Sequence[int] = (55676,),
    on_update: Callable[[Progress], None] = lambda _: None,
    decided: Callable[[Sighting], bool] = lambda _: False,
    compare: Callable[[Sequence[TestRun]], Durations] = lambda _: {},
    now: Callable[[], datetime] = lambda: ENDED,
) -> Watch:
    return wait_for(
        run_ids,
        fetch,
        deadline=Deadline.after(timeout, clock),
        poll_interval=poll_interval or every(10),
        on_update=on_update,
        sleep=clock.sleep,
        decided=decided,
        compare=compare,
        now=now,
    )


def sighting(of: Watch, run_id: int = 55676) -> Sighting:
    found = of.runs[run_id]
    assert isinstance(found, Sighting)
    return found


@pytest.mark.parametrize(
    ("complete", "status", "finished_at"),
    [
        pytest.param(True, "PASS", 0, id="complete and PASS"),
        pytest.param(True, "RUNNING", 0, id="complete, whatever the status"),
        pytest.param(True, "NEW_STATUS", 0, id="complete with a status nobody knows"),
        pytest.param(None, "PASS", 0, id="nothing said, PASS"),
        pytest.param(None, "FAIL", 0, id="nothing said, FAIL"),
        pytest.param(None, "CANCELED", 0, id="nothing said, CANCELED"),
        pytest.param(False, "PASS", SETTLING_SECONDS, id="not complete, PASS settles"),
        pytest.param(False, "FAIL", SETTLING_SECONDS, id="not complete, FAIL settles"),
        pytest.param(False, "CANCELED", SETTLING_SECONDS, id="not complete, CANCELED settles"),
        pytest.param(False, "SUBMITTED", None, id="SUBMITTED"),
        pytest.param(False, "QUEUED", None, id="QUEUED"),
        pytest.param(False, "RUNNING", None, id="RUNNING"),
        pytest.param(False, "NEW_STATUS", None, id="unknown status, not complete"),
        pytest.param(None, "RUNNING", None, id="nothing said, RUNNING"),
        pytest.param(None, "", None, id="nothing said at all"),
    ],
)
def test_a_run_is_finished_when_the_specification_says_so(
    complete: bool | None, status: str, finished_at: float | None
) -> None:
    clock = FakeClock()
    script = Script(clock, (0, make_run(status=status, complete=complete)))
    ended = watch(clock, script, timeout=600, poll_interval=every(7))
    assert sighting(ended).finished is (finished_at is not None)
    assert script.looks[-1] == (600 if finished_at is None else finished_at)


def test_a_run_that_settles_is_noted_as_such() -> None:
    clock = FakeClock()
    ended = watch(clock, Script(clock, (0, make_run(complete=False))))
    assert sighting(ended).notes == (
        "the run is PASS but not complete; it was judged anyway, because nothing of it"
        " changed for 60 s",
    )


def test_a_run_that_never_says_whether_it_is_complete_is_noted_as_such() -> None:
    clock = FakeClock()
    ended = watch(clock, Script(clock, (0, with_unknown(make_run(), "complete"))))
    assert sighting(ended).notes == (
        "the API does not report whether the run is complete; PASS was taken as complete",
    )


def test_a_run_that_has_not_settled_at_the_deadline_is_not_finished() -> None:
    clock = FakeClock()
    script = Script(clock, (0, make_run(complete=False)))
    ended = watch(clock, script, timeout=25)
    assert script.looks == [0, 10, 20, 25]
    assert not sighting(ended).finished


def test_a_run_settles_only_when_nothing_of_it_has_changed_for_a_minute() -> None:
    clock = FakeClock()
    script = Script(
        clock,
        (0, make_run(complete=False, total=30, not_run=1)),
        (50, make_run(complete=False)),
    )
    assert sighting(watch(clock, script)).finished
    assert script.looks[-1] == 50 + SETTLING_SECONDS


@pytest.mark.parametrize(("ended_for", "looks"), [(60, [0]), (59, [0, 10])])
def test_a_run_that_ended_a_minute_ago_has_settled(ended_for: float, looks: list[float]) -> None:
    clock = FakeClock()
    script = Script(clock, (0, make_run(complete=False)))
    first = ENDED + timedelta(seconds=ended_for - clock.now)
    ended = watch(clock, script, now=lambda: first + timedelta(seconds=clock.now))
    assert script.looks == looks
    assert sighting(ended).notes == (
        "the run is PASS but not complete; it was judged anyway, because it ended at"
        " 2020-05-04 23:22:59 UTC",
    )


def test_a_run_that_goes_back_to_work_settles_anew() -> None:
    clock = FakeClock()
    script = Script(
        clock,
        (0, make_run(complete=False)),
        (30, RUNNING),
        (50, make_run(complete=False)),
    )
    ended = watch(clock, script)
    assert script.looks[-1] == 50 + SETTLING_SECONDS
    assert sighting(ended).settling_since == 50


def test_a_complete_run_needs_one_look_and_no_sleep() -> None:
    clock = FakeClock()
    script = Script(clock, (0, DONE))
    assert sighting(watch(clock, script)).run == DONE
    assert (script.looks, clock.slept) == ([0], [])


def test_the_last_look_happens_at_the_deadline() -> None:
    clock = FakeClock()
    script = Script(clock, (0, RUNNING), (24, DONE))
    ended = watch(clock, script, timeout=25)
    assert script.looks == [0, 10, 20, 25]
    assert sighting(ended).finished


def test_a_timeout_of_zero_looks_once() -> None:
    clock = FakeClock()
    script = Script(clock, (0, RUNNING), (1, DONE))
    assert not sighting(watch(clock, script, timeout=0)).finished
    assert script.looks == [0]


def test_only_open_runs_are_asked_for_again() -> None:
    clock = FakeClock()
    ends = {1: 0.0, 2: 15.0, 3: 5.0}
    asked: list[list[int]] = []

    def fetch(run_ids: Sequence[int]) -> Mapping[int, TestRun]:
        asked.append(list(run_ids))
        now = clock.now - 1000
        return {i: make_run(id=i, complete=now >= ends[i], status="RUNNING") for i in run_ids}

    ended = watch(clock, fetch, run_ids=(1, 2, 3))
    assert asked == [[1, 2, 3], [2, 3], [2]]
    assert list(ended.runs) == [1, 2, 3]
    assert all(sighting(ended, i).finished for i in ends)


def test_a_run_that_is_gone_does_not_end_the_wait_for_the_others() -> None:
    clock = FakeClock()
    gone = NotFound("no run 1")

    def fetch(run_ids: Sequence[int]) -> Mapping[int, Seen]:
        late = make_run(id=2, complete=clock.now >= 1010, status="RUNNING")
        everything: dict[int, Seen] = {1: gone, 2: late}
        return {run_id: everything[run_id] for run_id in run_ids}

    ended = watch(clock, fetch, run_ids=(1, 2))
    assert ended.runs[1] is gone
    assert sighting(ended, 2).finished
    assert ended.ended_by is None


def test_a_run_can_be_gone_after_it_was_seen() -> None:
    clock = FakeClock()
    gone = NotFound("no run")
    assert watch(clock, Script(clock, (0, RUNNING), (10, gone))).runs == {55676: gone}


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(Unavailable("gone for good"), id="unavailable"),
        pytest.param(Interrupted(15), id="SIGTERM in a request"),
    ],
)
def test_what_was_seen_survives_the_end_of_the_watch(cause: Exception | Interrupted) -> None:
    clock = FakeClock()
    script = Script(clock, (0, RUNNING))

    def fetch(run_ids: Sequence[int]) -> Mapping[int, Seen]:
        if clock.now > 1015:
            raise cause
        return script(run_ids)

    ended = watch(clock, fetch)
    assert ended.ended_by is cause
    assert sighting(ended).run == RUNNING


def test_a_signal_while_sleeping_ends_the_watch() -> None:
    clock = FakeClock()
    cause = Interrupted(2)

    def interrupted(_: float) -> None:
        raise cause

    ended = wait_for(
        [55676],
        Script(clock, (0, RUNNING)),
        deadline=Deadline.after(60, clock),
        poll_interval=every(5),
        on_update=lambda _: None,
        sleep=interrupted,
    )
    assert ended.ended_by is cause
    assert sighting(ended).run == RUNNING


def test_a_decided_run_is_not_waited_for() -> None:
    clock = FakeClock()
    script = Script(clock, (0, RUNNING), (10, make_run(status="RUNNING", complete=False, failed=1)))
    ended = watch(clock, script, decided=lambda seen: seen.run.failed == 1)
    assert script.looks == [0, 10]
    assert not sighting(ended).finished


def test_a_total_is_known_when_two_looks_agree_on_it() -> None:
    clock = FakeClock()
    script = Script(
        clock,
        (0, make_run(total=0, status="RUNNING", complete=False)),
        (20, make_run(total=10, status="RUNNING", complete=False)),
        (30, make_run(total=12, status="RUNNING", complete=False)),
    )
    known: list[bool] = []

    def note(progress: Progress) -> None:
        (seen,) = progress.runs.values()
        assert isinstance(seen, Sighting)
        known.append(seen.total_known)

    watch(clock, script, timeout=40, on_update=note)
    assert known == [False, False, False, False, True]


def test_every_look_is_reported_with_the_time_to_the_next() -> None:
    clock = FakeClock()
    reported: list[Progress] = []
    script = Script(clock, (0, RUNNING), (20, DONE))
    watch(clock, script, timeout=60, poll_interval=every(8), on_update=reported.append)
    assert [(p.elapsed, p.remaining, p.next_look) for p in reported] == [
        (0, 60, 8),
        (8, 52, 8),
        (16, 44, 8),
        (24, 36, None),
    ]


def test_a_sighting_knows_since_when_a_run_is_at_work_and_when_it_last_moved() -> None:
    clock = FakeClock()
    queued = make_run(status="QUEUED", complete=False, not_run=30)
    script = Script(clock, (0, queued), (20, RUNNING), (50, DONE))
    last: list[Sighting] = []

    def note(progress: Progress) -> None:
        (seen,) = progress.runs.values()
        assert isinstance(seen, Sighting)
        last.append(seen)

    watch(clock, script, on_update=note)
    assert [(s.seen_at, s.changed_at, s.running_since) for s in last[:-1]] == [
        (0, 0, None),
        (10, 0, None),
        (20, 20, 20),
        (30, 20, 20),
        (40, 20, 20),
    ]


def test_a_sighting_knows_since_when_tests_are_done() -> None:
    clock = FakeClock()
    started = make_run(status="RUNNING", complete=False, not_run=30)
    script = Script(clock, (0, started), (15, RUNNING), (30, FURTHER), (50, DONE))
    last: list[Sighting] = []

    def note(progress: Progress) -> None:
        (seen,) = progress.runs.values()
        assert isinstance(seen, Sighting)
        last.append(seen)

    watch(clock, script, on_update=note)
    assert [(s.seen_at, s.run.done, s.done_since, s.done_then) for s in last[:-1]] == [
        (0, 0, None, 0),
        (10, 0, None, 0),
        (20, 10, 20, 10),
        (30, 20, 20, 10),
        (40, 20, 20, 10),
    ]


def test_a_deadline_that_has_passed_has_nothing_left() -> None:
    clock = FakeClock()
    deadline = Deadline.after(5, clock)
    assert (deadline.remaining(), deadline.passed) == (5, False)
    clock.sleep(9)
    assert (deadline.remaining(), deadline.passed) == (0, True)


def test_what_was_observed_is_where_the_run_stood_over_time() -> None:
    clock = FakeClock()
    queued = make_run(status="QUEUED", complete=False, total=0)
    ended = watch(clock, Script(clock, (0, queued), (40, RUNNING), (70, DONE)))
    seen = [(one.at, one.status.value, one.passed) for one in sighting(ended).observed]
    assert seen == [
        *((0, "QUEUED", 0), (30, "QUEUED", 0)),
        *((40, "RUNNING", RUNNING.passed), (60, "RUNNING", RUNNING.passed)),
        (70, "PASS", DONE.passed),
    ]


def test_observations_of_a_run_that_moves_for_hours_stay_bounded() -> None:
    clock = FakeClock()
    moving = [(10.0 * n, replace(RUNNING, total=2000, passed=n)) for n in range(1000)]
    observed = sighting(watch(clock, Script(clock, *moving), timeout=10_000)).observed
    assert MOST_OBSERVATIONS / 2 <= len(observed) <= MOST_OBSERVATIONS
    assert (observed[0].at, observed[-1].at) == (0, 10_000)
    times = [one.at for one in observed]
    assert times == sorted(set(times))


class Slow(Script):
    """Takes its time for each look."""

    takes = 0.0

    def __call__(self, run_ids: Sequence[int]) -> Mapping[int, Seen]:
        seen = super().__call__(run_ids)
        self.clock.sleep(self.takes)
        return seen


@pytest.mark.parametrize(
    ("takes", "interval", "looks"),
    [
        pytest.param(0.1, 15, [0, 15, 30], id="an answer at once"),
        pytest.param(6, 15, [0, 15, 30], id="a slow one is part of the interval"),
        pytest.param(25, 15, [0, 26, 52], id="one that is slower than the interval"),
        pytest.param(0.5, 0.2, [0, 0.7, 1.4], id="an interval that is shorter than any pause"),
    ],
)
def test_an_interval_is_from_look_to_look(
    takes: float, interval: float, looks: list[float]
) -> None:
    clock = FakeClock()
    script = Slow(clock, (0, RUNNING), (looks[-1], DONE))
    script.takes = takes
    watch(clock, script, poll_interval=every(interval))
    assert script.looks == pytest.approx(looks)


def test_how_long_others_took_is_asked_once_and_kept() -> None:
    clock = FakeClock()
    asked: list[list[int]] = []
    known: list[tuple[float, ...] | None] = []

    def compare(runs: Sequence[TestRun]) -> Durations:
        asked.append([run.id for run in runs])
        clock.sleep(4)
        return {2: [60.0, 70.0]}

    def fetch(run_ids: Sequence[int]) -> Mapping[int, Seen]:
        looks.append(clock.now)
        gone: dict[int, Seen] = {1: replace(DONE, id=1), 4: NotFound("no run 4")}
        still = {2: RUNNING, 3: RUNNING} if len(looks) < 3 else {2: DONE, 3: DONE}
        still_seen = {run_id: replace(run, id=run_id) for run_id, run in still.items()}
        return {run_id: {**gone, **still_seen}[run_id] for run_id in run_ids}

    def interval(open_runs: Sequence[Sighting]) -> float:
        known.extend(one.usual for one in open_runs)
        return 10

    looks: list[float] = []
    start = clock.now
    watch(clock, fetch, run_ids=(1, 2, 3, 4), poll_interval=interval, compare=compare)
    assert asked == [[2, 3]]
    assert known == [(60.0, 70.0), ()] * 2
    assert [at - start for at in looks] == [0, 10, 20]


@pytest.mark.parametrize(
    ("moment", "timeout"),
    [pytest.param(DONE, 600, id="finished"), pytest.param(RUNNING, 29, id="too short")],
)
def test_nobody_asks_how_long_others_took_where_there_is_no_wait(
    moment: TestRun, timeout: float
) -> None:
    clock = FakeClock()
    asked: list[Sequence[TestRun]] = []

    def compare(runs: Sequence[TestRun]) -> Durations:
        asked.append(runs)
        return {}

    watch(clock, Script(clock, (0, moment)), timeout=timeout, compare=compare)
    assert asked == []


def test_the_longest_standstill_is_remembered_from_the_first_test_on() -> None:
    clock = FakeClock()
    moments = [(0, 30), (100, 25), (120, 20), (190, 10), (200, 0)]
    script = Script(
        clock,
        *(
            (at, make_run(status="RUNNING", complete=False, not_run=not_run))
            for at, not_run in moments
        ),
        (250, DONE),
    )
    seen: list[float] = []

    def interval(open_runs: Sequence[Sighting]) -> float:
        seen.append(open_runs[0].longest_standstill)
        return 10

    watch(clock, script, poll_interval=interval)
    assert seen == [0] * 12 + [20] * 7 + [70] * 6


def test_of_a_run_that_joins_it_is_asked_too() -> None:
    clock = FakeClock()
    asked: list[list[int]] = []
    run_ids = [1]

    def fetch(wanted: Sequence[int]) -> Mapping[int, Seen]:
        run_ids[:] = [1, 2]
        over = clock.now - start >= 30
        return {run_id: replace(DONE if over else RUNNING, id=run_id) for run_id in wanted}

    def compare(runs: Sequence[TestRun]) -> Durations:
        asked.append([run.id for run in runs])
        return {}

    start = clock.now
    watch(clock, fetch, run_ids=run_ids, compare=compare)
    assert asked == [[1], [2]]
