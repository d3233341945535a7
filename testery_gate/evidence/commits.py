"""Whether two runs are of the same commit or build."""

from __future__ import annotations

from testery_gate.model import TestRun, same_commit_ref


def same_commit(one: TestRun, other: TestRun) -> bool:
    """Whether two runs are known to be about the same commit or build."""
    return _same_build(one, other) or same_commit_ref(one.git_ref, other.git_ref) is True


def excusably_same(one: TestRun, other: TestRun) -> bool:
    """Whether a test is inconsistent if it passed in one run and failed in the other.

    A build key may be used again for another commit, where the test may have been fixed.
    """
    same = same_commit_ref(one.git_ref, other.git_ref)
    return _same_build(one, other) if same is None else same


def _same_build(one: TestRun, other: TestRun) -> bool:
    return bool(one.build_key) and one.build_key == other.build_key
