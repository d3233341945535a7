from __future__ import annotations

import json

import pytest

from testery_gate.errors import UsageError
from testery_gate.runs.commit import current_commit

COMMIT = "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2"
MERGE = "1111111111111111111111111111111111111111"
PULL_REQUEST = {"pull_request": {"head": {"sha": COMMIT}}}


def commit(
    environment: dict[str, str], event: object = None, checkout: str | OSError | None = None
) -> str:
    """Ask for the commit where the event's file and the checkout are these."""

    def read_text(path: str) -> str:
        assert path == environment.get("GITHUB_EVENT_PATH", "")
        if event is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return event if isinstance(event, str) else json.dumps(event)

    def head() -> str:
        assert checkout is not None, "git was asked"
        if isinstance(checkout, OSError):
            raise checkout
        return checkout

    return current_commit(environment, read_text, head)


@pytest.mark.parametrize(
    ("sign", "variable"),
    [
        ("GITHUB_ACTIONS", "GITHUB_SHA"),
        ("GITLAB_CI", "CI_COMMIT_SHA"),
        ("TF_BUILD", "BUILD_SOURCEVERSION"),
        ("BUILDKITE", "BUILDKITE_COMMIT"),
        ("CIRCLECI", "CIRCLE_SHA1"),
        ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_COMMIT"),
        ("TEAMCITY_VERSION", "BUILD_VCS_NUMBER"),
        ("JENKINS_URL", "GIT_COMMIT"),
    ],
)
def test_each_system_says_its_commit_and_comes_before_what_another_left_over(
    sign: str, variable: str
) -> None:
    assert commit({variable: COMMIT}) == COMMIT
    others = {"GITHUB_SHA": MERGE, "CI_COMMIT_SHA": MERGE, "GIT_COMMIT": MERGE}
    assert commit({**others, sign: "true", variable: COMMIT}) == COMMIT


GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_SHA": MERGE, "GITHUB_EVENT_PATH": "/event.json"}


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target", "pull_request_review"])
def test_in_a_pull_request_it_is_the_head_and_not_the_merge(name: str) -> None:
    assert commit({**GITHUB, "GITHUB_EVENT_NAME": name}, PULL_REQUEST) == COMMIT


def test_after_another_workflow_it_is_that_ones_commit() -> None:
    event = {"workflow_run": {"head_sha": COMMIT}}
    assert commit({**GITHUB, "GITHUB_EVENT_NAME": "workflow_run"}, event) == COMMIT


@pytest.mark.parametrize("name", ["push", "schedule", "merge_group", ""])
def test_in_any_other_event_it_is_githubs_own(name: str) -> None:
    assert commit({**GITHUB, "GITHUB_EVENT_NAME": name}) == MERGE


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param("{", "Expecting", id="no JSON"),
        pytest.param([], "list indices", id="a list"),
        pytest.param({"pull_request": None}, "NoneType", id="no pull request"),
        pytest.param({"pull_request": {"head": {}}}, "'sha'", id="no commit"),
        pytest.param({"pull_request": {"head": {"sha": None}}}, "it is None", id="null"),
        pytest.param({"pull_request": {"head": {"sha": ""}}}, "it is ''", id="empty"),
    ],
)
def test_a_head_that_can_not_be_read_is_not_replaced_by_the_merge(event: object, said: str) -> None:
    with pytest.raises(UsageError, match="can't read the commit of the event") as error:
        commit({**GITHUB, "GITHUB_EVENT_NAME": "pull_request"}, event)
    assert said in error.value.message
    assert "--git-ref ${{ github.event.pull_request.head.sha }}" in error.value.advice


def test_buildkites_head_is_that_of_the_checkout() -> None:
    found = commit({"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD"}, checkout=f"{COMMIT}\n")
    assert found == COMMIT


def test_elsewhere_it_is_the_head_of_the_checkout() -> None:
    assert commit({}, checkout=f"{COMMIT}\n") == COMMIT


def test_without_any_it_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="git says: not a git repository") as error:
        commit({}, checkout=OSError("not a git repository"))
    assert "--git-ref" in error.value.advice
