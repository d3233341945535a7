from __future__ import annotations

from datetime import timedelta

import pytest

from testery_gate.listing import Lookback
from testery_gate.selection import (
    Condition,
    Field,
    Group,
    Query,
    RunReference,
    Selection,
    parse_reference,
    parse_references,
)
from tests.builders import with_unknown
from tests.runlist import NOW, run_of

ADDRESS = "https://testery.app/acme/test-runs/55676"


@pytest.mark.parametrize(
    ("text", "run_id", "web_url"),
    [
        pytest.param("55676", 55676, None, id="an id"),
        pytest.param(ADDRESS, 55676, ADDRESS, id="an address"),
        pytest.param(f"{ADDRESS}/", 55676, ADDRESS, id="a trailing slash"),
        pytest.param(f"{ADDRESS}/tests/7/console", 55676, ADDRESS, id="a test of the run"),
        pytest.param(f"{ADDRESS}?tab=1#top", 55676, ADDRESS, id="query and fragment"),
        pytest.param(
            "http://127.0.0.1:8099/api/test-runs/1",
            1,
            "http://127.0.0.1:8099/api/test-runs/1",
            id="an API address",
        ),
    ],
)
def test_a_run_is_named_by_id_or_address(text: str, run_id: int, web_url: str | None) -> None:
    assert parse_reference(text) == RunReference(run_id=run_id, web_url=web_url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "abc",
        "5 5",
        "٣",
        "9" * 19,
        "https://testery.app/acme/test-runs/",
        "https://testery.app/acme/test-runs/0",
        "https://testery.app/acme/test-runs/12x",
        f"x{ADDRESS}",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no run; give its id, such as 55676"):
        parse_reference(text)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param("1\n2\n", [1, 2], id="ids"),
        pytest.param("\n 1 \r\n\r\n2", [1, 2], id="blank lines and blanks"),
        pytest.param(f"{ADDRESS}\n7", [55676, 7], id="an address and an id"),
        pytest.param("\ufeff1", [1], id="a byte order mark"),
        pytest.param(
            "{'project': 'demo', 'copies': 1}\ntest_run_id: 12345\nCompleted: 30 of 30 pass\n3\n",
            [12345],
            id="what the Testery client prints",
        ),
        pytest.param("test_run_id: 1\n...\n  test_run_id:2\n", [1, 2], id="of two calls"),
    ],
)
def test_runs_are_read_from_lines(text: str, ids: list[int]) -> None:
    assert [reference.run_id for reference in parse_references(text)] == ids


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "it is empty", id="nothing"),
        pytest.param(" \n\n", "it is empty", id="blank lines"),
        pytest.param("1\n2x\n3", "line 2", id="a slip among ids"),
        pytest.param("deploy_id: 77", "line 1", id="a deploy"),
        pytest.param("test_run_id: 0", "line 1", id="an id that is none"),
        pytest.param("test_run_id: 12345 or so", "line 1", id="no id alone"),
    ],
)
def test_a_text_without_runs_or_with_a_slip_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_references(text)


def test_what_stands_on_standard_input_is_never_quoted() -> None:
    with pytest.raises(ValueError, match="line 1") as error:
        parse_references("{'variables': {'PASSWORD': 'canary'}}")
    assert "canary" not in str(error.value)


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
    assert [run.id for run in selection.choose(RUNS)] == ids


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
    assert miss == f"{said} further back than --lookback reaches (created 2024-02-22 12:00 UTC)"


def test_a_run_beyond_the_number_of_runs_is_told_without_a_time() -> None:
    run = with_unknown(run_of(1, environment="staging"), "create_time")
    miss = Selection(conditions=(STAGING,)).nearest_miss([run], WEEK)
    assert miss.endswith("but it is further back than --lookback reaches")


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
