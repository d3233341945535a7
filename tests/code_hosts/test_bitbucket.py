"""What only Bitbucket Cloud does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from testery_gate.ci.issues import Issue, Severity
from testery_gate.code_hosts.bitbucket import Bitbucket
from testery_gate.code_hosts.comment import keep_one, own_comments
from testery_gate.code_hosts.host import Bare, State, Status
from testery_gate.code_hosts.http import HostError, NoRights
from tests.canary import CANARY
from tests.code_hosts.bitbucket_stand_in import BitbucketStandIn
from tests.code_hosts.connecting import MARKER, Connected, connected, text_of, wanted
from tests.code_hosts.stand_in import COMMIT, SOMEBODY_ELSE, Fault, Said

WAITING = Status(state=State.PENDING, context="gate", description="Waiting for Testery")


@pytest.fixture
def stand_in() -> BitbucketStandIn:
    return BitbucketStandIn()


@pytest.fixture
def there(stand_in: BitbucketStandIn) -> Iterator[Connected]:
    with connected(stand_in) as found:
        yield found


def issues(number: int) -> list[Issue]:
    return [
        Issue(
            severity=Severity.WARNING if at else Severity.ERROR,
            subject=f"test {at}",
            message="" if at else "expected 1, found 2",
            file="" if at else "features/cart.feature",
        )
        for at in range(number)
    ]


def test_the_place_is_in_the_environment(there: Connected, stand_in: BitbucketStandIn) -> None:
    place = there.place()
    assert place.repository == "acme/web-shop"
    assert place.commit == COMMIT
    assert place.pull_request == 7
    assert place.pipeline == 900
    assert place.pipeline_url == "https://bitbucket.org/acme/web-shop/pipelines/results/900"
    assert place.gate == "production"
    bare = there.place({"BITBUCKET_WORKSPACE": "acme", "BITBUCKET_REPO_SLUG": "web-shop"})
    assert (bare.pull_request, bare.pipeline, bare.pipeline_url) == (None, 0, "")
    with pytest.raises(HostError, match="BITBUCKET_REPO_SLUG"):
        there.place({"BITBUCKET_WORKSPACE": "acme"})


def test_a_token_of_the_repository_finds_its_own_comment(
    there: Connected, stand_in: BitbucketStandIn
) -> None:
    stand_in.knows_users = False
    first = there.host()
    stolen = [stand_in.write(SOMEBODY_ELSE, text_of(first, f"not mine {at}")) for at in range(2)]
    keep_one(first, wanted(first, "one"))
    second = there.host()
    keep_one(second, wanted(second, "two"))
    assert [entry.text for entry in stand_in.shown()] == [text_of(second, "two")]
    assert [entry.text for entry in stolen] == [text_of(first, f"not mine {at}") for at in range(2)]
    # Each author is tried once.
    assert stand_in.count("PUT", "/comments/1") == 2
    assert stand_in.count("PUT", "/comments/2") == 0


def test_a_comment_that_goes_while_its_author_is_asked_for_is_nobodys(
    there: Connected, stand_in: BitbucketStandIn
) -> None:
    stand_in.knows_users = False
    host = there.host()
    stand_in.write(SOMEBODY_ELSE, text_of(host, "gone in a moment"))
    gone = Said(status=404, data={"type": "error", "error": {"message": "Not found"}})
    stand_in.faults = [Fault(said=gone, method="PUT")]
    assert not own_comments(host, MARKER)


def test_a_persons_token_is_sent_with_the_address() -> None:
    assert Bitbucket.auth(f"me@example.test:{CANARY}") is not None
    assert "***" in repr(Bitbucket.auth(CANARY))


def test_a_persons_token_works(there: Connected, stand_in: BitbucketStandIn) -> None:
    with pytest.raises(NoRights):
        there.host(token=f"me@example.test:{CANARY}").set_status(WAITING)
    (asked,) = stand_in.asked
    assert asked.headers["Authorization"].startswith("Basic ")


def test_code_insights_has_a_report(there: Connected, stand_in: BitbucketStandIn) -> None:
    host = there.host()
    host.set_status(WAITING)
    assert [report["result"] for report in stand_in.reports.values()] == ["PENDING"]
    host.set_status(replace(WAITING, state=State.FAILED, description="2 failed", issues=issues(3)))
    (report,) = stand_in.reports.values()
    assert (report["title"], report["details"], report["result"]) == ("gate", "2 failed", "FAILED")
    assert [found["severity"] for found in report["annotations"]] == ["HIGH", "LOW", "LOW"]
    first, second, _ = report["annotations"]
    assert first["path"] == "features/cart.feature"
    assert first["summary"] == "test 0"
    assert first["details"] == "expected 1, found 2"
    assert "path" not in second
    assert stand_in.count("DELETE") == 1


@pytest.mark.parametrize("state", [State.NO_VERDICT, State.STOPPED])
def test_no_other_end_looks_passed(
    there: Connected, stand_in: BitbucketStandIn, state: State
) -> None:
    there.host().set_status(replace(WAITING, state=state))
    assert [report["result"] for report in stand_in.reports.values()] == ["FAILED"]


def test_annotations_come_in_parts_and_have_an_end(
    there: Connected, stand_in: BitbucketStandIn
) -> None:
    there.host().set_status(replace(WAITING, state=State.FAILED, issues=issues(1_050)))
    (report,) = stand_in.reports.values()
    assert len({found["external_id"] for found in report["annotations"]}) == 1_000
    assert stand_in.count("POST", "/annotations") == 10


def test_annotations_of_an_earlier_pipeline_go(
    there: Connected, stand_in: BitbucketStandIn
) -> None:
    there.host().set_status(replace(WAITING, state=State.FAILED, issues=issues(5)))
    there.host().set_status(replace(WAITING, state=State.PASSED))
    (report,) = stand_in.reports.values()
    assert report["result"] == "PASSED"
    assert not report["annotations"]


def test_the_verdict_is_there_where_a_report_is_refused(
    there: Connected, stand_in: BitbucketStandIn
) -> None:
    stand_in.faults = [Fault(said=stand_in.forbidden(), path="/reports/")]
    with pytest.raises(Bare, match="privilege scopes"):
        there.host().set_status(replace(WAITING, state=State.PASSED))
    assert [status["state"] for status in stand_in.statuses] == ["SUCCESSFUL"]


def test_a_key_tells_contexts_apart(there: Connected, stand_in: BitbucketStandIn) -> None:
    contexts = ["gate", "gate!", "gate?", "g" * 40, "g" * 41, "g" * 42, "testery-gate (a / b)"]
    for context in contexts:
        there.host().set_status(replace(WAITING, context=context))
    assert [status["name"] for status in stand_in.statuses] == contexts
    keys = [status["key"] for status in stand_in.statuses]
    assert len(set(keys)) == len(contexts)
    assert keys[0] == "gate"
    assert set(keys) == stand_in.reports.keys()
