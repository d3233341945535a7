"""Read the list of runs page by page: lazily, without repeats or gaps, whatever the server does.

The list is documented as the most recent runs, by ``page`` (from 0) and ``limit``. While it is
read, runs arrive, so that others move to later pages, and runs vanish, so that others move to pages
that were read already. So each page is asked for in such a way that it repeats the end of the one
before; where it does not, the list has moved and is read again. A server may also ignore either
parameter, send shorter pages than asked for, or order otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from testery_gate.errors import Unavailable
from testery_gate.model import TestRun

PAGE_SIZE = 100
IN_A_ROW = 20
"""After so many older runs in a row, no newer ones are expected in the list."""
MOST_OUT_OF_ORDER = 10_000
"""The most runs that are read of a list that is not sorted newest first."""

OVERLAP = 5
"""How many runs of a page the next one repeats: so many may vanish between the two requests."""
MOST_READINGS = 5
"""How often a list that has moved by more than that is read from its beginning; after that, each
page is read twice."""


class Pages(Protocol):
    """What is used of the API to read the list."""

    def page(self, number: int, limit: int, /, *, optional: bool) -> Sequence[TestRun]:
        """Return a page of the list; an optional page is given up soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookback:
    """How far to read: to runs created at a time, or so many runs, whichever is first."""

    since: datetime | None = None
    runs: int = 1000

    def reaches(self, run: TestRun) -> bool:
        """Whether the run is not too old; one without a time never is."""
        return self.since is None or run.create_time is None or run.create_time >= self.since

    def within(self, runs: Iterable[TestRun]) -> Sequence[TestRun]:
        """Return the runs that are not too far back, the newest first.

        A run without a time is as old as :func:`newest_first` takes it to be.
        """
        return [
            run
            for time, _, run in _dated(runs)[: self.runs]
            if self.since is None or time == _UNKNOWN or time >= self.since
        ]


def is_newer(one: TestRun, other: TestRun) -> bool:
    """Whether a run is known to be newer: by creation, then id.

    Where only one of the two has a time, it is not known, and the result is false.
    """
    if one.create_time is None or other.create_time is None:
        return one.create_time is other.create_time and one.id > other.id
    return (one.create_time, one.id) > (other.create_time, other.id)


def newest_first(runs: Iterable[TestRun]) -> list[TestRun]:
    """Sort runs by creation, then id; one without a time is as new as any with a lower id."""
    return [run for *_, run in _dated(runs)]


_UNKNOWN = datetime.min.replace(tzinfo=UTC)
"""The time of a run that has none, where no run with a lower id has one either."""


def _dated(runs: Iterable[TestRun]) -> list[tuple[datetime, int, TestRun]]:
    latest = _UNKNOWN
    keys: list[tuple[datetime, int, TestRun]] = []
    for run in sorted(runs, key=lambda run: run.id):
        latest = max(latest, run.create_time or latest)
        keys.append((run.create_time or latest, run.id, run))
    return sorted(keys, key=lambda key: key[:2], reverse=True)


