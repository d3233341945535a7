"""Where the tests of earlier runs come from, without threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from testery_gate.errors import ApiError, NotFound, Unauthorized
from testery_gate.evidence.gathering import Unread
from testery_gate.evidence.outcomes import Outcomes, outcomes_of, why_cut_off, why_unusable
from testery_gate.model import TestResult, TestRun
from testery_gate.waiting.deadline import Deadline


class ReadWhenAsked:
    """Reads the tests of earlier runs one after the other, when they are needed."""

    def __init__(self, results: Callable[[int], Sequence[TestResult]]) -> None:
        self._results = results
        self._read: dict[int, Outcomes | Unread] = {}
        self._cut_off: dict[int, str] = {}

    @property
    def notes(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def read_ahead(self, runs: Sequence[TestRun], /) -> None:
        """Do nothing yet."""

    def outcomes(self, run: TestRun, until: Deadline, /) -> Outcomes | Unread:
        """Return what came of the tests of a run, as far as that is known in time."""
        if run.id not in self._read:
            self._read[run.id] = self._ask(run, until)
        return self._read[run.id]

    def why_cut_off(self, run: TestRun, /) -> str:
        """Return why what came of the tests of a run may lack some."""
        return self._cut_off[run.id]

    def _ask(self, run: TestRun, until: Deadline) -> Outcomes | Unread:
        if until.passed:
            return Unread(why="the time for reading earlier runs was over", by_fault=True)
        try:
            results = self._results(run.id)
        except ApiError as error:
            why = f"the test results of run {run.id} can't be read: {error.message}"
            return Unread(why=why, by_fault=not isinstance(error, Unauthorized | NotFound))
        self._cut_off[run.id] = why_cut_off(run, results)
        why = why_unusable(run, results)
        return Unread(why=why) if why else outcomes_of(results)
