"""A time limit for work that has none of its own: name resolution, headers that arrive slowly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

LONGEST_STEP = 0.5
"""Seconds. While other threads are at work, CPython can miss a signal that comes just before a wait
begins, and only looks for it when that wait is over."""
_T = TypeVar("_T")


class TookTooLong(Exception):
    """The work goes on, but nobody waits for it any more."""


def within(seconds: float, work: Callable[[threading.Event], _T]) -> _T:
    """Return or raise what the work does; raises :class:`TookTooLong` after that many seconds.

    The event tells the work that it was abandoned.
    """
    abandoned = threading.Event()
    outcome: SimpleQueue[_T | BaseException] = SimpleQueue()

    def worker() -> None:
        try:
            outcome.put(work(abandoned))
        except BaseException as error:  # noqa: BLE001  (it is raised again, by the waiter)
            outcome.put(error)

    try:
        # A signal can come in here as well, when the thread is at work already.
        threading.Thread(target=worker, daemon=True).start()
        found = _within(seconds, outcome)
    finally:
        abandoned.set()
    if not isinstance(found, BaseException):
        return found
    try:
        raise found
    finally:
        # It holds this frame, and all that the work held: a whole answer, until a collection.
        del found


def _within(seconds: float, outcome: SimpleQueue[_T]) -> _T:
    while True:
        try:
            return outcome.get(timeout=min(seconds, LONGEST_STEP))
        except Empty:
            seconds -= LONGEST_STEP
            if seconds <= 0:
                raise TookTooLong from None
