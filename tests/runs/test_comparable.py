from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from testery_gate.errors import ApiError, Unavailable
from testery_gate.model import RunStatus, TestRun
from testery_gate.runs.comparable import (
    MOST_COMPARED,
    MOST_READ,
    SECONDS,
    find_earlier,
    usual_durations,
)
from testery_gate.runs.listing import newest_first
from testery_gate.waiting.deadline import Deadline
from tests.fakes import FakeClock
from tests.runlist import RunList, run_of

THIS = run_of(1000, 0)


class Api(RunList):
    """The list on a clock, each page of which takes its time and may fail."""

    def __init__(self, runs: Sequence[TestRun], *, takes: float = 0, fails_from: int = 99) -> None:
        super().__init__(list(runs))
        self.clock, self.takes, self.fails_from = FakeClock(), takes, fails_from
        self.fault: ApiError | None = None

    def page(self, number: int, limit: int, *, optional: bool = False) -> Sequence[TestRun]:
        assert optional
        self.clock.sleep(self.takes)
        if number >= self.fails_from:
            raise Unavailable("HTTP 500")
        return super().page(number, limit)

    def find(
        self, *runs: TestRun, count: int = 20, known: Sequence[TestRun] = ()
    ) -> dict[int, list[int]]:
        until = Deadline.after(SECONDS, self.clock)
        found, self.fault = find_earlier(
            runs or (THIS,),
            self,
            lambda _, earlier: len(earlier) >= count - 1,
            until=until,
            known=known,
        )
        return {
            run_id: [*reversed([run.id for run in earlier[: count - 1]]), run_id]
            for run_id, earlier in found.items()
        }


def test_the_last_runs_are_found_oldest_first_with_the_run_itself_at_the_end() -> None:
    api = Api([run_of(1001, -5), THIS, *(run_of(1000 - n, 10 * n) for n in range(1, 150))])
    assert api.find(count=4) == {1000: [997, 998, 999, 1000]}
    assert len(api.requests) == 1


@pytest.mark.parametrize("count", [1, 2])
def test_the_run_itself_is_one_of_the_count(count: int) -> None:
    api = Api([THIS, run_of(999, 10), run_of(998, 20)])
    assert api.find(count=count) == {1000: [999, 1000][-count:]}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(run_of(999, 10, environment="production"), id="environment"),
        pytest.param(run_of(999, 10, name="smoke"), id="name"),
        pytest.param(run_of(999, 10, project_id=2), id="project"),
        pytest.param(run_of(999, 10, status="RUNNING", complete=False), id="unfinished"),
    ],
)
def test_what_is_no_finished_run_of_the_kind_is_left_out(other: TestRun) -> None:
    assert Api([THIS, other, run_of(998, 20)]).find() == {1000: [998, 1000]}


def test_one_reading_serves_all_runs() -> None:
    other = run_of(2000, 5, name="smoke")
    olds = [run_of(1000 - n, 10 * n, name="smoke" if n % 2 else THIS.name) for n in range(1, 90)]
    api = Api([THIS, other, *olds])
    assert api.find(THIS, other, count=3) == {1000: [996, 998, 1000], 2000: [997, 999, 2000]}
    assert len(api.requests) == 1


def test_a_list_without_an_answer_gives_nothing() -> None:
    api = Api([THIS], fails_from=0)
    assert api.find() == {}
    assert str(api.fault) == "HTTP 500"
    empty = Api([])
    assert empty.find() == {}
    assert empty.fault is None


def test_what_was_read_before_a_fault_counts_and_the_fault_is_known() -> None:
    runs = [THIS, *(run_of(1000 - n, 10 * n, name=f"run {n % 60}") for n in range(1, 200))]
    api = Api([*runs[:80], run_of(500, 5_000), *runs[80:]], fails_from=1)
    assert api.find() == {1000: [500, 1000]}
    assert str(api.fault) == "HTTP 500"


def test_a_slow_list_is_not_waited_for() -> None:
    runs = [THIS, *(run_of(1000 - n, 10 * n, name="smoke") for n in range(1, 900))]
    api = Api(runs, takes=SECONDS / 2)
    assert api.find() == {1000: [1000]}
    assert len(api.requests) == 2
    assert str(api.fault) == "the list of runs could not be read further within 15 s"


def test_the_search_ends_far_back() -> None:
    api = Api([THIS, *(run_of(5000 - n, n, name="smoke") for n in range(1, 4000))])
    assert api.find() == {1000: [1000]}
    assert len(api.requests) <= 1.2 * MOST_READ / 100
    assert api.fault is None


def test_nothing_is_read_where_enough_is_known() -> None:
    known = [THIS, *(run_of(1000 - n, 10 * n) for n in range(1, 5))]
    api = Api(known)
    assert api.find(count=3, known=known) == {1000: [998, 999, 1000]}
    assert api.requests == []


@pytest.mark.parametrize(
    "known",
    [
        pytest.param([run_of(999, 10)], id="too few"),
        pytest.param(
            [run_of(999, 10, status="RUNNING"), run_of(998, 20), run_of(997, 30)],
            id="one had not finished",
        ),
    ],
)
def test_the_list_is_read_where_too_little_is_known(known: list[TestRun]) -> None:
    api = Api([THIS, run_of(999, 10), run_of(998, 20)])
    assert api.find(count=3, known=known) == {1000: [998, 999, 1000]}
    assert len(api.requests) == 1


START = datetime(2026, 1, 1, tzinfo=UTC)


def took(run_id: int, seconds: float, **others: Any) -> TestRun:
    """A run like the others, that has taken so long."""
    values = {"start_time": START, "end_time": START + timedelta(seconds=seconds)}
    return replace(run_of(run_id, run_id), **(values | others))


def test_durations_are_those_of_finished_runs_of_the_kind() -> None:
    others = [
        *(took(1, 60), took(2, 90, status=RunStatus.FAIL), took(3, 61)),
        took(4, 5, status=RunStatus.CANCELED),
        took(5, 5, status=RunStatus.RUNNING),
        took(6, 5, environment="elsewhere"),
        took(7, 5, start_time=None),
        took(8, 5, end_time=None),
        took(9, -5),
        took(10, 0.5),
    ]
    assert sorted(usual_durations(THIS, others)) == [60, 61, 90]


def test_two_durations_say_nothing() -> None:
    assert usual_durations(THIS, [took(1, 60), took(2, 60)]) == ()


def test_of_many_durations_the_newest_count() -> None:
    others = [took(number, 60 + number) for number in range(MOST_COMPARED + 5)]
    newest = newest_first(others)[:MOST_COMPARED]
    expected = sorted(60 + other.id for other in newest)
    assert sorted(usual_durations(THIS, others)) == expected
