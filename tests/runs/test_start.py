"""Starting a run: once, and what follows where its answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from testery_gate.errors import (
    ApiError,
    ExitCode,
    GateError,
    Lost,
    NotFound,
    Refused,
    Unauthorized,
    Unavailable,
    UsageError,
)
from testery_gate.model import Entry, TestRun
from testery_gate.runs.start import LOOK_SECONDS, Source, Start, Starter, Variable
from tests.builders import make_run
from tests.fakes import FakeClock

T = TypeVar("T")
WANTED = Start(project="shop", environment="qa", build_key="gate-1", own_key=True)
LOST = Lost("HTTP 500 from the API", advice="Try again later.")
OURS = make_run(id=9, build_key="gate-1", environment="qa")
SAYS = Unavailable("the list is down")


class Api:
    """Answers a start and the list of runs as a test says; the last list stays."""

    def __init__(self, *lists: Sequence[TestRun] | ApiError, answer: TestRun | ApiError) -> None:
        self.answer = answer
        self.lists = list(lists)
        self.bodies: list[Mapping[str, object]] = []
        self.entries: dict[str, Sequence[Entry] | ApiError] = {
            "projects": [Entry(id=3, key="shop"), Entry(id=4, key="other")],
            "environments": [Entry(id=7, key="qa")],
            "suites": [Entry(id=31, name="Smoke"), Entry(id=32, name="smoke all")],
        }

    def start(self, wanted: Mapping[str, object], note_doubt: Callable[[bool], None]) -> TestRun:
        self.bodies.append(wanted)
        note_doubt(isinstance(self.answer, Lost | TestRun))
        return answered(self.answer)

    def newest(self, _limit: int) -> Sequence[TestRun]:
        return answered(self.lists.pop(0) if len(self.lists) > 1 else self.lists[0])

    def projects(self) -> Sequence[Entry]:
        return answered(self.entries["projects"])

    def environments(self) -> Sequence[Entry]:
        return answered(self.entries["environments"])

    def test_suites(self, project_id: int) -> Sequence[Entry]:
        assert project_id == 3
        return answered(self.entries["suites"])


def answered(what: T | ApiError) -> T:
    if isinstance(what, ApiError):
        raise copy(what)
    return what


class Try:
    """One start, and what was said."""

    def __init__(self, wanted: Start, api: Api) -> None:
        self.clock, self.said = FakeClock(), list[str]()
        self.api = api
        self.starter = Starter(
            wanted, api, clock=self.clock, sleep=self.clock.sleep, say=self.said.append
        )

    def __call__(self) -> int:
        def aside(seconds: float) -> Source:
            assert seconds == LOOK_SECONDS
            return self.api

        return self.starter.start(aside)

    def fails(self) -> GateError:
        with pytest.raises(GateError) as raised:
            self()
        assert self.starter.run_id is None
        assert len(self.api.bodies) <= 1
        return raised.value


def test_what_was_started_is_what_the_answer_says() -> None:
    attempt = Try(WANTED, Api((), answer=OURS))
    assert attempt() == attempt.starter.run_id == 9
    assert attempt.said == []
    assert attempt.api.bodies == [
        {
            "project": "shop",
            "environment": "qa",
            "updateVcsStatus": True,
            "copies": 1,
            "buildId": "gate-1",
        }
    ]


def test_all_that_was_asked_for_is_in_the_request() -> None:
    wanted = replace(
        WANTED,
        git_ref="abc",
        branch="main",
        test_suite="SMOKE",
        include_tags=("a", "b"),
        exclude_tags=("c",),
        variables=(Variable(key="K", value=""), Variable(key="P", value="s3cret", secret=True)),
        vcs_status=False,
    )
    attempt = Try(wanted, Api((), answer=OURS))
    attempt()
    (body,) = attempt.api.bodies
    assert body == {
        "project": "shop",
        "environment": "qa",
        "updateVcsStatus": False,
        "copies": 1,
        "buildId": "gate-1",
        "ref": "abc",
        "branch": "main",
        "testSuiteId": 31,
        "includeTags": ["a", "b"],
        "excludedTags": ["c"],
        "variables": [
            {"key": "K", "value": "", "encrypted": False},
            {"key": "P", "value": "s3cret", "encrypted": True},
        ],
    }


def test_secrets_do_not_show_and_short_ones_are_not_looked_for() -> None:
    variables = tuple(
        Variable(key="K", value=value, secret=secret)
        for value, secret in (("plain-text", False), ("abcde", True), ("s3cret-value", True))
    )
    wanted = replace(WANTED, variables=variables)
    assert wanted.secrets == ["s3cret-value"]
    assert "s3cret-value" not in repr(wanted)


def test_a_lost_answer_is_looked_up_until_the_run_is_there() -> None:
    other = make_run(id=8, build_key="other", environment="qa")
    attempt = Try(WANTED, Api([other], SAYS, [OURS, other, OURS], answer=LOST))
    assert attempt() == 9
    assert attempt.clock.slept == [1, 2]
    first, second = attempt.said
    assert first == "HTTP 500 from the API; looking for the run that may have been started"
    assert second.startswith("Run 9 is the one that was started: it has the build key gate-1, ")
    (note,) = attempt.starter.notes
    assert "the answer to the start was lost (HTTP 500 from the API); run 9" in note


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        pytest.param([()], "the list shows none within 30 s", id="none"),
        pytest.param([SAYS], "the list of runs can't be read: the list is down", id="no list"),
        pytest.param(
            [[OURS, replace(OURS, id=10)]], "each of the runs 9, 10 may be it", id="several"
        ),
    ],
)
def test_a_doubt_is_said_and_nothing_is_started_again(lists: list[Any], says: str) -> None:
    attempt = Try(WANTED, Api(*lists, answer=LOST))
    error = attempt.fails()
    assert error.exit_code is ExitCode.UNAVAILABLE
    assert error.message == (
        f"whether a run was started is not known: HTTP 500 from the API; {says}"
    )
    assert "before you start another one" in error.advice
    assert "'testery-gate list --build-key gate-1'" in error.advice
    assert len(attempt.api.bodies) == 1
    assert sum(attempt.clock.slept) in {0, LOOK_SECONDS}
    assert attempt.starter.in_doubt


USERS = replace(WANTED, build_key="v1.2 rc", own_key=False, git_ref="abcdef1", include_tags=("a",))
THEIRS = make_run(
    id=9,
    build_key="v1.2 rc",
    environment="qa",
    git_ref="abcdef1234",
    include_tags=("a", "b"),
)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"id": 8}, id="there before"),
        pytest.param({"environment": "dev"}, id="elsewhere"),
        pytest.param({"git_ref": "1234567"}, id="another commit"),
        pytest.param({"git_ref": None}, id="an unknown commit"),
        pytest.param({"include_tags": ()}, id="other tags"),
        pytest.param({"build_key": "v1.2"}, id="another build"),
    ],
)
def test_with_a_key_of_the_user_only_a_new_run_like_it_is_named(other: Mapping[str, Any]) -> None:
    before = replace(THEIRS, id=8)
    others = replace(THEIRS, **({"id": 10} | dict(other)))
    error = Try(USERS, Api([before], [THEIRS, others, before], answer=LOST)).fails()
    assert error.message.endswith("; run 9 may be it, or another job's with the same build key")
    error = Try(USERS, Api([before], [others, before], answer=LOST)).fails()
    assert error.message.endswith("the list shows none within 30 s")
    assert error.advice.endswith("'testery-gate list --build-key 'v1.2 rc' --environment qa'.")


def test_a_run_with_a_key_of_the_user_is_never_taken_for_the_one_that_was_started() -> None:
    """Another job of the pipeline may have started it, for other tests; the list does not tell."""
    attempt = Try(USERS, Api((), [THEIRS], answer=LOST))
    assert attempt.fails().exit_code is ExitCode.UNAVAILABLE
    assert attempt.starter.certain([THEIRS]) is None
    assert Try(WANTED, Api((), answer=OURS)).starter.certain([OURS]) == 9


def test_without_a_commit_any_may_be_it() -> None:
    wanted = replace(USERS, git_ref=None, include_tags=())
    assert "run 9 may be it" in Try(wanted, Api((), [THEIRS], answer=LOST)).fails().message


def test_a_list_that_can_not_be_read_before_keeps_nothing_from_the_start() -> None:
    assert Try(USERS, Api(SAYS, answer=THEIRS))() == 9


def test_a_run_of_another_build_is_not_the_one_that_was_started() -> None:
    """A server that answers with a run that it had already, for one."""
    older = make_run(id=5, build_key="other", environment="qa")
    assert Try(WANTED, Api([older, OURS], answer=older))() == 9
    attempt = Try(WANTED, Api([older], answer=older))
    assert "the API returned run 5, which has another build key" in attempt.fails().message
    assert attempt.starter.in_doubt
    for key in (None, ""):
        assert Try(WANTED, Api((), answer=replace(OURS, build_key=key)))() == 9
    secret = replace(WANTED, variables=(Variable(key="K", value="gate-1", secret=True),))
    assert Try(secret, Api((), answer=replace(OURS, build_key="***")))() == 9


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        pytest.param(Unavailable("port closed"), 4, "no run was started: port closed", id="down"),
        pytest.param(Unauthorized("HTTP 401"), 3, "no run was started: HTTP 401", id="no token"),
        pytest.param(
            Unauthorized("HTTP 403", token_rejected=False),
            3,
            "no run was started: HTTP 403",
            id="no right",
        ),
        pytest.param(Refused("ref is odd"), 2, "no run was started: ref is odd", id="refused"),
    ],
)
def test_what_starts_nothing_says_so(answer: ApiError, code: int, says: str) -> None:
    attempt = Try(WANTED, Api((), answer=answer))
    error = attempt.fails()
    assert (error.exit_code, error.message) == (code, says)
    assert not attempt.starter.in_doubt
    if says.endswith("403"):
        assert error.advice == "Use a token that may start runs of project shop."


GONE = NotFound("nothing was found (HTTP 404)")


@pytest.mark.parametrize(
    ("wanted", "entries", "says"),
    [
        pytest.param(
            {"project": "shp"}, {}, "there is no project shp; there are: shop, other", id="project"
        ),
        pytest.param(
            {"environment": "q"}, {}, "there is no environment q; there are: qa", id="environment"
        ),
        pytest.param(
            {"project": "p", "environment": "e"},
            {"projects": [Entry(id=n, key=f"p{n}") for n in range(31)]},
            f"there is no project p; there are: {', '.join(f'p{n}' for n in range(30))} and 1 more;"
            " there is no environment e; there are: qa",
            id="both",
        ),
        *(
            pytest.param(
                {},
                entries,
                "Testery knows no project shop or no environment qa: nothing was found (HTTP 404)",
                id=name,
            )
            for name, entries in (
                ("neither", {}),
                ("no lists", {"projects": GONE, "environments": []}),
            )
        ),
    ],
)
def test_what_is_not_there_is_a_usage_error_that_names_what_is(
    wanted: Mapping[str, Any], entries: Mapping[str, Any], says: str
) -> None:
    api = Api((), answer=GONE)
    api.entries |= entries
    error = Try(replace(WANTED, **wanted), api).fails()
    assert isinstance(error, UsageError)
    assert error.message == f"no run was started: {says}"
    assert "--project" in error.advice


@pytest.mark.parametrize(
    ("wanted", "entries", "code", "says"),
    [
        pytest.param(
            {"test_suite": "smok"},
            {},
            2,
            "there is no test suite smok; there are: Smoke, smoke all",
            id="no such suite",
        ),
        pytest.param({}, {"suites": []}, 2, "there is no test suite Smoke", id="no suites"),
        pytest.param(
            {}, {"suites": [Entry(name="Smoke")]}, 2, "there is no test suite Smoke", id="no id"
        ),
        pytest.param({"project": "x"}, {}, 2, "there is no project x", id="no such project"),
        pytest.param(
            {}, {"projects": [Entry(key="shop")]}, 2, "there is no project shop", id="of no id"
        ),
        pytest.param({}, {"projects": GONE}, 4, "can't be found out: nothing", id="not offered"),
        pytest.param({}, {"suites": SAYS}, 4, "Smoke can't be found out: the list", id="down"),
        pytest.param({}, {"suites": Unauthorized("HTTP 403")}, 3, "HTTP 403", id="no right"),
    ],
)
def test_without_the_id_of_a_test_suite_nothing_is_started(
    wanted: Mapping[str, Any], entries: Mapping[str, Any], code: int, says: str
) -> None:
    api = Api((), answer=OURS)
    api.entries |= entries
    attempt = Try(replace(WANTED, **({"test_suite": "Smoke"} | dict(wanted))), api)
    error = attempt.fails()
    assert error.exit_code == code
    assert says in error.message
    assert api.bodies == []


def test_a_look_takes_no_longer_than_it_may() -> None:
    attempt = Try(WANTED, Api((), answer=OURS))
    assert attempt.starter.look(attempt.api, 10, attempt.clock.sleep) == ()
    assert sum(attempt.clock.slept) == 10
