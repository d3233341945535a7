"""Whatever the order in which runs appear, change and finish: what a passing verdict rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

from hypothesis import event, given, settings
from hypothesis import strategies as st

from testery_gate.api.client import TesteryClient
from testery_gate.errors import ExitCode, NotFound, Unavailable, combined
from testery_gate.gate import Effects, Gate, Waiting
from testery_gate.judging.policy import Policy
from testery_gate.model import Field, RunStatus, TestRun
from testery_gate.runs.listing import is_newer, newest_first
from testery_gate.runs.selection import Condition, Group, Query, Selection
from testery_gate.waiting.deadline import Deadline
from testery_gate.waiting.polling import Seen
from tests.builders import with_unknown
from tests.fakes import FakeClock
from tests.runlist import NOW, run_of

LONG = 400.0


@dataclass(frozen=True, kw_only=True)
class Script:
    """A run: when it appears, and from when on it has which status; times in seconds."""

    run: TestRun
    appears: float
    statuses: tuple[tuple[float, str], ...]
    vanishes: float

    def at(self, time: float) -> TestRun | None:
        """Return the run as it stands."""
        if not self.appears <= time < self.vanishes:
            return None
        status = next(
            (status for begins, status in reversed(self.statuses) if begins <= time), "RUNNING"
        )
        over = status != "RUNNING"
        return replace(
            self.run,
            status=RunStatus(status),
            status_text=status,
            complete=over,
            passed=(29 if status == "FAIL" else 30) if over else 10,
            failed=int(status == "FAIL"),
        )


class Api:
    """Runs on a clock that each request moves on, so that they change while they are read."""

    def __init__(self, scripts: Sequence[Script], clock: FakeClock, fails_at: int | None) -> None:
        self.scripts, self.clock, self.begun = scripts, clock, clock.now
        self.reading_began = 0.0
        self.refused = False
        self._is_reading = False
        self._readings_until_it_fails = fails_at

    @property
    def time(self) -> float:
        return self.clock.now - self.begun

    def there(self, time: float) -> list[TestRun]:
        """Return the runs that there are at a time, the newest first."""
        return newest_first(run for run in (one.at(time) for one in self.scripts) if run)

    def page(self, number: int, limit: int, *, optional: bool = False) -> Sequence[TestRun]:
        self._read(optional=optional)
        return tuple(self.there(self.time)[number * limit : (number + 1) * limit])

    def newest(self, limit: int) -> Sequence[TestRun]:
        return self.page(0, limit, optional=True)

    def deployed(self, _: int) -> Sequence[TestRun]:
        self._read(optional=False)
        return tuple(self.there(self.time))

    def _read(self, *, optional: bool) -> None:
        self.clock.now += 0.5
        if not self._is_reading and not optional:
            self.reading_began = self.time
            if self._readings_until_it_fails is not None:
                self._readings_until_it_fails -= 1
                if self._readings_until_it_fails < 0:
                    self.refused = True
                    raise Unavailable("HTTP 503")
        self._is_reading = not optional

    def look(self, run_ids: Sequence[int], *, wait: bool = True) -> Mapping[int, Seen]:
        self._is_reading = False
        seen: dict[int, Seen] = {}
        for run_id in run_ids:
            self.clock.now += 0.5
            found = {run.id: run for run in self.there(self.time)}
            seen[run_id] = found.get(run_id, NotFound("HTTP 404"))
        return seen

    def account_name(self) -> str:
        return "acme"


@st.composite
def scripts(draw: st.DrawFn, run_id: int) -> Script:
    """Draw a run."""
    appears = draw(st.sampled_from([0.0, 0.0, 0.7, 3.0, 20.0, 45.0]))
    run = replace(
        run_of(run_id, environment="staging", name=draw(st.sampled_from(["Checkout", "Search"]))),
        project_id=draw(st.sampled_from([1, 1, 2])),
        create_time=NOW + timedelta(seconds=draw(st.sampled_from([appears, 0.0]))),
    )
    if draw(st.integers(0, 9)) == 0:
        run = with_unknown(run, "create_time")
    ends = appears + draw(st.sampled_from([0.0, 0.6, 10.0, 31.0, 50.0]))
    statuses = [(ends, draw(st.sampled_from(["PASS", "PASS", "FAIL", "CANCELED"])))]
    if draw(st.integers(0, 3)) == 0:
        later = ends + draw(st.sampled_from([0.4, 5.0, 30.0]))
        statuses.append((later, draw(st.sampled_from(["PASS", "FAIL", "RUNNING"]))))
    vanishes = draw(st.sampled_from([LONG] * 9 + [appears + 12.0]))
    return Script(run=run, appears=appears, statuses=tuple(statuses), vanishes=vanishes)


SELECTIONS = {
    "newest": Selection(conditions=(Condition(field=Field.ENVIRONMENT, wanted="staging"),)),
    "each": Selection(each=(Group.NAME,)),
    "all": Selection(every=True),
    "deploy": Selection(every=True),
}


def is_older(one: TestRun, other: TestRun) -> bool:
    """Whether a run is older, by creation and id; without a time, by its id alone."""
    if (one.create_time is None) is (other.create_time is None):
        return is_newer(other, one)
    return one.create_time is None and one.id < other.id


def meant(selection: Selection, runs: Sequence[TestRun]) -> Sequence[TestRun]:
    """Return which runs may be meant: no other of the group is newer for certain."""
    if selection.every:
        return runs
    return [
        run
        for run in runs
        if not any(
            selection.group_of(other) == selection.group_of(run) and is_older(run, other)
            for other in runs
        )
    ]


# The same examples each time: what it finds is to be found again. `make test` tries fewer.
@settings(max_examples=10 * settings().max_examples, derandomize=True)
@given(
    drawn=st.integers(1, 6).flatmap(
        lambda count: st.tuples(*(scripts(run_id) for run_id in range(1, count + 1)))
    ),
    kind=st.sampled_from(sorted(SELECTIONS)),
    min_runs=st.integers(1, 3),
    fails_at=st.none() | st.integers(1, 3),
)
def test_nothing_passes_while_a_run_that_is_meant_has_not(
    drawn: Sequence[Script], kind: str, min_runs: int, fails_at: int | None
) -> None:
    selection = SELECTIONS[kind]
    least = 1 if kind == "newest" else min_runs
    query = Query(selection=selection, deploy_id=77 if kind == "deploy" else None, min_runs=least)
    clock = FakeClock()
    api = Api(drawn, clock, fails_at)
    gate = Gate(
        Policy(),
        cast("TesteryClient", api),
        Effects(sleep=clock.sleep, update=lambda _: None, say=lambda _: None, now=lambda: NOW),
        Waiting(
            deadline=Deadline.after(LONG / 2, clock),
            poll_interval=lambda _: 10.0,
            appear_by=Deadline.after(30, clock),
            with_results=False,
        ),
    )
    judged = gate.judge(query)
    code = combined({one.exit_code for one in judged})
    event(code.outcome)
    if code is not ExitCode.PASSED:
        return
    assert len(judged) >= least
    assert not api.refused
    at_the_end = {run.id for run in meant(selection, api.there(api.time))}
    for run in meant(selection, api.there(api.reading_began)):
        # A newer one may have appeared meanwhile, and have taken its place.
        if run.id in at_the_end:
            assert run.status is RunStatus.PASS, run.id
