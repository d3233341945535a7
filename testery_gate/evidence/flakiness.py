"""What the history says of one test: whether it is flaky, and since when it fails."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from testery_gate.model import TestRun, same_git_ref

_COMMIT = re.compile(r"[0-9A-Fa-f]{7,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The run in which a test began to fail, as far as the history that was read shows it."""

    run_id: int
    time: datetime | None
    git_ref: str | None
    at_least: bool
    """Whether it is the oldest run that was read, so that the test may have failed before."""


def same_commit(one: TestRun, other: TestRun) -> bool:
    """Whether two runs are known to be about the same commit or build.

    A git ref can also be the name of a branch, and then it says nothing about the commit.
    """
    if one.build_key and one.build_key == other.build_key:
        return True
    refs = (one.git_ref, other.git_ref)
    if not all(ref and _COMMIT.fullmatch(ref) for ref in refs):
        return False
    return same_git_ref(one.git_ref or "", other.git_ref or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Comparable runs before the one that is judged, the oldest first."""

    runs: Sequence[EarlierRun] = ()
    same: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """By id of a run, the runs of the same commit, itself among them."""

    @classmethod
    def of(cls, runs: Sequence[EarlierRun]) -> History:
        """Return the history that these runs are."""
        known = [earlier.run for earlier in runs]
        same = {
            one.id: frozenset(
                other.id for other in known if other.id == one.id or same_commit(one, other)
            )
            for one in known
        }
        return cls(runs=runs, same=same)

    def strip(self, test: TestId) -> tuple[TestOutcome | None, ...]:
        """Return what came of a test in each run; ``None`` where a run did not have it."""
        return tuple(earlier.outcomes.get(test) for earlier in self.runs)

    def inconsistency(self, test: TestId) -> str:
        """Return how a test is inconsistent; empty if it is not.

        It is if it both passed and failed on the same commit, or changed its outcome at least
        twice.
        """
        told = {
            earlier.run.id: outcome
            for earlier in self.runs
            if (outcome := earlier.outcomes.get(test)) and outcome is not TestOutcome.OTHER
        }
        passed = {run_id for run_id, outcome in told.items() if outcome.has_passed}
        for run_id, outcome in told.items():
            if outcome is TestOutcome.BOTH:
                return f"it both failed and passed in run {run_id}"
            alike = sorted(self.same[run_id] & passed) if outcome.has_failed else []
            if alike:
                return f"on the same commit it failed in run {run_id} and passed in run {alike[0]}"
        changes = sum(one is not other for one, other in pairwise(told.values()))
        if changes >= 2:
            return f"its outcome changed {changes} times in the last {len(self.runs)} runs"
        return ""

    def failing_since(self, test: TestId, run: TestRun) -> Since | None:
        """Return since when a test fails without a pass in between; ``None`` without a history.

        An earlier run that did not have the test, or did not execute it, says nothing.
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
        return Since(
            run_id=first.id,
            time=first.create_time,
            git_ref=first.git_ref,
            at_least=first.id == self.runs[0].run.id,
        )
