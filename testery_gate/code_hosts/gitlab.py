"""GitLab: notes of merge requests, statuses of commits.

The rules are those of GitLab's documentation, "Notes API", "Commits API" and "Predefined CI/CD
variables". What these do not say:

* The token of a job may read notes in newer versions, but neither write one nor set a status
  (``lib/api/notes.rb``, "CI/CD job token"), so it takes an access token of the project.
* A status belongs to a pipeline. Without ``pipeline_id`` GitLab takes the newest of the commit, or
  makes one of the branch. The pipeline of a merged result has a commit of its own, which gets the
  status where that of the source branch is under test.
* A status that is running can't be set to running again, which GitLab refuses with 400. It is there
  when an earlier job was killed, and as good as set (runatlantis/atlantis#2685).
* A note of a reader is a note to all the same: the pages are those of what the system has, so one
  may be shorter than asked for. ``X-Next-Page`` says whether there is another one.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
from testery_gate.code_hosts.answers import Fields, number_at, objects_in, of_one_comment, text_at
from testery_gate.code_hosts.comment import is_marked
from testery_gate.code_hosts.host import (
    Comment,
    Gone,
    HostError,
    Place,
    State,
    Status,
    Surroundings,
)
from testery_gate.code_hosts.http import Http
from testery_gate.text import shorten

PAGE = 100
"""Notes of one request, which is the most."""
LONGEST = 255
"""Characters of a status' name, description and address."""

_STATES = {
    State.PENDING: "running",
    State.PASSED: "success",
    State.FAILED: "failed",
    State.NO_VERDICT: "failed",
    State.STOPPED: "canceled",
}


def find_place(surroundings: Surroundings) -> Place:
    """Return what GitLab says of the change; raises :class:`HostError`."""
    environment = surroundings.environment
    project = environment.get("CI_PROJECT_ID", "")
    if not project.isdecimal():
        raise HostError("CI_PROJECT_ID does not say which project this is")
    commit = surroundings.commit()
    if commit is not None and commit == environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"):
        commit = environment.get("CI_COMMIT_SHA")
    number = environment.get("CI_MERGE_REQUEST_IID", "")
    # In the pipeline of a fork these are two projects, and the fork's commit is in that one only.
    target = environment.get("CI_MERGE_REQUEST_PROJECT_ID") or project
    pipeline = environment.get("CI_PIPELINE_ID", "")
    server = environment.get("CI_SERVER_URL") or "https://gitlab.com"
    return Place(
        api_url=environment.get("CI_API_V4_URL") or f"{server}/api/v4",
        repository=target,
        commit=commit if target == project else None,
        pull_request=int(number) if number.isdecimal() else None,
        pipeline_url=environment.get("CI_PIPELINE_URL", ""),
        pipeline=int(pipeline) if pipeline.isdecimal() else 0,
        gate=environment.get("CI_JOB_NAME", ""),
    )


def auth(token: str, _: Mapping[str, str]) -> AuthBase:
    """Return the token in GitLab's own header."""
    return BearerToken(token, header="PRIVATE-TOKEN", scheme="")


class GitLab:
    """A merge request, or a commit, on GitLab; see :class:`.host.CodeHost`."""

    name = "GitLab"
    comment_limit = 1_000_000
    folds = True

    def __init__(self, place: Place, http: Http) -> None:
        self._place = place
        self._http = http
        self._project = f"projects/{urllib.parse.quote(place.repository, safe='')}"
        self._user: int | None = None

    def hidden(self, note: str) -> str:
        """Return an HTML comment."""
        return f"<!-- {note} -->"

    def own_comments(self, marker: str) -> Sequence[Comment]:
        """Return those of the token's user that begin with the marker."""
        return [
            _comment(note)
            for note in self._all_notes()
            if is_marked(text_at(note, "body"), marker)
            and number_at(note, "author", "id") == self._own_id()
        ]

    def add_comment(self, text: str) -> Comment:
        """Add a note to the merge request."""
        answer = self._http.send("POST", self._notes(), data={"body": text}, once=True)
        return _comment(answer.data)

    def replace_comment(self, comment: Comment, text: str) -> None:
        """Replace what a note says."""
        with of_one_comment():
            self._http.send("PUT", f"{self._notes()}/{comment.id}", data={"body": text})

    def delete_comment(self, comment: Comment) -> None:
        """Delete a note."""
        with suppress(Gone), of_one_comment():
            self._http.send("DELETE", f"{self._notes()}/{comment.id}")

    def set_status(self, status: Status) -> None:
        """Set the status of the pipeline's commit."""
        if self._place.commit is None:
            raise HostError("it is not known which commit this is about")
        state = _STATES[status.state]
        data = {
            "state": state,
            "name": shorten(status.context, LONGEST),
            "description": shorten(status.description, LONGEST),
            **({"target_url": status.url} if 0 < len(status.url) <= LONGEST else {}),
        }
        pipeline = {"pipeline_id": self._place.pipeline} if self._place.pipeline else {}
        path = f"{self._project}/statuses/{self._place.commit}"
        try:
            try:
                self._http.send("POST", path, data={**data, **pipeline})
            except HostError as error:
                if error.status != 404 or "pipeline_id" not in str(error):
                    raise
                self._http.send("POST", path, data=data)  # another commit is under test
        except HostError as error:
            if error.status != 400 or f"from :{state}" not in str(error):
                raise

    def _all_notes(self) -> Iterator[Fields]:
        page = "1"
        while page.isdecimal():
            params: dict[str, str | int] = {
                "order_by": "created_at",
                "sort": "asc",
                "activity_filter": "only_comments",
                "per_page": PAGE,
                "page": page,
            }
            answer = self._http.send("GET", self._notes(), params=params)
            yield from objects_in(answer.data)
            page = answer.headers.get("X-Next-Page", "")

    def _own_id(self) -> int:
        """Return the id of the token's user."""
        if self._user is None:
            self._user = number_at(self._http.send("GET", "user").data, "id")
        return self._user

    def _notes(self) -> str:
        return f"{self._project}/merge_requests/{self._place.pull_request}/notes"


def _comment(note: object) -> Comment:
    return Comment(id=str(number_at(note, "id")), body=text_at(note, "body"))
