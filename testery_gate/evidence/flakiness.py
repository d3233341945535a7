"""What the history shows of one test: whether it is flaky, and since when it fails."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from testery_gate.evidence.commits import excusably_same
from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from testery_gate.model import TestRun

FLAKY_CHANGES = 2
"""A test is flaky if its outcome changed so often; with one change it broke, or was fixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The run in which a test began to fail, as far as the history that was read shows it."""

    run: TestRun
    at_least: bool
    """Whether it is the oldest run that was read, so that the test may have failed before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakyTest:
    """A test that is inconsistent over some runs."""

    test: TestId
    strip: tuple[TestOutcome | None, ...]
    """Its outcome in each run, the oldest first; ``None`` where a run did not have it."""
    changes: int
    failed: int
    executed: int
    """In how many runs it failed, and was executed."""
    first_failed: TestRun
    last_failed: TestRun
    on_one_commit: str
    """Where it both passed and failed on the same commit; empty if it did not."""

    @property
    def rate(self) -> Fraction:
        """The percentage of the runs that executed it in which it failed."""
        return Fraction(100 * self.failed, self.executed)


_Executed = Sequence[tuple[TestRun, TestOutcome]]
"""The runs that executed a test, with its outcome, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Comparable runs before the one that is judged, the oldest first."""

    runs: Sequence[EarlierRun] = ()
    same: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """By id of a run, the runs of the same commit, itself among them."""

    @classmethod
    def of(cls, runs: Sequence[EarlierRun]) -> History:
        """Return the history of these runs."""
        known = [earlier.run for earlier in runs]
        same = {
            one.id: frozenset(
                other.id for other in known if other.id == one.id or excusably_same(one, other)
            )
            for one in known
        }
        return cls(runs=runs, same=same)

    def strip(self, test: TestId) -> tuple[TestOutcome | None, ...]:
        """Return a test's outcome in each run; ``None`` where a run did not have it."""
        return tuple(earlier.outcomes.get(test) for earlier in self.runs)

    def inconsistency(self, test: TestId) -> str:
        """Return how a test is inconsistent; empty if it is not.

        It is if it both passed and failed on the same commit, or changed its outcome at least
        :data:`FLAKY_CHANGES` times.
        """
        executed = self._executed(test)
        if why := self._on_one_commit(executed):
            return why
        changes = _changes(executed)
        if changes >= FLAKY_CHANGES:
            return f"its outcome changed {changes} times in the last {len(self.runs)} runs"
        return ""

    def flaky_tests(self) -> Sequence[FlakyTest]:
        """Return the inconsistent tests, those that changed their outcome most first."""
        found = []
        for test in self.failed:
            executed = self._executed(test)
            changes, on_one_commit = _changes(executed), self._on_one_commit(executed)
            if on_one_commit or changes >= FLAKY_CHANGES:
                failed = [run for run, outcome in executed if outcome.has_failed]
                flaky = FlakyTest(
                    test=test,
                    strip=self.strip(test),
                    changes=changes,
                    failed=len(failed),
                    executed=len(executed),
                    first_failed=failed[0],
                    last_failed=failed[-1],
                    on_one_commit=on_one_commit,
                )
                found.append(flaky)
        return sorted(found, key=lambda one: (-one.changes, not one.on_one_commit, -one.rate))

    @property
    def failed(self) -> Collection[TestId]:
        """The tests that failed in at least one run."""
        return {
            test: None
            for earlier in self.runs
            for test, outcome in earlier.outcomes.items()
            if outcome.has_failed
        }

    def _executed(self, test: TestId) -> _Executed:
        return [
            (earlier.run, outcome)
            for earlier in self.runs
            if (outcome := earlier.outcomes.get(test)) and outcome is not TestOutcome.OTHER
        ]

    def _on_one_commit(self, executed: _Executed) -> str:
        """Return where a test both passed and failed on the same commit; empty if it did not."""
        passed = {run.id for run, outcome in executed if outcome.has_passed}
        for run, outcome in executed:
            if outcome is TestOutcome.BOTH:
                return f"it both failed and passed in run {run.id}"
            alike = sorted(self.same[run.id] & passed) if outcome.has_failed else []
            if alike:
                return f"on the same commit it failed in run {run.id} and passed in run {alike[0]}"
        return ""

    def failing_since(self, test: TestId, run: TestRun) -> Since | None:
        """Return since when a test fails without a pass in between; ``None`` without a history.

        Earlier runs that did not have the test, or did not execute it, are ignored.
        """
        if not self.runs:
            return None
        first = run
        for earlier in reversed(self.runs):
            outcome = earlier.outcomes.get(test)
            if outcome is TestOutcome.FAILED:
                first = earlier.run
            elif outcome is not None and outcome.has_passed:
                break
        return Since(run=first, at_least=first.id == self.runs[0].run.id)


def _changes(executed: _Executed) -> int:
    return sum(one is not other for (_, one), (_, other) in pairwise(executed))
