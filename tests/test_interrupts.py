from __future__ import annotations

import signal

import pytest

from testery_gate.errors import ExitCode, Interrupted
from testery_gate.interrupts import Interrupts


def test_the_first_signal_interrupts_and_a_second_ends_the_process() -> None:
    ended: list[int] = []
    interrupts = Interrupts(end=ended.append)
    with pytest.raises(Interrupted) as caught:
        interrupts._handle(signal.SIGTERM, None)
    assert interrupts.received is caught.value
    interrupts._handle(signal.SIGINT, None)
    assert ended == [130]


def test_a_signal_is_only_remembered_where_the_rest_must_be_done_whole() -> None:
    interrupts = Interrupts()
    interrupts.hold()
    interrupts._handle(signal.SIGINT, None)
    assert interrupts.received is not None
    assert interrupts.received.exit_code is ExitCode.INTERRUPTED
