"""A time limit for work that has none of its own: name resolution, headers that arrive slowly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

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
        found = outcome.get(timeout=seconds)
    except Empty:
        raise TookTooLong from None
    finally:
        abandoned.set()
    if not isinstance(found, BaseException):
        return found
    try:
        raise found
    finally:
        # It holds this frame, and all that the work held: a whole answer, until a collection.
        del found
