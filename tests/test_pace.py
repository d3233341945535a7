from __future__ import annotations

from typing import Any

import pytest

from testery_gate.pace import (
    QUICKEST,
    SLOWEST_FINISHING,
    SLOWEST_QUEUED,
    SLOWEST_RUNNING,
    adaptive,
    fixed,
    predicted_remaining,
)
from testery_gate.polling import Sighting
from tests.builders import make_run, with_unknown


def make_sighting(*, done: int = 0, status: str = "RUNNING", **others: Any) -> Sighting:
    """A run of 100 tests, seen at work since the start unless ``others`` say otherwise."""
    values: dict[str, Any] = {
        "run": make_run(total=100, not_run=100 - done, status=status, complete=False),
        "seen_at": 0.0,
        "changed_at": 0.0,
        "running_since": 0.0 if status == "RUNNING" else None,
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
        pytest.param(make_sighting(status="SUBMITTED", seen_at=60), 6, id="submitted for a while"),
        pytest.param(
            make_sighting(status="QUEUED", seen_at=1800), SLOWEST_QUEUED, id="queued for long"
        ),
        pytest.param(make_sighting(), QUICKEST, id="just started"),
        pytest.param(make_sighting(seen_at=100), 10, id="nothing done yet, stretching"),
        pytest.param(make_sighting(seen_at=3000), SLOWEST_RUNNING, id="nothing done for ever"),
        pytest.param(
            make_sighting(done=10, seen_at=100, changed_at=100),
            SLOWEST_RUNNING,
            id="under way, the end is far",
        ),
        pytest.param(
            make_sighting(done=80, seen_at=80, changed_at=80), 10, id="the end comes nearer"
        ),
        pytest.param(
            make_sighting(done=99, seen_at=99, changed_at=99), QUICKEST, id="the end is due"
        ),
        pytest.param(
            make_sighting(done=99, seen_at=199, changed_at=99),
            10,
            id="the end was due but the last test takes its time",
        ),
        pytest.param(
            make_sighting(done=100, seen_at=100, changed_at=100),
            QUICKEST,
            id="everything reported, not complete",
        ),
        pytest.param(
            make_sighting(done=100, seen_at=130, changed_at=100),
            3,
            id="everything reported for a while",
        ),
        pytest.param(
            make_sighting(done=100, seen_at=900, changed_at=100),
            SLOWEST_FINISHING,
            id="a teardown without end",
        ),
        pytest.param(
            make_sighting(status="PASS", done=90, seen_at=20, changed_at=10),
            QUICKEST,
            id="settling",
        ),
        pytest.param(make_sighting(status="NEW", seen_at=100), 10, id="a status nobody knows"),
    ],
)
def test_the_pace_follows_the_run(sighting: Sighting, wait: float) -> None:
    assert adaptive([sighting]) == pytest.approx(wait)


def test_of_several_runs_the_most_urgent_sets_the_pace() -> None:
    far = make_sighting(done=10, seen_at=100, changed_at=100)
    near = make_sighting(done=80, seen_at=80, changed_at=80)
    assert adaptive([far, near]) == pytest.approx(10)


def test_without_an_open_run_the_pace_is_quick() -> None:
    assert adaptive([]) == QUICKEST


def test_a_fixed_pace_never_changes() -> None:
    assert fixed(15)([make_sighting(done=99)]) == 15


@pytest.mark.parametrize(
    ("sighting", "seconds"),
    [
        pytest.param(make_sighting(), None, id="nothing done"),
        pytest.param(make_sighting(done=100, seen_at=50, changed_at=50), None, id="all done"),
        pytest.param(make_sighting(status="QUEUED"), None, id="not started"),
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
        pytest.param(make_sighting(done=25, seen_at=50, changed_at=50), 150, id="by the rate"),
        pytest.param(
            make_sighting(done=25, seen_at=60, changed_at=50), 140, id="less what passed since"
        ),
        pytest.param(
            make_sighting(done=60, done_then=40, running_since=100, seen_at=140, changed_at=140),
            80,
            id="by what was done under our eyes",
        ),
        pytest.param(
            make_sighting(done=99, seen_at=500, changed_at=99), 0, id="overdue is due now"
        ),
    ],
)
def test_the_end_is_predicted_from_the_rate(sighting: Sighting, seconds: float | None) -> None:
    predicted = predicted_remaining(sighting)
    assert predicted == (None if seconds is None else pytest.approx(seconds))
