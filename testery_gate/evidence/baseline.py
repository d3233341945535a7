"""Which run a run is compared with, so that a failure is known or new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from testery_gate.evidence.commits import same_commit
from testery_gate.evidence.outcomes import EarlierRun
from testery_gate.model import RunStatus, TestRun, same_git_ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The newest earlier run of the same project, environment and name that can be a baseline."""

    def __str__(self) -> str:
        return "previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a run is compared with, or why there is nothing."""

    earlier: EarlierRun | None = None
    source: str = ""
    """The name of a file, where the baseline is read from one."""
    cut_off: str = ""
    """Why it may lack tests of the run; then it is unknown which tests differ from it."""
    why_none: str = ""
    """Why there is no usable baseline; then no failure is known."""
    by_fault: bool = False
    """Whether a fault of the API may hide a baseline; then it is unknown which failures are new."""

    @property
    def description(self) -> str:
        """The baseline in words; empty if there is none."""
        if self.earlier is None:
            return ""
        shown = described(self.earlier.run)
        return f"{shown} in {self.source}" if self.source else shown


def described(run: TestRun) -> str:
    """Return a run in words, such as ``run 55670 (main, 2026-11-20 10:00 UTC)``."""
    time = run.end_time or run.create_time
    known = (run.branch or run.git_ref, f"{time:%Y-%m-%d %H:%M} UTC" if time else None)
    details = ", ".join(filter(None, known))
    return f"run {run.id} ({details})" if details else f"run {run.id}"


def is_finished(run: TestRun) -> bool:
    """Whether a run finished by itself: it was not canceled."""
    return run.status in {RunStatus.PASS, RunStatus.FAIL} and run.complete is not False


def is_of(run: TestRun, git_ref: str | None) -> bool:
    """Whether a run is of this branch or commit; true for every run with ``None``."""
    return git_ref is None or any(
        ref and same_git_ref(git_ref, ref) for ref in (run.git_ref, run.branch)
    )


def why_no_baseline(run: TestRun, earlier: TestRun) -> str:
    """Return why an earlier run can't be the baseline of a run; empty if it can."""
    if earlier.id == run.id:
        return f"run {earlier.id} is the run that is judged"
    if not is_finished(earlier):
        return f"run {earlier.id} is {earlier.status_text or 'of no status'}: it did not finish"
    if same_commit(run, earlier):
        return f"run {earlier.id} is of the same commit or build as run {run.id}"
    if earlier.total == 0:
        return f"run {earlier.id} had no tests"
    return ""


def candidates(run: TestRun, earlier: Sequence[TestRun], git_ref: str | None) -> Sequence[TestRun]:
    """Return those of the earlier runs that can be the baseline, in their order.

    They are of this branch or commit, if one is named.
    """
    return [other for other in earlier if is_of(other, git_ref) and not why_no_baseline(run, other)]


def none_among(run: TestRun, earlier: Sequence[TestRun], git_ref: str | None) -> str:
    """Return why none of the earlier runs can be the baseline."""
    of_ref = "" if git_ref is None else f" of {git_ref}"
    if not earlier:
        return "no earlier run of the same project, environment and name was found"
    same = sum(same_commit(run, other) for other in earlier)
    besides = f"; {same} of the same commit or build as run {run.id}" if same else ""
    return (
        f"no finished run{of_ref} was found that can be compared with, among {len(earlier)} earlier"
        f" of the same project, environment and name{besides}"
    )


def doubts(old: TestRun, new: TestRun) -> Sequence[str]:
    """Return reasons why two runs are hard to compare."""
    if old.id == new.id:
        return [f"both are run {old.id}"]
    reasons = []
    for what, before, now in (
        ("projects", old.project_id, new.project_id),
        ("environments", old.environment, new.environment),
        ("names", old.name, new.name),
    ):
        if before != now:
            texts = ("none" if value is None else str(value) for value in (before, now))
            reasons.append(f"the runs are of different {what}: {' and '.join(texts)}")
    if old.create_time and new.create_time and new.create_time < old.create_time:
        reasons.append(f"run {new.id} was created before run {old.id}")
    reasons += [
        f"run {run.id} is {run.status_text or 'of no status'}: it has not finished"
        for run in (old, new)
        if not is_finished(run)
    ]
    return reasons
