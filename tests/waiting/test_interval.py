from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.model import Observation
from testery_gate.waiting.interval import (
    LIKENESS,
    QUICKEST,
    SLOWEST,
    adaptive,
    fixed,
    hazard,
    predicted_remaining,
)
from testery_gate.waiting.polling import Sighting
from tests.builders import make_run, with_unknown


def make_sighting(
    *, done: int = 0, total: int = 100, status: str = "RUNNING", **others: Any
) -> Sighting:
    """A run of 100 tests, seen at work since the start unless ``others`` say otherwise."""
    values: dict[str, Any] = {
        "run": make_run(total=total, not_run=total - done, status=status, complete=False),
        "seen_at": 0.0,
        "changed_at": 0.0,
        "running_since": 0.0 if status == "RUNNING" else None,
        "done_since": 0.0 if done else None,
        "done_then": 0,
        "settling_since": None,
        "total_known": True,
        "finished": False,
    }
    return Sighting(**(values | others))


@pytest.mark.parametrize(
    ("sighting", "wait"),
    [
        pytest.param(make_sighting(status="QUEUED"), QUICKEST, id="just queued"),
        pytest.param(make_sighting(status="SUBMITTED", seen_at=8), 8, id="submitted"),
        pytest.param(make_sighting(status="QUEUED", seen_at=1800), SLOWEST, id="queued for long"),
        pytest.param(make_sighting(), QUICKEST, id="just started"),
        pytest.param(make_sighting(seen_at=8), 0.6 * 8, id="nothing done, a share of its age"),
        pytest.param(
            make_sighting(seen_at=32, running_since=12.0, changed_at=30.0),
            4,
            id="nothing done, but the total shows now",
        ),
        pytest.param(make_sighting(seen_at=3000), SLOWEST, id="nothing done for ever"),
        pytest.param(
            make_sighting(done=10, seen_at=1000, changed_at=1000), SLOWEST, id="the end is far"
        ),
        pytest.param(
            make_sighting(done=80, seen_at=80, changed_at=80),
            0.6 * 20 * 20 / 21,
            id="the end comes nearer",
        ),
        pytest.param(
            make_sighting(done=80, seen_at=90, changed_at=80),
            0.6 * 10 * 20 / 21,
            id="nearer still, though nothing moves",
        ),
        pytest.param(
            make_sighting(done=80, seen_at=170, changed_at=80), 6, id="later than predicted"
        ),
        pytest.param(
            make_sighting(done=80, seen_at=80, changed_at=80, longest_standstill=40.0),
            0.6 * 10 * 20 / 21,
            id="a standstill is no part of the rate",
        ),
        pytest.param(
            make_sighting(
                done=1, seen_at=80, changed_at=80, longest_standstill=80.0, running_since=0.0
            ),
            SLOWEST,
            id="but where there is nothing else",
        ),
        pytest.param(
            make_sighting(done=2, total=4, seen_at=9, changed_at=9),
            0.6 * 9 * 2 / 3,
            id="few tests say little",
        ),
        pytest.param(make_sighting(done=99, seen_at=52, changed_at=0), 2.6, id="the last test"),
        pytest.param(
            make_sighting(done=99, seen_at=3000, changed_at=0), SLOWEST, id="the last test hangs"
        ),
        pytest.param(make_sighting(total=1, seen_at=13), 1.3, id="the only test"),
        pytest.param(make_sighting(done=100, seen_at=100, changed_at=99), QUICKEST, id="all done"),
        pytest.param(
            make_sighting(done=100, seen_at=152, changed_at=100), 2.6, id="a teardown that lasts"
        ),
        pytest.param(
            make_sighting(done=100, seen_at=5000, changed_at=100),
            SLOWEST,
            id="a teardown without end",
        ),
        pytest.param(
            make_sighting(status="PASS", done=90, seen_at=20, changed_at=20),
            QUICKEST,
            id="settling",
        ),
        pytest.param(
            make_sighting(status="NEW", seen_at=18, changed_at=16), 4, id="a status nobody knows"
        ),
        pytest.param(
            make_sighting(run=with_unknown(make_run(status="RUNNING"), "total"), seen_at=20),
            12,
            id="total unknown",
        ),
        pytest.param(
            make_sighting(run=with_unknown(make_run(status="RUNNING"), "failed"), seen_at=900),
            SLOWEST,
            id="a count unknown",
        ),
    ],
)
def test_the_interval_follows_the_run(sighting: Sighting, wait: float) -> None:
    assert adaptive([sighting]) == pytest.approx(wait)


def seen_done(at: float, done: int | None) -> Observation:
    run = make_run(total=100, not_run=100 - (done or 0), status="RUNNING")
    return Observation.of(with_unknown(run, "failed") if done is None else run, at)


@pytest.mark.parametrize(
    ("observed", "seconds"),
    [
        pytest.param([(0, 0), (60, 40), (75, 80), (80, 90)], 5, id="as the latest ten"),
        pytest.param([(0, 0), (60, 40), (62, 40), (80, 90)], 4, id="as the latest fifty"),
        pytest.param([(40, 85), (80, 90)], 80 / 9, id="too few were seen"),
        pytest.param([(0, 0), (70, None), (80, 90)], 80 / 9, id="not counted before"),
    ],
)
def test_a_run_that_got_faster_may_end_as_fast(
    observed: list[tuple[float, int | None]], seconds: float
) -> None:
    sighting = make_sighting(
        done=90,
        seen_at=80,
        changed_at=80,
        observed=tuple(seen_done(at, done) for at, done in observed),
    )
    assert adaptive([sighting]) == pytest.approx(0.6 * seconds * 10 / 11)


