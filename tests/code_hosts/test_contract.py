"""The check of contracts finds what is wrong, and nothing described is left unused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from testery_gate.ci.issues import Issue, Severity
from testery_gate.code_hosts.comment import keep_one, own_comments
from testery_gate.code_hosts.host import State, Status
from tests.code_hosts.azure_stand_in import AzureStandIn
from tests.code_hosts.bitbucket_stand_in import BitbucketStandIn
from tests.code_hosts.connecting import MARKER, connected, wanted
from tests.code_hosts.contract import FOLDER, Contract
from tests.code_hosts.gitlab_stand_in import GitLabStandIn
from tests.code_hosts.stand_in import StandIn

NOTES = "/projects/42/merge_requests/7/notes"


@pytest.mark.parametrize(
    ("method", "target", "body", "fault"),
    [
        ("GET", "/projects/42/notes", None, "GET /projects/42/notes is not described"),
        ("PATCH", f"{NOTES}/1", {"body": "x"}, f"PATCH {NOTES}/1 is not described"),
        ("GET", f"{NOTES}?perpage=100", None, "has no parameter perpage"),
        ("GET", f"{NOTES}?per_page=101", None, "101 is greater than the maximum of 100"),
        ("GET", f"{NOTES}?sort=up", None, "'up' is not one of"),
        ("GET", "/projects/x%2Fy/merge_requests/7/notes", None, "'x/y' does not match"),
        ("GET", "/projects/42/merge_requests/seven/notes", None, "'seven' is not of type"),
        ("GET", NOTES, {}, "takes no body"),
        ("POST", NOTES, None, "None is not of type 'object'"),
        ("POST", NOTES, {"text": "x"}, "'body' is a required property"),
        ("POST", NOTES, {"body": "x", "text": "x"}, "'text' was unexpected"),
        ("POST", NOTES, {"body": "x" * 1_000_001}, "is too long"),
    ],
)
def test_what_is_wrong_is_found(method: str, target: str, body: object, fault: str) -> None:
    faults = Contract("gitlab").faults_of_request(method, target, body)
    assert any(fault in found for found in faults), faults


def test_what_is_missing_is_found() -> None:
    target = "/acme/_apis/connectionData"
    (fault,) = Contract("azure").faults_of_request("GET", target, None)
    assert fault == "/{organization}/_apis/connectionData lacks api-version"


def test_answers_are_held_against_it_too() -> None:
    contract = Contract("gitlab")
    assert not contract.faults_of_answer("GET", "/user", 200, {"id": 1, "username": "me"})
    assert contract.faults_of_answer("GET", "/user", 200, {"id": "1", "username": "me"})
    assert contract.faults_of_answer("GET", "/user", 418, {})
    assert not contract.faults_of_answer("GET", "/nothing", 200, None)


@pytest.mark.parametrize(
    "kind", [GitLabStandIn, AzureStandIn, BitbucketStandIn], ids=lambda kind: kind.contract_name
)
def test_nothing_is_described_that_is_not_asked_for(kind: type[StandIn]) -> None:
    with connected(kind()) as there:
        host = there.host()
        for said in ("one", "two"):
            keep_one(there.host(), wanted(host, said))
        host.delete_comment(*own_comments(host, MARKER))
        problem = Issue(severity=Severity.ERROR, subject="a test", message="it failed")
        status = Status(state=State.FAILED, context="gate", description="", issues=[problem])
        host.set_status(status)
        there.host(place=replace(there.place(), pull_request=None)).set_status(status)
        assert there.stand_in.contract.used == there.stand_in.contract.operations()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_says_where_it_is_from(path: Path) -> None:
    assert "Facts from" in path.read_text(encoding="utf-8")
