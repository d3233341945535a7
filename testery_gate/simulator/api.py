"""The API itself: its answers when nothing goes wrong."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never
from urllib.parse import parse_qs

from testery_gate.simulator.exchange import Request, Response, json_answer, refusal
from testery_gate.simulator.scenario import Endpoint, Json, Order, Run, Scenario
from testery_gate.simulator.script import canceled, result_details, results, run_object, timestamp

_FIRST_PROJECT, _FIRST_ENVIRONMENT = 123, 7
"""Ids: the next ones follow in the scenario's order. The first project is that of the runs."""
# An id has at most 18 digits; int() would accept more.
_ID = r"/(\d{1,18})"
_ROUTES = tuple(
    (endpoint, method, re.compile(f"/api/{path}/?", re.ASCII))
    for endpoint, method, path in (
        (Endpoint.LIST, "GET", "test-runs"),
        (Endpoint.RUN, "GET", f"test-runs{_ID}"),
        (Endpoint.CANCEL, "PATCH", f"test-runs{_ID}"),
        (Endpoint.RESULTS, "GET", f"test-runs{_ID}/results"),
        (Endpoint.RESULT, "GET", f"test-runs{_ID}/results{_ID}"),
        (Endpoint.BY_DEPLOY, "GET", f"test-runs/by-deploy{_ID}"),
        (Endpoint.ACCOUNT, "GET", "account"),
        (Endpoint.CREATE, "POST", "test-run-requests-build"),
        (Endpoint.PROJECTS, "GET", "projects"),
        (Endpoint.SUITES, "GET", f"projects{_ID}/test-suites"),
        (Endpoint.ENVIRONMENTS, "GET", "environments"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which endpoint a request means, with the ids in its path."""

    endpoint: Endpoint
    ids: tuple[int, ...] = ()


def route(request: Request) -> Target | None:
    """The endpoint that answers this request, if there is one."""
    path = request.target.partition("?")[0]
    for endpoint, method, pattern in _ROUTES:
        if method == request.method and (match := pattern.fullmatch(path)):
            return Target(endpoint=endpoint, ids=tuple(int(group) for group in match.groups()))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The present: when the scenario's clock started, and the seconds it has run since."""

    started: datetime
    elapsed: float

    def age(self, run: Run) -> float:
        """Seconds since the run was created; negative before that."""
        return self.elapsed - run.created

    def has(self, run: Run) -> bool:
        """Whether the run exists."""
        return run.created <= self.elapsed < run.vanishes

    def create_time(self, run: Run) -> datetime:
        """When the run was created, according to the API."""
        return run.create_time or self.started + timedelta(seconds=run.created)

    def show(self, run: Run) -> dict[str, Json]:
        """The run at this moment, as the API answers it."""
        return run_object(run, self.age(run), self.create_time(run))


class Api:
    """The runs of a scenario, those that were created since, and the answers about them."""

    def __init__(self, scenario: Scenario, *, token: str) -> None:
        self._listing = scenario.listing
        self._scripts = list(
            scenario.started
            or [replace(run, listed_from=1, listed_until=math.inf) for run in scenario.runs[:1]]
        )
        self._projects = scenario.projects
        self._environments = list(
            dict.fromkeys([*(run.environment for run in scenario.runs), *scenario.environments])
        )
        self._runs = {run.id: run for run in scenario.runs}
        self._expected = f"Bearer {token}"
        self._changes = threading.Lock()
        self._lists = 0

    @property
    def run_ids(self) -> Sequence[int]:
        """The ids of all runs, in the order in which they were made."""
        return tuple(self._runs)

    def admits(self, request: Request) -> bool:
        """Whether the request carries the token."""
        return request.authorization == self._expected

    def answer(self, request: Request, now: Now) -> Response:
        """The API's answer at this time when nothing goes wrong."""
        try:
            return self._answer(request, now)
        except _RefusedError as error:
            return refusal(error.status)

    def _answer(self, request: Request, now: Now) -> Response:
        if not self.admits(request):
            raise _RefusedError(401)
        way = route(request)
        if way is None:
            raise _RefusedError(404)
        match way.endpoint:
            case Endpoint.ACCOUNT:
                return json_answer({"id": 123, "name": "acme"})
            case Endpoint.LIST:
                return self._list(request, now)
            case Endpoint.BY_DEPLOY:
                return self._by_deploy(way.ids[0], now)
            case Endpoint.CREATE:
                return self._create(request, now)
            case Endpoint.PROJECTS:
                return json_answer(_rows(self._projects, _FIRST_PROJECT))
            case Endpoint.SUITES:
                return json_answer(list(self._suites(way.ids[0])))
            case Endpoint.ENVIRONMENTS:
                return json_answer(_rows(self._environments, _FIRST_ENVIRONMENT))
            case Endpoint.RUN | Endpoint.CANCEL | Endpoint.RESULTS | Endpoint.RESULT:
                run = self._runs.get(way.ids[0])
                if run is None or not now.has(run):
                    raise _RefusedError(404)
                return self._about(run, way, request, now)
            case _:
                assert_never(way.endpoint)

    def _about(self, run: Run, way: Target, request: Request, now: Now) -> Response:
        if way.endpoint is Endpoint.RUN:
            return json_answer(now.show(run))
        if way.endpoint is Endpoint.CANCEL:
            return self._cancel(run, request, now)
        rows = results(run, now.age(run))
        if way.endpoint is Endpoint.RESULTS:
            return json_answer(list(rows))
        row = next((row for row in rows if row.get("id") == way.ids[1]), None)
        if row is None:
            raise _RefusedError(404)
        return json_answer(result_details(run, row))

    def _list(self, request: Request, now: Now) -> Response:
        listing, query = self._listing, parse_qs(request.target.partition("?")[2])
        page, limit, offset = (_whole(query, name) for name in ("page", "limit", "offset"))
        size = min(listing.page_size if limit is None else limit, listing.max_page_size)
        if listing.ignore_limit:
            size = listing.max_page_size
        start = (page or 0) * size if offset is None else offset
        if listing.ignore_page:
            start = 0
        with self._changes:
            self._lists += 1
            number = self._lists
        shown = [
            run for run in self._newest_first(now) if run.listed_from <= number <= run.listed_until
        ]
        if listing.order is Order.OLDEST_FIRST:
            shown.reverse()
        return json_answer([now.show(run) for run in shown[start : start + size]])

    def _by_deploy(self, deploy_id: int, now: Now) -> Response:
        triggered = [run for run in self._newest_first(now) if run.deploy_id == deploy_id]
        if not triggered:
            raise _RefusedError(404)
        return json_answer([now.show(run) for run in triggered])

    def _newest_first(self, now: Now) -> list[Run]:
        there = [run for run in tuple(self._runs.values()) if now.has(run)]
        return sorted(
            there, key=lambda run: (timestamp(now.create_time(run)), run.id), reverse=True
        )

    def _create(self, request: Request, now: Now) -> Response:
        wanted = _json_object(request.body)
        project, environment = _text(wanted, "project"), _text(wanted, "environment")
        if project is None:
            raise _RefusedError(400)
        if project not in self._projects or environment not in {None, *self._environments}:
            raise _RefusedError(404)
        project_id = _FIRST_PROJECT + list(self._projects).index(project)
        suite = wanted.get("testSuiteId")
        if suite is not None and suite not in [row["id"] for row in self._suites(project_id)]:
            raise _RefusedError(404)
        with self._changes:
            if not self._scripts:
                raise _RefusedError(404)
            like = self._scripts[0] if len(self._scripts) == 1 else self._scripts.pop(0)
        run = replace(
            like,
            created=now.elapsed,
            create_time=None,
            vanishes=math.inf,
            deploy_id=None,
            project_id=project_id,
            test_name=_text(wanted, "testName") or like.test_name,
            git_ref=_text(wanted, "ref") or like.git_ref,
            build_key=_text(wanted, "buildId") or like.build_key,
            branch=_text(wanted, "branch") or like.branch,
            environment=environment or like.environment,
            include_tags=_texts(wanted, "includeTags") or like.include_tags,
        )
        with self._changes:
            run = replace(run, id=max(self._runs, default=like.id - 1) + 1)
            self._runs[run.id] = run
        return json_answer(now.show(run), 201)

    def _suites(self, project_id: int) -> Iterator[dict[str, Json]]:
        number = project_id - _FIRST_PROJECT
        if not 0 <= number < len(self._projects):
            raise _RefusedError(404)
        for place, name in enumerate(list(self._projects.values())[number]):
            yield {"id": project_id * 100 + place, "name": name}

    def _cancel(self, run: Run, request: Request, now: Now) -> Response:
        if _json_object(request.body).get("status") != "CANCELED":
            raise _RefusedError(400)
        with self._changes:
            run = self._runs[run.id] = canceled(self._runs[run.id], now.age(run))
        return json_answer(now.show(run))


def _rows(keys: Iterable[str], first: int) -> Json:
    return [
        {"id": number, "key": key, "name": key.capitalize()}
        for number, key in enumerate(keys, first)
    ]


class _RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _whole(query: Mapping[str, Sequence[str]], name: str) -> int | None:
    text = query.get(name, ("",))[-1]
    if not text:
        return None
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise _RefusedError(400)
    return int(text)


def _json_object(body: bytes) -> dict[str, Json]:
    try:
        content: Json = json.loads(body)
    except (ValueError, RecursionError):
        raise _RefusedError(400) from None
    if not isinstance(content, dict):
        raise _RefusedError(400)
    return content


def _text(wanted: Mapping[str, Json], name: str) -> str | None:
    value = wanted.get(name)
    if value is not None and not isinstance(value, str):
        raise _RefusedError(400)
    return value


def _texts(wanted: Mapping[str, Json], name: str) -> tuple[str, ...]:
    values = wanted.get(name) or []
    if not isinstance(values, list):
        raise _RefusedError(400)
    return tuple(str(value) for value in values)
