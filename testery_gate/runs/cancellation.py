"""Cancel runs in Testery that the gate does not wait for any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from testery_gate.errors import ApiError
from testery_gate.model import TestRun

CANCEL_SECONDS = 5.0
"""How long it may take to cancel runs. A CI system that stops a gate waits a few seconds and then
kills it; the reports must be written before."""
OTHER_BUILD = "it has another build key than was asked for"


class Source(Protocol):
    """What is used of the API."""

    def run(self, run_id: int, /) -> TestRun:
        """Return a run as it is now."""

    def cancel(self, run_id: int, /) -> None:
        """Cancel a run."""


class Cancellation:
    """Cancels each run once, and remembers the result."""

    def __init__(self, aside: Callable[[float], Source], say: Callable[[str], None]) -> None:
        """``aside`` returns a client for so many seconds."""
        self._aside = aside
        self._say = say
        self._canceled: set[int] = set()
        self._notes: dict[int, str] = {}

    def cancel(
        self,
        run_ids: Sequence[int],
        why: str,
        *,
        is_not_ours: Callable[[TestRun], bool] = lambda _: False,
    ) -> None:
        """Cancel runs in Testery; a failure to do so is only noted.

        A run that has ended meanwhile is not canceled, as in the vendor's client.
        """
        wanted = [run_id for run_id in run_ids if run_id not in self._notes]
        if not wanted:
            return
        client = self._aside(CANCEL_SECONDS)
        for run_id in wanted:
            try:
                run = client.run(run_id)
                if is_not_ours(run):
                    note = f"run {run_id} was not canceled in Testery ({why}): {OTHER_BUILD}"
                elif run.complete or run.status.is_final:
                    note = f"run {run_id} was not canceled in Testery ({why}): it had ended"
                else:
                    client.cancel(run_id)
                    note = f"the gate canceled run {run_id} in Testery: {why}"
                    self._canceled.add(run_id)
            except ApiError as error:
                note = f"run {run_id} could not be canceled in Testery ({why}): {error.message}"
            self._notes[run_id] = note
            self._say(f"{note[:1].upper()}{note[1:]}")

    def note(self, run_id: int | None) -> tuple[str, ...]:
        """Return a note on the result, if this run was to be canceled."""
        return (self._notes[run_id],) if run_id in self._notes else ()

    def canceled(self, run_id: int) -> bool:
        """Whether the gate canceled this run."""
        return run_id in self._canceled
