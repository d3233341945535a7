"""How long tests take, which outcomes do not include."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from threading import Lock

from testery_gate.evidence.outcomes import TestId
from testery_gate.model import ResultStatus, TestResult

_EXECUTED = {ResultStatus.PASS, ResultStatus.FAIL}
_MICROSECOND = timedelta(microseconds=1)


class Durations:
    """How long each test took on average; several threads may add to it."""

    def __init__(self) -> None:
        self._sums: dict[TestId, int] = {}
        """In microseconds: the sum of two durations can be above the largest timedelta."""
        self._counts: dict[TestId, int] = {}
        self._lock = Lock()

    @classmethod
    def of(cls, results: Iterable[TestResult]) -> Durations:
        """Return the durations of the tests of one run."""
        durations = cls()
        durations.add(results)
        return durations

    def add(self, results: Iterable[TestResult]) -> None:
        """Add the results that passed or failed and have a duration."""
        with self._lock:
            for result in results:
                took = result.duration
                if took is None or took < timedelta(0) or result.status not in _EXECUTED:
                    continue
                test = TestId.of(result)
                self._sums[test] = self._sums.get(test, 0) + took // _MICROSECOND
                self._counts[test] = self._counts.get(test, 0) + 1

    def mean(self, test: TestId) -> timedelta | None:
        """Return how long a test took on average; ``None`` where no result has a duration."""
        count = self._counts.get(test)
        return self._sums[test] // count * _MICROSECOND if count else None
