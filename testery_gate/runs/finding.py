"""Find the runs that a selection means, also when they do not exist yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import tenacity

from testery_gate.errors import NotFound, Unauthorized
from testery_gate.model import TestRun
from testery_gate.runs.listing import Listing, Lookback, age_key
from testery_gate.runs.selection import Field, Query
from testery_gate.waiting.deadline import Deadline, utc_now

FIRST_DELAY = 2.0
LONGEST_DELAY = 15.0
YOUTH = timedelta(hours=1)
"""For so long after its creation more may be told of a run, such as the commit of its branch."""


class Source(Protocol):
    """What is needed of the API."""

    def page(self, number: int, limit: int, /) -> Sequence[TestRun]:
        """Return a page of the list."""

    def deployed(self, deploy_id: int, /) -> Sequence[TestRun]:
        """Return the runs of a deploy."""


def find_runs(
    query: Query,
    source: Source,
    *,
    appear_by: Deadline,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
    now: Callable[[], datetime] = utc_now,
) -> Sequence[TestRun]:
    """Return the runs that are meant, the newest first, as soon as there is one.

    Raises :class:`NotFound`, which says what was searched, where none has appeared in time, and
    what the source raises.
    """
    search = _Search(query, source, _lookback(query, now))

    def announce(state: tenacity.RetryCallState) -> None:
        if state.attempt_number == 1:
            say(f"There is no {query} yet; waiting for one to appear")

    appearing = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda runs: not runs),
        stop=lambda _: appear_by.passed,
        wait=lambda state: min(
            FIRST_DELAY * 1.5 ** min(state.attempt_number - 1, 10),
            LONGEST_DELAY,
            appear_by.remaining(),
        ),
        sleep=sleep,
        before_sleep=announce,
        retry_error_callback=lambda _: (),
    )
    runs: Sequence[TestRun] = appearing(search)
    if not runs:
        raise search.not_found()
    return runs


def newer_runs(
    query: Query,
    source: Source,
    olds: Sequence[TestRun],
    *,
    now: Callable[[], datetime] = utc_now,
) -> Mapping[int, TestRun]:
    """Return by the id of each of these runs the newer one that is meant today, if there is one.

    A newer run may be in any status. Raises what the source raises.
    """
    selection = query.selection
    conditions = [cond for cond in selection.conditions if cond.field is not Field.STATUS]
    anyhow = replace(query, selection=replace(selection, conditions=tuple(conditions)))
    oldest = min(olds, key=age_key).create_time
    newest = _Search(anyhow, source, _lookback(query, now).not_before(oldest))()
    by_group = {selection.group_of(run): run for run in newest}
    return {
        old.id: newer
        for old in olds
        if (newer := by_group.get(selection.group_of(old))) and age_key(newer) > age_key(old)
    }


def _lookback(query: Query, now: Callable[[], datetime]) -> Lookback:
    since = None if query.max_age is None else now() - query.max_age
    return Lookback(since=since, runs=query.max_runs)


class _Search:
    """Looks for the runs, and remembers what it saw."""

    def __init__(self, query: Query, source: Source, lookback: Lookback) -> None:
        self._query, self._source, self._lookback = query, source, lookback
        self._read: dict[int, TestRun] = {}
        self._refused = ""

    def __call__(self) -> Sequence[TestRun]:
        selection = self._query.selection
        if self._query.deploy_id is not None:
            deployed = self._deployed(self._query.deploy_id)
            self._read |= {run.id: run for run in deployed}
            return selection.choose(deployed)
        listing = Listing(self._source.page, self._unread())
        chosen = selection.choose_from(listing)
        self._read |= {run.id: run for run in listing.read}
        return chosen

    def not_found(self) -> NotFound:
        """Say what was searched."""
        if self._refused:
            return NotFound(
                f"no {self._query} was found: the API offers no list of a deploy's runs, or there"
                f" is no such deploy: {self._refused}",
                advice="Check the deploy's id; where the API does not offer it at all, select"
                " the runs by --git-ref and --environment instead.",
            )
        times = [run.create_time for run in self._read.values() if run.create_time]
        back_to = f", back to {min(times):%Y-%m-%d %H:%M} UTC" if times else ""
        miss = self._query.selection.nearest_miss(self._read.values(), self._lookback)
        number = len(self._read)
        return NotFound(
            f"no {self._query} was found: {number} {'run was' if number == 1 else 'runs were'}"
            f" searched{back_to}{f'; {miss}' if miss else ''}",
            advice="Check the conditions and --lookback; 'wait' and 'check' can also give a run"
            " time to appear with --appear-within.",
        )

    def _unread(self) -> Lookback:
        """Leave out what was read: only its status can still make it match, or its youth."""
        if any(cond.field is Field.STATUS for cond in self._query.selection.conditions):
            return self._lookback
        newest = max(
            (run.create_time for run in self._read.values() if run.create_time), default=None
        )
        return self._lookback.not_before(newest and newest - YOUTH)

    def _deployed(self, deploy_id: int) -> Sequence[TestRun]:
        try:
            runs = self._source.deployed(deploy_id)
        except (NotFound, Unauthorized) as error:
            if isinstance(error, Unauthorized) and error.token_rejected:
                raise
            self._refused = error.message
            return ()
        self._refused = ""
        return runs