class Listing:
    """The list as far as it was read; iterating reads on, to the end of the lookback at most."""

    def __init__(
        self, fetch_page: Callable[[int, int], Sequence[TestRun]], lookback: Lookback
    ) -> None:
        """Take how far to read, and what returns a page by its number and its size."""
        self._fetch_page = fetch_page
        self._lookback = lookback
        self._fetched: dict[int, TestRun] = {}
        self._read: dict[int, TestRun] = {}
        self._last_read = deque[TestRun](maxlen=IN_A_ROW)
        self._falling = self._rising = 0

    @property
    def read(self) -> Sequence[TestRun]:
        """The runs of all pages that were fetched, also those that are too old."""
        return tuple(self._fetched.values())

    @property
    def runs(self) -> Sequence[TestRun]:
        """The runs within the lookback, the newest first."""
        return self._lookback.within(self._fetched.values())

    def is_past(self, time: datetime | None) -> bool:
        """Whether the list has reached runs older than this, so that no newer ones follow.

        A single run out of order, and clocks that differ by seconds, do not change the result.
        """
        return (
            time is not None
            and self._is_newest_first
            and len(self._last_read) == IN_A_ROW
            and all(run.create_time and run.create_time < time for run in self._last_read)
        )

    def __iter__(self) -> Iterator[TestRun]:
        """Yield the runs that were not read yet, each once, in the server's order.

        Raises :class:`Unavailable` if the newest is unknown, besides what the source raises.
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
        first = self._fetch_page(0, PAGE_SIZE)
        yield from self._news(first)
        # How many runs the server sends at once. If these were all, the next page has none.
        size = len(first)
        if size > PAGE_SIZE or (size and not (yield from self._overlapping(size))):
            yield from self._by_number(size)

    def _overlapping(self, size: int) -> Generator[TestRun, None, bool]:
        """Yield what follows the first page; ``False`` where pages can't be made to overlap."""
        end, readings, brought_news = size, 1, True
        while (window := _next_window(end, size)) is not None:
            number, limit = window
            page = self._fetch_page(number, limit)
            if len(page) > limit:
                return False
            news = self._news(page)
            end = number * limit + len(page)
            overlaps = any(run.id in self._read for run in page)
            if news and overlaps:
                yield from news
                brought_news = True
                continue
            if overlaps and len(page) < limit:
                return True
            # Either the page does not repeat the end of the one before: more runs vanished than the
            # overlap allows for, or the server ignores the limit. Or it has no new run: new runs
            # pushed those that were read onto this page, or the server ignores the page's number.
            if not overlaps and not brought_news:
                return not page
            readings += not overlaps
            if readings > MOST_READINGS:
                return False
            first = self._fetch_page(0, PAGE_SIZE)
            news = self._news(first)
            if overlaps and not news and end > len(self._read):
                self._check_order(number, size)
                return True
            if not overlaps or len(news) == len(first):
                end = size = len(first)
                # New runs come before all that were read.
                brought_news = bool(news) and first[-1] is news[-1]
            yield from news
        return not size

    def _by_number(self, size: int) -> Iterator[TestRun]:
        """Yield what follows the first page, by the pages that the server sends.

        They can't overlap. So the page before is read again, to find runs that have moved to it.
        """
        number = 1
        while page := self._fetch_page(number, size):
            if self._news(page):
                yield from self._news(self._fetch_page(number - 1, size))
                yield from self._news(page)
            else:
                # Either new runs pushed those that were read onto this page; then the new ones are
                # on the first page. Or the server ignores the page's number, or the list ends.
                first = self._fetch_page(0, size)
                news = self._news(first)
                if not news and number * size >= len(self._read):
                    self._check_order(number, size)
                    return
                if news and len(news) == len(first):
                    # More than a page of new runs: only reading from the start finds them all.
                    number = 0
                yield from news
            number += 1
        if number > 1:
            yield from self._news(self._fetch_page(number - 1, size))

    def _check_order(self, number: int, size: int) -> None:
        if number == 1 and size >= PAGE_SIZE and self._rising > self._falling:
            raise _no_order("and has no second page")

    def _news(self, page: Sequence[TestRun]) -> Sequence[TestRun]:
        news = {run.id: run for run in page if run.id not in self._read}
        # Wherever the reading stops, the rest of the page may hold the newest run.
        self._fetched |= news
        return tuple(news.values())

    def _note(self, run: TestRun) -> None:
        if self._last_read:
            rise = _rise(self._last_read[-1], run)
            self._rising += rise > 0
            self._falling += rise < 0
        self._last_read.append(run)
        self._read[run.id] = run

    @property
    def _is_newest_first(self) -> bool:
        # Some exceptions are allowed: new runs are read late, and creation times may be uneven.
        return self._falling > 4 * self._rising


def _next_window(end: int, size: int) -> tuple[int, int] | None:
    """Choose page and limit so that the page begins before ``end`` and reaches furthest beyond.

    A page begins at a multiple of its limit. ``None`` where there is no such page.
    """
    for overlap in (max(1, min(OVERLAP, size // 4)), 1):
        windows = [((end - overlap) // limit, limit) for limit in range(1, size + 1)]
        number, limit = max(windows, key=lambda window: (window[0] + 1) * window[1], default=(0, 0))
        if number > 0 and (number + 1) * limit > end:
            return number, limit
    return None


def _rise(before: TestRun, after: TestRun) -> float:
    """Say whether a list gets newer (above 0) or older between neighbours."""
    if before.create_time is None or after.create_time is None:
        return after.id - before.id
    return (after.create_time - before.create_time).total_seconds()


def _no_order(why: str) -> Unavailable:
    return Unavailable(
        f"the list of runs is not newest first, {why}: the newest run is unknown",
        advice="Name the run by its id.",
    )
