"""GitHub's own: check runs, who the token is, and what a pipeline there says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from testery_gate.ci.issues import Issue, Severity
from testery_gate.code_hosts import github
from testery_gate.code_hosts.comment import keep_one, own_comments
from testery_gate.code_hosts.host import Bare, State, Status, Surroundings
from testery_gate.code_hosts.http import HostError, Lost, NoRights
from tests.code_hosts.connecting import (
    MARKER,
    SECONDS,
    Connected,
    connected,
    text_of,
    wanted,
)
from tests.code_hosts.github_stand_in import VIEWER, GitHubStandIn
from tests.code_hosts.stand_in import COMMIT, SOMEBODY_ELSE, Fault, Said

PENDING = Status(state=State.PENDING, context="gate", description="Waiting for Testery")
URL = "https://testery.app/acme/test-runs/5"


@pytest.fixture
def stand_in() -> GitHubStandIn:
    """GitHub, where the token is that of a workflow."""
    found = GitHubStandIn()
    found.is_app = True
    return found


@pytest.fixture
def there(stand_in: GitHubStandIn) -> Iterator[Connected]:
    with connected(stand_in) as found:
        yield found


def issues(count: int) -> list[Issue]:
    return [
        Issue(
            severity=Severity.ERROR if number else Severity.WARNING,
            subject=f"test {number}",
            message="expected 401" if number else "",
            file="features/a.feature" if number else "",
        )
        for number in range(count)
    ]


def final(state: State = State.FAILED, count: int = 0) -> Status:
    return replace(
        PENDING,
        state=state,
        description="FAILED: 1 of 3 failed",
        url=URL,
        report=lambda limit: "report " * (limit // 7),
        issues=issues(count),
    )


def test_a_check_run_is_in_progress_and_then_completed(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    host = there.host()
    host.set_status(PENDING)
    (check,) = stand_in.checks
    assert (check["name"], check["head_sha"], check["status"]) == ("gate", COMMIT, "in_progress")
    assert check["output"]["title"] == check["output"]["summary"] == "Waiting for Testery"
    host.set_status(final())
    (check,) = stand_in.checks
    assert (check["status"], check["conclusion"]) == ("completed", "failure")
    assert check["details_url"] == URL
    assert check["output"]["title"] == "FAILED: 1 of 3 failed"
    assert 65_000 < len(check["output"]["summary"]) <= 65_535
    assert not stand_in.statuses


def test_a_check_run_that_could_not_begin_is_made_at_the_end(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    host = there.host()
    stand_in.faults = [Fault(said=Said(status=422, data={"message": "no"}), times=1)]
    with pytest.raises(HostError, match="422"):
        host.set_status(PENDING)
    host.set_status(final(State.PASSED))
    (check,) = stand_in.checks
    assert check["conclusion"] == "success"


LOST = [Said(status=502), Said(status=201, body=b"<html>")]


@pytest.mark.parametrize("said", LOST, ids=["no answer", "no JSON"])
def test_a_check_run_whose_answer_is_lost_is_found(
    there: Connected, stand_in: GitHubStandIn, said: Said
) -> None:
    another = there.host()
    another.set_status(PENDING)
    stand_in.faults = [Fault(said=said, method="POST", times=1, done=True)]
    host = there.host()
    with suppress(HostError):
        host.set_status(PENDING)
    host.set_status(final(count=1))
    others, own = stand_in.checks
    assert (others["status"], own["status"]) == ("in_progress", "completed")
    assert len(own["annotations"]) == 1


def test_a_check_run_whose_answer_is_lost_is_looked_for_after_a_while(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    stand_in.faults = [Fault(said=Said(status=502), method="POST", times=1, done=True)]
    there.host().set_status(PENDING)
    assert there.clock.slept == [0.5]
    assert stand_in.count("POST") == 1
    assert [check["status"] for check in stand_in.checks] == ["in_progress"]


@pytest.mark.parametrize(("times", "slept"), [(3, [0.5, 1, 2]), (4, [0.5, 1, 2, 4])])
def test_a_check_run_that_was_not_made_is_asked_for_again(
    there: Connected, stand_in: GitHubStandIn, times: int, slept: Sequence[float]
) -> None:
    stand_in.faults = [Fault(said=Said(status=502), method="POST", times=times)]
    there.host().set_status(PENDING)
    assert there.clock.slept == slept
    assert [check["status"] for check in stand_in.checks] == ["in_progress"]


def test_a_check_run_that_is_never_made_is_given_up_in_time(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    stand_in.faults = [Fault(said=Said(status=502), method="POST")]
    with pytest.raises(Lost, match="502"):
        there.host().set_status(PENDING)
    assert SECONDS / 2 < sum(there.clock.slept) < SECONDS
    assert stand_in.count("POST") == 5
    assert not stand_in.checks


@pytest.mark.parametrize(
    ("state", "conclusion"),
    [
        (State.PASSED, "success"),
        (State.FAILED, "failure"),
        (State.NO_VERDICT, "failure"),
        (State.STOPPED, "cancelled"),
    ],
)
def test_no_end_but_passed_lets_a_change_be_merged(
    there: Connected, stand_in: GitHubStandIn, state: State, conclusion: str
) -> None:
    there.host().set_status(final(state))
    (check,) = stand_in.checks
    assert check["conclusion"] == conclusion
    assert conclusion == "success" or conclusion not in {"success", "neutral", "skipped"}


@pytest.mark.parametrize(
    ("count", "kept", "requests"), [(0, 0, 1), (50, 50, 2), (51, 51, 3), (300, 200, 5)]
)
def test_annotations_are_added_by_updates(
    there: Connected, stand_in: GitHubStandIn, count: int, kept: int, requests: int
) -> None:
    there.host().set_status(final(count=count))
    (check,) = stand_in.checks
    assert [one["title"] for one in check["annotations"]] == [f"test {n}" for n in range(kept)]
    assert check["conclusion"] == "failure"
    assert len(stand_in.asked) == requests


def test_an_annotation_needs_a_path_and_a_message(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    there.host().set_status(final(count=2))
    (check,) = stand_in.checks
    assert check["annotations"] == [
        {
            "path": ".github",
            "start_line": 1,
            "end_line": 1,
            "annotation_level": "warning",
            "title": "test 0",
            "message": "test 0",
        },
        {
            "path": "features/a.feature",
            "start_line": 1,
            "end_line": 1,
            "annotation_level": "failure",
            "title": "test 1",
            "message": "expected 401",
        },
    ]


@pytest.mark.parametrize("status", [403, 422])
def test_the_verdict_is_there_before_the_annotations(
    there: Connected, stand_in: GitHubStandIn, status: int
) -> None:
    stand_in.faults = [Fault(said=Said(status=status, data={"message": "no"}), method="PATCH")]
    with pytest.raises(Bare):
        there.host().set_status(final(count=1))
    (check,) = stand_in.checks
    assert check["conclusion"] == "failure"
    assert not stand_in.statuses


def test_a_token_that_is_no_apps_sets_a_commit_status(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    stand_in.is_app = False
    host = there.host()
    host.set_status(replace(PENDING, url=URL))
    host.set_status(replace(final(), description="why " * 100))
    assert stand_in.count("POST", "check-runs") == 1
    pending, failed = stand_in.statuses
    assert (pending["state"], pending["context"]) == ("pending", "gate")
    assert (failed["state"], failed["target_url"]) == ("failure", URL)
    assert len(failed["description"]) <= 140


def test_neither_right_is_one_fault(there: Connected, stand_in: GitHubStandIn) -> None:
    stand_in.faults = [Fault(said=stand_in.forbidden())]
    with pytest.raises(NoRights, match="Resource not accessible by integration"):
        there.host().set_status(PENDING)


def test_who_the_token_is_is_asked_only_where_it_matters(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    host = there.host()
    stand_in.write(SOMEBODY_ELSE, "prose")
    keep_one(host, wanted(host, "one"))
    assert stand_in.count("POST", "graphql") == 0
    other = there.host()
    keep_one(other, wanted(other, "two"))
    keep_one(other, wanted(other, "three"))
    assert stand_in.count("POST", "graphql") == 1


def test_where_graphql_does_not_say_who_it_is_nothing_is_touched(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    host = there.host()
    stand_in.write(SOMEBODY_ELSE, text_of(host, "whose is it?"))
    errors = {"errors": [{"message": "Something went wrong"}], "data": None}
    stand_in.faults = [Fault(said=Said(data=errors), path="graphql")]
    with pytest.raises(NoRights, match="which user"):
        keep_one(host, wanted(host, "one"))
    assert len(stand_in.entries) == 1


def test_graphql_is_asked_as_its_schema_has_it() -> None:
    assert github.VIEWER == VIEWER


@pytest.mark.parametrize(
    "limited",
    [
        Said(
            status=403,
            data={"message": "You have exceeded a secondary rate limit."},
            headers={"Retry-After": "2"},
        ),
        Said(
            status=403,
            data={"message": "API rate limit exceeded"},
            headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1002"},
        ),
    ],
    ids=["secondary", "primary"],
)
def test_a_limit_that_looks_like_missing_rights_is_none(
    there: Connected, stand_in: GitHubStandIn, limited: Said
) -> None:
    stand_in.faults = [Fault(said=limited, times=1)]
    there.host().set_status(PENDING)
    assert there.clock.slept == [2]
    assert stand_in.checks


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"},
        {"X-RateLimit-Remaining": "17", "X-RateLimit-Reset": "1002"},
    ],
)
def test_a_limit_without_an_end_is_not_waited_for(
    there: Connected, stand_in: GitHubStandIn, headers: Mapping[str, str]
) -> None:
    refused = Said(status=403, data={"message": "no"}, headers=headers)
    stand_in.faults = [Fault(said=refused)]
    with pytest.raises(NoRights):
        there.host().set_status(PENDING)
    assert not there.clock.slept


def test_a_comment_that_is_too_long_is_a_fault(there: Connected, stand_in: GitHubStandIn) -> None:
    host = there.host()
    with pytest.raises(HostError, match="Validation Failed: body is too long") as caught:
        host.add_comment("x" * 65_537)
    assert caught.value.status == 422
    assert not isinstance(caught.value, NoRights)
    assert not own_comments(host, MARKER)


def place_of(event: object = None, **variables: str) -> Any:
    return github.GitHub.find_place(
        Surroundings(
            environment={"GITHUB_REPOSITORY": "acme/web-shop"} | variables,
            read_event=lambda: event,
            commit=lambda: COMMIT,
        )
    )


@pytest.mark.parametrize(
    ("event", "ref", "number"),
    [
        ({"pull_request": {"number": 7}}, "refs/heads/main", 7),
        ({"issue": {"number": 8, "pull_request": {"url": "x"}}}, "", 8),
        ({"issue": {"number": 8}}, "", None),
        ({"ref": "refs/heads/main"}, "refs/heads/main", None),
        (None, "refs/pull/9/merge", 9),
        ([], "refs/pull/9/head", 9),
        (None, "refs/pull/x/merge", None),
        (None, "refs/heads/refs/pull/9/merge", None),
        (None, "", None),
    ],
)
def test_the_pull_request_is_that_of_the_event(event: object, ref: str, number: int | None) -> None:
    assert place_of(event, GITHUB_REF=ref).pull_request == number


def test_an_event_that_says_nonsense_is_a_fault() -> None:
    with pytest.raises(HostError, match=r"no number pull_request\.number"):
        place_of({"pull_request": {"number": "7"}})


def test_github_com_is_what_nothing_else_is_said_of() -> None:
    place = place_of(GITHUB_RUN_ID="12", GITHUB_WORKFLOW="Deploy")
    assert place.api_url == "https://api.github.com"
    assert place.pipeline_url == "https://github.com/acme/web-shop/actions/runs/12"
    assert (place.pipeline, place.gate, place.commit) == (12, "Deploy", COMMIT)
    nothing = place_of(GITHUB_RUN_ID="")
    assert (nothing.pipeline_url, nothing.pipeline, nothing.gate) == ("", 0, "")


@pytest.mark.parametrize("repository", ["", "acme", "acme/web/shop"])
def test_without_a_repository_there_is_no_place(repository: str) -> None:
    with pytest.raises(HostError, match="GITHUB_REPOSITORY"):
        place_of(GITHUB_REPOSITORY=repository)


def test_the_stand_in_is_found_by_its_environment(
    there: Connected, stand_in: GitHubStandIn
) -> None:
    place = there.place()
    assert (place.repository, place.pull_request) == ("acme/web-shop", 7)
    assert place.gate == "Deploy / gate"
    assert place.api_url == stand_in.url
