"""Find the runs that a selection means, also when they do not exist yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from testery_gate.errors import NotFound, Unauthorized
from testery_gate.model import Field, TestRun
from testery_gate.runs.listing import Listing, Lookback, Pages, newest_first
from testery_gate.runs.selection import Choice, Query
from testery_gate.waiting.deadline import Deadline, utc_now
from testery_gate.waiting.interval import until_appeared

YOUTH = timedelta(hours=1)
"""How long after its creation a run may still get more data, such as its branch's commit."""


class Source(Pages, Protocol):
    """What is used of the API."""

    def deployed(self, deploy_id: int, /) -> Sequence[TestRun]:
        """Return the runs of a deploy."""


def find_runs(query: Query, source: Source, now: Callable[[], datetime]) -> Sequence[TestRun]:
    """Return the existing runs that are meant, or may be meant, the newest first.

    Raises :class:`NotFound`, which says what was searched, where there is none, and what the source
    raises.
    """
    search = Search(query, source, now)
    choice = search()
    if not choice.runs:
        raise search.not_found()
    return newest_first([*choice.runs, *choice.doubts.values()])


def appeared(
    search: Search,
    *,
    appear_by: Deadline,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> Choice:
    """Return the runs that are meant as soon as enough exist, at the latest when time is up."""
    least, attempt = search.query.min_runs, 0
    while len((choice := search()).runs) < least and not appear_by.passed:
        attempt += 1
        if attempt == 1:
            found = len(choice.runs)
            missing = f"no {search.query} yet" if least == 1 else f"{found} of {least} runs so far"
            say(f"There is {missing}; waiting for one to appear")
        sleep(until_appeared(attempt, appear_by))
    return choice


class Search:
    """Looks for the runs that are meant each time it is called, and remembers what it saw."""

    def __init__(self, query: Query, source: Source, now: Callable[[], datetime] = utc_now) -> None:
        self.query = query
        self._source = source
        since = None if query.max_age is None else now() - query.max_age
        self._lookback = Lookback(since=since, runs=query.max_runs)
        self.known: dict[int, TestRun] = {}
        """Every run that was seen, by id, as it was last seen."""
        self.shown: Mapping[int, TestRun] = {}
        """The runs of the last reading, by id."""
        self._refused = ""

    def __call__(self, *, optional: bool = False) -> Choice:
        """Read what may have changed, and return which runs are meant by now.

        An ``optional`` reading is given up soon. Raises what the source raises.
        """
        selection, deploy_id = self.query.selection, self.query.deploy_id
        if deploy_id is not None:
            self._note(self._deployed(deploy_id))
            return selection.choose(self.known.values())
        listing = Listing(partial(self._source.page, optional=optional), self._unread())
        selection.choose_from(listing)
        self._note(listing.read)
        return selection.choose(self._lookback.within(self.known.values()))

    def update(self, runs: Iterable[TestRun]) -> None:
        """Replace runs by what was seen of them since the last reading."""
        for run in runs:
            if run.id in self.known:
                self.known[run.id] = replace(
                    self.known[run.id], status=run.status, status_text=run.status_text
                )

    def cut_off(self) -> str:
        """Return a note on the runs that were left out as too old; ``""`` where none was."""
        selection = self.query.selection
        if self.query.deploy_id is not None or not (selection.every or selection.each):
            # The newest of all runs does not depend on older ones.
            return ""
        reached = {run.id for run in self._lookback.within(self.known.values())}
        left_out = [run for run in self.known.values() if run.id not in reached]
        if not left_out and len(reached) < self._lookback.runs:
            return ""
        times = [run.create_time for run_id, run in self.known.items() if run_id in reached]
        known_times = [time for time in times if time]
        back_to = f" at {min(known_times):%Y-%m-%d %H:%M} UTC" if known_times else ""
        fitting = [
            str(run.id) for run in newest_first(left_out) if self.query.selection.matches(run)
        ]
        return (
            f"--lookback ends the search{back_to}; runs from before are left out"
            f"{', such as run ' + fitting[0] + ', which fits too' if fitting else ''}"
        )

    def too_few(self, number: int) -> NotFound:
        """Return the error for too few runs."""
        least, cut_off = self.query.min_runs, self.cut_off()
        return NotFound(
            f"{number} of at least {least} runs were found: {self.query}"
            f"{f'; {cut_off}' if cut_off else ''}",
            advice="Check the conditions and --min-runs, or give runs more time to appear with"
            " --appear-within.",
        )

    def not_found(self) -> NotFound:
        """Return the error for no run; it says what was searched."""
        if self._refused:
            return NotFound(
                f"no {self.query} was found: the API offers no list of a deploy's runs, or there"
                f" is no such deploy: {self._refused}",
                advice="Check the deploy's id; where the API does not offer it at all, select"
                " the runs by --git-ref and --environment instead.",
            )
        times = [run.create_time for run in self.known.values() if run.create_time]
        back_to = f", back to {min(times):%Y-%m-%d %H:%M} UTC" if times else ""
        miss = self.query.selection.nearest_miss(self.known.values(), self._lookback)
        number = len(self.known)
        return NotFound(
            f"no {self.query} was found: {number} {'run was' if number == 1 else 'runs were'}"
            f" searched{back_to}{f'; {miss}' if miss else ''}",
            advice="Check the conditions and --lookback; 'wait' and 'check' can also give a run"
            " time to appear with --appear-within.",
        )

    def _note(self, runs: Iterable[TestRun]) -> None:
        self.shown = {run.id: run for run in runs}
        self.known |= self.shown

    def _unread(self) -> Lookback:
        """Return how far back to read again.

        A run that was read can begin to match only while it is young, or by its status.
        """
        if any(cond.field is Field.STATUS for cond in self.query.selection.conditions):
            return self._lookback
        times = [run.create_time - YOUTH for run in self.known.values() if run.create_time]
        if self._lookback.since:
            times.append(self._lookback.since)
        return replace(self._lookback, since=max(times, default=None))

    def _deployed(self, deploy_id: int) -> Sequence[TestRun]:
        try:
            runs = self._source.deployed(deploy_id)
        except (NotFound, Unauthorized) as error:
            # Runs that were seen before still exist, although the API refuses to show them now.
            if self.known or (isinstance(error, Unauthorized) and error.token_rejected):
                raise
            self._refused = error.message
            return ()
        self._refused = ""
        return runs
