"""Read the list of runs page by page: lazily, without repeats or gaps, whatever the server does.

The list is documented as the most recent runs, by ``page`` (from 0) and ``limit``. Runs arrive
while it is read, so that others move to later pages; a server may ignore either parameter, send
shorter pages than asked for, or order otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from testery_gate.model import TestRun

PAGE_SIZE = 100
TRUSTED_AFTER = 20
"""So many runs must come newest first before it is believed that all do."""
_STALE_PAGES = 2
"""So many pages in a row without news are the end: more than arrivals push onto one page."""

FetchPage = Callable[[int, int], Sequence[TestRun]]
"""From page and limit to the runs of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookback:
    """How far to read: to runs created at a time, or so many runs, whichever is first."""

    since: datetime | None = None
    runs: int = 1000


def age_key(run: TestRun) -> tuple[datetime, int]:
    """Order runs from old to new: by creation, then id; a run without a time counts as old."""
    return run.create_time or datetime.min.replace(tzinfo=UTC), run.id


class Listing:
    """The runs of the list within the lookback, each once, in the server's order."""

    def __init__(self, fetch_page: FetchPage, lookback: Lookback) -> None:
        self._fetch_page = fetch_page
        self._lookback = lookback
        self._seen: set[int] = set()
        self._in_order = True
        self._last: TestRun | None = None
        self.oldest: datetime | None = None
        """When the oldest run that was read was created."""

    @property
    def count(self) -> int:
        """How many runs were read."""
        return len(self._seen)

    @property
    def newest_first(self) -> bool:
        """Whether what was read is enough to believe that later runs are older ones."""
        return self._in_order and self.count >= TRUSTED_AFTER

    def __iter__(self) -> Iterator[TestRun]:
        """Yield the runs; pages are fetched when they are needed."""
        for page in self._pages():
            for run in page:
                if self.count >= self._lookback.runs:
                    return
                if run.id in self._seen:
                    continue
                self._note(run)
                if not self._is_too_old(run):
                    yield run
                elif self.newest_first:
                    return

    def _pages(self) -> Iterator[Sequence[TestRun]]:
        limit, number, stale = min(PAGE_SIZE, self._lookback.runs), 0, 0
        while stale < _STALE_PAGES and (page := self._fetch_page(number, limit)):
            stale = stale + 1 if all(run.id in self._seen for run in page) else 0
            yield page
            if len(page) < limit:
                # The last page, or all that the server gives at a time: asking for as many from
                # where we are is right in either case, and rounding down repeats but never skips.
                limit = len(page)
                number = max(1, self.count // limit)
            else:
                number += 1

    def _note(self, run: TestRun) -> None:
        self._seen.add(run.id)
        if self._last is not None and age_key(run) > age_key(self._last):
            self._in_order = False
        self._last = run
        if run.create_time is not None:
            self.oldest = min(run.create_time, self.oldest or run.create_time)

    def _is_too_old(self, run: TestRun) -> bool:
        since = self._lookback.since
        return since is not None and run.create_time is not None and run.create_time < since
