"""Bitbucket Cloud: comments of pull requests, build statuses, Code Insights.

The rules are those of Atlassian's REST API description, version 2.0 (``swagger.v3.json``), and of
its documentation, "Variables and secrets". What these do not say:

* Comments show HTML as text, so a note is hidden in a link's definition that no link uses
  (The-PR-Agent/pr-agent#3283), and the report has no ``details``.
* Which user a token belongs to: ``GET /user`` returns it, but refuses the access token of a
  repository, which has no scope for it. Only its author can edit a comment, so such a token writes
  a marked comment again without a change: 403 means that it is somebody else's.
* Which limits there are: a status' key 40 characters (buildbot/buildbot#7049), a comment 32,768 (as
  on Bitbucket Data Center), an annotation's summary 450 (reviewdog/reviewdog#1344).
* Annotations of an earlier pipeline stay on a report until it is deleted.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256

from requests.auth import AuthBase

from testery_gate.api.transport import BearerToken
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
from testery_gate.code_hosts.http import Gone, HostError, Http, NoRights
from testery_gate.text import shorten

API_URL = "https://api.bitbucket.org/2.0"
PAGE = 100
"""Comments in one request, at most."""
LONGEST_KEY = 40
LONGEST_DESCRIPTION = 255
LONGEST_SUMMARY = 450
LONGEST_DETAILS = 2_000
"""Characters of the details of a report or an annotation."""
ANNOTATIONS = 100
"""In one request, at most."""
MOST_ANNOTATIONS = 1_000
"""In one report."""

_STATES = {
    State.PENDING: "INPROGRESS",
    State.PASSED: "SUCCESSFUL",
    State.FAILED: "FAILED",
    State.NO_VERDICT: "FAILED",
    State.STOPPED: "STOPPED",
}
_RESULTS = {State.PENDING: "PENDING", State.PASSED: "PASSED"}
"""The results of a report; anything else is failed, because there is no other word."""
_SEVERITIES = {Severity.ERROR: "HIGH", Severity.WARNING: "LOW"}


class Bitbucket(CodeHost):
    """A pull request, or a commit, on Bitbucket Cloud."""

    name = "Bitbucket"
    comment_limit = 32_768
    folds = False
    hidden = "[//]: # ({})"

    def __init__(self, place: Place, http: Http) -> None:
        super().__init__(place, http)
        self._repository = f"repositories/{place.repository}"
        self.path = f"{self._repository}/pullrequests/{place.pull_request}/comments"
        self._user_requested = False
        """Whether the token's user was requested."""
        self._others = set[str]()
        self._reported = False

    @staticmethod
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
        build = surroundings.number("BITBUCKET_BUILD_NUMBER")
        page = f"https://bitbucket.org/{repository}/pipelines/results/{build}"
        return Place(
            api_url=API_URL,
            repository=repository,
            commit=surroundings.commit(),
            pull_request=surroundings.number("BITBUCKET_PR_ID"),
            pipeline_url=page if build else "",
            pipeline=build or 0,
            # There is no variable with a step's name.
            gate=environment.get("BITBUCKET_DEPLOYMENT_ENVIRONMENT", ""),
        )

    @staticmethod
    def auth(token: str) -> AuthBase:
        """Return an access token as it is, and ``email:token``, a person's, as a password."""
        if ":" not in token:
            return BearerToken(token)
        return BearerToken(base64.b64encode(token.encode()).decode(), scheme="Basic")

    def set_status(self, status: Status) -> None:
        """Set a build status of the commit, and write a report for Code Insights."""
        commit = f"{self._repository}/commit/{self.place.commit}"
        key = _key(status.context)
        data = {
            "key": key,
            "state": _STATES[status.state],
            "name": status.context,
            "description": shorten(status.description, LONGEST_DESCRIPTION),
            **({"url": status.url} if status.url else {}),
        }
        self.send("POST", f"{commit}/statuses/build", data=data)
        # The verdict is set already, even if the rest fails.
        with of_details():
            self._report(f"{commit}/reports/{key}", status, key)

    def _report(self, path: str, status: Status, key: str) -> None:
        if not self._reported:
            with suppress(Gone):
                self.send("DELETE", path)
            self._reported = True
        data = {
            "title": status.context,
            "details": shorten(status.description, LONGEST_DETAILS),
            "reporter": "testery-gate",
            "report_type": "TEST",
            "result": _RESULTS.get(status.state, "FAILED"),
            **({"link": status.url} if status.url else {}),
        }
        self.send("PUT", path, data=data)
        found = [
            _annotation(issue, f"{key}-{number}")
            for number, issue in enumerate(status.issues[:MOST_ANNOTATIONS], 1)
        ]
        for at in range(0, len(found), ANNOTATIONS):
            self.send("POST", f"{path}/annotations", data=found[at : at + ANNOTATIONS])

    def comments(self) -> Iterator[object]:
        """Return the comments of the pull request, without deleted ones."""
        path = f"{self.path}?pagelen={PAGE}&sort=created_on"
        while path:
            page = self.send("GET", path)
            for comment in objects_in(value_at(page, "values")):
                if not value_at(comment, "deleted"):
                    yield comment
            path = text_at(page, "next")

    def wrote(self, comment: Comment) -> bool:
        """Whether the token's user wrote a comment; only its author can write it again."""
        if not self.user and not self._user_requested:
            self._user_requested = True
            self.user = self.find_user()
        if not self.user and comment.author not in self._others:
            try:
                self.replace_comment(comment, comment.body)
            except NoRights:
                self._others.add(comment.author)
            else:
                self.user = comment.author
        return bool(self.user) and comment.author == self.user

    def find_user(self) -> str:
        """Return the id of the token's user; empty if the token has no right to read it."""
        try:
            return text_at(self.send("GET", "user"), "uuid")
        except NoRights:
            return ""

    def content(self, text: str) -> Mapping[str, object]:
        """Return the text of a comment as Bitbucket takes it."""
        return {"content": {"raw": text}}

    def body_of(self, data: object) -> str:
        """Return the text of a comment."""
        return text_at(data, "content", "raw")

    def read(self, data: object) -> Comment:
        """Return the comment in an answer."""
        number, author = str(number_at(data, "id")), text_at(data, "user", "uuid")
        return Comment(id=number, body=self.body_of(data), author=author)


def _key(context: str) -> str:
    """Return a key for a context, with the length and the letters that a key may have."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in context)
    if plain == context and len(context) <= LONGEST_KEY:
        return context
    # Contexts that differ only in what was dropped are different contexts.
    return f"{plain[: LONGEST_KEY - 13]}-{sha256(context.encode()).hexdigest()[:12]}"


def _annotation(issue: Issue, number: str) -> Mapping[str, object]:
    return {
        "external_id": number,
        "annotation_type": "BUG",
        "severity": _SEVERITIES[issue.severity],
        "summary": shorten(issue.title, LONGEST_SUMMARY),
        "details": shorten(issue.message or issue.title, LONGEST_DETAILS),
        **({"path": issue.file} if issue.file else {}),
    }
