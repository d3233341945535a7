"""Runs are canceled once, and what came of it is said."""

from __future__ import annotations

from testery_gate.errors import NotFound
from testery_gate.model import RunStatus, TestRun
from testery_gate.runs.cancellation import CANCEL_SECONDS, Cancellation
from tests.builders import make_run


class Api:
    """Runs 1 and 2 are running, run 3 has ended, and there are no others."""

    def __init__(self) -> None:
        self.canceled: list[int] = []
        self.asked_for: list[float] = []

    def aside(self, seconds: float) -> Api:
        self.asked_for.append(seconds)
        return self

    def run(self, run_id: int) -> TestRun:
        if run_id > 3:
            raise NotFound(f"there is no run {run_id}")
        ended = run_id == 3
        status = RunStatus.PASS if ended else RunStatus.RUNNING
        return make_run(id=run_id, status=status.value, complete=ended)

    def cancel(self, run_id: int) -> None:
        self.canceled.append(run_id)


def test_what_has_not_ended_is_canceled_and_what_came_of_it_is_noted() -> None:
    api, said = Api(), list[str]()
    cancellation = Cancellation(api.aside, said.append)
    cancellation.cancel([1, 3, 4], "SIGTERM")
    assert api.canceled == [1]
    assert api.asked_for == [CANCEL_SECONDS]
    assert [cancellation.canceled(run_id) for run_id in (1, 2, 3, 4)] == [True, False, False, False]
    assert cancellation.note(1) == ("the gate canceled run 1 in Testery: SIGTERM",)
    assert cancellation.note(2) == cancellation.note(None) == ()
    assert cancellation.note(3) == ("run 3 was not canceled in Testery (SIGTERM): it had ended",)
    assert cancellation.note(4) == (
        "run 4 could not be canceled in Testery (SIGTERM): there is no run 4",
    )
    assert said[0] == "The gate canceled run 1 in Testery: SIGTERM"


def test_a_run_is_canceled_once_and_no_client_is_made_for_none() -> None:
    api = Api()
    cancellation = Cancellation(api.aside, lambda _: None)
    cancellation.cancel([1], "SIGTERM")
    cancellation.cancel([1], "SIGINT")
    assert (api.canceled, len(api.asked_for)) == ([1], 1)
    assert cancellation.note(1) == ("the gate canceled run 1 in Testery: SIGTERM",)


def test_what_somebody_else_started_is_not_canceled() -> None:
    api = Api()
    cancellation = Cancellation(api.aside, lambda _: None)
    cancellation.cancel([1, 2], "SIGTERM", is_not_ours=lambda run: run.id == 2)
    assert api.canceled == [1]
    assert "another build key" in cancellation.note(2)[0]
