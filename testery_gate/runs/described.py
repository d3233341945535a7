"""Described runs, looked for again and again: as they appear, and as newer ones replace them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from testery_gate.model import Field, RunStatus, TestRun
from testery_gate.runs.finding import Search
from testery_gate.runs.listing import is_newer, newest_first
from testery_gate.runs.meant import Meant, story, succeeds
from testery_gate.runs.selection import Choice


class Described:
    """Described runs; each time it is asked, other runs may be meant."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._selection = search.query.selection
        self._ever: set[int] = set()
        self._notes: dict[int, tuple[str, ...]] = {}

    def take(self, choice: Choice) -> Meant:
        """Return the answer for a choice, with what changed since the last one."""
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
                news.append(story(known[old], known[new]))
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
        """Return by its id each run that was replaced, with the run that replaced it.

        The newest described run is meant. But a canceled run is replaced only by a newer one of
        its own kind: another suite says nothing about what the canceled run would have found.
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
        """Whether a newer run replaces a canceled one; not where canceled runs are asked for."""
        return not any(
            condition.field is Field.STATUS and condition.wanted == RunStatus.CANCELED.value
            for condition in self._selection.conditions
        )

    def _successors(self, run: TestRun) -> Sequence[TestRun]:
        selection = self._selection.whatever_the_status()
        return newest_first(
            other
            for other in self._search.known.values()
            if selection.matches(other) and succeeds(other, run)
        )
