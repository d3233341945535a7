"""GitLab: notes of merge requests, statuses of commits.

The rules are those of GitLab's documentation, "Notes API", "Commits API" and "Predefined CI/CD
variables". What these do not say:

* The token of a job can read notes in newer versions, but can't write notes or set a status
  (``lib/api/notes.rb``, "CI/CD job token"). So an access token of the project is needed.
* A status belongs to a pipeline. Without ``pipeline_id`` GitLab takes the newest one of the commit,
  or creates one for the branch. The pipeline of a merged result has its own commit, which gets the
  status if the commit of the source branch is under test.
* GitLab refuses with 400 to set a running status to running again. It is running already if an
  earlier job was killed, so the error is ignored (runatlantis/atlantis#2685).
* A page may have fewer notes than requested, because some are not visible to the user.
  ``X-Next-Page`` says whether there is another page.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator

from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
from testery_gate.code_hosts.answers import number_at, objects_in, text_at, value_at
from testery_gate.code_hosts.host import CodeHost, Comment, Place, State, Status, Surroundings
from testery_gate.code_hosts.http import HostError, Http
from testery_gate.text import shorten

PAGE = 100
"""Notes in one request, at most."""
LONGEST = 255
"""Characters of a status' name, description and address."""

_STATES = {
    State.PENDING: "running",
    State.PASSED: "success",
    State.FAILED: "failed",
    State.NO_VERDICT: "failed",
    State.STOPPED: "canceled",
}


class GitLab(CodeHost):
    """A merge request, or a commit, on GitLab."""

    name = "GitLab"
    comment_limit = 1_000_000

    def __init__(self, place: Place, http: Http) -> None:
        super().__init__(place, http)
        self._project = f"projects/{urllib.parse.quote(place.repository, safe='')}"
        self.path = f"{self._project}/merge_requests/{place.pull_request}/notes"

    @staticmethod
    def find_place(surroundings: Surroundings) -> Place:
        """Return what GitLab says of the change; raises :class:`HostError`."""
        environment = surroundings.environment
        project = environment.get("CI_PROJECT_ID", "")
        if not project.isdecimal():
            raise HostError("CI_PROJECT_ID does not say which project this is")
        commit = surroundings.commit()
        if commit is not None and commit == environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"):
            commit = environment.get("CI_COMMIT_SHA")
        # In the pipeline of a fork these are two projects, and only the fork has the commit.
        target = environment.get("CI_MERGE_REQUEST_PROJECT_ID") or project
        server = environment.get("CI_SERVER_URL") or "https://gitlab.com"
        return Place(
            api_url=environment.get("CI_API_V4_URL") or f"{server}/api/v4",
            repository=target,
            commit=commit if target == project else None,
            pull_request=surroundings.number("CI_MERGE_REQUEST_IID"),
            pipeline_url=environment.get("CI_PIPELINE_URL", ""),
            pipeline=surroundings.number("CI_PIPELINE_ID") or 0,
            gate=environment.get("CI_JOB_NAME", ""),
        )

    @staticmethod
    def auth(token: str) -> AuthBase:
        """Return the authentication that sends the token in GitLab's own header."""
        return BearerToken(token, header="PRIVATE-TOKEN", scheme="")

    def set_status(self, status: Status) -> None:
        """Set the status of the pipeline's commit."""
        state = _STATES[status.state]
        data = {
            "state": state,
            "name": shorten(status.context, LONGEST),
            "description": shorten(status.description, LONGEST),
            **({"target_url": status.url} if 0 < len(status.url) <= LONGEST else {}),
        }
        pipeline = {"pipeline_id": self.place.pipeline} if self.place.pipeline else {}
        path = f"{self._project}/statuses/{self.place.commit}"
        try:
            try:
                self.send("POST", path, data={**data, **pipeline})
            except HostError as error:
                if error.status != 404 or "pipeline_id" not in str(error):
                    raise
                self.send("POST", path, data=data)  # another commit is under test
        except HostError as error:
            if error.status != 400 or f"from :{state}" not in str(error):
                raise

    def comments(self) -> Iterator[object]:
        """Return the notes of the merge request."""
        page = "1"
        while page.isdecimal():
            params: dict[str, str | int] = {
                "order_by": "created_at",
                "sort": "asc",
                "activity_filter": "only_comments",
                "per_page": PAGE,
                "page": page,
            }
            answer = self.http.send("GET", self.path, params=params)
            yield from objects_in(answer.data)
            page = answer.headers.get("X-Next-Page", "")

    def find_user(self) -> str:
        """Return the id of the token's user."""
        return str(number_at(self.send("GET", "user"), "id"))

    def body_of(self, data: object) -> str:
        """Return the text of a note."""
        return text_at(data, "body")

    def read(self, data: object) -> Comment:
        """Return the note in an answer."""
        author = str(value_at(data, "author", "id") or "")
        return Comment(id=str(number_at(data, "id")), body=self.body_of(data), author=author)
