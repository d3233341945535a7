"""Which tests have failed so far, read in the background while the gate waits.

The endpoint for the tests of a run is not documented, so nothing may depend on it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from testery_gate.errors import NotFound, Unauthorized
from testery_gate.model import ResultStatus, TestResult, TestRun
from testery_gate.progress.display import Display
from testery_gate.text import shorten
from testery_gate.waiting.polling import Progress, Sighting

MOST_READS = 5
"""How often the tests of a run are asked for."""
PAUSE = 30.0
"""Seconds from one request to the next; for the same run they double each time."""
NAMED = 10
"""How many tests of a run are named."""
LONGEST_NAME = 100
"""Characters of a test's name, and of its file, so that ten tests do not fill the screen."""

Fetch = Callable[[int], Sequence[TestResult]]
"""Returns the tests of a run, with one request."""


def in_background(work: Callable[[], None]) -> None:
    """Do some work in a thread, which ends with the process."""
    threading.Thread(target=work, name="failing tests", daemon=True).start()


@contextmanager
def naming(
    shown: Display,
    connect: Callable[[], Fetch] | None,
    *,
    clock: Callable[[], float] = time.monotonic,
    start: Callable[[Callable[[], None]], None] = in_background,
) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress, and names tests that failed until the block is left.

    ``connect`` is called once, in the background; without it no test is named.
    """
    if connect is None:
        yield shown.update
        return
    names = _Names(connect, shown.say, clock, start)

    def update(progress: Progress) -> None:
        shown.update(progress)
        names.update(progress)

    try:
        yield update
    finally:
        names.stop()


@dataclass(slots=True)
class _Known:
    """What is known of the tests of a run."""

    reads: int = 0
    next_read: float = 0.0
    """When the tests may be requested again, on the clock of the wait."""
    failed: int = 0
    """How many tests had failed at the last request."""
    tests: set[tuple[str, str]] = field(default_factory=set)


class _Names:
    """Requests the tests of a run that is not finished, when more of them have failed.

    No poll waits for this, and an API that refuses is not asked again.
    """

    def __init__(
        self,
        connect: Callable[[], Fetch],
        say: Callable[[str], None],
        clock: Callable[[], float],
        start: Callable[[Callable[[], None]], None],
    ) -> None:
        self._connect = connect
        self._say = say
        self._clock = clock
        self._start = start
        self._fetch: Fetch | None = None
        self._known: defaultdict[int, _Known] = defaultdict(_Known)
        self._next_read = 0.0
        self._lock = threading.Lock()
        self._is_busy = self._is_over = False

    def update(self, progress: Progress) -> None:
        """Start a request if it is time for one."""
        now = self._clock()
        with self._lock:
            soon = self._is_busy or now < self._next_read
            if soon or self._is_over or progress.next_look is None:
                return
            due = [
                one.run
                for one in progress.runs.values()
                if isinstance(one, Sighting) and not one.finished and self._is_due(one.run, now)
            ]
            if not due:
                return
            run = min(due, key=lambda run: self._known[run.id].reads)
            known = self._known[run.id]
            known.failed = run.failed or 0
            known.next_read = now + PAUSE * 2**known.reads
            known.reads += 1
            self._next_read, self._is_busy = now + PAUSE, True
        lead = f"run {run.id} failed" if len(progress.runs) > 1 else "failed"
        try:
            self._start(lambda: self._read(run, lead))
        except RuntimeError:  # no thread can be started
            self.stop()

    def stop(self) -> None:
        """Name no more tests."""
        with self._lock:
            self._is_over = True

    def _is_due(self, run: TestRun, now: float) -> bool:
        known = self._known[run.id]
        may = known.reads < MOST_READS and now >= known.next_read
        return may and (run.failed or 0) > known.failed

    def _read(self, run: TestRun, lead: str) -> None:
        lines: Sequence[str] = ()
        refused = False
        try:
            self._fetch = self._fetch or self._connect()
            lines = [*self._news(run, self._fetch(run.id))]
        except (NotFound, Unauthorized):
            refused = True
        except Exception:  # noqa: BLE001, S110  (a fault here must not end the wait)
            pass
        with self._lock:
            self._is_busy = False
            self._is_over = self._is_over or refused
            for line in () if self._is_over else lines:
                self._say(f"{lead}: {line}")

    def _news(self, run: TestRun, results: Sequence[TestResult]) -> Iterator[str]:
        """Return the new tests that have failed, and did not pass in a retry."""
        known = self._known[run.id].tests
        passed = {_test(result) for result in results if result.status is ResultStatus.PASS}
        failed = {_test(result): None for result in results if result.status is ResultStatus.FAIL}
        new = [test for test in failed if test not in passed and test not in known]
        shown = new[: max(0, NAMED - len(known))]
        known.update(new)
        for name, file in shown:
            short_name = shorten(name, LONGEST_NAME)
            yield f"{short_name} ({shorten(file, LONGEST_NAME)})" if file else short_name
        rest = len(new) - len(shown)
        if rest:
            yield f"{rest} more {'test' if rest == 1 else 'tests'}"


def _test(result: TestResult) -> tuple[str, str]:
    return result.name, result.file