USUAL = (580.0, 600.0, 610.0, 640.0)


@pytest.mark.parametrize(
    ("seen_at", "least", "most"),
    [
        pytest.param(10, 6, 6, id="it may be quick for once"),
        pytest.param(100, SLOWEST, SLOWEST, id="far from the end"),
        pytest.param(400, SLOWEST, SLOWEST, id="two thirds"),
        pytest.param(600, 2, 4, id="about now"),
        pytest.param(680, 1.5, 3.5, id="the last to end"),
        pytest.param(1800, 10, SLOWEST, id="like no other"),
    ],
)
def test_comparable_runs_say_when_to_look(seen_at: float, least: float, most: float) -> None:
    """They replace what would be a guess, not the counts."""
    sighting = make_sighting(seen_at=seen_at, usual=USUAL)
    assert least <= adaptive([sighting]) <= most
    counted = make_sighting(done=80, seen_at=80, changed_at=80)
    assert adaptive([replace(counted, usual=USUAL)]) == adaptive([counted])


@given(age=st.floats(1, 1e6), durations=st.lists(st.floats(1, 1e6), min_size=1, max_size=5))
def test_a_hazard_is_above_nothing_and_below_that_of_runs_as_like_as_can_be(
    age: float, durations: list[float]
) -> None:
    assert 0 < hazard(age, durations) <= LIKENESS / age


def test_past_all_known_durations_lindys_law_is_left() -> None:
    assert hazard(1e5, USUAL) == pytest.approx(1e-5, rel=0.01)


@given(
    done=st.integers(0, 100),
    status=st.sampled_from(["SUBMITTED", "QUEUED", "RUNNING", "PASS", "CANCELED", "NEW"]),
    times=st.lists(st.floats(0, 1e6), min_size=4, max_size=4).map(sorted),
    standstill=st.floats(0, 1e6),
    usual=st.lists(st.floats(1, 1e6), max_size=4),
)
def test_whatever_was_seen_no_interval_is_above_the_slowest_nor_below_the_quickest(
    done: int, status: str, times: list[float], standstill: float, usual: list[float]
) -> None:
    running_since, done_since, changed_at, seen_at = times
    sighting = make_sighting(
        done=done,
        status=status,
        running_since=running_since,
        done_since=done_since,
        longest_standstill=standstill,
        changed_at=changed_at,
        seen_at=seen_at,
        usual=tuple(usual),
    )
    assert QUICKEST <= adaptive([sighting]) <= SLOWEST == 15


def test_of_several_runs_the_most_urgent_sets_the_pace() -> None:
    far = make_sighting(done=10, seen_at=1000, changed_at=1000)
    near = make_sighting(done=80, seen_at=90, changed_at=80)
    assert adaptive([far, near]) == adaptive([near]) < adaptive([far])


def test_without_an_open_run_the_interval_is_short() -> None:
    assert adaptive([]) == QUICKEST


def test_a_fixed_interval_never_changes() -> None:
    assert fixed(15)([make_sighting(done=99)]) == 15


@pytest.mark.parametrize(
    ("sighting", "seconds"),
    [
        pytest.param(make_sighting(done_since=None), None, id="nothing done"),
        pytest.param(make_sighting(done=100, seen_at=50), None, id="all done"),
        pytest.param(make_sighting(status="QUEUED", done_since=None), None, id="not started"),
        pytest.param(
            make_sighting(run=with_unknown(make_run(status="RUNNING"), "total")),
            None,
            id="total unknown",
        ),
        pytest.param(
            make_sighting(run=with_unknown(make_run(status="RUNNING"), "ignored")),
            None,
            id="a count unknown",
        ),
        pytest.param(make_sighting(done=25, seen_at=50), 150, id="by the rate"),
        pytest.param(
            make_sighting(done=25, seen_at=60, changed_at=50), 180, id="which falls in a standstill"
        ),
        pytest.param(
            make_sighting(done=60, done_then=40, done_since=100.0, seen_at=140),
            80,
            id="by what was done under our eyes",
        ),
        pytest.param(
            make_sighting(done=5, done_then=5, done_since=50.0, seen_at=60),
            1140,
            id="by the first tests that were",
        ),
        pytest.param(
            make_sighting(done=60, done_then=60, running_since=50.0, done_since=50.0, seen_at=60),
            None,
            id="none done under our eyes",
        ),
        pytest.param(
            make_sighting(
                status="NEW", done=60, done_then=60, running_since=None, done_since=50.0, seen_at=60
            ),
            None,
            id="never seen at work",
        ),
    ],
)
def test_the_end_is_predicted_from_the_rate(sighting: Sighting, seconds: float | None) -> None:
    predicted = predicted_remaining(sighting)
    assert predicted == (None if seconds is None else pytest.approx(seconds))
