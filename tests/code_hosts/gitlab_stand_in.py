"""GitLab on loopback, as far as notes and statuses go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from testery_gate.code_hosts import System
from tests.code_hosts.stand_in import COMMIT, SOMEBODY_ELSE, TOKEN, Asked, Entry, Said, StandIn

_IDS = {TOKEN: 70, SOMEBODY_ELSE: 71}
_EVENTS = {"pending": "enqueue", "running": "run"}


class GitLabStandIn(StandIn):
    """Merge request 7 of project 42."""

    system = System.GITLAB
    contract_name = "gitlab"
    base = "/api/v4"

    def environment(self) -> dict[str, str]:
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": self.url,
            "CI_SERVER_URL": f"http://127.0.0.1:{self.port}",
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "",
            "CI_MERGE_REQUEST_PROJECT_ID": "42",
            "CI_COMMIT_SHA": COMMIT,
            "CI_PIPELINE_ID": "900",
            "CI_PIPELINE_URL": "https://gitlab.example.test/group/project/-/pipelines/900",
            "CI_JOB_NAME": "gate",
        }

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        found = headers.get("PRIVATE-TOKEN")
        return found if found in _IDS else None

    def forbidden(self) -> Said:
        return Said(status=403, data={"message": "403 Forbidden"})

    def do(self, asked: Asked, user: str) -> Said:
        notes = "/projects/42/merge_requests/7/notes"
        match asked.method, asked.path:
            case "GET", "/user":
                return Said(data=_user(user))
            case "GET", path if path == notes:
                return self._page(asked.query)
            case "POST", path if path == notes:
                return Said(status=201, data=_note(self.write(user, asked.data["body"])))
            case "POST", path if path.startswith("/projects/42/statuses/"):
                return self._status(asked.path.rpartition("/")[2], asked.data)
            case _:
                return self._one_note(asked, user)

    def _one_note(self, asked: Asked, user: str) -> Said:
        entry = self.entry(asked.path.rpartition("/")[2])
        if entry is None:
            return Said(status=404, data={"message": "404 Note Not Found"})
        if entry.author != user:
            return self.forbidden()
        if asked.method == "DELETE":
            entry.deleted = True
            return Said(status=204)
        entry.text = asked.data["body"]
        return Said(data=_note(entry))

    def _page(self, query: Mapping[str, str]) -> Said:
        size, page = int(query.get("per_page", 20)), int(query.get("page", 1))
        there = [one for one in self.entries if not one.deleted]
        if query.get("sort") != "asc":
            there.reverse()
        begin = (page - 1) * size
        # What a user may not see is left out of a page, which others do not fill.
        shown = [_note(one) for one in there[begin : begin + size] if one.author != "nobody"]
        more = begin + size < len(there)
        return Said(data=shown, headers={"X-Next-Page": str(page + 1) if more else ""})

    def _status(self, commit: str, data: Mapping[str, Any]) -> Said:
        """Set a status: the newest with the name is changed while it runs, else it is a new one."""
        if data.get("pipeline_id", 900) != 900 or ("pipeline_id" in data and commit != COMMIT):
            message = "404 Pipeline for pipeline_id, sha and ref Not Found"
            return Said(status=404, data={"message": message})
        mine = [one for one in self.statuses if one["name"] == data["name"]]
        before = mine[-1] if mine and mine[-1]["status"] in _EVENTS else None
        if before is not None and before["status"] == data["state"]:
            event = _EVENTS[data["state"]]
            message = f"Cannot transition status via :{event} from :{data['state']}"
            why = f'(Reason(s): Status cannot transition via "{event}")'
            return Said(status=400, data={"message": f"{message} {why}"})
        status = {"id": 1, "sha": commit, **data, "status": data["state"]}
        if before is not None:
            self.statuses.remove(before)
        self.statuses.append(status)
        return Said(status=201, data=status)


def _user(name: str) -> Mapping[str, Any]:
    return {"id": _IDS.get(name, 99), "username": re.sub(r"\W", "", name)[:8]}


def _note(entry: Entry) -> Mapping[str, Any]:
    return {"id": entry.id, "body": entry.text, "system": False, "author": _user(entry.author)}
