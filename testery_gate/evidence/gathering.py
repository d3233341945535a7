"""Read a run's tests, and what they are compared with: a baseline, and the history before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from testery_gate.errors import ApiError, NotFound, Unauthorized
from testery_gate.evidence.baseline import (
    Baseline,
    Previous,
    candidates,
    doubts,
    is_finished,
    is_of,
    none_among,
    why_no_baseline,
)
from testery_gate.evidence.classes import Evidence
from testery_gate.evidence.failures import Tolerating, evidence_of, failing
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, Outcomes, TestId, why_cut_off, why_unusable
from testery_gate.model import TestResult, TestRun
from testery_gate.waiting.deadline import Deadline

AFTER_THE_END = 10.0
"""Seconds that reading earlier runs may take once the run has finished; reports name what is
missing."""
LAG = 2.0
"""Seconds after which results that lack failures are asked for again: they may come a moment after
the counts."""
FOR_THE_BASELINE = 60.0
"""Seconds that reading the baselines of all runs may take then; longer, because the verdicts depend
on it."""
MOST_TRIED = 3
"""The most earlier runs that are tried as the baseline until one has usable results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """The tests of a run could not be read, or can't be used."""

    why: str
    by_fault: bool = False
    """Whether there may be some: a fault hides them, or a limit of the gate."""


class Api(Protocol):
    """What is used of the API; each raises :class:`ApiError`."""

    def run(self, run_id: int, /) -> TestRun:
        """Return one run."""

    def results(self, run_id: int, /) -> Sequence[TestResult]:
        """Return the tests of a run."""

    def page(self, number: int, limit: int, /, *, optional: bool) -> Sequence[TestRun]:
        """Return a page of the list of runs; an optional page is given up soon."""


class EarlierTests(Protocol):
    """Where the tests of earlier runs are read."""

    @property
    def notes(self) -> Sequence[str]:
        """The reports' notes on how they were read."""

    def read_ahead(self, runs: Sequence[TestRun], /) -> None:
        """Begin to read the tests of these runs, and return at once."""

    def outcomes(self, run: TestRun, until: Deadline, /) -> Outcomes | Unread:
        """Return the outcomes of the tests of a run, or why they were not read in time."""

    def why_cut_off(self, run: TestRun, /) -> str:
        """Return why the outcomes that were returned may lack tests of the run; empty if not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a run is compared with."""

    baseline: Previous | int | Callable[[TestRun], Baseline]
    """The previous run, a run's id, or a function that returns the baseline of a kept report."""
    history: int = 0
    """How many comparable runs are read for flakiness and strips."""
    git_ref: str | None = None
    """If set, the previous run and the history must be of this branch or commit, so that runs of
    other branches can't make a failure known or flaky."""
    quarantine: Tolerating | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """How long earlier runs may be read, for all runs that are judged together."""

    history: Deadline
    baseline: Deadline


