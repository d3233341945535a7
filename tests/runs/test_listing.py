from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.errors import Unavailable
from testery_gate.model import TestRun
from testery_gate.runs.listing import IN_A_ROW, MOST_OUT_OF_ORDER, Listing, Lookback
from testery_gate.runs.selection import Condition, Field, Group, Selection
from tests.builders import with_unknown
from tests.runlist import NOW, RunList, newest_first, run_of

OURS, OTHERS = "1", "2"
"""Projects: what arrives while the list is read is of another one."""


@st.composite
def run_sets(draw: st.DrawFn, least: int = 0) -> list[TestRun]:
    """Draw runs, the newest first, of which many are created at the same time."""
    places = st.tuples(
        st.integers(0, 60),
        st.sampled_from(["staging", "production"]),
        st.sampled_from(["Checkout", "Search"]),
        st.sampled_from(["PASS", "FAIL", "RUNNING"]),
    )
    drawn = draw(st.lists(places, min_size=least, max_size=60))
    return newest_first(
        [
            run_of(
                run_id, 10 * ago, environment=environment, name=name, status=status, project_id=1
            )
            for run_id, (ago, environment, name, status) in enumerate(drawn, 1)
        ]
    )


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    wanted = {
        Field.ENVIRONMENT: draw(st.sampled_from([None, "staging", "nowhere"])),
        Field.NAME: draw(st.sampled_from([None, "Search", "S*"])),
        Field.STATUS: draw(st.sampled_from([None, "FAIL"])),
    }
    conditions = [
        Condition(field=field, wanted=value) for field, value in wanted.items() if value is not None
    ]
    each = draw(st.lists(st.sampled_from(Group), unique=True))
    every = not each and draw(st.booleans())
    return Selection(
        conditions=(Condition(field=Field.PROJECT_ID, wanted=OURS), *conditions),
        each=tuple(each),
        every=every,
        most=draw(st.none() | st.integers(1, 30)),
    )


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[TestRun]]:
    """Draw how many runs arrive between two requests; more than a page can hold, at times."""
    numbers = draw(st.lists(st.integers(0, 12), max_size=30))
    ids = iter(range(1000, 2000))
    return [
        newest_first([run_of(next(ids), -number, project_id=2) for _ in range(count)])
        for number, count in enumerate(numbers, 1)
    ]


def in_order(runs: Sequence[TestRun], order: str) -> list[TestRun]:
    match order:
        case "newest first":
            return list(runs)
        case "newest first, ties in any order":
            shuffled = random.Random(len(runs)).sample(runs, len(runs))  # noqa: S311
            return sorted(shuffled, key=lambda run: run.create_time or NOW, reverse=True)
        case "oldest first":
            return list(reversed(runs))
        case _:
            return random.Random(len(runs)).sample(runs, len(runs))  # noqa: S311


ORDERS = ["newest first", "newest first, ties in any order", "oldest first", "any"]


@given(
    runs=run_sets(),
    selection=selections(),
    arriving=arrivals(),
    order=st.sampled_from(ORDERS),
    most=st.integers(1, 80) | st.just(250),
    ignores_limit=st.booleans(),
    clamps_page=st.booleans(),
    since=st.none() | st.integers(0, 600),
)
def test_selecting_page_by_page_is_selecting_from_the_whole_list(
    runs: list[TestRun],
    selection: Selection,
    arriving: list[list[TestRun]],
    order: str,
    most: int,
    ignores_limit: bool,
    clamps_page: bool,
    since: int | None,
) -> None:
    lookback = Lookback(
        since=None if since is None else NOW - timedelta(minutes=since), runs=MOST_OUT_OF_ORDER
    )
    served = RunList(
        in_order(runs, order),
        most=most,
        ignores_limit=ignores_limit,
        clamps_page=clamps_page and bool(runs),
        arrivals=arriving,
        arrive_last=order == "oldest first",
    )
    whole = selection.choose(filter(lookback.reaches, runs))
    assert list(selection.choose_from(Listing(served.page, lookback))) == list(whole)


@given(runs=run_sets(), most=st.integers(1, 80), number=st.integers(1, 70), order=st.booleans())
def test_a_lookback_by_number_takes_the_newest_runs(
    runs: list[TestRun], most: int, number: int, order: bool
) -> None:
    served = RunList(in_order(runs, "newest first" if order else "oldest first"), most=most)
    listing = Listing(served.page, Lookback(runs=number))
    assert len(set(listing)) == len(listing.read)
    assert list(listing.runs) == runs[:number]


