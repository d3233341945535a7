"""What the systems that host code have in common: a place, a status, comments, and their faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from testery_gate.ci.issues import Issue


class HostError(Exception):
    """The code host did not do what it was asked; the message may be shown.

    ``status`` is that of its answer, if there was one.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NoRights(HostError):
    """The token may not do this (401, 403, and 404 where the system hides what it refuses)."""


class Gone(HostError):
    """The comment is not there any more."""


class Lost(HostError):
    """There was no answer to what must not be sent twice: it may have been done."""


class Bare(HostError):
    """The status is set, but not what belongs to it: annotations, a report."""


@contextmanager
def of_details() -> Iterator[None]:
    """Raise :class:`Bare` where a request does not do what it was asked, for whatever reason."""
    try:
        yield
    except HostError as error:
        raise Bare(str(error), status=error.status) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a code host's module needs to find out which change a pipeline is about."""

    environment: Mapping[str, str]
    read_event: Callable[[], object]
    """Returns the JSON that the CI system says of its event, ``None`` where it says nothing."""
    commit: Callable[[], str | None]
    """Returns the commit under test, as ``--git-ref auto`` finds it; ``None`` if it doesn't."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which change the pipeline is about, and where that is; from the environment alone."""

    api_url: str
    """The base address of the system's API, without a slash at the end."""
    repository: str
    """As the system's own addresses name it: ``owner/name``, a project's id, ..."""
    commit: str | None = None
    """The commit under test; ``None`` where it is not known, and then it gets no status."""
    pull_request: int | None = None
    """Its number; ``None`` where the pipeline is about none."""
    pipeline_url: str = ""
    pipeline: int = 0
    """A number that grows from one pipeline to the next; 0 where there is none."""
    gate: str = ""
    """What tells this gate from the others of the repository, such as the names of workflow and
    job: the default of ``--comment-key``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment of a pull request."""

    id: str
    """Whatever the system needs to find it again."""
    body: str


class State(Enum):
    """How the gate stands, as far as a status shows it."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    NO_VERDICT = "no verdict"
    """Anything that is neither passed nor failed; it must not let a change be merged."""
    STOPPED = "stopped"
    """By a signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the status of a commit says."""

    state: State
    description: str
    """One line; the code host shortens it."""
    context: str = ""
    """Its name, which tells it from others of the same commit."""
    url: str = ""
    """The run's page, or else the pipeline's; empty where there is none."""
    report: Callable[[int], str] = lambda _: ""
    """Renders the report as Markdown in at most so many bytes; empty while it is pending."""
    issues: Sequence[Issue] = ()
    """What to annotate, the most important first, as far as the system shows such a thing."""


class CodeHost(Protocol):
    """One change on a system that hosts code. Every method raises :class:`HostError`."""

    name: str
    """What people call the system."""
    comment_limit: int
    """How many bytes of UTF-8 a comment may have."""
    folds: bool
    """Whether its comments show HTML's ``details``."""

    def hidden(self, note: str) -> str:
        """Return a line that keeps a note in a comment where people do not see it.

        The note is letters, digits, blanks and ``:=-_.`` only; it stands in the line as it is.
        """
        ...

    def own_comments(self, marker: str) -> Sequence[Comment]:
        """Return the comments of the change, of all pages, the oldest first, that
        :func:`.comment.is_marked` finds marked, and that the token's own user wrote.
        """
        ...

    def add_comment(self, text: str) -> Comment:
        """Add a comment, once: raises :class:`Lost` where it isn't known whether it was added."""
        ...

    def replace_comment(self, comment: Comment, text: str) -> None:
        """Replace what a comment says; raises :class:`Gone` if it is not there any more."""
        ...

    def delete_comment(self, comment: Comment) -> None:
        """Delete a comment; one that is gone already is no error."""
        ...

    def set_status(self, status: Status) -> None:
        """Set the status of the commit; one that was set before in this process is replaced.

        Raises :class:`Bare` where only what belongs to it could not be said.
        """
        ...
