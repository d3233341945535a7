"""Bitbucket Cloud: comments of pull requests, build statuses, Code Insights.

The rules are those of Atlassian's REST API description, version 2.0 (``swagger.v3.json``), and of
its documentation, "Variables and secrets". What these do not say:

* Comments show HTML as it is written, so a note is hidden in a link's definition that no link uses
  (The-PR-Agent/pr-agent#3283), and the report does without ``details``.
* Which user a token is: ``GET /user`` knows, but refuses the access token of a repository, which
  has no scope for it. Only its author can edit a comment, so such a token finds its own by writing
  a marked one again as it is: 403 says that it is somebody else's.
* How long things may be: a status' key 40 characters (buildbot/buildbot#7049), a comment 32,768 (as
  on Bitbucket Data Center), an annotation's summary 450 (reviewdog/reviewdog#1344).
* Annotations of an earlier pipeline stay on a report until it is deleted.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256

from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
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

API_URL = "https://api.bitbucket.org/2.0"
PAGE = 100
"""Comments of one request, which is the most."""
LONGEST_KEY = 40
LONGEST_DESCRIPTION = 255
LONGEST_SUMMARY = 450
LONGEST_DETAILS = 2_000
"""Characters of what a report or an annotation says."""
ANNOTATIONS = 100
"""Of one request, which is the most."""
MOST_ANNOTATIONS = 1_000
"""Of a report."""

_STATES = {
    State.PENDING: "INPROGRESS",
    State.PASSED: "SUCCESSFUL",
    State.FAILED: "FAILED",
    State.NO_VERDICT: "FAILED",
    State.STOPPED: "STOPPED",
}
_RESULTS = {State.PENDING: "PENDING", State.PASSED: "PASSED"}
"""Of a report; it has no word for anything else than failed."""
_SEVERITIES = {Severity.ERROR: "HIGH", Severity.WARNING: "LOW"}


def find_place(surroundings: Surroundings) -> Place:
    """Return what Bitbucket Pipelines says of the change; raises :class:`HostError`."""
    environment = surroundings.environment
    workspace = environment.get("BITBUCKET_WORKSPACE", "")
    slug = environment.get("BITBUCKET_REPO_SLUG", "")
    if not (workspace and slug):
        raise HostError(
            "BITBUCKET_WORKSPACE and BITBUCKET_REPO_SLUG do not say which repository this is"
        )
    repository = "/".join(urllib.parse.quote(part, safe="") for part in (workspace, slug))
    number = environment.get("BITBUCKET_PR_ID", "")
    build = environment.get("BITBUCKET_BUILD_NUMBER", "")
    known = build.isdecimal()
    return Place(
        api_url=API_URL,
        repository=repository,
        commit=surroundings.commit(),
        pull_request=int(number) if number.isdecimal() else None,
        pipeline_url=f"https://bitbucket.org/{repository}/pipelines/results/{build}"
        if known
        else "",
        pipeline=int(build) if known else 0,
        # There is no variable with a step's name.
        gate=environment.get("BITBUCKET_DEPLOYMENT_ENVIRONMENT", ""),
    )


def auth(token: str, _: Mapping[str, str]) -> AuthBase:
    """Return an access token as it is, and ``email:token``, which is a person's, as a password."""
    if ":" not in token:
        return BearerToken(token)
    return BearerToken(base64.b64encode(token.encode()).decode(), scheme="Basic")


