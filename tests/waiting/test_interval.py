from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.waiting.interval import (
    BEGINNING,
    QUICKEST,
    SLOWEST_AT_THE_END,
    SLOWEST_BEFORE_THE_END,
    SLOWEST_QUEUED,
    SLOWEST_RUNNING,
    SLOWEST_UNKNOWN,
    adaptive,
    fixed,
    predicted_remaining,
)
from testery_gate.waiting.polling import Sighting
from tests.builders import make_run, with_unknown


def make_sighting(*, done: int = 0, status: str = "RUNNING", **others: Any) -> Sighting:
    """A run of 100 tests, seen at work since the start unless ``others`` say otherwise."""
    values: dict[str, Any] = {
        "run": make_run(total=100, not_run=100 - done, status=status, complete=False),
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
        pytest.param(make_sighting(status="QUEUED"), BEGINNING, id="just queued"),
        pytest.param(make_sighting(status="SUBMITTED", seen_at=20), 10, id="submitted for a while"),
        pytest.param(
            make_sighting(status="QUEUED", seen_at=1800), SLOWEST_QUEUED, id="queued for long"
        ),
        pytest.param(make_sighting(), BEGINNING, id="just started"),
        pytest.param(make_sighting(seen_at=100), 40, id="nothing done yet, stretching"),
        pytest.param(make_sighting(seen_at=3000), SLOWEST_RUNNING, id="nothing done for ever"),
        pytest.param(
            make_sighting(seen_at=300, running_since=280.0), 8, id="started after a long queue"
        ),
        pytest.param(
            make_sighting(done=10, seen_at=1000),
            SLOWEST_RUNNING,
            id="under way, the end is far",
        ),
        pytest.param(make_sighting(done=10, seen_at=10), 5, id="too early to believe the rate"),
        pytest.param(make_sighting(done=1, seen_at=2), BEGINNING, id="a first test at once"),
        pytest.param(make_sighting(done=80, seen_at=80), 10, id="the end comes nearer"),
        pytest.param(make_sighting(done=98, seen_at=98), 1.96, id="the end is near"),
        pytest.param(make_sighting(done=99, seen_at=40), QUICKEST, id="the last test of a few"),
        pytest.param(make_sighting(done=99, seen_at=200), 4, id="the last test takes its time"),
        pytest.param(
            make_sighting(done=99, seen_at=3000), SLOWEST_BEFORE_THE_END, id="the last test hangs"
        ),
        pytest.param(make_sighting(done=100, seen_at=100, changed_at=100), 1, id="all reported"),
        pytest.param(
            make_sighting(done=100, seen_at=250, changed_at=240), 2, id="all of a longer run"
        ),
        pytest.param(
            make_sighting(done=100, seen_at=3000, changed_at=2900),
            SLOWEST_AT_THE_END,
            id="all of a long run",
        ),
        pytest.param(
            make_sighting(done=100, seen_at=200, changed_at=100), 8, id="a teardown that lasts"
        ),
        pytest.param(
            make_sighting(done=100, seen_at=900, changed_at=100),
            SLOWEST_UNKNOWN,
            id="a teardown without end",
        ),
        pytest.param(
            make_sighting(status="PASS", done=90, seen_at=20, changed_at=20),
            QUICKEST,
            id="settling",
        ),
        pytest.param(make_sighting(status="NEW", seen_at=100), 40, id="a status nobody knows"),
        pytest.param(
            make_sighting(run=with_unknown(make_run(status="RUNNING"), "total"), seen_at=20),
            6,
            id="total unknown",
        ),
        pytest.param(
            make_sighting(run=with_unknown(make_run(status="RUNNING"), "failed"), seen_at=900),
            SLOWEST_UNKNOWN,
            id="a count unknown, stretching",
        ),
    ],
)
def test_the_interval_follows_the_run(sighting: Sighting, wait: float) -> None:
    assert adaptive([sighting]) == pytest.approx(wait)


@given(
    done=st.integers(0, 100),
    status=st.sampled_from(["SUBMITTED", "QUEUED", "RUNNING", "PASS", "CANCELED", "NEW"]),
    times=st.lists(st.floats(0, 1e6), min_size=4, max_size=4).map(sorted),
)
def test_whatever_was_seen_the_wait_is_neither_hasty_nor_endless(
    done: int, status: str, times: list[float]
) -> None:
    running_since, done_since, changed_at, seen_at = times
    sighting = make_sighting(
        done=done,
        status=status,
        running_since=running_since,
        done_since=done_since,
        changed_at=changed_at,
        seen_at=seen_at,
    )
    assert QUICKEST <= adaptive([sighting]) <= SLOWEST_RUNNING


def test_of_several_runs_the_most_urgent_sets_the_interval() -> None:
    far = make_sighting(done=10, seen_at=1000)
    near = make_sighting(done=80, seen_at=80)
    assert adaptive([far, near]) == pytest.approx(10)


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
