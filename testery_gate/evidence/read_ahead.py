"""The single tests of earlier runs, read in the background while the gate waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from datetime import UTC, datetime

from testery_gate.errors import ApiError, NoAnswer, NotFound, Unauthorized
from testery_gate.evidence.cache import Cache
from testery_gate.evidence.gathering import Unread
from testery_gate.evidence.outcomes import Outcomes, TestId, outcomes_of, why_cut_off, why_unusable
from testery_gate.model import TestResult, TestRun
from testery_gate.waiting.deadline import Deadline

MOST_AT_A_TIME = 4
MOST_RUNS = 200
MOST_TESTS = 2_000_000
"""The most tests of all runs together; each takes about 100 bytes."""
MOST_REFUSALS = 3
"""After so many refusals in a row the API is not asked any more: the token gets no results."""
MOST_FAULTS = 6
"""After so many faults in a row, with a pause after each, the API is not asked any more either."""
TRIES = 2
"""How often a run is asked for, if the API gives no usable answer."""
FIRST_PAUSE = 1.0
"""Seconds of the first pause; each further one is twice as long."""
MOST_PAUSE = 3600.0
"""The longest pause in seconds that the API may ask for."""

LONGEST_WAIT = 0.1
"""Seconds after which the waiting thread checks for a signal."""

Fetch = Callable[[int], Sequence[TestResult]]
"""Asks once for the tests of a run; raises :class:`ApiError`."""


class ReadAhead:
    """Reads the outcomes of tests of earlier runs: from the cache, or else from the API.

    At most four threads do that, each with a ``connect()`` of its own. They end with the process,
    whatever they are doing. After a fault of the API only one of them goes on, with pauses.
    """

    def __init__(
        self,
        connect: Callable[[], Fetch],
        cache: Cache | None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        most_tests: int = MOST_TESTS,
    ) -> None:
        self._connect = connect
        self._cache = cache
        self._sleep = sleep
        self._most_tests = most_tests
        self._lock = threading.Lock()
        self._wanted: dict[int, _Wanted] = {}
        self._waiting: list[_Wanted] = []
        self._idle: list[Fetch] = []
        """The connections of threads that have ended."""
        self._threads = 0
        self._most_threads = MOST_AT_A_TIME
        self._refusals = 0
        self._faults = 0
        """How many refusals and faults there were since the last usable answer."""
        self._given_up = ""
        """Why the API is not asked any more."""
        self._cut_off: dict[int, str] = {}
        """By the id of a run why its outcomes may lack tests."""
        self._tests: dict[TestId, TestId] = {}
        """Each test is kept once, because most tests are in every run."""
        self._held = 0

    @property
    def notes(self) -> Sequence[str]:
        """The reports' notes on the cache."""
        return self._cache.notes if self._cache else ()

    def read_ahead(self, runs: Sequence[TestRun]) -> None:
        """Begin to read the tests of those of the runs that are not read yet, the newest first."""
        with self._lock:
            for run in runs:
                if not _why_not(run):
                    self._want(run)
            self._start_threads()

    def outcomes(self, run: TestRun, until: Deadline) -> Outcomes | Unread:
        """Return the outcomes of a run's tests as soon as they are known; the run is read next."""
        why = _why_not(run)
        if why:
            return Unread(why=why)
        with self._lock:
            wanted = self._want(run)
            if wanted is None:
                why = f"the tests of at most {MOST_RUNS} earlier runs are read"
                return Unread(why=why, by_fault=True)
            wanted.is_next = True
            self._start_threads()
        while not wanted.found.done() and not until.passed:
            # A signal that comes just before this call does not end it.
            futures.wait([wanted.found], min(until.remaining(), LONGEST_WAIT))
        if not wanted.found.done():
            why = f"the test results of run {run.id} were not read in time"
            late = Unread(why=why, by_fault=True)
            return _unread(run, wanted.fault) if wanted.fault else late
        return wanted.found.result()

    def why_cut_off(self, run: TestRun) -> str:
        """Return why the outcomes that were returned may lack tests of the run; empty if not."""
        return self._cut_off.get(run.id, "")

    def _want(self, run: TestRun) -> _Wanted | None:
        if run.id not in self._wanted and len(self._wanted) < MOST_RUNS:
            self._wanted[run.id] = _Wanted(run)
            self._waiting.append(self._wanted[run.id])
        return self._wanted.get(run.id)

    def _start_threads(self) -> None:
        for _ in range(min(self._most_threads - self._threads, len(self._waiting))):
            self._threads += 1
            threading.Thread(target=self._work, name="earlier tests", daemon=True).start()

    def _work(self) -> None:
        fetch: Fetch | None = None
        while wanted := self._next(fetch):
            try:
                found: Outcomes | Unread | None
                if not wanted.is_looked_up:
                    found = self._cached(wanted.run)
                elif self._given_up:
                    by_fault = self._refusals < MOST_REFUSALS
                    found = _unread(wanted.run, self._given_up, by_fault=by_fault)
                else:
                    fetch = fetch or self._connected()
                    found = self._fetched(wanted.run, fetch(wanted.run.id))
            except ApiError as error:
                self._failed(wanted, error)
            except BaseException as error:  # noqa: BLE001  (the waiting thread raises it again)
                wanted.found.set_exception(error)
            else:
                if found is None:
                    self._put_back(wanted)
                else:
                    wanted.found.set_result(found)

    def _next(self, fetch: Fetch | None) -> _Wanted | None:
        """Return what to read next, ``None`` where the thread is not needed any more."""
        with self._lock:
            if self._waiting and self._threads <= self._most_threads:
                wanted = max(self._waiting, key=_Wanted.priority)
                self._waiting.remove(wanted)
                return wanted
            self._threads -= 1
            if fetch is not None:
                self._idle.append(fetch)
            return None

    def _connected(self) -> Fetch:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _cached(self, run: TestRun) -> Outcomes | Unread | None:
        cached = self._cache.read(run.id) if self._cache and _is_settled(run) else None
        return None if cached is None else self._shared(cached)

    def _put_back(self, wanted: _Wanted) -> None:
        """Have the API asked for it later, once all others were looked up, which needs no pause."""
        with self._lock:
            wanted.is_looked_up = True
            self._waiting.append(wanted)

    def _fetched(self, run: TestRun, results: Sequence[TestResult]) -> Outcomes | Unread:
        with self._lock:
            self._refusals = self._faults = 0
            self._most_threads = min(self._most_threads + 1, MOST_AT_A_TIME)
            self._start_threads()
        why = why_unusable(run, results)
        if why:
            return Unread(why=why)
        outcomes = outcomes_of(results)
        if cut_off := why_cut_off(run, results):
            self._cut_off[run.id] = cut_off
        elif self._cache and _is_settled(run):
            self._cache.write(run.id, outcomes)
        return self._shared(outcomes)

    def _shared(self, outcomes: Outcomes) -> Outcomes | Unread:
        """Return the same outcomes with shared test ids, or why they are too many."""
        with self._lock:
            if self._held + len(outcomes) > self._most_tests:
                most = self._most_tests
                why = f"the earlier runs have more than {most} tests together"
                return Unread(why=why, by_fault=True)
            self._held += len(outcomes)
        once = self._tests.setdefault
        return {once(test, test): outcome for test, outcome in outcomes.items()}

    def _failed(self, wanted: _Wanted, error: ApiError) -> None:
        refused = isinstance(error, Unauthorized | NotFound)
        with self._lock:
            if refused:
                self._refusals += 1
            else:
                self._faults += 1
                self._most_threads = 1
            if self._refusals >= MOST_REFUSALS or self._faults >= MOST_FAULTS:
                self._given_up = error.message
            wanted.fault = error.message
            wanted.tries += 1
            again = not refused and wanted.tries < TRIES
            if again:
                self._waiting.append(wanted)
            pause = 0.0 if refused or self._given_up else _pause(self._faults, error)
        if not again:
            wanted.found.set_result(_unread(wanted.run, error.message, by_fault=not refused))
        self._sleep(pause)


