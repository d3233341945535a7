"""Look at many runs with few requests: through the list where it shows them, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from testery_gate.errors import ApiError, Unavailable
from testery_gate.listing import PAGE_SIZE
from testery_gate.model import TestRun
from testery_gate.polling import Seen

_FAULTS = 3
"""After so many faults in a row the list is taken to be unusable."""


class Source(Protocol):
    """What is needed of the API."""

    def look(self, run_ids: Sequence[int], /) -> Mapping[int, Seen]:
        """Return what there is of each run, with a request for each."""

    def page(self, number: int, limit: int, /, *, once: bool) -> Sequence[TestRun]:
        """Return a page of the list."""


class Lookup:
    """Remembers from look to look which runs the list shows."""

    def __init__(self, source: Source, say: Callable[[str], None]) -> None:
        self._source = source
        self._say = say
        self._unlisted: set[int] = set()
        self._faults = 0

    def look(self, run_ids: Sequence[int]) -> Mapping[int, Seen]:
        """Return what there is of each run.

        At most one page more than the runs would fill is read, and what is not there is asked for
        by itself, from then on at once. Raises what the API's client raises for single runs.
        """
        seen: dict[int, Seen] = dict(self._from_list(run_ids))
        missing = [run_id for run_id in run_ids if run_id not in seen]
        seen.update(self._source.look(missing))
        return {run_id: seen[run_id] for run_id in run_ids}

    def _from_list(self, run_ids: Sequence[int]) -> Mapping[int, TestRun]:
        wanted = {run_id for run_id in run_ids if run_id not in self._unlisted}
        found: dict[int, TestRun] = {}
        # Two single requests cost no more than two pages.
        if len(wanted) <= 2 or self._faults >= _FAULTS:
            return found
        try:
            for number in range(-(-len(wanted) // PAGE_SIZE) + 1):
                page = self._source.page(number, PAGE_SIZE, once=True)
                found.update({run.id: run for run in page if run.id in wanted})
                if not page or len(found) == len(wanted):
                    break
        except Unavailable:
            self._faults += 1
        except ApiError as error:
            self._faults = _FAULTS
            self._say(f"Asking for each run by itself, for want of a list: {error}")
        else:
            self._faults = 0
            self._unlisted |= wanted - found.keys()
        return found
