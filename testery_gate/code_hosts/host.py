"""What all systems that host code have in common: a place, a status, comments, and faults."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum

from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
from testery_gate.ci.issues import Issue
from testery_gate.code_hosts.http import Gone, HostError, Http, NoRights


class Bare(HostError):
    """The status is set, but not its annotations or its report."""


@contextmanager
def of_details() -> Iterator[None]:
    """Raise :class:`Bare` for any :class:`.http.HostError` in the block."""
    try:
        yield
    except HostError as error:
        raise Bare(str(error), status=error.status) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a code host's module needs to find out which change a pipeline is about."""

    environment: Mapping[str, str]
    read_event: Callable[[], object]
    """Returns the JSON of the CI system's event; ``None`` if there is none."""
    commit: Callable[[], str | None]
    """Returns the commit under test, as ``--git-ref auto`` finds it, or ``None``."""

    def number(self, variable: str) -> int | None:
        """Return the number in an environment variable; ``None`` if there is none."""
        value = self.environment.get(variable, "")
        return int(value) if re.fullmatch(r"\d{1,18}", value, re.ASCII) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which change the pipeline is about, and where that is, only by the environment."""

    api_url: str
    """The base address of the system's API, without a slash at the end."""
    repository: str
    """Its name in the system's addresses: ``owner/name``, a project's id, ..."""
    commit: str | None = None
    """The commit under test; ``None`` if it is not known, and then no status is set."""
    pull_request: int | None = None
    """Its number; ``None`` if the pipeline is not about a pull request."""
    pipeline_url: str = ""
    pipeline: int = 0
    """A number that is larger for a later pipeline; 0 if there is none."""
    gate: str = ""
    """A name by which this gate differs from others of the repository, such as that of workflow and
    job: the default of ``--comment-key``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment of a pull request."""

    id: str
    """What the system needs to find it again."""
    body: str
    author: str = ""
    """The id of the user who wrote it; empty if the system does not report it."""


class State(Enum):
    """The state of the gate, as a status shows it."""

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
    """Its name, by which it differs from others of the same commit."""
    url: str = ""
    """The run's page, or else the pipeline's; empty if there is none."""
    report: Callable[[int], str] = lambda _: ""
    """Renders the report as Markdown, up to a limit in bytes; empty while it is pending."""
    issues: Sequence[Issue] = ()
    """What to annotate, the most important first, if the system shows annotations."""


class CodeHost(ABC):
    """One change on a system that hosts code, with what is the same for all systems.

    Every method may raise :class:`.http.HostError`.
    """

    name: str
    """What people call the system."""
    comment_limit: int
    """How many bytes of UTF-8 a comment may have."""
    folds: bool = True
    """Whether its comments show HTML's ``details``."""
    hidden: str = "<!-- {} -->"
    """The line that hides a note in a comment.

    The note has only letters, digits, blanks and ``:=-_.``.
    """
    replacing: str = "PUT"
    """The method that replaces a comment."""
    path: str
    """Where the change's comments are, below the API's address."""

    def __init__(self, place: Place, http: Http) -> None:
        self.place = place
        self.http = http
        self.user = ""
        """The token's user, as in :attr:`Comment.author`; empty until it is known."""

    @staticmethod
    @abstractmethod
    def find_place(surroundings: Surroundings) -> Place:
        """Return the change that the system's own pipelines are about."""

    @staticmethod
    def auth(token: str) -> AuthBase:
        """Return the authentication that sends a token."""
        return BearerToken(token)

    @abstractmethod
    def set_status(self, status: Status) -> None:
        """Set the status of the commit, and replace one that this process has set before.

        Raises :class:`Bare` if only its annotations or its report could not be set.
        """

    @abstractmethod
    def comments(self) -> Iterable[object]:
        """Return the comments of the change from all pages, as in the answers."""

    @abstractmethod
    def find_user(self) -> str:
        """Return the token's user; empty if the system does not report it."""

    def wrote(self, comment: Comment) -> bool:
        """Whether the token's own user wrote a comment."""
        self.user = self.user or self.find_user()
        if not self.user:
            raise NoRights(f"{self.name} does not say which user the token is")
        return comment.author == self.user

    def add_comment(self, text: str) -> Comment:
        """Add a comment; raises :class:`.http.Lost` if it isn't known whether it was added."""
        comment = self.read(self.send("POST", self.path, data=self.content(text), once=True))
        self.user = comment.author or self.user
        return comment

    def replace_comment(self, comment: Comment, text: str) -> None:
        """Replace the text of a comment; raises :class:`Gone` if it is not there any more."""
        self.send(self.replacing, self.path_of(comment), data=self.content(text))

    def delete_comment(self, comment: Comment) -> None:
        """Delete a comment; if it is gone already, nothing is raised."""
        with suppress(Gone):
            self.send("DELETE", self.path_of(comment))

    @abstractmethod
    def body_of(self, data: object) -> str:
        """Return the text of a comment in an answer; empty if it has none.

        The comment may be from anybody, and have any form.
        """

    @abstractmethod
    def read(self, data: object) -> Comment:
        """Return the comment in an answer."""

    def content(self, text: str) -> Mapping[str, object]:
        """Return the text of a comment as the system takes it."""
        return {"body": text}

    def path_of(self, comment: Comment) -> str:
        """Return the path of a comment."""
        return f"{self.path}/{comment.id}"

    def send(self, method: str, path: str, *, data: object = None, once: bool = False) -> object:
        """Send a request as :meth:`.Http.send` does, and return the JSON of its answer."""
        return self.http.send(method, path, data=data, once=once).data
