"""Which runs: from what the user names or describes to runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from testery_gate.gate import same_git_ref
from testery_gate.listing import Listing, age_key
from testery_gate.model import TestRun

_ADDRESS = re.compile(r"(https?://[^\s/?#]+/[^\s?#]*?test-runs/(\d{1,18}))(?:[/?#]\S*)?", re.ASCII)
_ID = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReference:
    """A run as the user named it."""

    run_id: int
    web_url: str | None = None


def parse_reference(text: str) -> RunReference:
    """Read an id or a web address such as ``https://testery.app/acme/test-runs/55676``.

    Raises :class:`ValueError`.
    """
    if _ID.fullmatch(text) and int(text) > 0:
        return RunReference(run_id=int(text))
    match = _ADDRESS.fullmatch(text)
    if match and int(match[2]) > 0:
        return RunReference(run_id=int(match[2]), web_url=match[1])
    raise ValueError(
        f"{text!r} is no run; give its id, such as 55676,"
        " or its address, such as https://testery.app/acme/test-runs/55676"
    )


_CREATED = re.compile(r"\s*test_run_id:\s*(\d{1,18})\s*", re.ASCII)


def parse_references(text: str) -> Sequence[RunReference]:
    """Read ids, addresses and ``test_run_id: 12345``, each on a line of its own, out of a text.

    Other lines are passed over: the Testery client says more than the id. Raises
    :class:`ValueError` where there is none.
    """
    found: dict[int, RunReference] = {}
    for line in text.splitlines():
        created = _CREATED.fullmatch(line)
        try:
            reference = parse_reference(created[1] if created else line.strip())
        except ValueError:
            continue
        found.setdefault(reference.run_id, reference)
    if not found:
        last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
        heard = f"its last line is {last[:200]!r}" if last else "it is empty"
        raise ValueError(f"there is no run on standard input; {heard}")
    return tuple(found.values())


class Field(Enum):
    """What a run can be selected by."""

    GIT_REF = "git-ref"
    BUILD_KEY = "build-key"
    ENVIRONMENT = "environment"
    PROJECT_ID = "project-id"
    NAME = "name"
    INCLUDE_TAG = "include-tag"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that must be so of a run; a name may be a pattern with ``*``."""

    field: Field
    wanted: str

    def __str__(self) -> str:
        return f"{self.field.value} {self.wanted}"

    def holds(self, run: TestRun) -> bool:
        """Whether the run is so."""
        found = _found(self.field, run)
        match self.field:
            case Field.GIT_REF:
                return any(same_git_ref(ref, self.wanted) for ref in found)
            case Field.NAME:
                pattern = ".*".join(re.escape(part) for part in self.wanted.split("*"))
                return any(re.fullmatch(pattern, name, re.DOTALL) for name in found)
            case _:
                return self.wanted in found


def _found(field: Field, run: TestRun) -> Sequence[str]:
    """Return what the run has there; only tags can be several."""
    if field is Field.INCLUDE_TAG:
        return run.include_tags
    value = {
        Field.GIT_REF: run.git_ref,
        Field.BUILD_KEY: run.build_key,
        Field.ENVIRONMENT: run.environment,
        Field.PROJECT_ID: run.project_id,
        Field.NAME: run.name,
        Field.STATUS: run.status_text,
    }[field]
    return () if value is None else (str(value),)


class Group(Enum):
    """What ``--each`` can take the newest run of."""

    PROJECT = "project"
    ENVIRONMENT = "environment"
    NAME = "name"

    def of(self, run: TestRun) -> object:
        """Return what the run has there."""
        match self:
            case Group.PROJECT:
                return run.project_id
            case Group.ENVIRONMENT:
                return run.environment
            case Group.NAME:
                return run.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of the runs that meet all conditions are meant: by default the newest one."""

    conditions: tuple[Condition, ...] = ()
    each: tuple[Group, ...] = ()
    every: bool = False

    def __str__(self) -> str:
        return ", ".join(map(str, self.conditions)) or "any run"

    def matches(self, run: TestRun) -> bool:
        """Whether the run meets all conditions."""
        return all(condition.holds(run) for condition in self.conditions)

    def choose(self, runs: Iterable[TestRun]) -> Sequence[TestRun]:
        """Return the runs that are meant, the newest first."""
        matching = sorted(filter(self.matches, runs), key=age_key, reverse=True)
        if self.every:
            return matching
        newest: dict[object, TestRun] = {}
        for run in matching:
            newest.setdefault(self.group_of(run), run)
        return tuple(newest.values())

    def group_of(self, run: TestRun) -> object:
        """Return what tells the runs apart that the newest is taken of."""
        return tuple(group.of(run) for group in self.each)

    def choose_from(self, listing: Listing) -> tuple[Sequence[TestRun], Sequence[TestRun]]:
        """Read a list no further than needed; return what was read, and the runs that are meant."""
        read: list[TestRun] = []
        matched = False
        for run in listing:
            read.append(run)
            matched = matched or self.matches(run)
            if matched and not self.every and not self.each and listing.newest_first:
                break
        return read, self.choose(read)

    def nearest_miss(self, runs: Iterable[TestRun]) -> str:
        """Say which run meets the most conditions, and which it does not; ``""`` if none any."""
        candidates = [
            (sum(condition.holds(run) for condition in self.conditions), age_key(run), run)
            for run in runs
        ]
        met, _, run = max(candidates, key=lambda item: item[:2], default=(0, None, None))
        if run is None or met == 0:
            return ""
        wrong = [
            f"{condition.field.value} is {', '.join(_found(condition.field, run)) or 'unknown'}"
            for condition in self.conditions
            if not condition.holds(run)
        ]
        right = [str(condition) for condition in self.conditions if condition.holds(run)]
        return f"run {run.id} has {', '.join(right)}, but its {', its '.join(wrong)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which runs, and how far back to look for them."""

    selection: Selection
    deploy_id: int | None = None
    max_age: timedelta | None = timedelta(days=7)
    max_runs: int = 1000

    def __str__(self) -> str:
        if self.deploy_id is None:
            return str(self.selection)
        of_deploy = f"deploy {self.deploy_id}"
        return f"{of_deploy}, {self.selection}" if self.selection.conditions else of_deploy