@dataclass(slots=True, eq=False)
class _Wanted:
    run: TestRun
    is_next: bool = False
    """Whether somebody waits for it."""
    is_looked_up: bool = False
    """Whether it was looked up in the cache, and is not there."""
    tries: int = 0
    fault: str = ""
    found: futures.Future[Outcomes | Unread] = field(default_factory=futures.Future)

    def priority(self) -> tuple[bool, bool, int, datetime, int]:
        """Return a sort key, which is largest for the run to be read next."""
        created = self.run.create_time or _LONG_AGO
        return not self.is_looked_up, self.is_next, -self.tries, created, self.run.id


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _why_not(run: TestRun) -> str:
    """Return why a run can't be used, whatever its tests are; empty if it can."""
    if not run.status.is_final:
        return f"run {run.id} is not finished"
    return why_unusable(run, ()) if run.failed is None else ""


def _unread(run: TestRun, why: str, *, by_fault: bool = True) -> Unread:
    return Unread(why=f"the test results of run {run.id} can't be read: {why}", by_fault=by_fault)


def _is_settled(run: TestRun) -> bool:
    """Whether no more results can come."""
    return run.complete is not False


def _pause(faults: int, error: ApiError) -> float:
    cause = error if isinstance(error, NoAnswer) else error.__cause__
    asked = cause.retry_after if isinstance(cause, NoAnswer) else None
    return max(min(asked or 0.0, MOST_PAUSE), FIRST_PAUSE * 2.0 ** (faults - 1))