@given(runs=run_sets(), arriving=arrivals(), most=st.integers(1, 80))
def test_no_run_comes_twice_or_is_left_out(
    runs: list[TestRun], arriving: list[list[TestRun]], most: int
) -> None:
    served = RunList(list(runs), most=most, arrivals=arriving)
    ids = [run.id for run in Listing(served.page, Lookback(runs=MOST_OUT_OF_ORDER))]
    assert len(ids) == len(set(ids))
    assert {run.id for run in runs} <= set(ids)


HOURLY = [run_of(1000 - n, 60 * n) for n in range(1000)]


def read(served: RunList, lookback: Lookback | None = None) -> list[int]:
    return [run.id for run in Listing(served.page, lookback or Lookback())]


def test_pages_are_fetched_when_they_are_needed() -> None:
    served = RunList(HOURLY)
    listing = iter(Listing(served.page, Lookback()))
    assert served.requests == []
    assert next(listing).id == 1000
    assert served.requests == [(0, 100)]


def test_a_lookback_by_age_ends_the_reading() -> None:
    served = RunList(HOURLY)
    listing = Listing(served.page, Lookback(since=NOW - timedelta(hours=150)))
    list(listing)
    assert len(listing.read) == 151 + IN_A_ROW
    assert len(listing.runs) == 151
    assert served.requests == [(0, 100), (1, 100)]


def test_a_lookback_by_number_ends_the_reading() -> None:
    served = RunList(HOURLY)
    assert read(served, Lookback(runs=250)) == list(range(1000, 750, -1))
    assert served.requests == [(0, 100), (1, 100), (2, 100)]


def test_clocks_that_differ_and_a_run_out_of_order_do_not_prolong_the_reading() -> None:
    uneven = [
        replace(run, create_time=run.create_time and run.create_time + timedelta(seconds=n % 7))
        for n, run in enumerate(HOURLY)
    ]
    uneven[3] = run_of(1, 60 * 999)
    uneven[40] = run_of(2, 0)
    served = RunList(uneven)
    listing = Listing(served.page, Lookback(since=NOW - timedelta(hours=80)))
    list(listing)
    assert served.requests == [(0, 100), (1, 100)]


@pytest.mark.parametrize("size", [100, 30])
def test_a_server_that_ignores_the_page_is_asked_no_more_than_it_takes_to_tell(size: int) -> None:
    served = RunList(HOURLY[:100], ignores_page=True, most=size)
    assert read(served) == [run.id for run in HOURLY[:size]]
    assert [number for number, _ in served.requests] == [0, 1, 0]


def test_a_server_that_gives_less_than_asked_for_is_read_to_the_end() -> None:
    served = RunList(HOURLY[:95], most=30)
    assert read(served) == [run.id for run in HOURLY[:95]]
    assert served.requests == [(0, 100), (1, 30), (2, 30), (3, 30), (4, 30)]


def test_a_server_that_ignores_the_limit_is_read_to_the_end() -> None:
    served = RunList(HOURLY[:500], most=250, ignores_limit=True)
    assert read(served) == [run.id for run in HOURLY[:500]]
    assert len(served.requests) == 3


def test_a_page_that_repeats_a_run_counts_it_once() -> None:
    served = RunList([HOURLY[0], HOURLY[0], HOURLY[1]])
    assert read(served) == [1000, 999]


def test_where_no_time_is_known_ids_tell_the_order() -> None:
    served = RunList([with_unknown(run, "create_time") for run in HOURLY])
    assert len(read(served, Lookback(since=NOW, runs=150))) == 150
    assert len(served.requests) == 2


def test_a_list_without_order_and_end_is_no_answer() -> None:
    endless = [run_of(n, -n) for n in range(MOST_OUT_OF_ORDER + 1)]
    with pytest.raises(
        Unavailable, match="not newest first, and has more than 10000 runs"
    ) as error:
        read(RunList(endless))
    assert "by its id" in error.value.advice


def test_only_the_oldest_page_is_no_answer() -> None:
    with pytest.raises(Unavailable, match="not newest first, and has no second page"):
        read(RunList(list(reversed(HOURLY)), ignores_page=True))
