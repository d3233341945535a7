"""A run with the verdict on it, and all that was gathered for the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testery_gate.errors import ExitCode
from testery_gate.evidence.classes import Evidence
from testery_gate.judging.verdict import Verdict
from testery_gate.model import Attachments, Observation, TestResult, TestRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the reports are about: one run, judged."""

    run_id: int | None
    """``None`` when no run was found."""
    run: TestRun | None = None
    """The run as it was last seen; ``None`` when the API never showed it."""
    verdict: Verdict
    notes: tuple[str, ...] = ()
    """What was noticed on the way to the verdict and after it."""
    results: Sequence[TestResult] | None = None
    """The run's tests; ``None`` where the API does not offer them."""
    attachments: Mapping[str, Attachments] = field(default_factory=dict)
    """By result id the screenshots and the like of failing tests, if they were asked for."""
    evidence: Evidence | None = None
    """What the tests show, compared with earlier runs; ``None`` where that was not asked for."""
    web_url: str | None = None
    observed: Sequence[Observation] = ()
    """The run's state at each poll of the wait, from the first to the last."""
    comparable: Sequence[TestRun] | None = None
    """The run and comparable ones before it, the oldest first; ``None`` where that is not known."""

    @property
    def exit_code(self) -> ExitCode:
        """How the gate ended for this run."""
        return self.verdict.exit_code

    @property
    def all_notes(self) -> Sequence[str]:
        """The notes of the verdict, and those beside it."""
        return (*self.verdict.notes, *self.notes)