class Bitbucket:
    """A pull request, or a commit, on Bitbucket Cloud; see :class:`.host.CodeHost`."""

    name = "Bitbucket"
    comment_limit = 32_768
    folds = False

    def __init__(self, place: Place, http: Http) -> None:
        self._place = place
        self._http = http
        self._repository = f"repositories/{place.repository}"
        self._user: str | None = None
        """The token's own; empty where it may not ask."""
        self._others = set[str]()
        self._reported = False

    def hidden(self, note: str) -> str:
        """Return a link's definition that no link uses."""
        return f"[//]: # ({note})"

    def own_comments(self, marker: str) -> Sequence[Comment]:
        """Return those that the token wrote, and that begin with the marker."""
        return [
            _comment(comment)
            for comment in self._all_comments()
            if not value_at(comment, "deleted")
            and is_marked(_comment(comment).body, marker)
            and self._wrote(comment)
        ]

    def add_comment(self, text: str) -> Comment:
        """Add a comment to the pull request."""
        data = {"content": {"raw": text}}
        answer = self._http.send("POST", self._comments(), data=data, once=True)
        self._user = _author(answer.data) or self._user
        return _comment(answer.data)

    def replace_comment(self, comment: Comment, text: str) -> None:
        """Replace what a comment says."""
        data = {"content": {"raw": text}}
        with of_one_comment():
            self._http.send("PUT", f"{self._comments()}/{comment.id}", data=data)

    def delete_comment(self, comment: Comment) -> None:
        """Delete a comment."""
        with suppress(Gone), of_one_comment():
            self._http.send("DELETE", f"{self._comments()}/{comment.id}")

    def set_status(self, status: Status) -> None:
        """Set a build status of the commit, and write a report for Code Insights."""
        if self._place.commit is None:
            raise HostError("it is not known which commit this is about")
        commit = f"{self._repository}/commit/{self._place.commit}"
        key = _key(status.context)
        data = {
            "key": key,
            "state": _STATES[status.state],
            "name": status.context,
            "description": shorten(status.description, LONGEST_DESCRIPTION),
            **({"url": status.url} if status.url else {}),
        }
        self._http.send("POST", f"{commit}/statuses/build", data=data)
        # The verdict is there by now, whatever becomes of the rest.
        with of_details():
            self._report(f"{commit}/reports/{key}", status, key)

    def _report(self, path: str, status: Status, key: str) -> None:
        if not self._reported:
            with suppress(Gone), of_one_comment():
                self._http.send("DELETE", path)
            self._reported = True
        data = {
            "title": status.context,
            "details": shorten(status.description, LONGEST_DETAILS),
            "reporter": "testery-gate",
            "report_type": "TEST",
            "result": _RESULTS.get(status.state, "FAILED"),
            **({"link": status.url} if status.url else {}),
        }
        self._http.send("PUT", path, data=data)
        found = [
            _annotation(issue, f"{key}-{number}")
            for number, issue in enumerate(status.issues[:MOST_ANNOTATIONS], 1)
        ]
        for at in range(0, len(found), ANNOTATIONS):
            self._http.send("POST", f"{path}/annotations", data=found[at : at + ANNOTATIONS])

    def _all_comments(self) -> Iterator[Fields]:
        path = f"{self._comments()}?pagelen={PAGE}&sort=created_on"
        while path:
            page = self._http.send("GET", path).data
            yield from objects_in(value_at(page, "values"))
            path = text_at(page, "next")

    def _wrote(self, comment: Fields) -> bool:
        """Whether the token's user wrote a comment."""
        author = _author(comment)
        if self._user is None:
            self._user = self._own_id()
        if not self._user and author not in self._others:
            # Only its author can write it.
            try:
                same = _comment(comment)
                self.replace_comment(same, same.body)
            except (Gone, NoRights):
                self._others.add(author)
            else:
                self._user = author
        return bool(author) and author == self._user

    def _own_id(self) -> str:
        """Return the id of the token's user, empty where the token may not ask for it."""
        try:
            return text_at(self._http.send("GET", "user").data, "uuid")
        except NoRights:
            return ""

    def _comments(self) -> str:
        return f"{self._repository}/pullrequests/{self._place.pull_request}/comments"


def _key(context: str) -> str:
    """Return a context in the length and the letters that a key may have."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in context)
    if plain == context and len(context) <= LONGEST_KEY:
        return context
    # Contexts that differ only in what was dropped are different contexts.
    return f"{plain[: LONGEST_KEY - 13]}-{sha256(context.encode()).hexdigest()[:12]}"


def _author(comment: object) -> str:
    return text_at(comment, "user", "uuid")


def _comment(comment: object) -> Comment:
    return Comment(id=str(number_at(comment, "id")), body=text_at(comment, "content", "raw"))


def _annotation(issue: Issue, number: str) -> Mapping[str, object]:
    return {
        "external_id": number,
        "annotation_type": "BUG",
        "severity": _SEVERITIES[issue.severity],
        "summary": shorten(issue.title, LONGEST_SUMMARY),
        "details": shorten(issue.message or issue.title, LONGEST_DETAILS),
        **({"path": issue.file} if issue.file else {}),
    }
