"""GitHub: comments of pull requests, check runs, commit statuses.

The rules are those of GitHub's REST API description, version 2022-11-28 (``@octokit/openapi`` of
npm), and of its documentation, "Rate limits for the REST API" and "Using the REST API to interact
with checks". What those do not say:

* Which user a token belongs to: ``GET /user`` is refused for the token of a workflow. GraphQL's
  ``viewer`` returns ``github-actions[bot]``, which is also REST's name of a comment's author
  (cli/cli#6384, marocchino/sticky-pull-request-comment#332).
* Only apps may create check runs. The token of a workflow is an app's, a personal one is not. The
  link of a check run that such a token makes leads to the check run itself, whatever
  ``details_url`` says (actions/github-script#143), so its text links to the run as well.
* An annotation needs a path. GitHub's own runner writes ``.github`` where a message has no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from testery_gate.ci.issues import Issue, Severity
from testery_gate.code_hosts.answers import number_at, objects_in, text_at, value_at
from testery_gate.code_hosts.host import (
    CodeHost,
    Comment,
    Place,
    State,
    Status,
    Surroundings,
    of_details,
)
from testery_gate.code_hosts.http import HostError, Http, Lost, NoRights
from testery_gate.text import shorten

PAGE = 100
"""Comments or check runs in one request, at most."""
ANNOTATIONS = 50
"""In one request, at most; those of further requests are added."""
MOST_ANNOTATIONS = 200
VIEWER = "query { viewer { login } }"
LONGEST_DESCRIPTION = 140
"""Characters of a commit status."""
LONGEST_TITLE = 255
"""Of a check run's or an annotation's title, and of the name of either kind of status."""
LONGEST_SUMMARY = 65_535

_CONCLUSIONS = {
    State.PASSED: "success",
    State.FAILED: "failure",
    # "neutral" would allow a merge.
    State.NO_VERDICT: "failure",
    State.STOPPED: "cancelled",
}
_STATES = {
    State.PENDING: "pending",
    State.PASSED: "success",
    State.FAILED: "failure",
    State.NO_VERDICT: "error",
    State.STOPPED: "error",
}
_LEVELS = {Severity.ERROR: "failure", Severity.WARNING: "warning"}


class GitHub(CodeHost):
    """A pull request, or a commit, on GitHub."""

    name = "GitHub"
    comment_limit = 65_536
    replacing = "PATCH"

    def __init__(self, place: Place, http: Http) -> None:
        super().__init__(place, http)
        self._repository = f"repos/{place.repository}"
        self.path = f"{self._repository}/issues/{place.pull_request}/comments"
        self._check_run: int | None = None
        self._external_id = uuid4().hex
        """The id by which its check run differs from those of other jobs with the same name."""
        self._check_run_requested = False
        """Whether a check run was requested, and so may exist."""
        self._may_check = True

    @staticmethod
    def find_place(surroundings: Surroundings) -> Place:
        """Return what GitHub Actions says of the change; raises :class:`HostError`."""
        environment = surroundings.environment
        repository = environment.get("GITHUB_REPOSITORY", "")
        if repository.count("/") != 1:
            raise HostError("GITHUB_REPOSITORY does not say which repository this is")
        server = environment.get("GITHUB_SERVER_URL") or "https://github.com"
        run_id = surroundings.number("GITHUB_RUN_ID")
        return Place(
            api_url=environment.get("GITHUB_API_URL") or "https://api.github.com",
            repository=repository,
            commit=surroundings.commit(),
            pull_request=_pull_request(surroundings.read_event(), environment),
            pipeline_url=f"{server}/{repository}/actions/runs/{run_id}" if run_id else "",
            pipeline=run_id or 0,
            gate=" / ".join(filter(None, map(environment.get, ("GITHUB_WORKFLOW", "GITHUB_JOB")))),
        )

    def set_status(self, status: Status) -> None:
        """Create or update a check run if the token may do so, or else set a commit status."""
        if self._may_check:
            try:
                self._check(status)
            except NoRights:
                self._may_check = False
            else:
                return
        self.send(
            "POST",
            f"{self._repository}/statuses/{self.place.commit}",
            data={
                "state": _STATES[status.state],
                "context": shorten(status.context, LONGEST_TITLE),
                "description": shorten(status.description, LONGEST_DESCRIPTION),
                **({"target_url": status.url} if status.url else {}),
            },
        )

    def _check(self, status: Status) -> None:
        title = shorten(status.description, LONGEST_TITLE)
        summary = status.report(LONGEST_SUMMARY) or title
        data: dict[str, Any] = {
            "name": shorten(status.context, LONGEST_TITLE),
            **({"details_url": status.url} if status.url else {}),
            **(
                {"status": "in_progress"}
                if status.state is State.PENDING
                else {"status": "completed", "conclusion": _CONCLUSIONS[status.state]}
            ),
            "output": {"title": title, "summary": summary},
        }
        self._update_check_run(data)
        # The verdict is set already, even if the annotations fail.
        with of_details():
            for part in _annotations(status.issues):
                output = {"title": title, "summary": summary, "annotations": part}
                self.send("PATCH", self._one_check_run(), data={"output": output})

    def _update_check_run(self, data: Mapping[str, Any]) -> None:
        """Update the check run, or create it; after a lost answer, look first if it was created."""
        attempts = 0
        while True:
            if self._check_run is None and self._check_run_requested:
                self._check_run = self._find_check_run(data["name"])
            if self._check_run is not None:
                self.send("PATCH", self._one_check_run(), data=data)
                return
            own = {"head_sha": self.place.commit, "external_id": self._external_id}
            self._check_run_requested = True
            attempts += 1
            try:
                made = self.send(
                    "POST", f"{self._repository}/check-runs", data={**data, **own}, once=True
                )
            except Lost as lost:
                # GitHub may list a new check run only a moment later.
                self.http.wait(attempts, lost)
            else:
                self._check_run = number_at(made, "id")
                return

    def _find_check_run(self, name: str) -> int | None:
        """Return the number of the check run that this process has created, if there is one."""
        path = f"{self._repository}/commits/{self.place.commit}/check-runs"
        params: Mapping[str, str | int] = {"check_name": name, "filter": "all", "per_page": PAGE}
        answer = self.http.send("GET", path, params=params)
        for check_run in objects_in(value_at(answer.data, "check_runs")):
            if text_at(check_run, "external_id") == self._external_id:
                return number_at(check_run, "id")
        return None

    def comments(self) -> Iterator[object]:
        """Return the comments of the pull request."""
        number, more = 0, True
        while more:
            number += 1
            params = {"per_page": PAGE, "page": number}
            page = objects_in(self.http.send("GET", self.path, params=params).data)
            yield from page
            more = len(page) == PAGE

    def find_user(self) -> str:
        """Return the name of the token's user."""
        # Enterprise Server has GraphQL beside REST's /api/v3.
        url = f"{self.http.base_url.removesuffix('/v3')}/graphql"
        return text_at(self.send("POST", url, data={"query": VIEWER}), "data", "viewer", "login")

    def path_of(self, comment: Comment) -> str:
        """Return the path of a comment, which does not depend on its pull request."""
        return f"{self._repository}/issues/comments/{comment.id}"

    def body_of(self, data: object) -> str:
        """Return the text of a comment."""
        return text_at(data, "body")

    def read(self, data: object) -> Comment:
        """Return the comment in an answer."""
        number, author = str(number_at(data, "id")), text_at(data, "user", "login")
        return Comment(id=number, body=self.body_of(data), author=author)

    def _one_check_run(self) -> str:
        return f"{self._repository}/check-runs/{self._check_run}"


def _pull_request(event: object, environment: Mapping[str, str]) -> int | None:
    """Return the pull request's number, if the event is about one.

    The event of a comment calls it an issue. Otherwise the number may be in ``GITHUB_REF``.
    """
    is_one = value_at(event, "issue", "pull_request") is not None
    for name in ("pull_request", *(("issue",) if is_one else ())):
        if value_at(event, name, "number") is not None:
            return number_at(event, name, "number")
    found = re.fullmatch(r"refs/pull/(\d{1,18})/.+", environment.get("GITHUB_REF", ""), re.ASCII)
    return int(found[1]) if found else None


def _annotations(issues: Sequence[Issue]) -> Sequence[Sequence[Mapping[str, object]]]:
    found = [
        {
            "path": issue.file or ".github",
            "start_line": 1,
            "end_line": 1,
            "annotation_level": _LEVELS[issue.severity],
            "title": shorten(issue.title, LONGEST_TITLE),
            "message": issue.message or issue.title,
        }
        for issue in issues[:MOST_ANNOTATIONS]
    ]
    return [found[at : at + ANNOTATIONS] for at in range(0, len(found), ANNOTATIONS)]
