"""A time limit for work that has none of its own: name resolution, headers that arrive slowly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

LONGEST_STEP = 0.5
"""Seconds. While other threads run, CPython can miss a signal that comes just before a wait begins;
it handles the signal only after that wait."""
_T = TypeVar("_T")


class TookTooLong(Exception):
    """The work goes on, but nobody waits for it any more."""


def within(
    seconds: float,
    work: Callable[[threading.Event], _T],
    clock: Callable[[], float] = time.monotonic,
) -> _T:
    """Return or raise what the work does; raises :class:`TookTooLong` after that many seconds.

    The work is passed an event that is set once nobody waits for it any more.
    """
    abandoned = threading.Event()
    outcome: SimpleQueue[_T | BaseException] = SimpleQueue()

    def worker() -> None:
        try:
            outcome.put(work(abandoned))
        except BaseException as error:  # noqa: BLE001  (the waiting thread raises it again)
            outcome.put(error)

    try:
        # A signal can also come here, when the thread is running already.
        threading.Thread(target=worker, daemon=True).start()
        found = _outcome_of(outcome, clock() + seconds, clock)
    finally:
        abandoned.set()
    if not isinstance(found, BaseException):
        return found
    try:
        raise found
    finally:
        # The error refers to this frame and the work's: a whole answer would stay in memory.
        del found


def _outcome_of(outcome: SimpleQueue[_T], end: float, clock: Callable[[], float]) -> _T:
    while (left := end - clock()) > 0:
        with suppress(Empty):
            return outcome.get(timeout=min(left, LONGEST_STEP))
    raise TookTooLong
