from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.errors import Unavailable
from testery_gate.model import Field, TestRun
from testery_gate.runs.listing import (
    IN_A_ROW,
    MOST_OUT_OF_ORDER,
    MOST_READINGS,
    OVERLAP,
    Listing,
    Lookback,
    is_newer,
    newest_first,
)
from testery_gate.runs.selection import Condition, Group, Selection
from tests.builders import make_run, with_unknown
from tests.runlist import NOW, RunList, run_of

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


MOST_ARRIVALS = 12


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[TestRun]]:
    """Draw how many runs arrive between two requests."""
    numbers = draw(st.lists(st.integers(0, MOST_ARRIVALS), max_size=30))
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
        # A list that moves by more than a page between two requests can't be read whole.
        arrivals=arriving if most > MOST_ARRIVALS else [],
        arrive_last=order == "oldest first",
    )
    whole = selection.choose(filter(lookback.reaches, runs))
    assert selection.choose_from(Listing(served.page, lookback)) == whole


@given(runs=run_sets(), most=st.integers(1, 80), number=st.integers(1, 70), order=st.booleans())
def test_a_lookback_by_number_takes_the_newest_runs(
    runs: list[TestRun], most: int, number: int, order: bool
) -> None:
    served = RunList(in_order(runs, "newest first" if order else "oldest first"), most=most)
    listing = Listing(served.page, Lookback(runs=number))
    assert set(listing) <= set(listing.read)
    assert list(listing.runs) == runs[:number]


@given(runs=run_sets(), arriving=arrivals(), most=st.integers(MOST_ARRIVALS + 1, 80))
def test_no_run_comes_twice_or_is_left_out(
    runs: list[TestRun], arriving: list[list[TestRun]], most: int
) -> None:
    served = RunList(list(runs), most=most, arrivals=arriving)
    ids = [run.id for run in Listing(served.page, Lookback(runs=MOST_OUT_OF_ORDER))]
    assert len(ids) == len(set(ids))
    assert {run.id for run in runs} <= set(ids)


@st.composite
def departures(draw: st.DrawFn) -> list[set[int]]:
    """Draw which of the runs vanish between two requests."""
    gone = st.lists(st.integers(1, 60), max_size=8).map(set)
    return draw(st.lists(gone, max_size=12))


@given(
    runs=run_sets(),
    arriving=arrivals(),
    leaving=departures(),
    most=st.integers(3, 80),
    ignores_limit=st.booleans(),
)
def test_no_run_is_missed_whatever_vanishes(
    runs: list[TestRun],
    arriving: list[list[TestRun]],
    leaving: list[set[int]],
    most: int,
    ignores_limit: bool,
) -> None:
    served = RunList(
        list(runs),
        most=most,
        ignores_limit=ignores_limit,
        arrivals=arriving,
        departures=list(leaving),
    )
    ids = {run.id for run in Listing(served.page, Lookback(runs=MOST_OUT_OF_ORDER))}
    assert {run.id for run in runs} - set[int]().union(*leaving) <= ids
    assert len(served.requests) <= 6 * (len(runs) + len(served.runs) + 5)


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
    assert len(list(listing)) == 151 + IN_A_ROW
    assert len(listing.read) == 100 + 95 - OVERLAP
    assert len(listing.runs) == 151
    assert served.requests == [(0, 100), (1, 95)]


def test_a_page_counts_to_its_end_wherever_the_reading_stops() -> None:
    untimed = with_unknown(run_of(2000), "create_time")
    served = RunList([*HOURLY[:99], untimed, *HOURLY[99:]])
    listing = Listing(served.page, Lookback(since=NOW - timedelta(hours=10)))
    assert untimed not in list(listing)
    assert untimed in listing.runs
    assert served.requests == [(0, 100)]


def test_a_lookback_by_number_ends_the_reading() -> None:
    served = RunList(HOURLY)
    assert read(served, Lookback(runs=250)) == list(range(1000, 750, -1))
    assert served.requests == [(0, 100), (1, 95), (2, 92)]


def test_a_run_that_vanishes_between_two_pages_hides_no_other() -> None:
    served = RunList(HOURLY[:150], departures=[{run.id for run in HOURLY[: OVERLAP - 1]}])
    assert read(served) == [run.id for run in HOURLY[:150]]
    assert served.requests == [(0, 100), (1, 95), (2, 70)]


def test_where_more_vanishes_than_pages_overlap_the_list_is_read_again() -> None:
    served = RunList(HOURLY[:250], departures=[{run.id for run in HOURLY[:30]}])
    assert sorted(read(served)) == [run.id for run in reversed(HOURLY[:250])]
    assert [number for number, _ in served.requests] == [0, 1, 0, 1, 2, 2]


def test_a_list_that_is_shorter_all_at_once_has_an_end() -> None:
    served = RunList(HOURLY[:150], departures=[{run.id for run in HOURLY[40:120]}])
    assert set(read(served)) == {run.id for run in HOURLY[:100] + HOURLY[120:150]}
    assert [number for number, _ in served.requests] == [0, 1, 0, 1]


