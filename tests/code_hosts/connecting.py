"""A code host of a stand-in, as the gate connects to it, with a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from testery_gate.code_hosts import Mode
from testery_gate.code_hosts.adapters import ADAPTERS
from testery_gate.code_hosts.comment import Note, Wanted, marker_of
from testery_gate.code_hosts.host import CodeHost, Place, Surroundings
from testery_gate.code_hosts.http import Http
from testery_gate.waiting.deadline import Deadline
from tests.code_hosts.azure_stand_in import AzureStandIn
from tests.code_hosts.bitbucket_stand_in import BitbucketStandIn
from tests.code_hosts.github_stand_in import GitHubStandIn
from tests.code_hosts.gitlab_stand_in import GitLabStandIn
from tests.code_hosts.stand_in import COMMIT, TOKEN, StandIn, serving
from tests.fakes import FakeClock

STAND_INS = (GitHubStandIn, GitLabStandIn, AzureStandIn, BitbucketStandIn)
SECONDS = 10.0
MARKER = marker_of("deploy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A stand-in, and the code host that was connected to it."""

    stand_in: StandIn
    clock: FakeClock
    opened: list[Http] = field(default_factory=list)
    """What connected so far."""

    def host(self, token: str = TOKEN, place: Place | None = None) -> CodeHost:
        """Connect once more, as another process would."""
        place = place or self.place()
        adapter = ADAPTERS[self.stand_in.system]
        http = Http(
            place.api_url,
            token,
            auth=adapter.auth(token),
            sleep=self.clock.sleep,
            now=self.clock,
        )
        http.limit(Deadline.after(SECONDS, self.clock))
        self.opened.append(http)
        return adapter(place, http)

    def place(self, environment: Mapping[str, str] | None = None) -> Place:
        """Return what the environment says, at the stand-in's address."""
        surroundings = Surroundings(
            environment=self.stand_in.environment() if environment is None else environment,
            read_event=lambda: None,
            commit=lambda: COMMIT,
        )
        place = ADAPTERS[self.stand_in.system].find_place(surroundings)
        # Bitbucket Cloud has one address, which is in no variable.
        return replace(place, api_url=self.stand_in.url)


@contextmanager
def connected(stand_in: StandIn) -> Iterator[Connected]:
    """Serve a stand-in for a test."""
    with serving(stand_in):
        found = Connected(stand_in=stand_in, clock=FakeClock())
        try:
            yield found
        finally:
            # Else hundreds of tests in one process have more connections than it may have.
            for http in found.opened:
                http._transport._session.close()


def text_of(host: CodeHost, said: str, *, outcome: str = "failed", pipeline: int = 900) -> str:
    """Return a comment's text, with its hidden line."""
    note = Note(outcome=outcome, pipeline=pipeline)
    return f"{host.hidden.format(note.line(MARKER))}\n\n{said}\n"


def wanted(host: CodeHost, said: str, mode: Mode = Mode.ALWAYS, pipeline: int = 900) -> Wanted:
    """Return the comment that a gate wants."""
    return Wanted(
        mode=mode,
        marker=MARKER,
        note=Note(outcome="failed", pipeline=pipeline),
        text=text_of(host, said, pipeline=pipeline),
    )
