"""What is said when: pending first, the outcome at the end, and what does not work only once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from testery_gate.code_hosts import Mode, Wishes
from testery_gate.code_hosts.announcer import BEGINNING_SECONDS, SECONDS, Announcer
from testery_gate.code_hosts.host import Bare, Place, State, Status
from testery_gate.code_hosts.http import HostError, NoRights
from testery_gate.errors import ExitCode
from testery_gate.reports.ending import Ending
from tests.ci.reporting import ENDINGS
from tests.code_hosts.memory import PLACE, Board, Host
from tests.fakes import FakeClock

BOTH = Wishes(comment=Mode.ALWAYS, status=True)
PASSED, FAILED = ENDINGS["passed"], ENDINGS["failed"]


@dataclass
class Scene:
    """An announcer whose code host is in memory."""

    wishes: Wishes = BOTH
    place: Place = PLACE
    debug: bool = False
    host: Host = field(default_factory=lambda: Host(Board()))
    clock: FakeClock = field(default_factory=FakeClock)
    fault: Callable[[], None] = lambda: None
    """What connecting ends with."""

    def announcer(self) -> Announcer:
        return Announcer(self._connect, self.wishes, debug=self.debug, clock=self.clock)

    @property
    def limits(self) -> list[float]:
        """How long requests might take, as often as that was said."""
        return self.host.http.seconds  # type: ignore[no-any-return]

    def _connect(self) -> Host:
        self.fault()
        self.host.place = self.place
        return self.host


def failing(error: Exception, *, times: int = 1_000, passes: int = 0) -> Callable[[], None]:
    """Return what raises so many times, after it did not so many times."""
    left = [passes, times]

    def fail() -> None:
        if left[0]:
            left[0] -= 1
        elif left[1]:
            left[1] -= 1
            raise error

    return fail


def test_a_status_is_pending_and_then_final() -> None:
    scene = Scene()
    announcer = scene.announcer()
    announcer.begin()
    assert announcer.finish(FAILED) == []
    before, after = scene.host.statuses
    assert (before.state, before.description) == (State.PENDING, "Waiting for Testery")
    assert (after.state, after.description) == (
        State.FAILED,
        "FAILED: 1 of 3 failed, 30% allowed · run 55676 · abcd4e8",
    )
    assert {before.context, after.context} == {"testery-gate (Deploy / gate)"}
    assert before.url == PLACE.pipeline_url
    assert after.url == "https://testery.app/acme/test-runs/55676"
    assert after.report(10_000).startswith("## ❌ FAILED: 1 of 3 failed, 30% allowed\n")
    assert [issue.title for issue in after.issues][-1] == "signs in"
    (comment,) = scene.host.board.comments.values()
    assert comment.startswith("<!-- testery-gate:Deploy-gate-")


STATES = {
    **dict.fromkeys(ExitCode, State.NO_VERDICT),
    ExitCode.PASSED: State.PASSED,
    ExitCode.FAILED: State.FAILED,
    ExitCode.INTERRUPTED: State.STOPPED,
    ExitCode.TERMINATED: State.STOPPED,
}


@pytest.mark.parametrize("code", ExitCode)
def test_every_way_to_end_is_a_state(code: ExitCode) -> None:
    scene = Scene(wishes=Wishes(status=True))
    assert scene.announcer().finish(Ending(exit_code=code, reason="why")) == []
    (status,) = scene.host.statuses
    assert status.state is STATES[code]
    assert status.description.endswith(" (why)")
    assert status.url == PLACE.pipeline_url
    assert "**Why:** why\n" in status.report(10_000)
    assert not scene.host.board.comments


@pytest.mark.parametrize("name", ENDINGS)
def test_no_ending_but_passed_is_said_to_have_passed(name: str) -> None:
    scene = Scene()
    scene.announcer().finish(ENDINGS[name])
    (status,) = scene.host.statuses
    assert (status.state is State.PASSED) == (ENDINGS[name].exit_code is ExitCode.PASSED)


def test_names_of_ones_own_are_used() -> None:
    scene = Scene(wishes=replace(BOTH, key="smoke", context="ci/smoke"))
    scene.announcer().finish(FAILED)
    assert scene.host.statuses[0].context == "ci/smoke"
    assert scene.host.board.comments[1].startswith("<!-- testery-gate:smoke-")


def test_a_gate_without_a_name_has_one_all_the_same() -> None:
    scene = Scene(place=replace(PLACE, gate="", pipeline_url=""))
    scene.announcer().finish(FAILED)
    assert scene.host.statuses[0].context == "testery-gate"
    assert scene.host.board.comments[1].endswith("\n\ntestery-gate · commit `4f7b2c9`\n")


def test_without_a_pull_request_there_is_a_status_and_no_comment() -> None:
    scene = Scene(place=replace(PLACE, pull_request=None))
    said = scene.announcer().finish(FAILED)
    assert said == ["no comment: this pipeline is about no pull request"]
    assert scene.host.steps == ["status"]


def test_without_a_commit_there_is_a_comment_and_no_status() -> None:
    scene = Scene(place=replace(PLACE, commit=None))
    said = scene.announcer().finish(FAILED)
    assert said == ["no status: it is not known which commit this is about"]
    assert scene.host.steps == ["list", "add", "list"]


def test_missing_rights_are_said_once() -> None:
    scene = Scene()
    scene.host.step = failing(NoRights("POST x: HTTP 403 Forbidden", status=403))
    announcer = scene.announcer()
    announcer.begin()
    (said,) = announcer.finish(FAILED)
    assert said == (
        "no status and no comment: POST x: HTTP 403 Forbidden."
        " docs/pull-requests.md lists the rights that the token needs."
    )
    assert not scene.host.steps


def test_a_refusal_at_the_beginning_leaves_no_status_pending() -> None:
    """It may have been of what comes after the status, or of the moment."""

    class NoReports(Host):
        def set_status(self, status: Status) -> None:
            super().set_status(status)
            if status.state is State.PENDING:
                raise NoRights("no report")

    scene = Scene(host=NoReports(Board()))
    announcer = scene.announcer()
    announcer.begin()
    assert announcer.finish(FAILED) == []
    assert [status.state for status in scene.host.statuses] == [State.PENDING, State.FAILED]


def test_what_belongs_to_a_status_is_missed_by_itself() -> None:
    class NoReports(Host):
        faults = 2

        def set_status(self, status: Status) -> None:
            super().set_status(status)
            if self.faults:
                self.faults -= 1
                raise Bare("no report")

    scene = Scene(wishes=Wishes(status=True), host=NoReports(Board()))
    announcer = scene.announcer()
    announcer.begin()
    assert announcer.finish(PASSED) == ["no details of the status: no report"]
    assert announcer.finish(ENDINGS["interrupted-late"]) == []


def test_a_status_that_may_not_be_set_is_no_reason_not_to_comment() -> None:
    scene = Scene()
    scene.host.step = failing(NoRights("no"), times=2)
    announcer = scene.announcer()
    announcer.begin()
    (said,) = announcer.finish(FAILED)
    assert said.startswith("no status: no. docs/")
    assert "status" not in scene.host.steps
    assert len(scene.host.board.comments) == 1


def test_what_works_in_the_end_is_not_complained_of() -> None:
    scene = Scene()
    scene.host.step = failing(HostError("out of reach"), times=1)
    announcer = scene.announcer()
    announcer.begin()
    assert announcer.finish(FAILED) == []
    assert [status.state for status in scene.host.statuses] == [State.FAILED]


def test_what_keeps_it_from_both_is_said_once() -> None:
    scene = Scene(fault=failing(HostError("there is no token")))
    announcer = scene.announcer()
    announcer.begin()
    assert announcer.finish(FAILED) == ["no status and no comment: there is no token"]


def test_a_defect_is_said_and_no_more() -> None:
    scene = Scene(fault=failing(ZeroDivisionError("one by none")))
    (said,) = scene.announcer().finish(FAILED)
    assert said == (
        "no status and no comment: a defect in testery-gate: ZeroDivisionError: one by none"
    )


def test_a_defect_is_traced_where_that_is_asked_for() -> None:
    scene = Scene(fault=failing(ZeroDivisionError("one by none")), debug=True)
    said = "\n".join(scene.announcer().finish(FAILED))
    assert "Traceback" in said
    assert "raise error" in said


def test_nothing_is_said_twice_unless_it_ended_otherwise() -> None:
    scene = Scene()
    announcer = scene.announcer()
    announcer.finish(PASSED)
    assert announcer.finish(PASSED) == []
    assert len(scene.host.statuses) == 1
    announcer.finish(ENDINGS["interrupted-late"])
    assert [status.state for status in scene.host.statuses] == [State.PASSED, State.STOPPED]


def test_all_of_the_end_takes_ten_seconds() -> None:
    scene = Scene(wishes=Wishes(status=True))

    def slow() -> None:
        scene.clock.sleep(3)

    scene.host.step = slow
    announcer = scene.announcer()
    announcer.begin()
    announcer.finish(PASSED)
    announcer.finish(ENDINGS["interrupted-late"])
    # At the beginning; at the end, but for what it takes to say what was slow; and what is left.
    assert scene.limits == pytest.approx([BEGINNING_SECONDS, SECONDS - 0.2, SECONDS - 3.2])


def test_a_signal_leaves_less_time() -> None:
    scene = Scene()
    scene.announcer().finish(PASSED, seconds=4)
    assert scene.limits == pytest.approx([3.8, 3.8])


@dataclass
class Gate:
    """Holds a thread up, at its first step."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(10)


