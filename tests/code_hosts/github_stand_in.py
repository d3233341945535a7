"""GitHub on loopback, as far as comments, check runs and commit statuses go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from testery_gate.code_hosts import System
from tests.code_hosts.stand_in import COMMIT, SOMEBODY_ELSE, TOKEN, Asked, Entry, Said, StandIn

LONGEST_COMMENT = 65_536
"""Characters; "Body is too long (maximum is 65536 characters)"."""
_LOGINS = {TOKEN: "github-actions[bot]", SOMEBODY_ELSE: "octocat"}
_REPOSITORY = "/repos/acme/web-shop"
VIEWER = "query { viewer { login } }"


class GitHubStandIn(StandIn):
    """Pull request 7 of acme/web-shop, on Enterprise Server: each API has a path of its own."""

    system = System.GITHUB
    contract_name = "github"
    base = "/api/v3"

    def __init__(self) -> None:
        super().__init__()
        self.checks: list[dict[str, Any]] = []
        """With their annotations, of which each update adds some."""
        self.is_app = False
        """Whether the token is that of an app: no other makes check runs."""

    def environment(self) -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_SERVER_URL": "https://github.example.test",
            "GITHUB_REPOSITORY": "acme/web-shop",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_RUN_ID": "900",
            "GITHUB_WORKFLOW": "Deploy",
            "GITHUB_JOB": "gate",
        }

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        found = headers.get("Authorization", "").removeprefix("Bearer ")
        return found if found in _LOGINS else None

    def forbidden(self) -> Said:
        return Said(status=403, data={"message": "Resource not accessible by integration"})

    def answer(self, asked: Asked) -> Said:
        """Answer GraphQL too; its contract is in tests/acceptance/test_github_contract.py."""
        if asked.path != "/api/graphql":
            return super().answer(asked)
        with self._lock:
            self.asked.append(asked)
            if asked.method != "POST" or asked.data != {"query": VIEWER}:
                self.wrong.append(f"{asked.method} {asked.data} is not what GraphQL is asked")
            return self._said(asked)

    def do(self, asked: Asked, user: str) -> Said:
        match asked.method, asked.path.removeprefix(_REPOSITORY):
            case "POST", "/api/graphql":
                return Said(data={"data": {"viewer": {"login": _LOGINS[user]}}})
            case "GET", "/issues/7/comments":
                size, page = int(asked.query.get("per_page", 30)), int(asked.query.get("page", 1))
                there = [one for one in self.entries if not one.deleted]
                shown = there[(page - 1) * size : page * size]
                return Said(data=[_comment(one) for one in shown])
            case "POST", "/issues/7/comments":
                if refusal := _refusal(asked.data["body"]):
                    return refusal
                return Said(status=201, data=_comment(self.write(user, asked.data["body"])))
            case "POST", path if path == f"/statuses/{COMMIT}":
                if len(asked.data.get("description", "")) > 140:
                    return _invalid("description is too long (maximum is 140 characters)")
                self.statuses.append(asked.data)
                return Said(status=201, data={"id": len(self.statuses)})
            case "POST", "/check-runs":
                return self._check(asked, {"id": len(self.checks) + 1, "annotations": []})
            case "GET", path if path == f"/commits/{COMMIT}/check-runs":
                name = asked.query["check_name"]
                return Said(
                    data={"check_runs": [_shown(one) for one in self.checks if one["name"] == name]}
                )
            case _:
                return self._one_of_several(asked, user)

    def _one_of_several(self, asked: Asked, user: str) -> Said:
        if found := re.fullmatch(rf"{_REPOSITORY}/check-runs/(\d+)", asked.path):
            return self._check(asked, self.checks.pop(int(found[1]) - 1))
        return self._one_comment(asked, user)

    def _check(self, asked: Asked, before: dict[str, Any]) -> Said:
        if not self.is_app:
            what = "You must authenticate via a GitHub App."
            return Said(status=403, data={"message": what})
        data = asked.data
        check = {**before, **data}
        check["annotations"] = [*before["annotations"], *data["output"].get("annotations", [])]
        self.checks.insert(check["id"] - 1, check)
        return Said(status=201 if asked.method == "POST" else 200, data=_shown(check))

    def _one_comment(self, asked: Asked, user: str) -> Said:
        entry = self.entry(asked.path.removeprefix(f"{_REPOSITORY}/issues/comments/"))
        if entry is None:
            return Said(status=404, data={"message": "Not Found"})
        if entry.author != user:
            return self.forbidden()
        if asked.method == "DELETE":
            entry.deleted = True
            return Said(status=204)
        if refusal := _refusal(asked.data["body"]):
            return refusal
        entry.text = asked.data["body"]
        return Said(data=_comment(entry))


def _shown(check: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("id", "external_id", "name", "status", "conclusion")
    return {name: check.get(name) for name in names}


def _refusal(text: str) -> Said | None:
    if len(text) <= LONGEST_COMMENT:
        return None
    return _invalid(f"body is too long (maximum is {LONGEST_COMMENT} characters)")


def _invalid(what: str) -> Said:
    errors = [{"resource": "IssueComment", "code": "unprocessable", "message": what}]
    return Said(status=422, data={"message": "Validation Failed", "errors": errors})


def _comment(entry: Entry) -> Mapping[str, Any]:
    login = _LOGINS.get(entry.author, "ghost")
    return {
        "id": entry.id,
        "body": entry.text,
        "user": {"id": 1, "login": login},
    }
