from __future__ import annotations

from datetime import timedelta

from testery_gate.evidence.durations import Durations
from testery_gate.evidence.outcomes import TestId
from tests.builders import make_result

TEST = TestId("features/calculator.feature", "pays")


def test_the_mean_is_of_what_was_executed_and_says_its_duration() -> None:
    durations = Durations.of(
        [
            make_result("pays", duration=timedelta(seconds=1)),
            make_result("pays", "FAIL", duration=timedelta(seconds=3)),
            make_result("pays", "IGNORED", duration=timedelta(hours=1)),
            make_result("pays", duration=None),
            make_result("pays", duration=timedelta(seconds=-5)),
            make_result("other", duration=timedelta(hours=1)),
        ]
    )
    durations.add([make_result("pays", duration=timedelta(seconds=5))])
    assert durations.mean(TEST) == timedelta(seconds=3)


def test_no_duration_is_too_long() -> None:
    durations = Durations.of([make_result("pays", duration=timedelta.max)] * 2)
    assert durations.mean(TEST) == timedelta.max


def test_what_nobody_measured_is_unknown() -> None:
    assert Durations.of([make_result("pays", duration=None)]).mean(TEST) is None
