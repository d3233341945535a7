"""Azure DevOps: threads and statuses of pull requests in Azure Repos, statuses of commits.

The rules are those of Microsoft's REST API description, version 7.0 (``vsts-rest-api-specs``, the
same in 7.1; Azure DevOps Server 2022 knows no newer one), and of its documentation, "Use predefined
variables". What these do not say:

* Which user a token is: ``_apis/connectionData``, which never left its preview, as
  ``azure-devops-node-api`` asks it.
* A token that is not believed gets a page to sign in, with 203 or a redirect to another host. With
  ``X-TFS-FedAuthRedirect: Suppress``, as in Microsoft's clients, it is 401.
* A thread is made ``closed``. One that is active would hold up a pull request by the policy "check
  for comment resolution" until somebody closes it by hand; the status is what may hold it up. On
  which state people set it later the gate keeps its hands off.
* A status of a pull request outlives the next push, which nobody has tested yet; that of an
  iteration does not. So it is set for the iteration that has the commit under test.
* All threads come on one page, and so do all iterations.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Mapping, Sequence
from contextlib import suppress

import requests
from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
from testery_gate.code_hosts.answers import (
    Fields,
    number_at,
    objects_in,
    of_one_comment,
    text_at,
    value_at,
)
from testery_gate.code_hosts.comment import is_marked
from testery_gate.code_hosts.host import (
    Comment,
    Gone,
    HostError,
    NoRights,
    Place,
    State,
    Status,
    Surroundings,
)
from testery_gate.code_hosts.http import Answer, Http
from testery_gate.text import shorten

VERSION = "7.0"
GENRE = "testery-gate"
"""What comes before a status' name, so that a branch policy can tell it from another tool's."""
LONGEST_DESCRIPTION = 250

_STATES = {
    State.PENDING: "pending",
    State.PASSED: "succeeded",
    State.FAILED: "failed",
    State.NO_VERDICT: "error",
    State.STOPPED: "error",
}


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
    build = environment.get("BUILD_BUILDID", "")
    number = environment.get("SYSTEM_PULLREQUEST_PULLREQUESTID", "")
    names = ("BUILD_DEFINITIONNAME", "SYSTEM_STAGENAME", "SYSTEM_JOBNAME")
    return Place(
        api_url=collection,
        repository=f"{quoted}/_apis/git/repositories/{urllib.parse.quote(repository, safe='')}",
        commit=surroundings.commit(),
        pull_request=int(number) if number.isdecimal() else None,
        pipeline_url=f"{collection}/{quoted}/_build/results?buildId={build}" if build else "",
        pipeline=int(build) if build.isdecimal() else 0,
        gate=" / ".join(filter(None, map(environment.get, names))),
    )


class _Token(BearerToken):
    """A token as the password of nobody, which every kind of token may be."""

    def __init__(self, token: str) -> None:
        super().__init__(base64.b64encode(f":{token}".encode()).decode(), scheme="Basic")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-TFS-FedAuthRedirect"] = "Suppress"
        return super().__call__(request)


def auth(token: str, _: Mapping[str, str]) -> AuthBase:
    """Return the token as Azure DevOps takes it, be it the pipeline's or a person's."""
    return _Token(token)


class Azure:
    """A pull request, or a commit, in Azure Repos; see :class:`.host.CodeHost`."""

    name = "Azure DevOps"
    comment_limit = 150_000
    folds = True

    def __init__(self, place: Place, http: Http) -> None:
        self._place = place
        self._http = http
        self._user: str | None = None
        self._iteration: int | None = None

    def hidden(self, note: str) -> str:
        """Return a link's definition that no link uses, which is Markdown's own way to hide."""
        return f"[//]: # ({note})"

    def own_comments(self, marker: str) -> Sequence[Comment]:
        """Return those of the token's user that begin a thread, and begin with the marker."""
        return [
            _comment(thread)
            for thread in sorted(self._all_threads(), key=lambda thread: number_at(thread, "id"))
            if is_marked(text_at(_first(thread), "content"), marker)
            and text_at(_first(thread), "author", "id") == self._own_id()
        ]

    def add_comment(self, text: str) -> Comment:
        """Begin a thread of the pull request."""
        comment = {"parentCommentId": 0, "content": text, "commentType": "text"}
        data = {"comments": [comment], "status": "closed"}
        return _comment(self._send("POST", self._threads(), data=data, once=True).data)

    def replace_comment(self, comment: Comment, text: str) -> None:
        """Replace what a comment says."""
        with of_one_comment():
            self._send("PATCH", self._one_comment(comment), data={"content": text})

    def delete_comment(self, comment: Comment) -> None:
        """Delete a comment, and with it the thread that has no other."""
        with suppress(Gone), of_one_comment():
            self._send("DELETE", self._one_comment(comment))

    def set_status(self, status: Status) -> None:
        """Set a status of the pull request, or of the commit where there is none.

        Of those with the same name the newest counts.
        """
        if self._place.commit is None:
            raise HostError("it is not known which commit this is about")
        if self._place.pull_request is None:
            path, where = f"commits/{self._place.commit}/statuses", {}
        else:
            path = f"pullRequests/{self._place.pull_request}/statuses"
            where = {"iterationId": self._iteration_of(self._place.commit)}
        data = {
            "state": _STATES[status.state],
            "context": {"genre": GENRE, "name": status.context},
            "description": shorten(status.description, LONGEST_DESCRIPTION),
            **({"targetUrl": status.url} if status.url else {}),
            **where,
        }
        self._send("POST", f"{self._place.repository}/{path}", data=data)

    def _iteration_of(self, commit: str) -> int:
        """Return the number of the newest iteration of the pull request with a commit."""
        if self._iteration is None:
            path = f"{self._place.repository}/pullRequests/{self._place.pull_request}/iterations"
            found = [
                number_at(iteration, "id")
                for iteration in objects_in(value_at(self._send("GET", path).data, "value"))
                if text_at(iteration, "sourceRefCommit", "commitId") == commit
            ]
            if not found:
                raise HostError(f"the pull request does not have commit {commit}")
            self._iteration = max(found)
        return self._iteration

    def _all_threads(self) -> Sequence[Fields]:
        return objects_in(value_at(self._send("GET", self._threads()).data, "value"))

    def _own_id(self) -> str:
        """Return the id of the token's user."""
        if self._user is None:
            answer = self._send("GET", "_apis/connectionData", version=f"{VERSION}-preview")
            self._user = text_at(answer.data, "authenticatedUser", "id")
        if not self._user:
            raise NoRights("Azure DevOps does not say which user the token is")
        return self._user

    def _send(
        self,
        method: str,
        path: str,
        *,
        data: object = None,
        once: bool = False,
        version: str = VERSION,
    ) -> Answer:
        params = {"api-version": version}
        return self._http.send(method, path, params=params, data=data, once=once)

    def _threads(self) -> str:
        return f"{self._place.repository}/pullRequests/{self._place.pull_request}/threads"

    def _one_comment(self, comment: Comment) -> str:
        thread, _, number = comment.id.partition("/")
        return f"{self._threads()}/{thread}/comments/{number}"


def _first(thread: object) -> object:
    """Return the comment that a thread began with, where it is there still."""
    comments = value_at(thread, "comments")
    first = comments[0] if isinstance(comments, list) and comments else None
    return None if value_at(first, "isDeleted") else first


def _comment(thread: object) -> Comment:
    first = _first(thread)
    number = f"{number_at(thread, 'id')}/{number_at(first, 'id')}"
    return Comment(id=number, body=text_at(first, "content"))