def test_the_wait_goes_on_while_the_status_is_set() -> None:
    """The end waits for the beginning, so that no late word says pending."""
    gate = Gate()
    scene = Scene(wishes=Wishes(status=True))
    scene.host.step = gate
    announcer = scene.announcer()
    announcer.begin()
    assert gate.reached.wait(10)
    ends = threading.Thread(target=announcer.finish, args=(PASSED,), daemon=True)
    ends.start()
    gate.opened.set()
    ends.join(10)
    assert [status.state for status in scene.host.statuses] == [State.PENDING, State.PASSED]


def test_what_is_slow_is_left_in_time_and_says_nothing_afterwards() -> None:
    """Whatever it is: requests have a limit of their own, but git, or a disk, has none."""
    gate = Gate()
    scene = Scene(fault=gate)
    announcer = scene.announcer()
    announcer.begin()
    assert gate.reached.wait(10)

    def tick() -> bool:
        scene.clock.sleep(5)
        return False

    assert announcer.finish(PASSED, overtaken=tick) == [
        "no status and no comment: it took too long"
    ]
    assert sum(scene.clock.slept) == SECONDS
    gate.opened.set()


def test_a_late_beginning_does_not_say_that_the_gate_waits() -> None:
    gate = Gate()
    scene = Scene(wishes=Wishes(status=True), fault=gate)
    announcer = scene.announcer()
    announcer.begin()
    assert gate.reached.wait(10)

    def go_on() -> bool:
        gate.opened.set()
        return False

    assert announcer.finish(PASSED, overtaken=go_on) == []
    assert [status.state for status in scene.host.statuses] == [State.PASSED]


