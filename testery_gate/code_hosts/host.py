"""What the systems that host code have in common: a place, a status, comments, and their faults."""

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

    def number(self, variable: str) -> int | None:
        """Return the number that a variable of the environment has; ``None`` if it has none."""
        value = self.environment.get(variable, "")
        return int(value) if re.fullmatch(r"\d{1,18}", value, re.ASCII) else None


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
    author: str = ""
    """The id of the user who wrote it; empty where the system does not say it."""


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


class CodeHost(ABC):
    """One change on a system that hosts code, as far as all systems do the same.

    Every method raises :class:`.http.HostError`.
    """

    name: str
    """What people call the system."""
    comment_limit: int
    """How many bytes of UTF-8 a comment may have."""
    folds: bool = True
    """Whether its comments show HTML's ``details``."""
    hidden: str = "<!-- {} -->"
    """The line that keeps a note in a comment where people do not see it.

    The note is letters, digits, blanks and ``:=-_.`` only.
    """
    replacing: str = "PUT"
    """The method that replaces a comment."""
    path: str
    """Where the change's comments are, below the API's address."""

    def __init__(self, place: Place, http: Http) -> None:
        self.place = place
        self.http = http
        self.user = ""
        """Whom the token is of, as :attr:`Comment.author` has it; empty until that is known."""

    @staticmethod
    @abstractmethod
    def find_place(surroundings: Surroundings) -> Place:
        """Return what the system's own pipelines say of the change."""

    @staticmethod
    def auth(token: str) -> AuthBase:
        """Return how a token is sent."""
        return BearerToken(token)

    @abstractmethod
    def set_status(self, status: Status) -> None:
        """Set the status of the commit; one that was set before in this process is replaced.

        Raises :class:`Bare` where only what belongs to it could not be said.
        """

    @abstractmethod
    def comments(self) -> Iterable[object]:
        """Return the comments of the change, of all pages, each as the answer has it."""

    @abstractmethod
    def find_user(self) -> str:
        """Return whom the token is of; empty where the system does not say it."""

    def wrote(self, comment: Comment) -> bool:
        """Whether the token's own user wrote a comment."""
        self.user = self.user or self.find_user()
        if not self.user:
            raise NoRights(f"{self.name} does not say which user the token is")
        return comment.author == self.user

    def add_comment(self, text: str) -> Comment:
        """Add a comment, once: raises :class:`Lost` where it isn't known whether it was added."""
        comment = self.read(self.send("POST", self.path, data=self.content(text), once=True))
        self.user = comment.author or self.user
        return comment

    def replace_comment(self, comment: Comment, text: str) -> None:
        """Replace what a comment says; raises :class:`Gone` if it is not there any more."""
        self.send(self.replacing, self.path_of(comment), data=self.content(text))

    def delete_comment(self, comment: Comment) -> None:
        """Delete a comment; one that is gone already is no error."""
        with suppress(Gone):
            self.send("DELETE", self.path_of(comment))

    @abstractmethod
    def body_of(self, data: object) -> str:
        """Return what a comment of an answer says, empty where it says nothing.

        It may be anybody's, and look like anything.
        """

    @abstractmethod
    def read(self, data: object) -> Comment:
        """Read a comment of an answer."""

    def content(self, text: str) -> Mapping[str, object]:
        """Return what a comment says, as the system takes it."""
        return {"body": text}

    def path_of(self, comment: Comment) -> str:
        """Return where a comment is."""
        return f"{self.path}/{comment.id}"

    def send(self, method: str, path: str, *, data: object = None, once: bool = False) -> object:
        """Send a request as :meth:`.Http.send` does, and return the JSON of its answer."""
        return self.http.send(method, path, data=data, once=once).data
