"""Find the runs that a selection means, also when they do not exist yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import tenacity

from testery_gate.errors import NotFound, Unauthorized
from testery_gate.listing import Listing, Lookback, age_key
from testery_gate.model import TestRun
from testery_gate.polling import Deadline
from testery_gate.selection import Query

FIRST_DELAY = 2.0
LONGEST_DELAY = 15.0


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
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Sequence[TestRun]:
    """Return the runs that are meant, the newest first, as soon as there is one.

    Raises :class:`NotFound`, which says what was searched, where none has appeared in time, and
    what the source raises.
    """
    search = _Search(query, source, now)

    def announce(state: tenacity.RetryCallState) -> None:
        if state.attempt_number == 1:
            say(f"There is no run yet with {query}; waiting for one to appear")

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
        raise NotFound(
            f"no run has {query}: {search.account}",
            advice="Check the conditions, widen --lookback, or wait longer with --appear-within.",
        )
    return runs


def newer_run(
    query: Query,
    source: Source,
    old: TestRun,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> TestRun | None:
    """Return the run that stands in for ``old`` today, if there is a newer one that is meant."""
    group = query.selection.group_of(old)
    for run in _Search(query, source, now)():
        if query.selection.group_of(run) == group and age_key(run) > age_key(old):
            return run
    return None


class _Search:
    """Looks for the runs; ``account`` says what the last look saw."""

    def __init__(self, query: Query, source: Source, now: Callable[[], datetime]) -> None:
        self._query, self._source, self._now = query, source, now
        self.account = ""

    def __call__(self) -> Sequence[TestRun]:
        query = self._query
        if query.deploy_id is not None:
            deployed = self._deployed(query.deploy_id)
            self.account = f"the deploy has {len(deployed)} runs"
            return query.selection.choose(deployed)
        since = None if query.max_age is None else self._now() - query.max_age
        listing = Listing(self._source.page, Lookback(since=since, runs=query.max_runs))
        read, chosen = query.selection.choose_from(listing)
        if not chosen:
            back_to = f", back to {listing.oldest:%Y-%m-%d %H:%M} UTC" if listing.oldest else ""
            miss = query.selection.nearest_miss(read)
            self.account = f"{len(read)} runs were searched{back_to}" + (
                f"; {miss}" if miss else ""
            )
        return chosen

    def _deployed(self, deploy_id: int) -> Sequence[TestRun]:
        try:
            return self._source.deployed(deploy_id)
        except (NotFound, Unauthorized) as error:
            if isinstance(error, Unauthorized) and error.token_rejected:
                raise
            raise NotFound(
                f"the API offers no runs of deploy {deploy_id}: {error.message}",
                advice="Check the deploy's id; where the API does not offer it at all, select"
                " the runs by --git-ref and --environment instead.",
            ) from None
