"""Which runs: from what the user describes to runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from heapq import nlargest

from testery_gate.model import Field, TestRun, same_git_ref
from testery_gate.runs.listing import Listing, Lookback, newest_first
from testery_gate.text import fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A value that a run must have in a field; a name may be a pattern with ``*``."""

    field: Field
    wanted: str

    def __str__(self) -> str:
        return f"{self.field.value} {self.wanted}"

    def holds(self, run: TestRun) -> bool:
        """Whether the run meets the condition."""
        found = self.field.of(run)
        match self.field:
            case Field.GIT_REF:
                return any(same_git_ref(ref, self.wanted) for ref in found)
            case Field.NAME:
                return any(fits(self.wanted, name) for name in found)
            case _:
                return self.wanted in found


class Group(Enum):
    """What ``--each`` can group runs by."""

    PROJECT = "project"
    ENVIRONMENT = "environment"
    NAME = "name"

    def of(self, run: TestRun) -> object:
        """Return the run's value for this group."""
        return {
            Group.PROJECT: run.project_id,
            Group.ENVIRONMENT: run.environment,
            Group.NAME: run.name,
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The runs that a selection takes from others."""

    runs: Sequence[TestRun] = ()
    """The newest first."""
    doubts: Mapping[int, TestRun] = field(default_factory=dict)
    """By the id of a chosen run: a run without a time and with a higher id, which may be newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of the runs that meet all conditions are meant: by default the newest one."""

    conditions: tuple[Condition, ...] = ()
    each: tuple[Group, ...] = ()
    every: bool = False
    most: int | None = None
    """How many at the most."""

    def __str__(self) -> str:
        return ", ".join(map(str, self.conditions))

    def matches(self, run: TestRun) -> bool:
        """Whether the run meets all conditions."""
        return all(condition.holds(run) for condition in self.conditions)

    def group_of(self, run: TestRun) -> object:
        """Return the group that a run is in; the newest run of each group is taken."""
        return tuple(group.of(run) for group in self.each)

    def whatever_the_status(self) -> Selection:
        """Return the selection without its conditions on the status."""
        others = [one for one in self.conditions if one.field is not Field.STATUS]
        return replace(self, conditions=tuple(others))

    def choose(self, runs: Iterable[TestRun]) -> Choice:
        """Return the runs that are meant, and for which of them that is in doubt."""
        matching = newest_first(filter(self.matches, runs))
        if self.every:
            return Choice(runs=matching[: self.most])
        groups: dict[object, list[TestRun]] = {}
        for run in matching:
            groups.setdefault(self.group_of(run), []).append(run)
        chosen: list[TestRun] = []
        doubts: dict[int, TestRun] = {}
        for group in groups.values():
            # Where none has a time, the ids alone decide the order.
            newest = next((run for run in group if run.create_time), group[0])
            chosen.append(newest)
            if newest.create_time and group[0].create_time is None and group[0].id > newest.id:
                doubts[newest.id] = group[0]
        return Choice(runs=newest_first(chosen)[: self.most], doubts=doubts)

    def choose_from(self, listing: Listing) -> Choice:
        """Read a list no further than needed, and return the runs that are meant."""
        wanted = None if self.each else self.most if self.every else 1
        newest: list[TestRun] = []
        for run in listing:
            if wanted is not None and run.create_time and self.matches(run):
                newest = nlargest(wanted, [*newest, run], key=_time_and_id)
            if len(newest) == wanted and listing.is_past(newest[-1].create_time):
                break
        return self.choose(listing.runs)

    def nearest_miss(self, runs: Iterable[TestRun], lookback: Lookback) -> str:
        """Return which run comes nearest and what it lacks; ``""`` where none meets a condition."""

        def nearness(run: TestRun) -> tuple[object, ...]:
            # The conditions are in the order of Field: the most telling ones come first.
            met = [condition.holds(run) for condition in self.conditions]
            return sum(met), met

        # Of those that are equally near, the newest.
        run = max(newest_first(runs), key=nearness, default=None)
        if run is None:
            return ""
        met = [str(condition) for condition in self.conditions if condition.holds(run)]
        if self.conditions and not met:
            return ""
        lacks = [
            f"its {condition.field.value} is {', '.join(condition.field.of(run)) or 'unknown'}"
            for condition in self.conditions
            if not condition.holds(run)
        ]
        if not (lacks and lookback.reaches(run)):
            created = f" (created {run.create_time:%Y-%m-%d %H:%M} UTC)" if run.create_time else ""
            lacks.append(f"it is outside --lookback{created}")
        has = f"has {', '.join(met)}" if met else "is the newest"
        return f"run {run.id} {has}, but {' and '.join(lacks)}"


def _time_and_id(run: TestRun) -> tuple[object, int]:
    return run.create_time, run.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which runs, and how far back to look for them."""

    selection: Selection
    deploy_id: int | None = None
    max_age: timedelta | None = timedelta(days=7)
    max_runs: int = 1000
    min_runs: int = 1
    """How many must be there at least."""

    def __str__(self) -> str:
        """Return a noun, such as ``run with environment staging``."""
        of_deploy = "" if self.deploy_id is None else f" of deploy {self.deploy_id}"
        conditions = str(self.selection)
        return f"run{of_deploy}{f' with {conditions}' if conditions else ''}"
