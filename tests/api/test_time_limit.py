from __future__ import annotations

from pathlib import Path

import pytest

from testery_gate.api.time_limit import TookTooLong, within
from testery_gate.errors import ExitCode
from tests.acceptance import command

# As if the signal had come just before the wait begins: it reaches another thread, and nothing
# wakes the one that waits.
MISSED = """
import os, signal, sys, time
from testery_gate.api.time_limit import within
from testery_gate.errors import Interrupted
from testery_gate.waiting.signals import Interrupts

def work(abandoned):
    time.sleep(0.2)  # until the other one waits
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.kill(os.getpid(), signal.SIGINT)
    abandoned.wait()

Interrupts().install()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
try:
    within(3600, work)
except Interrupted as cause:
    sys.exit(cause.exit_code)
"""


def test_a_signal_that_wakes_nobody_ends_the_wait_all_the_same(tmp_path: Path) -> None:
    assert command.run_python(MISSED, cwd=tmp_path).code == ExitCode.INTERRUPTED


def test_a_limit_is_of_the_clock_and_not_of_the_steps_of_the_wait() -> None:
    times = iter([0.0, 1.0, 4000.0])  # as of a machine that slept meanwhile
    with pytest.raises(TookTooLong):
        within(3600, lambda abandoned: abandoned.wait(), clock=lambda: next(times))
    assert not list(times)
