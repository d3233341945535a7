from __future__ import annotations

from pathlib import Path

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
