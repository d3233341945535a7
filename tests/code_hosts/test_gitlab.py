"""What only GitLab does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from testery_gate.code_hosts.comment import own_comments
from testery_gate.code_hosts.host import State, Status
from testery_gate.code_hosts.http import HostError
from tests.code_hosts.connecting import MARKER, Connected, connected, text_of
from tests.code_hosts.gitlab_stand_in import GitLabStandIn
from tests.code_hosts.stand_in import COMMIT, TOKEN, Fault, Said

RUNNING = Status(state=State.PENDING, context="gate", description="Waiting for Testery")


@pytest.fixture
def there() -> Iterator[Connected]:
    with connected(GitLabStandIn()) as found:
        yield found


def test_the_place_is_in_the_environment(there: Connected) -> None:
    place = there.place()
    assert place.repository == "42"
    assert place.commit == COMMIT
    assert place.pull_request == 7
    assert place.pipeline == 900
    assert place.pipeline_url == "https://gitlab.example.test/group/project/-/pipelines/900"
    assert place.gate == "gate"


def test_a_pipeline_of_a_branch_is_about_no_merge_request(there: Connected) -> None:
    environment = there.stand_in.environment()
    del environment["CI_MERGE_REQUEST_IID"], environment["CI_MERGE_REQUEST_PROJECT_ID"]
    del environment["CI_PIPELINE_ID"], environment["CI_API_V4_URL"]
    place = there.place(environment)
    assert place.pull_request is None
    assert place.pipeline == 0


def test_the_pipeline_of_a_fork_comments_where_the_merge_request_is(there: Connected) -> None:
    environment = {**there.stand_in.environment(), "CI_PROJECT_ID": "43"}
    place = there.place(environment)
    assert place.repository == "42"
    assert place.commit is None


def test_without_a_project_there_is_no_place(there: Connected) -> None:
    with pytest.raises(HostError, match="CI_PROJECT_ID"):
        there.place({"GITLAB_CI": "true"})


def test_the_status_belongs_to_the_pipeline(there: Connected) -> None:
    there.host().set_status(RUNNING)
    (asked,) = there.stand_in.asked
    assert asked.data["pipeline_id"] == 900
    there.host(place=replace(there.place(), pipeline=0)).set_status(
        replace(RUNNING, context="another")
    )
    assert "pipeline_id" not in there.stand_in.asked[-1].data


def test_a_merged_result_has_a_commit_of_its_own(there: Connected) -> None:
    merged = {"CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": COMMIT, "CI_COMMIT_SHA": "c0ffee"}
    assert there.place({**there.stand_in.environment(), **merged}).commit == "c0ffee"


def test_a_commit_of_another_pipeline_gets_its_status_too(there: Connected) -> None:
    there.host(place=replace(there.place(), commit="c0ffee")).set_status(RUNNING)
    assert [status["sha"] for status in there.stand_in.statuses] == ["c0ffee"]


def test_a_status_that_a_killed_job_left_running_is_no_fault(there: Connected) -> None:
    there.host().set_status(RUNNING)
    there.host().set_status(RUNNING)
    there.host().set_status(replace(RUNNING, state=State.PASSED))
    assert [status["status"] for status in there.stand_in.statuses] == ["success"]


def test_another_pipeline_of_the_commit_gets_a_status_of_its_own(there: Connected) -> None:
    for state in (State.PENDING, State.FAILED, State.PENDING, State.PASSED):
        there.host().set_status(replace(RUNNING, state=state))
    assert [status["status"] for status in there.stand_in.statuses] == ["failed", "success"]


def test_jobs_that_set_the_status_at_once_do_so_one_after_the_other(there: Connected) -> None:
    busy = Said(status=409, data={"message": "Another update to this commit status is in progress"})
    there.stand_in.faults = [Fault(said=busy, times=2)]
    there.host().set_status(RUNNING)
    assert [status["status"] for status in there.stand_in.statuses] == ["running"]
    assert there.clock.slept == [0.5, 1]


def test_what_gitlab_finds_wrong_otherwise_is_said(there: Connected) -> None:
    there.stand_in.faults = [Fault(said=Said(status=400, data={"message": "name is too long"}))]
    with pytest.raises(HostError, match="name is too long"):
        there.host().set_status(RUNNING)


def test_an_address_that_is_too_long_is_left_out(there: Connected) -> None:
    long = f"https://example.test/{'x' * 300}"
    there.host().set_status(replace(RUNNING, url=long, context="c" * 300))
    (status,) = there.stand_in.statuses
    assert "target_url" not in status
    assert len(status["name"]) == 255


def test_a_page_with_nothing_to_see_is_not_the_last(there: Connected) -> None:
    host = there.host()
    for number in range(120):
        there.stand_in.write("nobody", f"hidden {number}")
    there.stand_in.write(TOKEN, text_of(host, "mine"))
    assert [comment.body for comment in own_comments(host, MARKER)] == [text_of(host, "mine")]


def test_the_limit_of_gitlab_itself_is_waited_for(there: Connected) -> None:
    headers = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(there.clock.now) + 4)}
    limited = Said(status=429, body=b"Retry later\n", headers=headers)
    there.stand_in.faults = [Fault(said=limited, times=1)]
    there.host().set_status(RUNNING)
    assert there.clock.slept == [4]
