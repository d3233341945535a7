"""Read the list of runs page by page: lazily, without repeats or gaps, whatever the server does.

The list is documented as the most recent runs, by ``page`` (from 0) and ``limit``. Runs arrive
while it is read, so that others move to later pages; a server may ignore either parameter, send
shorter pages than asked for, or order otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from testery_gate.errors import Unavailable
from testery_gate.model import TestRun

PAGE_SIZE = 100
IN_A_ROW = 20
"""So many runs in a row that are older than something mean that newer ones do not follow."""
MOST_OUT_OF_ORDER = 10_000
"""The most runs that are read of a list where the newest can be anywhere."""

FetchPage = Callable[[int, int], Sequence[TestRun]]
"""From page and limit to the runs of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookback:
    """How far to read: to runs created at a time, or so many runs, whichever is first."""

    since: datetime | None = None
    runs: int = 1000

    def not_before(self, time: datetime | None) -> Lookback:
        """Return the lookback that reaches no further back than this."""
        times = [moment for moment in (self.since, time) if moment]
        return replace(self, since=max(times, default=None))

    def reaches(self, run: TestRun) -> bool:
        """Whether the run is not too old; one without a time never is."""
        return self.since is None or run.create_time is None or run.create_time >= self.since


def age_key(run: TestRun) -> tuple[datetime, int]:
    """Order runs from old to new: by creation, then id; a run without a time counts as old."""
    return run.create_time or datetime.min.replace(tzinfo=UTC), run.id


class Listing:
    """The list as far as it was read; iterating reads on, to the end of the lookback at most."""

    def __init__(self, fetch_page: FetchPage, lookback: Lookback) -> None:
        self._fetch_page = fetch_page
        self._lookback = lookback
        self._read: dict[int, TestRun] = {}
        self._last_read = deque[TestRun](maxlen=IN_A_ROW)
        self._falling = self._rising = 0

    @property
    def read(self) -> Sequence[TestRun]:
        """What was read, also what is too old."""
        return tuple(self._read.values())

    @property
    def runs(self) -> Sequence[TestRun]:
        """What of it is within the lookback, the newest first."""
        newest = sorted(self._read.values(), key=age_key, reverse=True)[: self._lookback.runs]
        return [run for run in newest if self._lookback.reaches(run)]

    def is_past(self, time: datetime | None) -> bool:
        """Whether the list has come to runs older than this, and newer ones need not be feared.

        Neither a single run out of order nor clocks that differ by seconds mislead it.
        """
        return (
            time is not None
            and self._is_newest_first
            and len(self._last_read) == IN_A_ROW
            and all(run.create_time and run.create_time < time for run in self._last_read)
        )

    def __iter__(self) -> Iterator[TestRun]:
        """Yield the runs that were not read yet, each once, in the server's order.

        Raises :class:`Unavailable` where the newest can't be told, besides what the source raises.
        """
        for run in self._unread():
            self._note(run)
            yield run
            if self.is_past(self._lookback.since):
                return
            if len(self._read) >= self._lookback.runs and self._is_newest_first:
                return
            if len(self._read) > max(self._lookback.runs, MOST_OUT_OF_ORDER):
                raise _no_order(f"and has more than {len(self._read) - 1} runs")

    def _unread(self) -> Iterator[TestRun]:
        number, limit = 0, PAGE_SIZE
        while page := self._fetch_page(number, limit):
            if number == 0:
                # What the server gives at a time; where that was all, the next page is empty.
                limit = len(page)
            news = self._news(page)
            if not news:
                # Either runs arrived and pushed onto this page what was read already, then they
                # are on the first page, or the server ignores the number, or there is no more.
                first = self._fetch_page(0, limit)
                news = self._news(first)
                if not news and number * limit >= len(self._read):
                    break
                if news and len(news) == len(first):
                    # More than a page of them: only from the start they are all met.
                    number = 0
            yield from news
            number += 1
        else:
            return
        if number == 1 and limit >= PAGE_SIZE and self._rising > self._falling:
            raise _no_order("and has no second page")

    def _news(self, page: Sequence[TestRun]) -> Sequence[TestRun]:
        return tuple({run.id: run for run in page if run.id not in self._read}.values())

    def _note(self, run: TestRun) -> None:
        if self._last_read:
            rise = _rise(self._last_read[-1], run)
            self._rising += rise > 0
            self._falling += rise < 0
        self._last_read.append(run)
        self._read[run.id] = run

    @property
    def _is_newest_first(self) -> bool:
        # Not quite so strictly: runs that arrived are read late, and creation times may be uneven.
        return self._falling > 4 * self._rising


def _rise(before: TestRun, after: TestRun) -> float:
    """Say whether a list gets newer (above 0) or older between neighbours."""
    if before.create_time is None or after.create_time is None:
        return after.id - before.id
    return (after.create_time - before.create_time).total_seconds()


def _no_order(why: str) -> Unavailable:
    return Unavailable(
        f"the list of runs is not newest first, {why}: which run is the newest can't be told",
        advice="Name the run by its id.",
    )
