"""Which runs are meant, by the values of options; the rest is tested through the command."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import click
import pytest

from testery_gate.cli import arguments
from testery_gate.cli.main import wait
from testery_gate.cli.options import Reach
from testery_gate.errors import UsageError
from testery_gate.runs.references import RunReference
from testery_gate.runs.selection import Condition, Field, Group, Query, Selection

NOTHING: dict[str, Any] = {
    "git_ref": None,
    "build_key": None,
    "environment": None,
    "project_id": None,
    "name": None,
    "include_tag": (),
    "status": None,
    "latest": False,
    "each": (),
    "every": False,
    "deploy_id": None,
    "lookback": Reach(seconds=Fraction(86400), runs=50),
    "token_file": None,
}
DESCRIPTIONS = [
    pytest.param({"git_ref": "main"}, id="git-ref"),
    pytest.param({"build_key": "1"}, id="build-key"),
    pytest.param({"environment": "dev"}, id="environment"),
    pytest.param({"project_id": 0}, id="project-id"),
    pytest.param({"name": "x"}, id="name"),
    pytest.param({"include_tag": ("smoke",)}, id="include-tag"),
    pytest.param({"status": "PASS"}, id="status"),
    pytest.param({"latest": True}, id="latest"),
    pytest.param({"each": ("name",)}, id="each"),
    pytest.param({"every": True}, id="all"),
    pytest.param({"deploy_id": 7}, id="deploy-id"),
]


def target(*runs: str, **values: Any) -> Any:
    return arguments.target(runs, lambda name: f"<{name}>", **(NOTHING | values))


def selection(**values: Any) -> Selection:
    query = target(**values)
    assert isinstance(query, Query)
    return query.selection


@pytest.mark.parametrize("given", DESCRIPTIONS)
def test_whatever_describes_a_run_makes_a_query(given: dict[str, Any]) -> None:
    query = target(**given)
    assert isinstance(query, Query)
    assert (query.max_age and query.max_age.days, query.max_runs) == (1, 50)


@pytest.mark.parametrize("given", DESCRIPTIONS)
def test_a_run_that_is_named_must_not_be_described_too(given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(UsageError, match=f"named and described, by <{name}>") as error:
        target("1", **given)
    assert "--expect" in error.value.advice


def test_without_either_it_is_a_usage_error_that_says_how_to() -> None:
    with pytest.raises(UsageError, match="no run is named and none described") as error:
        target()
    assert "--git-ref auto" in error.value.advice


def test_conditions_are_combined_in_the_order_of_their_weight() -> None:
    given = {"status": "fail", "include_tag": ("a", "b"), "environment": "dev", "git_ref": "main"}
    assert selection(**given, project_id=7).conditions == (
        Condition(field=Field.GIT_REF, wanted="main"),
        Condition(field=Field.ENVIRONMENT, wanted="dev"),
        Condition(field=Field.PROJECT_ID, wanted="7"),
        Condition(field=Field.INCLUDE_TAG, wanted="a"),
        Condition(field=Field.INCLUDE_TAG, wanted="b"),
        Condition(field=Field.STATUS, wanted="FAIL"),
    )


def test_what_is_wanted_is_read_as_the_runs_own_text_is() -> None:
    (condition,) = selection(name="  Nightly \n  checkout ").conditions
    assert condition.wanted == "Nightly checkout"


@pytest.mark.parametrize(
    ("option", "value"),
    [("git_ref", ""), ("environment", " "), ("include_tag", ("smoke", "")), ("name", "\x1b[1m")],
)
def test_an_empty_condition_is_a_mistake_and_not_any_run(option: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')} is empty"):
        target(**{option: value})


def test_each_and_all_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="choose one"):
        target(each=("name",), every=True)


@pytest.mark.parametrize(
    ("given", "every", "each"),
    [
        pytest.param({"latest": True}, False, (), id="one"),
        pytest.param({"every": True}, True, (), id="all"),
        pytest.param(
            {"each": ("project", "name")}, False, (Group.PROJECT, Group.NAME), id="of groups"
        ),
        pytest.param({"deploy_id": 7}, True, (), id="a deploy's runs as a whole"),
        pytest.param({"deploy_id": 7, "each": ("name",)}, False, (Group.NAME,), id="or of groups"),
    ],
)
def test_how_many_runs_are_meant(
    given: dict[str, Any], every: bool, each: tuple[Group, ...]
) -> None:
    chosen = selection(**given)
    assert (chosen.every, chosen.each) == (every, each)


def test_a_lookback_without_an_age_has_none() -> None:
    query = target(latest=True, lookback=Reach(seconds=None, runs=5))
    assert (query.max_age, query.max_runs) == (None, 5)


def test_runs_are_named_once_each() -> None:
    address = "https://testery.app/acme/test-runs/1"
    assert target("2", address, "1") == (
        RunReference(run_id=2),
        RunReference(run_id=1, web_url=address),
    )


@pytest.mark.parametrize(
    ("given", "every", "most"),
    [
        pytest.param({}, True, 20, id="all"),
        pytest.param({"environment": "dev"}, True, 20, id="all that are described"),
        pytest.param({"latest": True}, False, 20, id="the latest"),
        pytest.param({"each": ("name",)}, False, 20, id="of each group the newest"),
    ],
)
def test_a_list_has_all_runs_unless_fewer_are_asked_for(
    given: dict[str, Any], every: bool, most: int
) -> None:
    query = arguments.listed(**(NOTHING | given), limit=20)
    assert (query.selection.every, query.selection.most) == (every, most)


def test_the_groups_that_can_be_named_are_those_there_are() -> None:
    (each,) = (option for option in wait.params if option.name == "each")
    assert isinstance(each.type, click.Choice)
    assert list(each.type.choices) == [group.value for group in Group]
