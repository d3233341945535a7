"""GitHub: comments of pull requests, check runs, commit statuses.

The rules are those of GitHub's REST API description, version 2022-11-28 (``@octokit/openapi`` of
npm), and of its documentation, "Rate limits for the REST API" and "Using the REST API to interact
with checks". What those do not say:

* Which user a token is: ``GET /user`` is refused for the token of a workflow. GraphQL's ``viewer``
  knows, as ``github-actions[bot]``, which is the name that REST gives a comment's author too
  (cli/cli#6384, marocchino/sticky-pull-request-comment#332).
* Only apps may make check runs; the token of a workflow is an app's, a personal one is not. The
  link of a check run that such a token makes leads to the check run itself, whatever
  ``details_url`` says (actions/github-script#143), so its text links to the run as well.
* An annotation needs a path. GitHub's own runner writes ``.github`` where a message has no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from testery_gate.ci.issues import Issue, Severity
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
    of_details,
)
from testery_gate.code_hosts.http import Http
from testery_gate.text import shorten

PAGE = 100
"""Comments of one request, which is the most."""
ANNOTATIONS = 50
"""Of one request, which is the most; further ones are added to those that are there."""
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
    # A neutral one would let a change be merged.
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


def find_place(surroundings: Surroundings) -> Place:
    """Return what GitHub Actions says of the change; raises :class:`HostError`."""
    environment = surroundings.environment
    repository = environment.get("GITHUB_REPOSITORY", "")
    if repository.count("/") != 1:
        raise HostError("GITHUB_REPOSITORY does not say which repository this is")
    server = environment.get("GITHUB_SERVER_URL") or "https://github.com"
    run_id = environment.get("GITHUB_RUN_ID", "")
    return Place(
        api_url=environment.get("GITHUB_API_URL") or "https://api.github.com",
        repository=repository,
        commit=surroundings.commit(),
        pull_request=_pull_request(surroundings.read_event(), environment),
        pipeline_url=f"{server}/{repository}/actions/runs/{run_id}" if run_id else "",
        pipeline=int(run_id) if re.fullmatch(r"\d{1,18}", run_id, re.ASCII) else 0,
        gate=" / ".join(filter(None, map(environment.get, ("GITHUB_WORKFLOW", "GITHUB_JOB")))),
    )


def _pull_request(event: object, environment: Mapping[str, str]) -> int | None:
    """Return the pull request's number, if the event is about one.

    A comment's event calls it an issue; that of a pull request from elsewhere has no other ref.
    """
    is_one = value_at(event, "issue", "pull_request") is not None
    for name in ("pull_request", *(("issue",) if is_one else ())):
        if value_at(event, name, "number") is not None:
            return number_at(event, name, "number")
    found = re.fullmatch(r"refs/pull/(\d{1,18})/.+", environment.get("GITHUB_REF", ""), re.ASCII)
    return int(found[1]) if found else None


class GitHub:
    """A pull request, or a commit, on GitHub; see :class:`.host.CodeHost`."""

    name = "GitHub"
    comment_limit = 65_536
    folds = True

    def __init__(self, place: Place, http: Http) -> None:
        self._place = place
        self._http = http
        self._repository = f"repos/{place.repository}"
        self._viewer = ""
        self._check_run: int | None = None
        self._may_check = True

    def hidden(self, note: str) -> str:
        """Return an HTML comment."""
        return f"<!-- {note} -->"

    def own_comments(self, marker: str) -> Sequence[Comment]:
        """Return those of the token's user that begin with the marker."""
        marked = [one for one in self._all_comments() if is_marked(text_at(one, "body"), marker)]
        # Who asks is asked only where it matters.
        own = [one for one in marked if text_at(one, "user", "login") == self._login()]
        return [_comment(one) for one in sorted(own, key=lambda one: number_at(one, "id"))]

    def add_comment(self, text: str) -> Comment:
        """Add a comment to the pull request."""
        answer = self._http.send("POST", self._comments(), data={"body": text}, once=True)
        self._viewer = text_at(answer.data, "user", "login")
        return _comment(answer.data)

    def replace_comment(self, comment: Comment, text: str) -> None:
        """Replace what a comment says."""
        with of_one_comment():
            self._http.send("PATCH", self._one_comment(comment), data={"body": text})

    def delete_comment(self, comment: Comment) -> None:
        """Delete a comment."""
        with suppress(Gone), of_one_comment():
            self._http.send("DELETE", self._one_comment(comment))

    def set_status(self, status: Status) -> None:
        """Make or update a check run where the token may, else a commit status."""
        if self._place.commit is None:
            raise HostError("it is not known which commit this is about")
        if self._may_check:
            try:
                self._check(status, self._place.commit)
            except NoRights:
                self._may_check = False
            else:
                return
        self._http.send(
            "POST",
            f"{self._repository}/statuses/{self._place.commit}",
            data={
                "state": _STATES[status.state],
                "context": shorten(status.context, LONGEST_TITLE),
                "description": shorten(status.description, LONGEST_DESCRIPTION),
                **({"target_url": status.url} if status.url else {}),
            },
        )

    def _check(self, status: Status, commit: str) -> None:
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
        if self._check_run is None:
            path = f"{self._repository}/check-runs"
            answer = self._http.send("POST", path, data={**data, "head_sha": commit})
            self._check_run = number_at(answer.data, "id")
        else:
            self._http.send("PATCH", self._one_check_run(), data=data)
        # The verdict is there by now, whatever becomes of what tests are called.
        with of_details():
            for part in _annotations(status.issues):
                output = {"title": title, "summary": summary, "annotations": part}
                self._http.send("PATCH", self._one_check_run(), data={"output": output})

    def _all_comments(self) -> Iterator[Fields]:
        number, more = 0, True
        while more:
            number += 1
            params = {"per_page": PAGE, "page": number}
            page = objects_in(self._http.send("GET", self._comments(), params=params).data)
            yield from page
            more = len(page) == PAGE

    def _login(self) -> str:
        """Return the name of the token's user."""
        if not self._viewer:
            answer = self._http.send("POST", _graphql(self._http), data={"query": VIEWER})
            self._viewer = text_at(answer.data, "data", "viewer", "login")
        if not self._viewer:
            raise NoRights("GitHub does not say which user the token is")
        return self._viewer

    def _comments(self) -> str:
        return f"{self._repository}/issues/{self._place.pull_request}/comments"

    def _one_comment(self, comment: Comment) -> str:
        return f"{self._repository}/issues/comments/{comment.id}"

    def _one_check_run(self) -> str:
        return f"{self._repository}/check-runs/{self._check_run}"


def _graphql(http: Http) -> str:
    """Return GraphQL's address, which Enterprise Server has beside REST's /api/v3."""
    return f"{http.base_url.removesuffix('/v3')}/graphql"


def _comment(data: object) -> Comment:
    return Comment(id=str(number_at(data, "id")), body=text_at(data, "body"))


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
