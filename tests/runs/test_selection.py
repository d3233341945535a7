from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from testery_gate.model import Field, TestRun
from testery_gate.runs.listing import Listing, Lookback
from testery_gate.runs.selection import Condition, Group, Query, Selection
from tests.builders import with_unknown
from tests.runlist import NOW, RunList, run_of

RUN = run_of(
    5,
    name="Nightly: checkout",
    environment="staging",
    project_id=7,
    build_key="2024.7",
    include_tags=("smoke", "slow"),
    status="FAIL",
)


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        pytest.param(Field.GIT_REF, "abcd4e8", id="a commit's first 7 digits"),
        pytest.param(Field.GIT_REF, "ABCD4E87", id="in capitals"),
        pytest.param(Field.GIT_REF, RUN.git_ref, id="the whole commit"),
        pytest.param(Field.BUILD_KEY, "2024.7", id="build"),
        pytest.param(Field.ENVIRONMENT, "staging", id="environment"),
        pytest.param(Field.PROJECT_ID, "7", id="project"),
        pytest.param(Field.NAME, "Nightly: checkout", id="the whole name"),
        pytest.param(Field.NAME, "Nightly*", id="a beginning"),
        pytest.param(Field.NAME, "*check*", id="a middle"),
        pytest.param(Field.NAME, "N*:*t", id="several stars"),
        pytest.param(Field.INCLUDE_TAG, "slow", id="one of the tags"),
        pytest.param(Field.STATUS, "FAIL", id="status"),
    ],
)
def test_a_condition_holds(field: Field, wanted: str) -> None:
    assert Condition(field=field, wanted=wanted).holds(RUN)


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        pytest.param(Field.GIT_REF, "abcd4e", id="too few digits"),
        pytest.param(Field.GIT_REF, "abcd4e9", id="another commit"),
        pytest.param(Field.BUILD_KEY, "2024", id="part of a build"),
        pytest.param(Field.ENVIRONMENT, "stag*", id="a pattern for an environment"),
        pytest.param(Field.NAME, "Nightly", id="part of a name"),
        pytest.param(Field.NAME, "nightly*", id="another case"),
        pytest.param(Field.NAME, "N.*", id="a regular expression"),
        pytest.param(Field.INCLUDE_TAG, "smo", id="part of a tag"),
        pytest.param(Field.STATUS, "PASS", id="another status"),
    ],
)
def test_a_condition_does_not_hold(field: Field, wanted: str) -> None:
    assert not Condition(field=field, wanted=wanted).holds(RUN)


def test_what_is_unknown_of_a_run_meets_no_condition() -> None:
    unknown = with_unknown(RUN, "git_ref", "name", "environment", "project_id", "build_key")
    for field in (Field.GIT_REF, Field.NAME, Field.ENVIRONMENT, Field.PROJECT_ID, Field.BUILD_KEY):
        assert not Condition(field=field, wanted="None").holds(unknown)
    assert not Condition(field=Field.NAME, wanted="*").holds(unknown)


STAGING = Condition(field=Field.ENVIRONMENT, wanted="staging")
COMMIT = Condition(field=Field.GIT_REF, wanted="abcd4e8")
RUNS = [
    run_of(1, 40, environment="staging", name="Search"),
    run_of(2, 30, environment="staging", name="Checkout"),
    run_of(3, 20, environment="production", name="Checkout"),
    run_of(4, 10, environment="staging", name="Checkout"),
    run_of(5, 10, environment="staging", name="Checkout", project_id=9),
]


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        pytest.param(Selection(), [5], id="the newest, and of those the highest id"),
        pytest.param(Selection(conditions=(STAGING,)), [5], id="the newest that matches"),
        pytest.param(Selection(each=(Group.ENVIRONMENT,)), [5, 3], id="of each environment"),
        pytest.param(Selection(each=(Group.NAME,)), [5, 1], id="of each name"),
        pytest.param(Selection(each=(Group.PROJECT,)), [5, 4], id="of each project"),
        pytest.param(
            Selection(each=(Group.PROJECT, Group.ENVIRONMENT, Group.NAME)),
            [5, 4, 3, 1],
            id="of each combination",
        ),
        pytest.param(Selection(conditions=(STAGING,), every=True), [5, 4, 2, 1], id="all"),
        pytest.param(Selection(every=True, most=2), [5, 4], id="not more than so many"),
        pytest.param(Selection(each=(Group.NAME,), most=1), [5], id="nor of groups"),
    ],
)
def test_the_newest_runs_are_meant(selection: Selection, ids: list[int]) -> None:
    choice = selection.choose(RUNS)
    assert [run.id for run in choice.runs] == ids
    assert choice.doubts == {}


def untimed(run_id: int, **others: Any) -> TestRun:
    return with_unknown(run_of(run_id, environment="staging", **others), "create_time")


STAGED = Selection(conditions=(STAGING,))


