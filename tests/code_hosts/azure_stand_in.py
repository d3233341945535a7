"""Azure DevOps on loopback, as far as threads and statuses go."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from testery_gate.code_hosts import System
from tests.code_hosts.stand_in import COMMIT, SOMEBODY_ELSE, TOKEN, Asked, Entry, Said, StandIn

SIGN_IN = Said(
    status=203, body=b"<!DOCTYPE html><html><title>Azure DevOps | Sign In</title></html>"
)
"""What who is not believed gets, with a status that is none of a fault."""
_IDS = {
    TOKEN: "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    SOMEBODY_ELSE: "00000000-0000-0000-0000-00000000beef",
}
_PROJECT = "/Web%20Shop/_apis/git/repositories/3f2504e0-4f89-41d3-9a0c-0305e82c3301"


class AzureStandIn(StandIn):
    """Pull request 7 of a repository in the organization acme."""

    system = System.AZURE
    contract_name = "azure"
    base = "/acme"
    left_out_of_contract = "/acme"

    def __init__(self) -> None:
        super().__init__()
        self.threads: dict[int, str] = {}
        """The status of each."""
        self.iterations = [
            {"id": number, "sourceRefCommit": {"commitId": commit}}
            for number, commit in enumerate(("0ld", COMMIT, COMMIT), 1)
        ]

    def environment(self) -> dict[str, str]:
        return {
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": f"{self.url}/",
            "SYSTEM_TEAMPROJECT": "Web Shop",
            "BUILD_REPOSITORY_PROVIDER": "TfsGit",
            "BUILD_REPOSITORY_ID": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            "BUILD_REASON": "PullRequest",
            "SYSTEM_PULLREQUEST_SOURCECOMMITID": COMMIT,
            "BUILD_BUILDID": "900",
            "BUILD_DEFINITIONNAME": "Deploy",
            "SYSTEM_STAGENAME": "production",
            "SYSTEM_JOBNAME": "gate",
        }

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        kind, _, coded = headers.get("Authorization", "").partition(" ")
        user, _, token = base64.b64decode(coded).decode().partition(":")
        return token if kind == "Basic" and not user and token in _IDS else None

    def forbidden(self) -> Said:
        what = (
            "TF401027: You need the Git 'PullRequestContribute' permission to perform this action."
        )
        return Said(status=403, data={"message": what})

    def do(self, asked: Asked, user: str) -> Said:
        threads = f"{_PROJECT}/pullRequests/7/threads"
        match asked.method, asked.path:
            case "GET", "/_apis/connectionData":
                return Said(data={"authenticatedUser": {"id": _IDS[user]}})
            case "GET", path if path == threads:
                # The newest first, which is not promised either way.
                found = [self._thread(one) for one in reversed(self.entries)]
                return Said(
                    data={"value": [*found, {"id": 0, "comments": []}], "count": len(found)}
                )
            case "GET", path if path == f"{_PROJECT}/pullRequests/7/iterations":
                return Said(data={"value": self.iterations, "count": len(self.iterations)})
            case "POST", path if path == threads:
                entry = self.write(user, asked.data["comments"][0]["content"])
                self.threads[entry.id] = asked.data["status"]
                return Said(data=self._thread(entry))
            case "POST", path if re.fullmatch(
                rf"{_PROJECT}/(pullRequests/7|commits/{COMMIT})/statuses", path
            ):
                self.statuses.append(asked.data)
                return Said(data=asked.data)
            case _:
                return self._one_comment(asked, user)

    def _one_comment(self, asked: Asked, user: str) -> Said:
        found = re.fullmatch(r".*/threads/(\d+)/comments/1", asked.path)
        entry = self.entry(found[1]) if found else None
        if entry is None:
            return Said(status=404, data={"message": "TF401180: The comment was not found."})
        if entry.author != user:
            return self.forbidden()
        if asked.method == "DELETE":
            entry.deleted = True
            return Said()
        entry.text = asked.data["content"]
        return Said(data=_comment(entry))

    def _thread(self, entry: Entry) -> Mapping[str, Any]:
        reply = {"id": 2, "content": entry.text, "author": {"id": _IDS[TOKEN]}, "isDeleted": False}
        return {
            "id": entry.id,
            "status": self.threads.get(entry.id, "active"),
            "comments": [_comment(entry), reply]
            if entry.author == SOMEBODY_ELSE
            else [_comment(entry)],
            "isDeleted": entry.deleted,
        }


def _comment(entry: Entry) -> Mapping[str, Any]:
    author = {"id": _IDS.get(entry.author, "99")}
    if entry.deleted:
        return {"id": 1, "author": author, "isDeleted": True}
    return {"id": 1, "author": author, "content": entry.text, "commentType": "text"}