def test_a_list_that_is_empty_all_at_once_has_an_end() -> None:
    served = RunList(HOURLY[:150], departures=[{run.id for run in HOURLY[:150]}])
    assert read(served) == [run.id for run in HOURLY[:100]]
    assert [number for number, _ in served.requests] == [0, 1, 0]


def test_a_list_that_moves_whenever_it_is_read_is_read_twice() -> None:
    runs = HOURLY[:900]
    going = [{run.id for run in runs[10 * n : 10 * n + 10]} for n in range(50)]
    served = RunList(list(runs), departures=going)
    assert {run.id for run in served.runs} - set[int]().union(*going) <= set(read(served))
    assert len(served.requests) <= 2 * MOST_READINGS + 2 * 9


def test_pages_that_can_not_overlap_are_read_twice() -> None:
    served = RunList(HOURLY[:600], most=250, ignores_limit=True, departures=[set(), {HOURLY[0].id}])
    assert set(read(served)) == {run.id for run in HOURLY[:600]}
    assert [number for number, _ in served.requests] == [0, 1, 0, 2, 1, 3, 2]


def test_what_moves_while_the_last_page_is_asked_for_is_met_too() -> None:
    # The last page's only run moves to the page before, and the last one is empty.
    served = RunList(
        HOURLY[:501], most=250, ignores_limit=True, departures=[set(), set(), {HOURLY[0].id}]
    )
    assert set(read(served)) == {run.id for run in HOURLY[:501]}


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
    assert served.requests == [(0, 100), (1, 95)]


@pytest.mark.parametrize("size", [100, 30])
def test_a_server_that_ignores_the_page_is_asked_no_more_than_it_takes_to_tell(size: int) -> None:
    served = RunList(HOURLY[:100], ignores_page=True, most=size)
    assert read(served) == [run.id for run in HOURLY[:size]]
    assert [number for number, _ in served.requests] == [0, 1, 0]


def test_a_server_that_gives_less_than_asked_for_is_read_to_the_end() -> None:
    served = RunList(HOURLY[:95], most=30)
    assert read(served) == [run.id for run in HOURLY[:95]]
    assert served.requests == [(0, 100), (1, 25), (2, 22), (2, 30), (3, 28), (3, 30)]


def test_a_server_that_ignores_the_limit_is_read_to_the_end() -> None:
    served = RunList(HOURLY[:500], most=250, ignores_limit=True)
    assert read(served) == [run.id for run in HOURLY[:500]]
    assert [number for number, _ in served.requests] == [0, 1, 0, 2, 1]


def test_a_page_that_repeats_a_run_counts_it_once() -> None:
    served = RunList([HOURLY[0], HOURLY[0], HOURLY[1]])
    assert read(served) == [1000, 999]


def test_where_no_time_is_known_ids_tell_the_order() -> None:
    served = RunList([with_unknown(run, "create_time") for run in HOURLY])
    assert len(read(served, Lookback(since=NOW, runs=150))) == 150
    assert len(served.requests) == 2


UNTIMED = with_unknown(run_of(5), "create_time")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(run_of(1, 1), run_of(2, 2), id="created later"),
        pytest.param(run_of(2), run_of(1), id="created at the same time, by the id"),
        pytest.param(UNTIMED, replace(UNTIMED, id=4), id="none has a time, by the id"),
    ],
)
def test_of_two_runs_one_is_newer(one: TestRun, other: TestRun) -> None:
    assert is_newer(one, other)
    assert not is_newer(other, one)


@pytest.mark.parametrize("run_id", [4, 6])
def test_where_one_has_no_time_none_is_known_to_be_newer(run_id: int) -> None:
    assert not is_newer(UNTIMED, run_of(run_id))
    assert not is_newer(run_of(run_id), UNTIMED)


def test_a_run_without_a_time_stands_above_those_with_lower_ids() -> None:
    runs = [run_of(9, 5), UNTIMED, run_of(4, 10), run_of(3, 30), run_of(6, 60)]
    assert [run.id for run in newest_first(runs)] == [9, 5, 4, 3, 6]
    oldest = with_unknown(run_of(1), "create_time")
    assert [run.id for run in newest_first([oldest, run_of(2, 99)])] == [2, 1]


def test_a_run_without_a_time_is_not_cut_off_as_the_oldest() -> None:
    runs = [run_of(1, 10), run_of(2, 9), UNTIMED]
    assert [run.id for run in Lookback(runs=1).within(runs)] == [5]


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


def test_a_run_without_a_time_is_as_old_as_the_runs_with_lower_ids() -> None:
    week = Lookback(since=NOW - timedelta(days=7))
    old = make_run(id=8, create_time=NOW - timedelta(days=60))
    untimed = make_run(id=9, create_time=None)
    new = make_run(id=7, create_time=NOW)
    assert week.within([old, untimed]) == []
    assert week.within([new, untimed]) == [untimed, new]
    assert week.within([untimed]) == [untimed]
