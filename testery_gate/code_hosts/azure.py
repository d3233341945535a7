"""Azure DevOps: threads and statuses of pull requests in Azure Repos, statuses of commits.

The rules are those of Microsoft's REST API description, version 7.0 (``vsts-rest-api-specs``, the
same in 7.1; Azure DevOps Server 2022 knows no newer one), and of its documentation, "Use predefined
variables". What these do not say:

* Which user a token belongs to: ``_apis/connectionData``, which is still a preview, has it;
  ``azure-devops-node-api`` uses it too.
* An invalid token gets a page to sign in, with 203 or a redirect to another host. With
  ``X-TFS-FedAuthRedirect: Suppress``, as in Microsoft's clients, it is 401.
* A new thread is ``closed``. With the policy "check for comment resolution" an active one would
  block a pull request until somebody closes it by hand; only the status may block it. The gate
  never changes a state that people set later.
* A status of a pull request stays after the next push, which is not tested yet; that of an
  iteration does not. So it is set for the iteration that has the commit under test.
* All threads are on one page, and so are all iterations.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Mapping, Sequence

import requests
from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
from testery_gate.code_hosts.answers import number_at, objects_in, text_at, value_at
from testery_gate.code_hosts.host import CodeHost, Comment, Place, State, Status, Surroundings
from testery_gate.code_hosts.http import HostError, Http
from testery_gate.text import shorten

VERSION = "7.0"
GENRE = "testery-gate"
"""The prefix of a status' name, by which branch policies distinguish it from other tools'."""
LONGEST_DESCRIPTION = 250

_STATES = {
    State.PENDING: "pending",
    State.PASSED: "succeeded",
    State.FAILED: "failed",
    State.NO_VERDICT: "error",
    State.STOPPED: "error",
}


class _Token(BearerToken):
    """A token as a password without a user name, which works for every kind of token."""

    def __init__(self, token: str) -> None:
        super().__init__(base64.b64encode(f":{token}".encode()).decode(), scheme="Basic")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-TFS-FedAuthRedirect"] = "Suppress"
        return super().__call__(request)


class Azure(CodeHost):
    """A pull request, or a commit, in Azure Repos."""

    name = "Azure DevOps"
    comment_limit = 150_000
    # A link's definition that no link uses, which is Markdown's own way to hide.
    hidden = "[//]: # ({})"
    replacing = "PATCH"

    def __init__(self, place: Place, http: Http) -> None:
        super().__init__(place, http)
        self._pull_request = f"{place.repository}/pullRequests/{place.pull_request}"
        self.path = f"{self._pull_request}/threads"
        self._iteration: int | None = None

    @staticmethod
    def find_place(surroundings: Surroundings) -> Place:
        """Return what Azure Pipelines says of the change; raises :class:`HostError`."""
        environment = surroundings.environment
        provider = environment.get("BUILD_REPOSITORY_PROVIDER", "")
        if provider != "TfsGit":
            raise HostError(f"the repository is not in Azure Repos (but {provider or 'unknown'})")
        collection = environment.get("SYSTEM_COLLECTIONURI", "").rstrip("/")
        project = environment.get("SYSTEM_TEAMPROJECT", "")
        repository = environment.get("BUILD_REPOSITORY_ID", "")
        if not (collection and project and repository):
            raise HostError(
                "SYSTEM_COLLECTIONURI, SYSTEM_TEAMPROJECT and BUILD_REPOSITORY_ID"
                " do not say which repository this is"
            )
        quoted = urllib.parse.quote(project, safe="")
        build = surroundings.number("BUILD_BUILDID")
        names = ("BUILD_DEFINITIONNAME", "SYSTEM_STAGENAME", "SYSTEM_JOBNAME")
        return Place(
            api_url=collection,
            repository=f"{quoted}/_apis/git/repositories/{urllib.parse.quote(repository, safe='')}",
            commit=surroundings.commit(),
            pull_request=surroundings.number("SYSTEM_PULLREQUEST_PULLREQUESTID"),
            pipeline_url=f"{collection}/{quoted}/_build/results?buildId={build}" if build else "",
            pipeline=build or 0,
            gate=" / ".join(filter(None, map(environment.get, names))),
        )

    @staticmethod
    def auth(token: str) -> AuthBase:
        """Return the token as Azure DevOps takes it, that of a pipeline or of a person."""
        return _Token(token)

    def set_status(self, status: Status) -> None:
        """Set a status of the pull request, or of the commit if there is no pull request.

        If there are several with the same name, the newest counts.
        """
        if self.place.pull_request is None:
            path, where = f"{self.place.repository}/commits/{self.place.commit}/statuses", {}
        else:
            path = f"{self._pull_request}/statuses"
            where = {"iterationId": self._find_iteration()}
        data = {
            "state": _STATES[status.state],
            "context": {"genre": GENRE, "name": status.context},
            "description": shorten(status.description, LONGEST_DESCRIPTION),
            **({"targetUrl": status.url} if status.url else {}),
            **where,
        }
        self.send("POST", path, data=data)

    def _find_iteration(self) -> int:
        """Return the number of the newest iteration of the pull request with the commit."""
        if self._iteration is None:
            iterations = self.send("GET", f"{self._pull_request}/iterations")
            found = [
                number_at(iteration, "id")
                for iteration in objects_in(value_at(iterations, "value"))
                if text_at(iteration, "sourceRefCommit", "commitId") == self.place.commit
            ]
            if not found:
                raise HostError(f"the pull request does not have commit {self.place.commit}")
            self._iteration = max(found)
        return self._iteration

    def comments(self) -> Sequence[object]:
        """Return the threads of the pull request."""
        return objects_in(value_at(self.send("GET", self.path), "value"))

    def add_comment(self, text: str) -> Comment:
        """Add a thread to the pull request, and return its comment."""
        comment = {"parentCommentId": 0, "content": text, "commentType": "text"}
        data = {"comments": [comment], "status": "closed"}
        return self.read(self.send("POST", self.path, data=data, once=True))

    def find_user(self) -> str:
        """Return the id of the token's user."""
        data = self.send("GET", "_apis/connectionData", version=f"{VERSION}-preview")
        return text_at(data, "authenticatedUser", "id")

    def body_of(self, data: object) -> str:
        """Return the text of the first comment of a thread."""
        return text_at(_first(data), "content")

    def read(self, data: object) -> Comment:
        """Return the first comment of a thread."""
        first = _first(data)
        return Comment(
            id=f"{number_at(data, 'id')}/comments/{number_at(first, 'id')}",
            body=self.body_of(data),
            author=text_at(first, "author", "id"),
        )

    def content(self, text: str) -> Mapping[str, object]:
        """Return the text of a comment as Azure DevOps takes it."""
        return {"content": text}

    def send(
        self,
        method: str,
        path: str,
        *,
        data: object = None,
        once: bool = False,
        version: str = VERSION,
    ) -> object:
        """Send a request with a version of the API, and return the JSON of its answer."""
        params = {"api-version": version}
        return self.http.send(method, path, params=params, data=data, once=once).data


def _first(thread: object) -> object:
    """Return the first comment of a thread; ``None`` if it was deleted."""
    comments = value_at(thread, "comments")
    first = comments[0] if isinstance(comments, list) and comments else None
    return None if value_at(first, "isDeleted") else first