@pytest.mark.parametrize("slow", ["connecting", "the status"])
def test_an_ending_that_is_overtaken_is_left_for_the_next(slow: str) -> None:
    gate = Gate()
    scene = Scene()
    if slow == "connecting":
        scene.fault = gate
    else:
        scene.host.step = gate
    announcer = scene.announcer()
    assert announcer.finish(PASSED, overtaken=gate.reached.is_set) == []
    gate.opened.set()
    assert announcer.finish(ENDINGS["interrupted-late"]) == []
    states = [status.state for status in scene.host.statuses]
    assert states[-1] is State.STOPPED
    (comment,) = scene.host.board.comments.values()
    assert "outcome=interrupted" in comment
    # What was under way gets no more time, and nothing of the first was begun after that.
    assert scene.host.steps.count("add") == 1
    assert (0 in scene.limits) == (State.PASSED in states) == (slow == "the status")


def test_nothing_begins_where_no_status_is_wanted() -> None:
    scene = Scene(wishes=Wishes(comment=Mode.FAILED))
    announcer = scene.announcer()
    announcer.begin()
    assert announcer.finish(PASSED) == []
    assert scene.host.steps == ["list"]


def test_a_status_is_as_it_is_made() -> None:
    assert Status(state=State.PENDING, description="x").report(10) == ""
