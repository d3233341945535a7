"""Which runs are meant, asked again and again: new runs may appear, or replace other runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from testery_gate.errors import ApiError
from testery_gate.model import RunStatus, TestRun, same_commit_ref
from testery_gate.runs.listing import Listing, Lookback, Pages, is_newer, newest_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """One answer: which runs are meant."""

    notes: Mapping[int, tuple[str, ...]]
    """Notes for the reports, by the id of each run that is meant, in the order of the reports."""
    doubts: Mapping[int, TestRun] = field(default_factory=dict)
    """Runs that may be meant instead, by the id of the run that is meant."""
    shown: Mapping[int, TestRun] = field(default_factory=dict)
    """Runs as this answer showed them, by id."""
    news: Sequence[str] = ()
    """What has changed since the last answer, one sentence for each change."""


class Question(Protocol):
    """Which runs the user means."""

    def ask(self, seen: Sequence[TestRun], /, *, optional: bool = False) -> Meant:
        """Return which runs are meant by now, given how runs were last seen.

        An ``optional`` request is given up soon. Raises what the API raises.
        """


class Named:
    """Named runs; only a canceled one can be replaced by another."""

    def __init__(self, run_ids: Iterable[int], pages: Pages) -> None:
        self._pages = pages
        self._notes: dict[int, tuple[str, ...]] = dict.fromkeys(run_ids, ())

    def ask(self, seen: Sequence[TestRun], /, *, optional: bool = False) -> Meant:
        """Look for newer runs of the kind of those that are canceled, once all have finished."""
        canceled = [
            run for run in seen if run.id in self._notes and run.status is RunStatus.CANCELED
        ]
        # Whether a run is canceled is known for certain only when all have finished.
        newer = self._newer(canceled) if canceled and not optional else {}
        notes, news = dict[int, tuple[str, ...]](), list[str]()
        for run_id, before in self._notes.items():
            if run_id not in newer:
                notes[run_id] = (*notes.get(run_id, ()), *before)
                continue
            old, new = newer[run_id]
            news.append(story(old, new))
            notes[new.id] = (*notes.get(new.id, ()), *before, news[-1])
        self._notes = notes
        return Meant(notes=dict(notes), news=news)

    def _newer(self, canceled: Sequence[TestRun]) -> Mapping[int, tuple[TestRun, TestRun]]:
        """Return, by the id of a canceled run, that run and the newest one that follows it."""
        times = [run.create_time for run in canceled if run.create_time]
        lookback = Lookback(since=min(times, default=None))
        listing = Listing(partial(self._pages.page, optional=False), lookback)
        try:
            runs = newest_first(listing) if times else []
        except ApiError as error:
            for run in canceled:
                self._note(run, f"it is unknown whether a newer run followed: {error.message}")
            return {}
        found: dict[int, tuple[TestRun, TestRun]] = {}
        for old in canceled:
            followers = [run for run in runs if succeeds(run, old)]
            same_build = [run for run in followers if _is_of_the_same_build(run, old)]
            if same_build:
                found[old.id] = old, same_build[0]
            elif followers:
                self._note(
                    old,
                    f"newer run {followers[0].id} is not known to be of the same commit and build",
                )
        return found

    def _note(self, run: TestRun, note: str) -> None:
        if note not in self._notes[run.id]:
            self._notes[run.id] = (*self._notes[run.id], note)


def succeeds(one: TestRun, other: TestRun) -> bool:
    """Whether one run is newer, and for certain of the same project, environment and name."""
    kinds = [(run.project_id, run.environment, run.name) for run in (one, other)]
    return kinds[0] == kinds[1] and None not in kinds[0] and is_newer(one, other)


def _is_of_the_same_build(one: TestRun, other: TestRun) -> bool:
    """Whether nothing sets the commits and builds of two runs apart, and something shows it.

    What is unknown of both shows nothing, and a branch's name says nothing about the commit.
    """
    same_commit = same_commit_ref(one.git_ref, other.git_ref) is True
    same_ref = same_commit or one.git_ref == other.git_ref
    same_build = one.build_key == other.build_key
    return same_ref and same_build and (same_commit or bool(one.build_key))


def story(old: TestRun, new: TestRun) -> str:
    if old.status is RunStatus.CANCELED:
        return f"run {old.id} was canceled, and newer run {new.id} followed"
    return f"run {old.id} was meant at first, and is not any more: run {new.id} is newer"
