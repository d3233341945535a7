"""Which runs are meant, asked again: as runs appear, and as newer ones take another's place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from testery_gate.errors import ApiError
from testery_gate.model import Field, RunStatus, TestRun, same_git_ref
from testery_gate.runs.finding import Search
from testery_gate.runs.listing import Listing, Lookback, Pages, is_newer, newest_first
from testery_gate.runs.selection import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """One answer: which runs are meant."""

    notes: Mapping[int, tuple[str, ...]]
    """By the id of each run that is meant, in the order of the reports: what they say about it."""
    doubts: Mapping[int, TestRun] = field(default_factory=dict)
    """By the id of a run that is meant: one that may be meant instead."""
    shown: Mapping[int, TestRun] = field(default_factory=dict)
    """Runs as this answer showed them, by id."""
    news: Sequence[str] = ()
    """What has changed since the answer before, in a sentence each."""


class Question(Protocol):
    """Which runs the user means."""

    def ask(self, seen: Sequence[TestRun], /, *, optional: bool = False) -> Meant:
        """Return which are meant by now, given how runs were last seen.

        What is ``optional`` is soon given up. Raises what the API raises.
        """


class Described:
    """Runs that are described; the answer may be another each time."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._selection = search.query.selection
        self._ever: set[int] = set()
        self._notes: dict[int, tuple[str, ...]] = {}

    def take(self, choice: Choice) -> Meant:
        """Return the answer that follows from a choice."""
        known, before = self._search.known, self._notes
        self._ever |= {run.id for run in choice.runs}
        superseded = {} if self._selection.every else self._superseded()
        meant = newest_first(known[run_id] for run_id in self._ever - superseded.keys())
        self._notes = {run.id: before.get(run.id, ()) for run in meant}
        news = []
        for old, next_one in superseded.items():
            new = next_one
            while new in superseded:
                new = superseded[new]
            if old in before:
                news.append(_story(known[old], known[new]))
                self._notes[new] = (*self._notes.get(new, ()), *before[old], news[-1])
        joined = self._notes.keys() - before.keys() - set(superseded.values())
        if before:
            news += [f"run {run_id} appeared and is judged too" for run_id in sorted(joined)]
        return Meant(
            notes=self._notes,
            doubts={id_: doubt for id_, doubt in choice.doubts.items() if id_ in self._notes},
            shown=self._search.shown,
            news=news,
        )

    def ask(self, seen: Sequence[TestRun], /, *, optional: bool = False) -> Meant:
        """Read the list, and return which runs are meant by now."""
        self._search.update(seen)
        return self.take(self._search(optional=optional))

    def _superseded(self) -> Mapping[int, int]:
        """Return by their ids the runs that another one took the place of, and that one.

        The newest of what is described is meant. A canceled run, though, gives way only to a
        newer one of its own kind: another suite says nothing about what it would have found.
        """
        known = self._search.known
        superseded: dict[int, int] = {}
        canceled = {id_ for id_ in self._ever if known[id_].status is RunStatus.CANCELED}
        for run_id in canceled if self._follows_canceled else ():
            successors = self._successors(known[run_id])
            if successors:
                superseded[run_id] = successors[0].id
                self._ever.add(successors[0].id)
        for run_id in self._ever:
            run = known[run_id]
            group = self._selection.group_of(run)
            newer = newest_first(
                other
                for other in map(known.__getitem__, self._ever)
                if self._selection.group_of(other) == group and is_newer(other, run)
            )
            if newer and run_id not in canceled:
                superseded[run_id] = newer[0].id
        return superseded

    @property
    def _follows_canceled(self) -> bool:
        """Whether a canceled run is not what was asked for."""
        return not any(
            condition.field is Field.STATUS and condition.wanted == RunStatus.CANCELED.value
            for condition in self._selection.conditions
        )

    def _successors(self, run: TestRun) -> Sequence[TestRun]:
        selection = self._selection.whatever_the_status()
        return newest_first(
            other
            for other in self._search.known.values()
            if selection.matches(other) and _succeeds(other, run)
        )


class Named:
    """Runs that are named; only a canceled one can give way to another."""

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
            news.append(_story(old, new))
            notes[new.id] = (*notes.get(new.id, ()), *before, news[-1])
        self._notes = notes
        return Meant(notes=dict(notes), news=news)

    def _newer(self, canceled: Sequence[TestRun]) -> Mapping[int, tuple[TestRun, TestRun]]:
        """Return each canceled run with the newest one that follows it, by the former's id."""
        times = [run.create_time for run in canceled if run.create_time]
        lookback = Lookback(since=min(times, default=None))
        listing = Listing(partial(self._pages.page, optional=False), lookback)
        try:
            runs = newest_first(listing) if times else []
        except ApiError as error:
            for run in canceled:
                self._note(run, f"whether a newer run followed can't be told: {error.message}")
            return {}
        found: dict[int, tuple[TestRun, TestRun]] = {}
        for old in canceled:
            followers = [run for run in runs if _succeeds(run, old)]
            same_build = [run for run in followers if _is_of_the_same_build(run, old)]
            if same_build:
                found[old.id] = old, same_build[0]
            elif followers:
                self._note(old, f"newer run {followers[0].id} is about another commit or build")
        return found

    def _note(self, run: TestRun, note: str) -> None:
        if note not in self._notes[run.id]:
            self._notes[run.id] = (*self._notes[run.id], note)


def _succeeds(one: TestRun, other: TestRun) -> bool:
    """Whether one run is newer, and for certain of the same project, environment and name."""
    kinds = [(run.project_id, run.environment, run.name) for run in (one, other)]
    return kinds[0] == kinds[1] and None not in kinds[0] and is_newer(one, other)


def _is_of_the_same_build(one: TestRun, other: TestRun) -> bool:
    refs = one.git_ref, other.git_ref
    same_ref = refs[0] == refs[1] or (None not in refs and same_git_ref(*map(str, refs)))
    return same_ref and one.build_key == other.build_key


def _story(old: TestRun, new: TestRun) -> str:
    if old.status is RunStatus.CANCELED:
        return f"run {old.id} was canceled, and newer run {new.id} followed"
    return f"run {old.id} was meant at first, and is not any more: run {new.id} is newer"
