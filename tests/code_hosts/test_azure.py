"""What only Azure DevOps does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from testery_gate.code_hosts.comment import keep_one, own_comments
from testery_gate.code_hosts.host import State, Status
from testery_gate.code_hosts.http import HostError, NoRights
from tests.code_hosts.azure_stand_in import SIGN_IN, AzureStandIn
from tests.code_hosts.connecting import MARKER, Connected, connected, text_of, wanted
from tests.code_hosts.stand_in import COMMIT, Fault

WAITING = Status(state=State.PENDING, context="gate", description="Waiting for Testery")


@pytest.fixture
def stand_in() -> AzureStandIn:
    return AzureStandIn()


@pytest.fixture
def there(stand_in: AzureStandIn) -> Iterator[Connected]:
    with connected(stand_in) as found:
        yield found


def test_the_place_is_in_the_environment(there: Connected) -> None:
    place = there.place()
    assert place.commit == COMMIT
    assert place.pull_request == 7
    assert place.pipeline == 900
    assert place.pipeline_url == f"{there.stand_in.url}/Web%20Shop/_build/results?buildId=900"
    assert place.gate == "Deploy / production / gate"


def test_a_pipeline_of_a_branch_is_about_no_pull_request(there: Connected) -> None:
    environment = there.stand_in.environment()
    del environment["SYSTEM_PULLREQUEST_PULLREQUESTID"], environment["BUILD_BUILDID"]
    place = there.place(environment)
    assert place.pull_request is None
    assert place.pipeline == 0
    assert not place.pipeline_url


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("BUILD_REPOSITORY_PROVIDER", "GitHub", r"not in Azure Repos \(but GitHub\)"),
        ("BUILD_REPOSITORY_PROVIDER", "", r"not in Azure Repos \(but unknown\)"),
        ("SYSTEM_TEAMPROJECT", "", "SYSTEM_TEAMPROJECT"),
    ],
)
def test_other_repositories_have_no_place(
    there: Connected, variable: str, value: str, message: str
) -> None:
    with pytest.raises(HostError, match=message):
        there.place({**there.stand_in.environment(), variable: value})


def test_a_thread_holds_nobody_up(there: Connected, stand_in: AzureStandIn) -> None:
    host = there.host()
    keep_one(host, wanted(host, "one"))
    assert list(stand_in.threads.values()) == ["closed"]


def test_what_people_make_of_the_thread_stays(there: Connected, stand_in: AzureStandIn) -> None:
    host = there.host()
    keep_one(host, wanted(host, "one"))
    stand_in.threads = dict.fromkeys(stand_in.threads, "active")
    keep_one(host, wanted(host, "two"))
    assert list(stand_in.threads.values()) == ["active"]


def test_an_answer_with_the_marker_is_no_comment_of_the_gate(there: Connected) -> None:
    host = there.host()
    there.stand_in.write("somebody else", text_of(host, "answered by the gate's user"))
    assert not own_comments(host, MARKER)


def test_outside_of_a_pull_request_the_commit_gets_the_status(there: Connected) -> None:
    there.host(place=replace(there.place(), pull_request=None)).set_status(WAITING)
    assert there.stand_in.count("POST", f"/commits/{COMMIT}/statuses") == 1
    there.host().set_status(WAITING)
    assert there.stand_in.count("POST", "/pullRequests/7/statuses") == 1


def test_the_status_does_not_outlive_the_next_push(there: Connected) -> None:
    host = there.host()
    host.set_status(WAITING)
    host.set_status(replace(WAITING, state=State.PASSED))
    assert [status["iterationId"] for status in there.stand_in.statuses] == [3, 3]
    assert there.stand_in.count("GET", "/iterations") == 1


def test_a_commit_that_the_pull_request_does_not_have_gets_no_status(
    there: Connected, stand_in: AzureStandIn
) -> None:
    del stand_in.iterations[1:]
    with pytest.raises(HostError, match=f"does not have commit {COMMIT}"):
        there.host().set_status(WAITING)
    assert not stand_in.statuses


def test_the_page_to_sign_in_means_no_rights(there: Connected) -> None:
    there.stand_in.faults = [Fault(said=SIGN_IN)]
    host = there.host()
    with pytest.raises(NoRights, match="203"):
        keep_one(host, wanted(host, "one"))
    with pytest.raises(NoRights, match="203"):
        host.set_status(WAITING)
    assert len(there.stand_in.asked) == 2


def test_it_asks_for_a_refusal_instead_of_a_redirect(there: Connected) -> None:
    there.host().set_status(WAITING)
    assert {asked.headers["X-TFS-FedAuthRedirect"] for asked in there.stand_in.asked} == {
        "Suppress"
    }


def test_its_reason_is_said(there: Connected) -> None:
    there.stand_in.faults = [Fault(said=there.stand_in.forbidden())]
    with pytest.raises(NoRights, match="TF401027: You need the Git 'PullRequestContribute'"):
        there.host().set_status(WAITING)
