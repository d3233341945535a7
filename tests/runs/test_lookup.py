from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.errors import ApiError, NotFound, Unauthorized, Unavailable
from testery_gate.model import RunStatus, TestRun
from testery_gate.runs.lookup import Lookup
from testery_gate.waiting.polling import Seen
from tests.runlist import RunList, run_of


class Api(RunList):
    """The list, and the single runs beside it, of which each request is counted."""

    def __init__(self, listed: Iterable[int], unlisted: Iterable[int] = ()) -> None:
        super().__init__([run_of(run_id) for run_id in listed])
        self.others = {run_id: run_of(run_id) for run_id in unlisted}
        self.singles: list[int] = []
        self.said: list[str] = []
        self.fault: Callable[[], ApiError | None] = lambda: None
        self.outage: ApiError | None = None
        """What single requests end with."""
        self.lookup = Lookup(self, self.said.append)

    def page(self, number: int, limit: int, *, optional: bool = False) -> Sequence[TestRun]:
        assert optional
        fault = self.fault()
        if fault is not None:
            self.requests.append((number, limit))
            raise fault
        return super().page(number, limit)

    def look(self, run_ids: Sequence[int], /, *, wait: bool) -> Mapping[int, Seen]:
        self.singles += run_ids
        if run_ids and self.outage is not None:
            if not wait:
                return {}
            raise self.outage
        there = self.others | {run.id: run for run in self.runs}
        return {run_id: there.get(run_id, NotFound("HTTP 404")) for run_id in run_ids}

    def cycle(self, run_ids: Iterable[int]) -> tuple[list[int], list[int]]:
        """Look at the runs, and return which pages and which single runs were asked for."""
        self.requests, self.singles = [], []
        wanted = list(run_ids)
        seen = self.lookup.look(wanted)
        assert list(seen) == wanted
        for run_id, found in seen.items():
            assert not isinstance(found, TestRun) or found.id == run_id
        return [number for number, _ in self.requests], self.singles


@pytest.mark.parametrize(
    ("number", "pages", "singles"),
    [
        pytest.param(1, [], [300], id="one"),
        pytest.param(2, [], [299, 300], id="two"),
        pytest.param(3, [0], [], id="three"),
        pytest.param(100, [0], [], id="a page"),
        pytest.param(101, [0], [200], id="a page and one"),
        pytest.param(102, [0, 1], [], id="a page and two"),
        pytest.param(200, [0, 1], [], id="two pages"),
    ],
)
def test_many_runs_take_as_many_requests_as_they_fill_pages(
    number: int, pages: list[int], singles: list[int]
) -> None:
    api = Api(range(300, 0, -1))
    wanted = range(301 - number, 301)
    for _ in range(2):
        assert api.cycle(wanted) == (pages, singles)


def test_no_run_is_no_request() -> None:
    assert Api([1, 2]).cycle([]) == ([], [])


def test_runs_deep_in_the_list_are_looked_for_once_and_then_on_their_pages() -> None:
    api = Api(range(1000, 0, -1))
    wanted = [*range(700, 650, -1), *range(500, 450, -1)]
    assert api.cycle(wanted) == ([0, 1, 2, 3, 4, 5], [])
    assert api.cycle(wanted) == ([3, 5], [])
    assert api.cycle(wanted[:50]) == ([3], [])


def test_runs_that_move_to_later_pages_are_followed() -> None:
    api = Api(range(200, 0, -1))
    wanted = range(1, 201)
    api.cycle(wanted)
    api.runs = [run_of(run_id) for run_id in range(250, 200, -1)] + api.runs
    assert api.cycle(wanted) == ([0, 1, 2], [])
    api.runs = [run_of(run_id) for run_id in range(400, 250, -1)] + api.runs
    assert api.cycle(wanted) == ([0, 1, 2, 3], [])
    assert api.cycle(wanted) == ([2, 3], [])


def test_what_the_list_does_not_show_is_asked_for_by_itself_from_then_on() -> None:
    api = Api(range(100, 0, -1), unlisted=[901, 902, 903])
    wanted = [*range(1, 101), 901, 902, 903]
    assert api.cycle(wanted) == ([0, 1], [901, 902, 903])
    assert api.cycle(wanted) == ([0], [901, 902, 903])


def test_a_page_is_not_worth_a_single_run() -> None:
    api = Api(range(100, 0, -1), unlisted=[901])
    wanted = [*range(1, 101), 901]
    assert api.cycle(wanted) == ([0], [901])
    assert api.cycle(wanted) == ([0], [901])


def test_runs_that_are_nowhere_are_not_looked_for_without_end() -> None:
    api = Api(range(5000, 1000, -1), unlisted=range(1, 51))
    pages, singles = api.cycle(range(1, 51))
    assert len(pages) == ceil(50 / 100) + 50 // 10
    assert singles == list(range(1, 51))
    assert api.cycle(range(1, 51)) == ([], list(range(1, 51)))


