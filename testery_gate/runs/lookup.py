"""Poll many runs with few requests: through the list if it shows them, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from testery_gate.errors import ApiError, Unavailable
from testery_gate.model import TestRun
from testery_gate.runs.listing import PAGE_SIZE, Pages
from testery_gate.waiting.polling import Seen

WORTH_A_PAGE = 2
"""A page is read only for so many runs or more; for fewer, single requests are as cheap."""
FEW = 2
"""Up to so many runs are asked for one by one: small answers, and no pages that move."""
_FAULTS = 3
"""After so many faults in a row the list is not used any more."""


class Source(Pages, Protocol):
    """What is used of the API."""

    def look(self, run_ids: Sequence[int], /, *, wait: bool) -> Mapping[int, Seen]:
        """Return each run or its error, with a request for each.

        Without ``wait`` it returns although none has answered.
        """


class Lookup:
    """Remembers from poll to poll where the list shows each run."""

    def __init__(self, source: Source, say: Callable[[str], None]) -> None:
        self._source = source
        self._say = say
        self._pages: dict[int, int] = {}
        self._unlisted: set[int] = set()
        self._faults = 0

    def look(self, run_ids: Sequence[int]) -> Mapping[int, Seen]:
        """Return each run or its error.

        A run that the list does not show, or not in full, is requested by itself. A run without an
        answer is left out. Raises what the API's client raises for single runs.
        """
        listed = [run_id for run_id in run_ids if run_id not in self._unlisted]
        seen: dict[int, Seen] = {}
        if self._faults < _FAULTS and len(listed) > FEW:
            seen.update(self._from_list(listed))
        missing = [run_id for run_id in run_ids if run_id not in seen]
        # Where the list was read, the others must not wait for runs that it lacks.
        seen.update(self._source.look(missing, wait=not seen))
        return {run_id: seen[run_id] for run_id in run_ids if run_id in seen}

    def _from_list(self, run_ids: Sequence[int]) -> Mapping[int, TestRun]:
        found: dict[int, TestRun] = {}
        try:
            self._read_pages(run_ids, found)
        except Unavailable:
            self._faults += 1
        except ApiError as error:
            self._faults = _FAULTS
            self._say(f"Requesting each run by itself, because the list is not usable: {error}")
        else:
            self._faults = 0
        return found

    def _read_pages(self, run_ids: Sequence[int], found: dict[int, TestRun]) -> None:
        """Read the pages where runs are expected, and for those that moved on the next ones."""
        expected = {run_id: self._pages.get(run_id, 0) for run_id in run_ids}
        # As many pages as the runs would fill, and one more for every ten runs: a fair price for
        # finding out where they are, or that they are not in the list.
        left = -(-len(run_ids) // PAGE_SIZE) + max(1, len(run_ids) // 10)
        shown: set[int] = set()
        while expected:
            number = min(expected.values())
            here = [run_id for run_id, page in expected.items() if page == number]
            if len(here) < WORTH_A_PAGE:
                del expected[here[0]]
                continue
            page = self._source.page(number, PAGE_SIZE, optional=True) if left else ()
            left -= 1
            if shown.issuperset(run.id for run in page):
                # The end, or a server that ignores the page's number.
                self._unlisted |= expected.keys()
                return
            shown.update(run.id for run in page)
            expected |= dict.fromkeys(here, number + 1)
            for run in page:
                # Where the list shows less, the run itself is requested.
                if run.id in expected and has_all_facts(run):
                    found[run.id] = run
                    self._pages[run.id] = number
                    del expected[run.id]


def has_all_facts(run: TestRun) -> bool:
    """Whether the list shows all facts of a run that a verdict needs."""
    known = run.status_text and run.complete is not None
    return bool(known) and run.total is not None and run.done is not None