@pytest.mark.parametrize(
    ("runs", "chosen", "doubts"),
    [
        pytest.param([untimed(9), *RUNS], [5], {5: 9}, id="a higher id may be newer"),
        pytest.param([untimed(9), untimed(8), *RUNS], [5], {5: 9}, id="the highest of them"),
        pytest.param([*RUNS[1:], untimed(1)], [5], {}, id="a lower id is older"),
        pytest.param([untimed(7), untimed(9)], [9], {}, id="where none has a time ids tell"),
        pytest.param([*RUNS, with_unknown(run_of(9), "create_time")], [5], {}, id="no match"),
    ],
)
def test_a_run_without_a_time_may_be_the_newest(
    runs: list[TestRun], chosen: list[int], doubts: dict[int, int]
) -> None:
    choice = STAGED.choose(runs)
    assert [run.id for run in choice.runs] == chosen
    assert {run_id: doubt.id for run_id, doubt in choice.doubts.items()} == doubts


def test_each_group_has_its_own_doubts_and_where_all_are_meant_there_are_none() -> None:
    runs = [untimed(9, name="Search"), *RUNS]
    assert replace(STAGED, each=(Group.NAME,)).choose(runs).doubts == {1: runs[0]}
    assert replace(STAGED, every=True).choose(runs).doubts == {}


def test_a_list_is_read_on_where_a_run_without_a_time_matches() -> None:
    runs = [untimed(999), run_of(998, 1, environment="staging")]
    served = RunList(runs + [run_of(900 - n, 2 + n) for n in range(300)])
    choice = STAGED.choose_from(Listing(served.page, Lookback()))
    assert ([run.id for run in choice.runs], list(choice.doubts)) == ([998], [998])
    assert served.requests == [(0, 100)]


def test_a_run_without_a_time_is_met_wherever_it_is_on_the_page() -> None:
    runs = [run_of(998 - n, n, environment="staging") for n in range(99)]
    served = RunList([*runs, untimed(999), *[run_of(800 - n, 100 + n) for n in range(300)]])
    choice = STAGED.choose_from(Listing(served.page, Lookback()))
    assert ([run.id for run in choice.runs], list(choice.doubts)) == ([998], [998])
    assert served.requests == [(0, 100)]


WEEK = Lookback(since=NOW - timedelta(days=7))


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        pytest.param(
            [COMMIT, Condition(field=Field.ENVIRONMENT, wanted="qa")],
            "run 5 has git-ref abcd4e8, but its environment is staging",
            id="the same commit elsewhere, the newest such run",
        ),
        pytest.param(
            [Condition(field=Field.GIT_REF, wanted="1234567"), STAGING],
            "run 5 has environment staging, but its git-ref is abcd4e87",
            id="the same environment of another commit",
        ),
        pytest.param(
            [STAGING, Condition(field=Field.INCLUDE_TAG, wanted="smoke")],
            "its include-tag is unknown",
            id="no tag",
        ),
        pytest.param([Condition(field=Field.NAME, wanted="Pay")], "", id="nothing in common"),
    ],
)
def test_the_nearest_miss_is_told(conditions: list[Condition], said: str) -> None:
    miss = Selection(conditions=tuple(conditions)).nearest_miss(RUNS, WEEK)
    assert said in miss
    assert bool(said) is bool(miss)


def test_a_commit_tells_more_than_an_environment() -> None:
    runs = [run_of(1, 99, environment="qa"), run_of(2, environment="staging", git_ref="main")]
    miss = Selection(conditions=(COMMIT, STAGING)).nearest_miss(runs, WEEK)
    assert miss == "run 1 has git-ref abcd4e8, but its environment is qa"


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        pytest.param([STAGING], "run 1 has environment staging, but it is", id="described"),
        pytest.param([], "run 1 is the newest, but it is", id="any"),
    ],
)
def test_a_run_that_is_too_old_is_told(conditions: list[Condition], said: str) -> None:
    old = run_of(1, 60 * 24 * 8, environment="staging")
    miss = Selection(conditions=tuple(conditions)).nearest_miss([old], WEEK)
    assert miss == f"{said} outside --lookback (created 2024-02-22 12:00 UTC)"


def test_a_run_beyond_the_number_of_runs_is_told_without_a_time() -> None:
    run = with_unknown(run_of(1, environment="staging"), "create_time")
    miss = Selection(conditions=(STAGING,)).nearest_miss([run], WEEK)
    assert miss.endswith("but it is outside --lookback")


def test_where_no_run_was_read_there_is_no_nearest_miss() -> None:
    assert Selection().nearest_miss([], WEEK) == ""


@pytest.mark.parametrize(
    ("query", "text"),
    [
        pytest.param(Query(selection=Selection()), "run", id="any"),
        pytest.param(
            Query(selection=Selection(conditions=(COMMIT, STAGING))),
            "run with git-ref abcd4e8, environment staging",
            id="conditions",
        ),
        pytest.param(
            Query(selection=Selection(conditions=(STAGING,)), deploy_id=77),
            "run of deploy 77 with environment staging",
            id="a deploy",
        ),
    ],
)
def test_a_query_is_named_by_what_is_looked_for(query: Query, text: str) -> None:
    assert str(query) == text
