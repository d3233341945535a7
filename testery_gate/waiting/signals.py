"""SIGINT and SIGTERM: the first ends the wait, a second ends the process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType

from testery_gate.errors import Interrupted

LONGEST_SLEEP = 1.0
"""Seconds."""


class Interrupts:
    """Turns the first signal into :class:`Interrupted`, so that reports are still written."""

    def __init__(
        self,
        end: Callable[[int], object] = os._exit,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._end = end
        self._sleep = sleep
        self.received: Interrupted | None = None
        self._held = False

    def install(self) -> None:
        """Take over both signals for the rest of the process."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def hold(self) -> None:
        """From now on only remember a first signal, because the rest must not be interrupted."""
        self._held = True

    def sleep(self, seconds: float) -> None:
        """Sleep, and raise a signal whose exception was lost.

        Python drops exceptions in a destructor, and while other threads run it can miss a signal
        that comes just before a sleep begins; so no single sleep is longer than a second.
        """
        while True:
            if self.received is not None and not self._held:
                raise self.received
            self._sleep(min(seconds, LONGEST_SLEEP))
            if seconds <= LONGEST_SLEEP:
                return
            seconds -= LONGEST_SLEEP

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.received is not None:
            self._end(128 + number)
            return
        self.received = Interrupted(number)
        if not self._held:
            raise self.received
