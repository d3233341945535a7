"""Bitbucket Cloud on loopback, as far as comments, statuses and reports go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testery_gate.code_hosts import System
from tests.code_hosts.stand_in import COMMIT, SOMEBODY_ELSE, TOKEN, Asked, Entry, Said, StandIn

_IDS = {TOKEN: "{0001}", SOMEBODY_ELSE: "{0002}"}
_SCOPES = "Your credentials lack one or more required privilege scopes."


class BitbucketStandIn(StandIn):
    """Pull request 7 of acme/web-shop."""

    system = System.BITBUCKET
    contract_name = "bitbucket"
    base = "/2.0"

    def __init__(self) -> None:
        super().__init__()
        self.reports: dict[str, dict[str, Any]] = {}
        """With their annotations."""
        self.knows_users = True
        """Whether tokens may ask who they are; the access token of a repository may not."""

    def environment(self) -> dict[str, str]:
        return {
            "BITBUCKET_BUILD_NUMBER": "900",
            "BITBUCKET_WORKSPACE": "acme",
            "BITBUCKET_REPO_SLUG": "web-shop",
            "BITBUCKET_PR_ID": "7",
            "BITBUCKET_COMMIT": COMMIT,
            "BITBUCKET_DEPLOYMENT_ENVIRONMENT": "production",
        }

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        found = headers.get("Authorization", "").removeprefix("Bearer ")
        return found if found in _IDS else None

    def forbidden(self) -> Said:
        return _error(403, _SCOPES)

    def do(self, asked: Asked, user: str) -> Said:
        repository = "/repositories/acme/web-shop"
        comments = f"{repository}/pullrequests/7/comments"
        commit = f"{repository}/commit/{COMMIT}"
        match asked.method, asked.path:
            case "GET", "/user":
                return Said(data=_account(user)) if self.knows_users else self.forbidden()
            case "GET", path if path == comments:
                return self._page(asked.query)
            case "POST", path if path == comments:
                entry = self.write(user, asked.data["content"]["raw"])
                return Said(status=201, data=_comment(entry))
            case "POST", path if path == f"{commit}/statuses/build":
                kept = [one for one in self.statuses if one["key"] != asked.data["key"]]
                self.statuses = [*kept, asked.data]
                return Said(status=201, data=asked.data)
            case _ if asked.path.startswith(f"{commit}/reports/"):
                return self._report(asked, asked.path.removeprefix(f"{commit}/reports/"))
            case _:
                return self._one_comment(asked, user)

    def _one_comment(self, asked: Asked, user: str) -> Said:
        entry = self.entry(asked.path.rpartition("/")[2])
        if entry is None:
            return _error(404, "Not found")
        if entry.author != user:
            return _error(403, "You do not have permission to edit this comment.")
        if asked.method == "DELETE":
            entry.deleted = True
            return Said(status=204)
        entry.text = asked.data["content"]["raw"]
        return Said(data=_comment(entry))

    def _page(self, query: Mapping[str, str]) -> Said:
        size, page = int(query.get("pagelen", 10)), int(query.get("page", 1))
        begin = (page - 1) * size
        data: dict[str, Any] = {
            "values": [_comment(one) for one in self.entries[begin : begin + size]]
        }
        if begin + size < len(self.entries):
            path = "repositories/acme/web-shop/pullrequests/7/comments"
            data["next"] = f"{self.url}/{path}?pagelen={size}&page={page + 1}"
        return Said(data=data)

    def _report(self, asked: Asked, name: str) -> Said:
        match asked.method:
            case "PUT":
                before = self.reports.get(name, {}).get("annotations", [])
                self.reports[name] = {**asked.data, "annotations": before}
                return Said(data=asked.data)
            case "POST":
                self.reports[name.removesuffix("/annotations")]["annotations"] += asked.data
                return Said(data=asked.data)
            case _:
                return self._without(name)

    def _without(self, name: str) -> Said:
        if name not in self.reports:
            return _error(404, "There is no such report")
        del self.reports[name]
        return Said(status=204)


def _error(status: int, message: str) -> Said:
    return Said(status=status, data={"type": "error", "error": {"message": message}})


def _account(name: str) -> Mapping[str, Any]:
    return {"type": "user", "uuid": _IDS.get(name, "{0099}")}


def _comment(entry: Entry) -> Mapping[str, Any]:
    # What is deleted is listed, and has no author who could be asked for.
    user = {"type": "user"} if entry.deleted else _account(entry.author)
    raw = "" if entry.deleted else entry.text
    return {
        "type": "pullrequest_comment",
        "id": entry.id,
        "content": {"raw": raw},
        "user": user,
        "deleted": entry.deleted,
    }
