"""What GitHub publishes about its APIs, as its own packages have it today."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from testery_gate.ci.issues import Issue, Severity
from testery_gate.code_hosts.comment import keep_one
from testery_gate.code_hosts.github import VIEWER
from testery_gate.code_hosts.host import State, Status
from tests.code_hosts import distil_github
from tests.code_hosts.connecting import connected, wanted
from tests.code_hosts.contract import Contract
from tests.code_hosts.github_stand_in import GitHubStandIn
from tests.code_hosts.stand_in import Asked, Fault, Said

pytestmark = pytest.mark.acceptance

PACKAGES = Path(__file__).parents[2] / ".acceptance" / "node_modules"
DESCRIPTIONS = PACKAGES / "@octokit" / "openapi" / "generated"
VALIDATE = (
    "import { validate } from '@octokit/graphql-schema';"
    "console.log(JSON.stringify(validate(process.argv[1]).map(String)));"
)


def test_what_is_kept_of_the_description_is_what_it_says() -> None:
    """Else: ``python -m tests.code_hosts.distil_github``, and see what GitHub has changed."""
    whole = json.loads((DESCRIPTIONS / "api.github.com.json").read_text(encoding="utf-8"))
    kept = yaml.safe_load(distil_github.CONTRACT.read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(distil_github.distilled(whole)))


def asked_of_github() -> list[Asked]:
    """Every kind of request that the gate makes."""
    stand_in = GitHubStandIn()
    issue = Issue(severity=Severity.ERROR, subject="a test", message="why")
    with connected(stand_in) as there:
        status = Status(state=State.PENDING, context="gate", description="waits", url="https://x.y")
        there.host().set_status(status)
        stand_in.is_app = True
        host = there.host()
        stand_in.faults = [Fault(said=Said(status=502), method="POST", times=1, done=True)]
        host.set_status(status)
        host.set_status(replace(status, state=State.FAILED, issues=[issue] * 51))
        keep_one(host, wanted(host, "one"))
        host.add_comment(wanted(host, "double").text)
        keep_one(host, wanted(host, "two"))
    return stand_in.asked


def test_every_github_takes_what_the_gate_asks() -> None:
    """Enterprise Server's versions too, of which the package has those that are supported."""
    requests = [asked for asked in asked_of_github() if asked.path != "/api/graphql"]
    assert {asked.method for asked in requests} == {"GET", "POST", "PATCH", "DELETE"}
    found = [path for path in DESCRIPTIONS.glob("*.json") if ".deref" not in path.name]
    assert len(found) > 3
    for path in found:
        whole = json.loads(path.read_text(encoding="utf-8"))
        contract = Contract(path.stem, distil_github.distilled(whole))
        for asked in requests:
            wrong = contract.faults_of_request(asked.method, asked.target, asked.data)
            assert not wrong, f"{path.name}: {wrong}"
        assert contract.used == contract.operations()


@pytest.mark.parametrize(
    ("query", "right"), [(VIEWER, True), ("query { viewer { name_ } }", False)]
)
def test_graphql_takes_what_the_gate_asks(query: str, right: bool) -> None:
    done = subprocess.run(
        ["node", "--input-type=module", "-e", VALIDATE, query],  # noqa: S607  (the acceptance tests' own)
        cwd=PACKAGES.parent,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert (json.loads(done.stdout) == []) == right
