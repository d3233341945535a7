from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from testery_gate.errors import NotFound
from testery_gate.model import TestRun
from testery_gate.runs.described import Described
from testery_gate.runs.finding import Search
from testery_gate.runs.meant import Meant, Named
from testery_gate.runs.selection import Group, Query, Selection
from tests.builders import with_unknown
from tests.runlist import NOW, RunList, run_of


class Api(RunList):
    """A list without deploys."""

    def deployed(self, deploy_id: int) -> Sequence[TestRun]:
        raise NotFound(f"no deploy {deploy_id}")


def canceled(run_id: int, minutes: float, **others: Any) -> TestRun:
    return run_of(run_id, minutes, status="CANCELED", **others)


def described(api: Api, selection: Selection) -> Described:
    return Described(Search(Query(selection=selection, max_age=None), api, lambda: NOW))


def ask(question: Described | Named, *seen: TestRun) -> Meant:
    return question.ask(seen)


EACH = Selection(each=(Group.NAME,))


def test_the_first_answer_has_no_news() -> None:
    answer = ask(described(Api([run_of(2, name="Search"), run_of(1, 5)]), EACH))
    assert (tuple(answer.notes), answer.news) == ((2, 1), [])
    assert set(answer.shown) == {1, 2}


def test_what_takes_the_place_of_another_has_its_story() -> None:
    api = Api([run_of(1, 9)])
    question = described(api, EACH)
    ask(question)
    api.runs.insert(0, run_of(2, 5))
    first = "run 1 was meant at first, and is not any more: run 2 is newer"
    assert (ask(question).notes, ask(question).news) == ({2: (first,)}, [])
    api.runs.insert(0, run_of(3, 4))
    second = "run 2 was meant at first, and is not any more: run 3 is newer"
    answer = ask(question)
    assert (answer.notes, answer.news) == ({3: (first, second)}, [second])


def test_a_run_that_was_once_meant_stays_where_nothing_newer_is() -> None:
    api = Api([run_of(2, 5), run_of(1, 9)])
    question = described(api, EACH)
    ask(question)
    api.runs = api.runs[1:]
    assert tuple(ask(question).notes) == (2,)


def test_a_run_that_was_left_comes_back_where_it_was_canceled() -> None:
    # Another suite took its place, and then it was canceled: nobody knows what it would have found.
    api = Api([run_of(1, 9, status="RUNNING")])
    question = described(api, Selection())
    ask(question)
    api.runs.insert(0, run_of(2, 5, name="Search"))
    assert tuple(ask(question).notes) == (2,)
    api.runs[1] = canceled(1, 9)
    assert tuple(ask(question).notes) == (2, 1)


def test_a_canceled_run_gives_way_to_the_newest_of_its_kind() -> None:
    api = Api([canceled(1, 9)])
    question = described(api, Selection())
    ask(question)
    api.runs = [run_of(4, 3, name="Search"), run_of(3, 4), run_of(2, 5), *api.runs]
    answer = ask(question)
    assert tuple(answer.notes) == (4,)


def test_a_doubt_is_gone_when_the_time_is_known() -> None:
    api = Api([with_unknown(run_of(2), "create_time"), run_of(1, 9)])
    question = described(api, Selection())
    assert list(ask(question).doubts) == [1]
    api.runs[0] = run_of(2, 5)
    answer = ask(question)
    assert (tuple(answer.notes), answer.doubts) == ((2,), {})


# Runs that are named.


def test_named_runs_need_no_list_while_none_is_canceled() -> None:
    api = Api([])
    assert tuple(ask(Named([2, 1], api), run_of(1), run_of(2)).notes) == (2, 1)
    assert tuple(Named([1], api).ask([canceled(1, 0)], optional=True).notes) == (1,)
    assert api.requests == []


def test_a_named_run_gives_way_in_its_place() -> None:
    api = Api([run_of(4, 1), run_of(3, 2), canceled(1, 9)])
    answer = ask(Named([1, 2], api), canceled(1, 9), run_of(2, name="Search"))
    story = "run 1 was canceled, and newer run 4 followed"
    assert (answer.notes, answer.news) == ({4: (story,), 2: ()}, [story])


def test_two_that_give_way_to_the_same_run_are_one() -> None:
    api = Api([run_of(3, 1), canceled(2, 5), canceled(1, 9)])
    answer = ask(Named([1, 2], api), canceled(1, 9), canceled(2, 5))
    assert tuple(answer.notes) == (3,)
    assert len(answer.notes[3]) == 2


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="none"),
        pytest.param([run_of(2, 10)], id="an older one"),
        pytest.param([run_of(2, 1, name="Search")], id="one of another name"),
        pytest.param([run_of(2, 1, environment="qa")], id="one of another environment"),
        pytest.param([run_of(2, 1, project_id=9)], id="one of another project"),
    ],
)
def test_nothing_else_supersedes(others: list[TestRun]) -> None:
    answer = ask(Named([1], Api([*others, canceled(1, 9)])), canceled(1, 9))
    assert answer.notes == {1: ()}


@pytest.mark.parametrize("unknown", ["project_id", "environment", "name", "create_time"])
def test_what_is_unknown_of_a_run_is_not_the_same(unknown: str) -> None:
    old, new = (with_unknown(run, unknown) for run in (canceled(1, 9), run_of(2, 1)))
    assert tuple(ask(Named([1], Api([new, old])), old).notes) == (1,)


@pytest.mark.parametrize("refs", [("abcd4e8", "abcd4e87d8d9"), (None, None)])
def test_a_build_is_the_same_by_its_commit(refs: Sequence[str | None]) -> None:
    old, new = canceled(1, 9, git_ref=refs[0]), run_of(2, 1, git_ref=refs[1])
    assert tuple(ask(Named([1], Api([new, old])), old).notes) == (2,)


@pytest.mark.parametrize("build_key", [None, ""])
@pytest.mark.parametrize("git_ref", [None, "", "main"])
def test_what_is_unknown_of_two_builds_is_no_evidence(
    git_ref: str | None, build_key: str | None
) -> None:
    old = canceled(1, 9, git_ref=git_ref, build_key=build_key)
    new = run_of(2, 1, git_ref=git_ref, build_key=build_key)
    assert tuple(ask(Named([1], Api([new, old])), old).notes) == (1,)


def test_a_commit_is_evidence_where_no_build_is_known() -> None:
    old, new = canceled(1, 9, build_key=None), run_of(2, 1, build_key=None)
    assert tuple(ask(Named([1], Api([new, old])), old).notes) == (2,)


def test_a_run_of_another_build_is_named_once() -> None:
    api = Api([run_of(2, 1, build_key="24"), canceled(1, 9)])
    question = Named([1], api)
    for _ in range(2):
        assert ask(question, canceled(1, 9)).notes == {
            1: ("newer run 2 is not known to be of the same commit and build",)
        }
