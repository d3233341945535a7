"""The outcome of each test of a run, in a form that takes little memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from testery_gate.model import ResultStatus, TestResult, TestRun

LONGEST_PART = 500
"""The most characters that a file or a name of an identity has."""


class TestId(NamedTuple):
    """What makes a test the same test in two runs.

    Both parts are on one line and clean, as :func:`testery_gate.model.parse_results` makes them,
    and so short that every report shows them whole.
    """

    file: str
    name: str

    @classmethod
    def of(cls, result: TestResult) -> TestId:
        """Return the identity of a result's test."""
        return cls(_bounded(result.file), _bounded(result.name))


def _bounded(text: str) -> str:
    """Return a long text shortened, with a digest so that different texts stay different."""
    if len(text) <= LONGEST_PART:
        return text
    ending = f"… {hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"
    return f"{text[: LONGEST_PART - len(ending)].rstrip()}{ending}"


class TestOutcome(Enum):
    """The outcome of a test in one run; a test that was retried has several results."""

    PASSED = "P"
    FAILED = "F"
    BOTH = "B"
    """It failed and it passed, in one run."""
    OTHER = "O"
    """It did neither: it was ignored, or did not run."""

    @property
    def word(self) -> str:
        """The outcome as JSON says it."""
        return self.name.lower()

    @property
    def has_failed(self) -> bool:
        """Whether a result of it is FAIL."""
        return self is TestOutcome.FAILED or self is TestOutcome.BOTH

    @property
    def has_passed(self) -> bool:
        """Whether a result of it is PASS."""
        return self is TestOutcome.PASSED or self is TestOutcome.BOTH


Outcomes = Mapping[TestId, TestOutcome]
"""The outcome of each test of one run."""


def outcomes_of(results: Iterable[TestResult]) -> Outcomes:
    """Return the outcome of each test."""
    found: dict[TestId, TestOutcome] = {}
    for result in results:
        test, now = TestId.of(result), _OUTCOMES.get(result.status, TestOutcome.OTHER)
        before = found.get(test)
        found[test] = now if before is None else _both(before, now)
    return found


def fixed(before: Outcomes, now: Outcomes) -> Sequence[TestId]:
    """Return the tests that failed, and pass now."""
    return [
        test
        for test, outcome in before.items()
        if outcome.has_failed and now.get(test) is TestOutcome.PASSED
    ]


def lacking(some: Outcomes, others: Outcomes) -> Sequence[TestId]:
    """Return the tests that some outcomes lack, and others have."""
    return [test for test in others if test not in some]


_OUTCOMES = {ResultStatus.PASS: TestOutcome.PASSED, ResultStatus.FAIL: TestOutcome.FAILED}


def _both(before: TestOutcome, now: TestOutcome) -> TestOutcome:
    if now is TestOutcome.OTHER or now is before:
        return before
    return now if before is TestOutcome.OTHER else TestOutcome.BOTH


def why_unusable(run: TestRun, results: Sequence[TestResult]) -> str:
    """Return why the results say less than the run's own count of failures; empty if they don't."""
    failed = sum(result.status is ResultStatus.FAIL for result in results)
    if run.failed is None:
        return f"run {run.id} does not say how many of its tests failed"
    if failed < run.failed:
        return f"the test results of run {run.id} show {failed} of its {run.failed} failed tests"
    return ""


def why_cut_off(run: TestRun, results: Sequence[TestResult]) -> str:
    """Return why the results may lack tests of the run; empty if they don't.

    The API shows tests that were ignored or did not run too. A test may have several results: where
    there are as many results as tests, missing ones go unnoticed.
    """
    if run.total is None:
        return f"run {run.id} does not say how many tests it has"
    if len(results) < run.total:
        return f"the test results of run {run.id} show {len(results)} of its {run.total} tests"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """An earlier run, and the outcome of each of its tests."""

    run: TestRun
    outcomes: Outcomes
