"""Whether two runs are of the same commit or build."""

from __future__ import annotations

import re

from testery_gate.model import TestRun, same_git_ref

_COMMIT = re.compile(r"[0-9A-Fa-f]{7,64}")


def same_commit(one: TestRun, other: TestRun) -> bool:
    """Whether two runs are known to be about the same commit or build.

    A git ref can also be the name of a branch; then the commit is unknown.
    """
    return _same_build(one, other) or _same_ref(one, other) is True


def excusably_same(one: TestRun, other: TestRun) -> bool:
    """Whether a test is inconsistent if it passed in one run and failed in the other.

    A build key may be used again for another commit, where the test may have been fixed.
    """
    same = _same_ref(one, other)
    return _same_build(one, other) if same is None else same


def _same_build(one: TestRun, other: TestRun) -> bool:
    return bool(one.build_key) and one.build_key == other.build_key


def _same_ref(one: TestRun, other: TestRun) -> bool | None:
    """Whether two runs are of one commit; ``None`` where their refs do not show it."""
    refs = (one.git_ref, other.git_ref)
    if not all(ref and _COMMIT.fullmatch(ref) for ref in refs):
        return None
    return same_git_ref(one.git_ref or "", other.git_ref or "")