class Gathering:
    """Gathers the evidence on runs, reading ahead while the gate waits for them."""

    def __init__(
        self,
        wanted: Wanted,
        tests: EarlierTests,
        api: Api,
        *,
        trust_status: bool,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._wanted = wanted
        self.tests = tests
        self.api = api
        """Has its own time limit, because the wait may have used up the gate's."""
        self._trust_status = trust_status
        self._clock = clock
        self._sleep = sleep

    def is_enough(self, run: TestRun, earlier: Sequence[TestRun]) -> bool:
        """Whether no older runs need to be looked for; ``earlier`` are those before the run."""
        wanted = self._wanted
        if len(self._history(earlier)) < wanted.history:
            return False
        tried = len(candidates(run, earlier, wanted.git_ref))
        return not isinstance(wanted.baseline, Previous) or tried >= MOST_TRIED

    def read_ahead(self, run: TestRun, earlier: Sequence[TestRun]) -> None:
        """Begin to read the tests of earlier runs, the newest first, and return at once."""
        wanted = self._wanted
        previous = isinstance(wanted.baseline, Previous)
        chosen = candidates(run, earlier, wanted.git_ref)[:1] if previous else []
        self.tests.read_ahead([*chosen, *self._history(earlier)])

    def gather(
        self,
        runs: Sequence[TestRun],
        earlier: Mapping[int, Sequence[TestRun]],
        fault: ApiError | None,
        meant: int,
    ) -> Mapping[int, Evidence]:
        """Return the evidence on each of the finished runs by its id; so many runs are ``meant``.

        ``earlier`` are by id the earlier runs like it, the newest first. ``fault`` is why that list
        is incomplete, if it is.
        """
        for run in runs:
            self.read_ahead(run, earlier.get(run.id, ()))
        until = Deadline.after(AFTER_THE_END, self._clock)
        results = self._results(runs, until)
        times = _Times(history=until, baseline=Deadline.after(FOR_THE_BASELINE, self._clock))
        found = {
            run.id: self._evidence(run, results[run.id], earlier.get(run.id, ()), fault, times)
            for run in runs
        }
        quarantine = self._wanted.quarantine
        known = [evidence for evidence in found.values() if not evidence.unknown]
        # Where a run's tests are unknown, an entry may name one of them.
        if quarantine and known and len(known) == meant:
            tests = {TestId.of(result) for one in found.values() for result in one.results or ()}
            first = next(iter(found))
            if note := quarantine.note_of_unmatched(tests, len(found)):
                found[first] = replace(found[first], notes=(*found[first].notes, note))
        return found

    def _evidence(
        self,
        run: TestRun,
        results: Sequence[TestResult] | ApiError,
        earlier: Sequence[TestRun],
        fault: ApiError | None,
        until: _Times,
    ) -> Evidence:
        if isinstance(results, ApiError):
            return _unknown(f"its test results can't be read: {results.message}")
        if why := why_unusable(run, results):
            return _unknown(why, results)
        baseline = self._baseline(run, earlier, fault, until.baseline)
        failed = {TestId.of(result) for result in failing(results)}
        runs = self._history(earlier)
        # Only the history of failed tests is shown.
        history, unread = read_history(runs, self.tests, until.history, of=failed)
        notes = [*_notes_on(baseline, run)]
        lacks = next((one.why for one in unread if one.by_fault), "")
        if fault and len(runs) < self._wanted.history:
            lacks = lacks or (fault.message if _is_fault(fault) else "")
            if fault.message not in baseline.why_none:
                notes.append(f"older runs are missing from the history: {fault.message}")
        if self._wanted.history and baseline.earlier is None:
            lacks = lacks or baseline.why_none
        return evidence_of(
            run,
            results,
            baseline=baseline,
            history=history,
            history_lacks=lacks,
            cut_off=why_cut_off(run, results),
            quarantine=self._wanted.quarantine,
            trust_status=self._trust_status,
            notes=tuple(filter(None, (*notes, missing_from(runs, unread)))),
        )

    def _results(
        self, runs: Sequence[TestRun], until: Deadline
    ) -> Mapping[int, Sequence[TestResult] | ApiError]:
        """Read the tests of each run; those that lag behind its counts are read once more."""
        found = {run.id: self._results_of(run) for run in runs}
        lagging = [run for run in runs if _lag(run, found[run.id])]
        if lagging:
            self._sleep(min(LAG, until.remaining()))
        for run in lagging:
            again = self._results_of(run)
            if not isinstance(again, ApiError):
                found[run.id] = again
        return found

    def _results_of(self, run: TestRun) -> Sequence[TestResult] | ApiError:
        try:
            return self.api.results(run.id)
        except ApiError as error:
            return error

    def _history(self, earlier: Sequence[TestRun]) -> Sequence[TestRun]:
        # A canceled run was stopped in the middle: its results say nothing about the tests.
        finished = [
            other for other in earlier if is_finished(other) and is_of(other, self._wanted.git_ref)
        ]
        return finished[: self._wanted.history]

    def _baseline(
        self,
        run: TestRun,
        earlier: Sequence[TestRun],
        fault: ApiError | None,
        until: Deadline,
    ) -> Baseline:
        match self._wanted.baseline:
            case Previous():
                return self._previous(run, earlier, fault, until)
            case int(run_id):
                return self._named(run, run_id, until)
            case kept:
                return kept(run)

    def _previous(
        self,
        run: TestRun,
        earlier: Sequence[TestRun],
        fault: ApiError | None,
        until: Deadline,
    ) -> Baseline:
        """Return the newest run that can be used, of the first few candidates.

        A run that a fault hides is not skipped: an older run may know a failure that it does not.
        """
        found = Baseline(why_none=none_among(run, earlier, self._wanted.git_ref))
        tried = candidates(run, earlier, self._wanted.git_ref)[:MOST_TRIED]
        for other in tried:
            found = self._compared(other, until)
            if found.earlier is not None or found.by_fault:
                return found
        if fault and len(tried) < MOST_TRIED:
            why = f"earlier runs can't be read: {fault.message}"
            return Baseline(why_none=why, by_fault=_is_fault(fault))
        return found

    def _named(self, run: TestRun, run_id: int, until: Deadline) -> Baseline:
        try:
            other = self.api.run(run_id)
        except ApiError as error:
            return Baseline(why_none=error.message, by_fault=_is_fault(error))
        why = why_no_baseline(run, other)
        if why:
            return Baseline(why_none=why)
        return self._compared(other, until)

    def _compared(self, other: TestRun, until: Deadline) -> Baseline:
        outcomes = self.tests.outcomes(other, until)
        if isinstance(outcomes, Unread):
            return Baseline(why_none=outcomes.why, by_fault=outcomes.by_fault)
        if not outcomes:
            return Baseline(why_none=f"run {other.id} has no test results")
        earlier = EarlierRun(run=other, outcomes=outcomes)
        return Baseline(earlier=earlier, cut_off=self.tests.why_cut_off(other))


def _lag(run: TestRun, results: Sequence[TestResult] | ApiError) -> bool:
    """Whether a run counts more failures than its tests show so far."""
    if run.failed is None or isinstance(results, ApiError):
        return False
    return bool(why_unusable(run, results))


def _notes_on(baseline: Baseline, run: TestRun) -> Sequence[str]:
    """Return the reports' notes on the baseline: why there is none, or why it may be wrong."""
    if baseline.earlier is None:
        return [f"there is no run to compare with: {baseline.why_none}"]
    # A report has fewer facts about its run, and the run was chosen by these facts.
    found = () if baseline.source else doubts(baseline.earlier.run, run)
    return [f"the baseline may be the wrong one: {doubt}" for doubt in found]


def _is_fault(error: ApiError) -> bool:
    """Whether the API may have the answer, although it did not send it now."""
    return not isinstance(error, NotFound | Unauthorized)


def read_history(
    runs: Sequence[TestRun],
    tests: EarlierTests,
    until: Deadline,
    *,
    of: Collection[TestId] | None = None,
) -> tuple[History, Sequence[Unread]]:
    """Read the outcomes of the tests of these runs, the newest first; also return why some lack.

    With ``of``, only these tests are kept.
    """
    found: list[EarlierRun] = []
    unread: list[Unread] = []
    for run in runs:
        outcomes = tests.outcomes(run, until)
        if isinstance(outcomes, Unread):
            unread.append(outcomes)
            continue
        if of is not None:
            outcomes = {test: outcomes[test] for test in of if test in outcomes}
        found.append(EarlierRun(run=run, outcomes=outcomes))
    return History.of(found[::-1]), unread


def missing_from(runs: Sequence[TestRun], unread: Sequence[Unread]) -> str:
    """Return the note that these of the runs are missing from the history; empty if none is."""
    if not unread:
        return ""
    return (
        f"{len(unread)} of {len(runs)} earlier runs are missing from the history: {unread[0].why}"
    )


def _unknown(why: str, results: Sequence[TestResult] | None = None) -> Evidence:
    note = f"it is unknown which failures are new: {why}"
    return Evidence(unknown=why, results=results, notes=(note,))
