from __future__ import annotations

import signal

import pytest

from testery_gate.errors import ExitCode, Interrupted
from testery_gate.waiting.signals import Interrupts


def test_the_first_signal_interrupts_and_a_second_ends_the_process() -> None:
    ended: list[int] = []
    interrupts = Interrupts(end=ended.append)
    with pytest.raises(Interrupted) as caught:
        interrupts._handle(signal.SIGTERM, None)
    assert interrupts.received is caught.value
    interrupts._handle(signal.SIGINT, None)
    assert ended == [130]


def test_a_signal_that_python_has_lost_ends_the_next_sleep() -> None:
    slept: list[float] = []
    interrupts = Interrupts(sleep=slept.append)
    interrupts.sleep(1)
    with pytest.raises(Interrupted):
        interrupts._handle(signal.SIGTERM, None)
    with pytest.raises(Interrupted):
        interrupts.sleep(2)
    interrupts.hold()
    interrupts.sleep(0)
    assert slept == [1, 0]


def test_no_sleep_is_so_long_that_a_signal_which_python_misses_costs_more_than_a_second() -> None:
    slept: list[float] = []
    Interrupts(sleep=slept.append).sleep(2.5)
    assert slept == [1, 1, 0.5]


def test_a_signal_is_only_remembered_where_the_rest_must_be_done_whole() -> None:
    interrupts = Interrupts()
    interrupts.hold()
    interrupts._handle(signal.SIGINT, None)
    assert interrupts.received is not None
    assert interrupts.received.exit_code is ExitCode.INTERRUPTED