def test_a_server_that_ignores_the_page_is_asked_twice() -> None:
    api = Api(range(100, 0, -1), unlisted=range(901, 951))
    api.ignores_page = True
    wanted = [*range(1, 101), *range(901, 951)]
    assert api.cycle(wanted) == ([0, 1], list(range(901, 951)))
    assert api.cycle(wanted) == ([0], list(range(901, 951)))


@pytest.mark.parametrize(
    "lacking",
    [
        *({name: None} for name in ("complete", "total", "passed", "failed", "ignored")),
        {"status": RunStatus.UNKNOWN, "status_text": ""},
    ],
    ids=lambda lacking: next(iter(lacking)),
)
def test_a_run_of_which_the_list_tells_less_is_asked_for_by_itself(
    lacking: dict[str, Any],
) -> None:
    api = Api([3, 2, 1])
    api.runs[0] = replace(api.runs[0], **lacking)
    assert api.cycle([1, 2, 3]) == ([0], [3])


def test_a_run_that_is_gone_is_told_and_the_others_are_seen() -> None:
    api = Api([2, 1])
    found = api.lookup.look([1, 2, 3])
    assert isinstance(found[3], NotFound)
    assert [run_id for run_id, seen in found.items() if isinstance(seen, TestRun)] == [1, 2]


def test_an_outage_of_single_requests_holds_up_nothing_that_the_list_shows() -> None:
    api = Api([3, 2, 1], unlisted=[901])
    api.outage = Unavailable("HTTP 500")
    assert list(api.lookup.look([1, 2, 3, 901])) == [1, 2, 3]


def test_an_outage_of_both_is_raised() -> None:
    api = Api([3, 2, 1])
    api.outage = Unavailable("HTTP 500")
    api.fault = lambda: Unavailable("HTTP 502")
    with pytest.raises(Unavailable, match="HTTP 500"):
        api.lookup.look([1, 2, 3])


def test_a_fault_of_the_list_costs_a_cycle_its_pages_and_three_in_a_row_the_list() -> None:
    api = Api([3, 2, 1])
    faults: list[ApiError | None] = [Unavailable("HTTP 500")] * 2
    faults += [None, *[Unavailable("HTTP 500")] * 3]
    api.fault = lambda: faults.pop(0)
    for _ in range(2):
        assert api.cycle([1, 2, 3]) == ([0], [1, 2, 3])
    assert api.cycle([1, 2, 3]) == ([0], [])
    for _ in range(3):
        assert api.cycle([1, 2, 3]) == ([0], [1, 2, 3])
    assert api.cycle([1, 2, 3]) == ([], [1, 2, 3])


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(NotFound("HTTP 404"), id="not found"),
        pytest.param(Unauthorized("HTTP 403", token_rejected=False), id="forbidden"),
    ],
)
def test_a_list_that_is_not_offered_is_not_asked_for_again_and_it_is_said_once(
    refusal: ApiError,
) -> None:
    api = Api([3, 2, 1])
    api.fault = lambda: refusal
    assert api.cycle([1, 2, 3]) == ([0], [1, 2, 3])
    assert api.cycle([1, 2, 3]) == ([], [1, 2, 3])
    assert api.said == [f"Requesting each run by itself, because the list is not usable: {refusal}"]


@given(
    wanted=st.sets(st.integers(1, 400), max_size=250),
    listed=st.sets(st.integers(1, 400)),
    arriving=st.integers(0, 120),
    ignores_page=st.booleans(),
    most=st.sampled_from([250, 100, 30]),
)
def test_however_the_list_behaves_every_run_is_seen_and_requests_are_few(
    wanted: set[int], listed: set[int], arriving: int, ignores_page: bool, most: int
) -> None:
    api = Api(sorted(listed, reverse=True), unlisted=range(1, 401))
    api.ignores_page, api.most = ignores_page, most
    for cycle in range(3):
        pages, singles = api.cycle(sorted(wanted))
        bound = ceil(len(wanted) / 100) + max(1, len(wanted) // 10)
        assert len(pages) <= bound
        assert len(set(singles)) == len(singles)
        newest = 1000 * (cycle + 1)
        arrived = [run_of(run_id) for run_id in range(newest + arriving, newest, -1)]
        api.runs = arrived + api.runs


def test_runs_that_there_was_no_time_to_ask_for_are_left_out() -> None:
    class Late(Api):
        def look(self, run_ids: Sequence[int], /, *, wait: bool) -> Mapping[int, Seen]:
            return super().look(run_ids[:1], wait=wait)

    assert list(Late([1, 2]).lookup.look([1, 2])) == [1]
