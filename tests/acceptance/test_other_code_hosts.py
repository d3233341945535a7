"""The installed command in a pipeline of GitLab, Azure or Bitbucket: what is said there, and that
nothing of it changes an exit code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.authority import Authority
from tests.canary import CANARY, FINISHED, Simulator
from tests.code_hosts.azure_stand_in import AzureStandIn
from tests.code_hosts.bitbucket_stand_in import BitbucketStandIn
from tests.code_hosts.gitlab_stand_in import GitLabStandIn
from tests.code_hosts.stand_in import Fault, Said, StandIn, serving
from tests.servers import encrypted_front, proxy_server

STAND_INS = (GitLabStandIn, AzureStandIn, BitbucketStandIn)
FAILED, PASSED = ExitCode.FAILED, ExitCode.PASSED


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A pipeline of one system, and the stand-in for it."""

    stand_in: StandIn
    variables: Mapping[str, str]
    cwd: Path

    def gate(self, scenario: str, **variables: str) -> command.Finished:
        """Run a gate that says its verdict everywhere."""
        with Simulator(load_scenario(scenario), speed=FINISHED) as api:
            return command.run(
                *("wait", "55676", "--comment=always", "--commit-status", "--interval=1s"),
                cwd=self.cwd,
                api_url=api.url,
                **{"TESTERY_GATE_CODE_HOST_TOKEN": CANARY, **self.variables, **variables},
            )


@pytest.fixture(params=STAND_INS, ids=lambda kind: kind.contract_name)
def pipeline(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pipeline]:
    stand_in = request.param()
    with serving(stand_in), _way_to(stand_in, tmp_path) as way:
        variables = {**stand_in.environment(), **way}
        yield Pipeline(stand_in=stand_in, variables=variables, cwd=tmp_path)


@contextmanager
def _way_to(stand_in: StandIn, folder: Path) -> Iterator[Mapping[str, str]]:
    """Return what leads to a stand-in: Bitbucket Cloud has one address, which no variable names."""
    if stand_in.contract_name != "bitbucket":
        yield {}
        return
    authority, host = Authority(), "api.bitbucket.org"
    with (
        encrypted_front(stand_in.port, authority.context(host)) as port,
        proxy_server({f"{host}:443": port}) as proxy,
    ):
        yield {
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
            "REQUESTS_CA_BUNDLE": str(authority.bundle(folder / "ca.pem")),
        }


def test_the_verdict_is_where_people_look(pipeline: Pipeline) -> None:
    finished = pipeline.gate("failing")
    assert finished.code == FAILED, finished.output
    assert "no comment" not in finished.stderr
    assert "no status" not in finished.stderr
    (entry,) = pipeline.stand_in.shown()
    assert "3 of 30" in entry.text
    assert "Waiting for Testery" not in str(pipeline.stand_in.statuses[-1])


@pytest.mark.slow
def test_the_next_gate_updates_it(pipeline: Pipeline) -> None:
    assert pipeline.gate("failing").code == FAILED
    assert pipeline.gate("passing").code == PASSED
    (entry,) = pipeline.stand_in.shown()
    assert "28 of 30" in entry.text


@pytest.mark.parametrize(
    ("scenario", "code", "status"),
    [("failing", FAILED, 403), ("passing", PASSED, 404), ("passing", PASSED, 429)],
)
def test_a_refusal_is_said_and_changes_nothing(
    pipeline: Pipeline, scenario: str, code: ExitCode, status: int
) -> None:
    # The limit ends too late to wait for, and the answer tells what it was sent.
    headers = {"Retry-After": "60"} if status == 429 else {}
    refusal = Said(status=status, body=b'{"message": "no %s"}' % CANARY.encode(), headers=headers)
    pipeline.stand_in.faults = [Fault(said=refusal)]
    finished = pipeline.gate(scenario)
    assert finished.code == code, finished.output
    told = [line for line in finished.stderr.splitlines() if f"HTTP {status}" in line]
    assert 1 <= len(told) <= 2, finished.stderr  # of the status, and of the comment
    assert ("docs/pull-requests.md" in finished.stderr) == (status != 429)


@pytest.mark.slow
def test_a_system_that_is_away_changes_nothing(pipeline: Pipeline) -> None:
    away = dict.fromkeys(("CI_API_V4_URL", "SYSTEM_COLLECTIONURI"), "http://127.0.0.1:1")
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:1"} if "HTTPS_PROXY" in pipeline.variables else {}
    assert pipeline.gate("failing", **away, **proxy).code == FAILED
    assert not pipeline.stand_in.asked
