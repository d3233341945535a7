"""The stand-in API over real HTTP: what it answers, how it misbehaves, how it starts and stops."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Any

import pytest

from testery_gate.simulator import DEFAULT_TOKEN, Exchange, Scenario, Simulator, load_scenario
from testery_gate.simulator.scenario import (
    ClockStart,
    Counts,
    Endpoint,
    Fault,
    Kind,
    Order,
    Patch,
    Phase,
    Run,
    RunList,
)
from tests.fakes import FakeClock

NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)


@contextmanager
def connected(simulator: Simulator) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(address(simulator)[0], address(simulator)[1], timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def address(simulator: Simulator) -> tuple[str, int]:
    found = re.fullmatch(r"http://(127\.[0-9.]+):(\d+)/api", simulator.url)
    assert found is not None
    return found[1], int(found[2])


def ask(
    simulator: Simulator,
    path: str,
    *,
    method: str = "GET",
    body: object = None,
    authorization: str | None = f"Bearer {DEFAULT_TOKEN}",
    connection: HTTPConnection | None = None,
) -> Reply:
    """One request and its whole answer, on a connection of its own unless one is given."""
    if connection is None:
        with connected(simulator) as own:
            return ask(
                simulator,
                path,
                method=method,
                body=body,
                authorization=authorization,
                connection=own,
            )
    headers = {} if authorization is None else {"Authorization": authorization}
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method, f"/api{path}", body=content, headers=headers)
    response = connection.getresponse()
    return Reply(status=response.status, headers=response.headers, body=response.read())


def make_run(run_id: int = 1, *, created: float = 0.0, lasts: float = 10.0) -> Run:
    counts = Counts(total=10, passed=9, failed=1)
    return Run(
        id=run_id,
        created=created,
        phases=(
            Phase(status="RUNNING", lasts=lasts, counts=counts),
            Phase(status="FAIL", counts=counts, complete=True),
        ),
    )


def make_scenario(*runs: Run, faults: tuple[Fault, ...] = ()) -> Scenario:
    return Scenario(description="", runs=runs or (make_run(),), faults=faults)


@contextmanager
def playing(
    scenario: Scenario, clock: FakeClock | None = None, log: list[Exchange] | None = None
) -> Iterator[Simulator]:
    log = [] if log is None else log
    with Simulator(
        scenario, clock=clock or FakeClock(), now=lambda: NOON, on_exchange=log.append
    ) as simulator:
        yield simulator


def ids(reply: Reply) -> list[int]:
    return [run["id"] for run in reply.content]


# What it answers


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="no-token"),
        pytest.param("Bearer wrong", id="wrong-token"),
        pytest.param(DEFAULT_TOKEN, id="no-scheme"),
        pytest.param("Bearer ", id="empty-token"),
    ],
)
@pytest.mark.parametrize("path", ["/test-runs/1", "/test-runs", "/account", "/nowhere"])
def test_without_the_token_nothing_is_answered(authorization: str | None, path: str) -> None:
    with playing(make_scenario()) as simulator:
        reply = ask(simulator, path, authorization=authorization)
    assert reply.status == 401
    assert reply.body == b'{"code":"401","message":"Not Authorized"}'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/test-runs/2", id="another-run"),
        pytest.param("GET", "/test-runs/2/results", id="results-of-another-run"),
        pytest.param("GET", "/test-runs/1/results/1", id="another-result"),
        pytest.param("GET", "/test-runs/by-deploy/1", id="another-deploy"),
        pytest.param("GET", f"/test-runs/{'1' * 5000}", id="endless-id"),
        pytest.param("GET", "/test-runs/one", id="no-number"),
        pytest.param("GET", "/nowhere", id="no-endpoint"),
        pytest.param("PATCH", "/test-runs/2", id="canceling-another-run"),
        pytest.param("PUT", "/test-runs/1", id="another-method"),
        pytest.param("DELETE", "/test-runs/1", id="deleting"),
    ],
)
def test_what_is_not_there_is_not_found(method: str, path: str) -> None:
    with playing(make_scenario()) as simulator:
        reply = ask(simulator, path, method=method)
    assert reply.status == 404
    assert reply.body == b'{"code":"404","message":"Resource Not Found"}'


def test_a_run_is_answered_as_json() -> None:
    with playing(make_scenario()) as simulator:
        reply = ask(simulator, "/test-runs/1")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert (reply.content["id"], reply.content["status"]) == (1, "RUNNING")
    assert reply.content["createTime"] == "2026-05-04 12:00:00+0000"


def test_a_slash_at_the_end_changes_nothing() -> None:
    with playing(make_scenario()) as simulator:
        assert ids(ask(simulator, "/test-runs/?page=0&limit=10")) == [1]
        assert ask(simulator, "/test-runs/1/").status == 200


def test_the_account_has_the_name_that_web_addresses_use() -> None:
    with playing(make_scenario()) as simulator:
        assert ask(simulator, "/account").content == {"id": 123, "name": "acme"}


def test_results_and_their_details_are_answered() -> None:
    clock = FakeClock()
    with playing(make_scenario(), clock) as simulator:
        ask(simulator, "/test-runs/1")
        clock.now += 10
        rows = ask(simulator, "/test-runs/1/results").content
        details = ask(simulator, f"/test-runs/1/results/{rows[9]['id']}").content
    assert [row["status"] for row in rows] == ["PASS"] * 9 + ["FAIL"]
    assert rows[9].items() <= details.items()
    assert details.keys() - rows[9].keys() == {"screenShots", "videos", "processOutput"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", [5, 4, 3], id="default-page"),
        pytest.param("?page=0&limit=2", [5, 4], id="first-page"),
        pytest.param("?page=2&limit=2", [1], id="last-page"),
        pytest.param("?page=3&limit=2", [], id="beyond-the-last-page"),
        pytest.param("?limit=250&offset=0", [5, 4, 3, 2], id="capped"),
        pytest.param("?limit=2&offset=3", [2, 1], id="offset"),
        pytest.param("?page=1&limit=", [2, 1], id="empty-limit"),
        pytest.param("?limit=0", [], id="nothing-wanted"),
    ],
)
def test_the_list_is_paged_newest_first(query: str, expected: list[int]) -> None:
    scenario = make_scenario(*(make_run(number, created=number - 9) for number in range(1, 6)))
    scenario = replace(scenario, listing=RunList(page_size=3, max_page_size=4))
    with playing(scenario) as simulator:
        assert ids(ask(simulator, f"/test-runs{query}")) == expected


@pytest.mark.parametrize("query", ["?page=-1", "?limit=ten", "?offset=1e3", "?page=1234567890"])
def test_a_page_that_is_no_number_is_refused(query: str) -> None:
    with playing(make_scenario()) as simulator:
        assert ask(simulator, f"/test-runs{query}").status == 400


@pytest.mark.parametrize(
    ("listing", "query", "expected"),
    [
        pytest.param(RunList(ignore_page=True), "?page=1&limit=2", [3, 2], id="page"),
        pytest.param(
            RunList(ignore_limit=True, max_page_size=2), "?page=1&limit=1", [1], id="limit"
        ),
        pytest.param(RunList(order=Order.OLDEST_FIRST), "?page=0&limit=2", [1, 2], id="order"),
    ],
)
def test_the_list_can_be_told_to_ignore_what_it_is_asked(
    listing: RunList, query: str, expected: list[int]
) -> None:
    scenario = make_scenario(*(make_run(number) for number in (1, 2, 3)))
    with playing(replace(scenario, listing=listing)) as simulator:
        assert ids(ask(simulator, f"/test-runs{query}")) == expected


def test_a_run_that_appears_later_is_not_there_before() -> None:
    clock = FakeClock()
    scenario = make_scenario(make_run(1), make_run(2, created=5))
    with playing(scenario, clock) as simulator:
        assert ids(ask(simulator, "/test-runs")) == [1]
        assert ask(simulator, "/test-runs/2").status == 404
        clock.now += 5
        assert ids(ask(simulator, "/test-runs")) == [2, 1]
        created = ask(simulator, "/test-runs/2").content["createTime"]
    assert created == "2026-05-04 12:00:05+0000"


def test_a_run_that_vanishes_is_nowhere_any_more() -> None:
    clock = FakeClock()
    scenario = make_scenario(make_run(1), replace(make_run(2), vanishes=5.0, deploy_id=77))
    with playing(scenario, clock) as simulator:
        assert ids(ask(simulator, "/test-runs")) == [2, 1]
        clock.now += 5
        assert ids(ask(simulator, "/test-runs")) == [1]
        assert ask(simulator, "/test-runs/2").status == 404
        assert ask(simulator, "/test-runs/by-deploy/77").status == 404


def test_a_list_can_have_a_run_in_some_of_its_answers_only() -> None:
    scenario = make_scenario(
        make_run(1), replace(make_run(2), listed_until=1), replace(make_run(3), listed_from=3)
    )
    with playing(scenario) as simulator:
        assert [ids(ask(simulator, "/test-runs")) for _ in range(3)] == [[2, 1], [1], [3, 1]]
        assert ask(simulator, "/test-runs/2").status == 200


def test_the_runs_of_a_deploy_are_listed() -> None:
    scenario = make_scenario(replace(make_run(1), deploy_id=77), make_run(2))
    with playing(scenario) as simulator:
        assert ids(ask(simulator, "/test-runs/by-deploy/77")) == [1]


def test_a_created_run_plays_the_first_script_from_its_beginning() -> None:
    clock = FakeClock()
    wanted = {
        "project": "demo",
        "ref": "0123456789",
        "buildId": "42",
        "environment": "qa",
        "testName": "smoke",
        "includeTags": ["a", "b"],
        "copies": 1,
    }
    with playing(make_scenario(make_run(7, created=-100)), clock) as simulator:
        ask(simulator, "/account")
        clock.now += 20
        reply = ask(simulator, "/test-run-requests-build", method="POST", body=wanted)
        run = reply.content
        assert reply.status == 201
        clock.now += 10
        later = ask(simulator, f"/test-runs/{run['id']}").content
    assert run["id"] == 8
    assert (run["gitRef"], run["buildKey"], run["environment"]) == ("0123456789", "42", "qa")
    assert (run["testName"], run["includeTags"]) == ("smoke", ["a", "b"])
    assert run["createTime"] == "2026-05-04 12:00:20+0000"
    assert (run["status"], later["status"]) == ("RUNNING", "FAIL")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="unreadable"),
        pytest.param(b"[" * 100_000, id="deeply-nested"),
        pytest.param([], id="list"),
        pytest.param({"ref": "abc"}, id="no-project"),
        pytest.param({"project": 3}, id="project-no-text"),
        pytest.param({"project": "demo", "includeTags": "a"}, id="tags-no-list"),
    ],
)
def test_a_request_for_a_run_that_makes_no_sense_is_refused(body: object) -> None:
    with playing(make_scenario()) as simulator:
        reply = ask(simulator, "/test-run-requests-build", method="POST", body=body)
    assert reply.status == 400
    assert reply.content == {"code": "400", "message": "Bad Request"}


def test_runs_that_are_started_play_one_script_after_the_other() -> None:
    scenario = replace(
        make_scenario(make_run(7)),
        started=(make_run(lasts=1), replace(make_run(lasts=5), listed_from=2)),
    )
    clock = FakeClock()
    with playing(scenario, clock) as simulator:
        wanted = {"project": "demo", "branch": "main"}
        runs = [
            ask(simulator, "/test-run-requests-build", method="POST", body=wanted).content
            for _ in range(3)
        ]
        clock.now += 2
        shown = [ask(simulator, f"/test-runs/{run['id']}").content for run in runs]
        listed = [ids(ask(simulator, "/test-runs")) for _ in range(2)]
    assert [run["id"] for run in runs] == [8, 9, 10]
    assert [run["branch"] for run in shown] == ["main"] * 3
    assert [run["status"] for run in shown] == ["FAIL", "RUNNING", "RUNNING"]
    assert listed == [[8, 7], [10, 9, 8, 7]]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"project": "other"}, id="project"),
        pytest.param({"project": "demo", "environment": "moon"}, id="environment"),
        pytest.param({"project": "demo", "testSuiteId": 12400}, id="suite-of-another-project"),
    ],
)
def test_what_is_not_there_is_not_started(body: object) -> None:
    scenario = replace(make_scenario(), projects={"demo": ("a",), "second": ("b",)})
    with playing(scenario) as simulator:
        reply = ask(simulator, "/test-run-requests-build", method="POST", body=body)
        assert reply.status == 404
        assert ids(ask(simulator, "/test-runs")) == [1]


def test_projects_suites_and_environments_are_listed_and_can_be_started() -> None:
    scenario = replace(make_scenario(), projects={"demo": (), "second": ("a", "b")})
    with playing(scenario) as simulator:
        projects = ask(simulator, "/projects").content
        environments = ask(simulator, "/environments").content
        suites = ask(simulator, f"/projects/{projects[1]['id']}/test-suites").content
        assert ask(simulator, "/projects/125/test-suites").status == 404
        wanted = {"project": "second", "environment": "qa", "testSuiteId": suites[1]["id"]}
        run = ask(simulator, "/test-run-requests-build", method="POST", body=wanted).content
    assert projects[0] == {"id": 123, "key": "demo", "name": "Demo"}
    assert [row["key"] for row in environments] == ["dev", "qa", "staging", "production"]
    assert [row["name"] for row in suites] == ["a", "b"]
    assert (run["projectId"], run["environment"]) == (projects[1]["id"], "qa")


@pytest.mark.parametrize("kind", [Kind.ANSWER, Kind.HANG, Kind.RESET, Kind.HTML])
@pytest.mark.parametrize("carried_out", [True, False])
def test_what_is_carried_out_may_go_unanswered(kind: Kind, carried_out: bool) -> None:
    fault = Fault(
        kind=kind, endpoints=frozenset({Endpoint.CREATE}), carried_out=carried_out, code=502
    )
    log: list[Exchange] = []
    with playing(make_scenario(faults=(fault,)), log=log) as simulator:
        with (
            suppress(OSError, HTTPException),
            closing(HTTPConnection(*address(simulator), timeout=0.5)) as connection,
        ):
            wanted = {"project": "demo"}
            ask(
                simulator,
                "/test-run-requests-build",
                method="POST",
                body=wanted,
                connection=connection,
            )
        assert ids(ask(simulator, "/test-runs")) == ([2, 1] if carried_out else [1])


def test_a_run_can_be_started_where_there_is_none() -> None:
    with playing(Scenario(description="", runs=(), started=(make_run(5),))) as simulator:
        wanted = {"project": "demo"}
        reply = ask(simulator, "/test-run-requests-build", method="POST", body=wanted)
    assert (reply.status, reply.content["id"]) == (201, 5)


def test_without_a_run_in_the_scenario_there_is_no_project_to_create_one_for() -> None:
    with playing(Scenario(description="", runs=())) as simulator:
        wanted = {"project": "demo"}
        reply = ask(simulator, "/test-run-requests-build", method="POST", body=wanted)
        assert reply.status == 404
        assert ask(simulator, "/test-runs").content == []


def test_a_canceled_run_stays_canceled() -> None:
    clock = FakeClock()
    with playing(make_scenario(), clock) as simulator:
        ask(simulator, "/test-runs/1")
        clock.now += 5
        order = {"status": "CANCELED"}
        reply = ask(simulator, "/test-runs/1", method="PATCH", body=order)
        clock.now += 100
        later = ask(simulator, "/test-runs/1").content
    assert (reply.status, reply.content["status"]) == (200, "CANCELED")
    assert (later["status"], later["complete"], later["passCount"]) == ("CANCELED", True, 4)


def test_a_run_can_only_be_changed_to_canceled() -> None:
    with playing(make_scenario()) as simulator:
        reply = ask(simulator, "/test-runs/1", method="PATCH", body={"status": "PASS"})
    assert reply.status == 400


# The clock


def test_the_clock_starts_with_the_first_client_that_is_let_in() -> None:
    clock = FakeClock()
    with playing(make_scenario(), clock) as simulator:
        clock.now += 100
        ask(simulator, "/test-runs/1", authorization=None)
        clock.now += 100
        assert ask(simulator, "/test-runs/1").content["passCount"] == 0
        clock.now += 10
        assert ask(simulator, "/test-runs/1").content["complete"] is True


def test_the_clock_can_start_with_the_server() -> None:
    clock = FakeClock()
    scenario = replace(make_scenario(), clock_starts=ClockStart.SERVER_START)
    with playing(scenario, clock) as simulator:
        clock.now += 10
        assert ask(simulator, "/test-runs/1").content["complete"] is True


def test_speed_is_how_many_seconds_pass_in_one() -> None:
    clock = FakeClock()
    with Simulator(make_scenario(), speed=4, clock=clock, now=lambda: NOON) as simulator:
        ask(simulator, "/test-runs/1")
        clock.now += 2.5
        answered = ask(simulator, "/test-runs/1").content
    assert answered["complete"] is True
    assert answered["endTime"] == "2026-05-04 12:00:10+0000"


def test_by_default_time_is_real() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with Simulator(make_scenario()) as simulator:
        created = ask(simulator, "/test-runs/1").content["createTime"]
    assert before <= datetime.strptime(created, "%Y-%m-%d %H:%M:%S%z") <= datetime.now(UTC)


# What goes wrong


def struck(fault: Fault, path: str = "/test-runs/1") -> Reply:
    """The answer to the first request, with this fault."""
    with playing(make_scenario(faults=(fault,))) as simulator:
        return ask(simulator, path)


def test_a_fault_can_answer_with_any_status_as_the_api_words_it() -> None:
    reply = struck(Fault(kind=Kind.ANSWER, code=503))
    assert (reply.status, reply.content["message"]) == (503, "Service Unavailable")
    assert struck(Fault(kind=Kind.ANSWER, code=599)).content["message"] == "Unknown"


def test_a_fault_can_answer_with_a_body_and_headers_of_its_own() -> None:
    fault = Fault(
        kind=Kind.ANSWER,
        code=200,
        body="oh {lone-surrogate}",
        headers=(("content-type", "text/plain"), ("X-Fault", "yes")),
    )
    reply = struck(fault)
    assert reply.body == b"oh \xed\xa0\x80"
    assert reply.headers.get_all("Content-Type") == ["text/plain"]
    assert reply.headers["X-Fault"] == "yes"


def test_a_fault_can_say_when_to_come_back() -> None:
    reply = struck(Fault(kind=Kind.ANSWER, code=429, retry_after=1.2))
    assert reply.headers["Retry-After"] == "2"
    dated = struck(Fault(kind=Kind.ANSWER, code=429, retry_after_date=90))
    assert dated.headers["Retry-After"] == "Mon, 04 May 2026 12:01:30 GMT"


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        pytest.param(Fault(kind=Kind.EMPTY), b"", id="empty"),
        pytest.param(Fault(kind=Kind.NULL), b"null", id="null"),
    ],
)
def test_a_fault_can_answer_with_next_to_nothing(fault: Fault, body: bytes) -> None:
    reply = struck(fault)
    assert (reply.status, reply.body) == (200, body)


def test_a_fault_can_answer_with_a_page() -> None:
    reply = struck(Fault(kind=Kind.HTML, code=502))
    assert reply.status == 502
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<h1>502 Bad Gateway</h1>" in reply.body


def test_a_fault_can_put_a_list_where_an_object_is_due() -> None:
    reply = struck(Fault(kind=Kind.LIST))
    assert [run["id"] for run in reply.content] == [1]


def test_a_fault_can_make_json_unreadable() -> None:
    reply = struck(Fault(kind=Kind.GARBAGE))
    assert reply.status == 200
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


def test_a_fault_can_alter_an_answer() -> None:
    patch = Patch(fields={"id": 2, "passCount": None}, without=frozenset({"complete"}))
    fault = Fault(kind=Kind.ALTER, patch=patch)
    run = struck(fault).content
    assert (run["id"], run["passCount"], "complete" in run) == (2, None, False)
    assert ids(struck(fault, "/test-runs")) == [2]
    assert struck(fault, "/test-runs/9").status == 404


def test_a_fault_can_redirect() -> None:
    reply = struck(Fault(kind=Kind.REDIRECT, code=307, to="https://example.com/"))
    assert (reply.status, reply.headers["Location"]) == (307, "https://example.com/")


def test_a_fault_can_delay_an_answer() -> None:
    assert struck(Fault(kind=Kind.SLOW, delay=0.01)).content["id"] == 1


def test_a_fault_can_let_an_answer_trickle() -> None:
    reply = struck(Fault(kind=Kind.TRICKLE, delay=0.0001))
    assert reply.content["id"] == 1


def test_a_fault_can_lie_about_the_length() -> None:
    reply = struck(Fault(kind=Kind.ALTER, headers=(("Content-Length", "10"),)))
    assert reply.body == b'{"id":1,"n'
    assert reply.headers["Connection"] == "close"


def test_an_answer_that_may_have_no_body_ends_the_connection() -> None:
    reply = struck(Fault(kind=Kind.ANSWER, code=204))
    assert (reply.status, reply.headers["Connection"]) == (204, "close")


def test_a_fault_can_cut_an_answer_off() -> None:
    with pytest.raises(http.client.IncompleteRead) as cut:
        struck(Fault(kind=Kind.CUT_OFF))
    assert cut.value.partial.startswith(b'{"id":1,')
    assert cut.value.expected is not None


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.RESET_IN_BODY])
def test_a_fault_can_reset_the_connection(kind: Kind) -> None:
    with pytest.raises(ConnectionResetError):
        struck(Fault(kind=kind))


def test_a_fault_can_hang_until_the_simulator_closes() -> None:
    with playing(make_scenario(faults=(Fault(kind=Kind.HANG),))) as simulator:
        connection = socket.create_connection(address(simulator))
        with connection:
            connection.sendall(b"GET /api/account HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(20)
            simulator.close()
            assert connection.recv(1) == b""


def test_a_fault_can_make_an_answer_big() -> None:
    reply = struck(Fault(kind=Kind.BIG, size=2))
    assert len(reply.body) > 2 << 20
    assert reply.content["id"] == 1


def test_a_fault_can_make_an_answer_big_only_once_it_is_unpacked() -> None:
    reply = struck(Fault(kind=Kind.GZIP_BOMB, size=8))
    assert reply.headers["Content-Encoding"] == "gzip"
    assert len(reply.body) < 1 << 17
    unpacked = gzip.decompress(reply.body)
    assert len(unpacked) > 8 << 20
    assert json.loads(unpacked)["id"] == 1


def statuses(scenario: Scenario, count: int, path: str = "/test-runs/1") -> list[int]:
    with playing(scenario) as simulator, connected(simulator) as connection:
        return [ask(simulator, path, connection=connection).status for _ in range(count)]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(Fault(kind=Kind.ANSWER, code=500), [500, 200, 200, 200], id="once"),
        pytest.param(
            Fault(kind=Kind.ANSWER, code=500, first=2, times=2), [200, 500, 500, 200], id="from-to"
        ),
        pytest.param(
            Fault(kind=Kind.ANSWER, code=500, times=float("inf")), [500] * 4, id="for-ever"
        ),
        pytest.param(
            Fault(kind=Kind.ANSWER, code=500, endpoints=frozenset({Endpoint.LIST})),
            [200] * 4,
            id="another-endpoint",
        ),
        pytest.param(
            Fault(kind=Kind.ANSWER, code=500, endpoints=frozenset({Endpoint.RUN})),
            [500, 200, 200, 200],
            id="this-endpoint",
        ),
        pytest.param(Fault(kind=Kind.ANSWER, code=500, run_id=2), [200] * 4, id="another-run"),
        pytest.param(
            Fault(kind=Kind.ANSWER, code=500, run_id=1), [500, 200, 200, 200], id="this-run"
        ),
    ],
)
def test_a_fault_strikes_the_requests_it_is_meant_for(fault: Fault, expected: list[int]) -> None:
    assert statuses(make_scenario(faults=(fault,)), 4) == expected


def test_faults_strike_one_after_the_other() -> None:
    faults = tuple(Fault(kind=Kind.ANSWER, code=code) for code in (500, 502, 503))
    assert statuses(make_scenario(faults=faults), 4) == [500, 502, 503, 200]


def test_a_fault_for_some_endpoints_spares_requests_that_mean_none() -> None:
    fault = Fault(kind=Kind.ANSWER, code=500, endpoints=frozenset(Endpoint))
    assert statuses(make_scenario(faults=(fault,)), 1, "/nowhere") == [404]
    assert statuses(make_scenario(faults=(replace(fault, run_id=1),)), 1, "/account") == [200]
    anywhere = Fault(kind=Kind.ANSWER, code=500)
    assert statuses(make_scenario(faults=(anywhere,)), 1, "/nowhere") == [500]
    assert statuses(make_scenario(faults=(replace(anywhere, run_id=1),)), 1, "/nowhere") == [404]


def test_chance_is_the_same_for_the_same_seed() -> None:
    def played(seed: int, probability: float = 0.5) -> list[int]:
        fault = Fault(
            kind=Kind.ANSWER, code=500, times=float("inf"), probability=probability, seed=seed
        )
        return statuses(make_scenario(faults=(fault,)), 40)

    assert played(1) == played(1) != played(2)
    assert 8 <= played(1).count(500) <= 32
    assert played(1, probability=0).count(500) == 0
    assert played(1, probability=1).count(500) == 40


def test_an_outage_has_a_beginning_and_an_end() -> None:
    clock = FakeClock()
    fault = Fault(kind=Kind.ANSWER, code=503, times=float("inf"), after=5, lasts=10)
    seen = []
    with playing(make_scenario(faults=(fault,)), clock) as simulator:
        for _ in range(4):
            seen.append(ask(simulator, "/test-runs/1").status)
            clock.now += 5
    assert seen == [200, 503, 503, 200]


def test_a_fault_that_makes_up_its_answer_keeps_the_api_out_of_it() -> None:
    fault = Fault(kind=Kind.ANSWER, code=500)
    with playing(make_scenario(faults=(fault,))) as simulator:
        wanted = {"project": "demo"}
        reply = ask(simulator, "/test-run-requests-build", method="POST", body=wanted)
        assert reply.status == 500
        assert ids(ask(simulator, "/test-runs")) == [1]


# How it is served


def test_one_connection_serves_many_requests() -> None:
    with playing(make_scenario()) as simulator, connected(simulator) as connection:
        for _ in range(3):
            reply = ask(simulator, "/test-runs/1", connection=connection)
            assert reply.headers["Connection"] is None
            assert int(reply.headers["Content-Length"]) == len(reply.body)
        wanted = {"project": "demo"}
        ask(
            simulator, "/test-run-requests-build", method="POST", body=wanted, connection=connection
        )
        assert ask(simulator, "/account", connection=connection).status == 200


def test_many_clients_are_served_at_once() -> None:
    log: list[Exchange] = []
    hang = Fault(kind=Kind.HANG, endpoints=frozenset({Endpoint.ACCOUNT}), times=4)
    with (
        playing(make_scenario(faults=(hang,)), log=log) as simulator,
        ThreadPoolExecutor(8) as pool,
    ):
        hanging = [pool.submit(ask, simulator, "/account") for _ in range(4)]
        answered = list(pool.map(lambda _: ask(simulator, "/test-runs/1").status, range(40)))
        simulator.close()
        for request in hanging:
            assert isinstance(request.exception(), HTTPException | ConnectionError)
    assert answered == [200] * 40


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30, "2000000"])
def test_a_request_of_impossible_length_is_refused(length: str) -> None:
    with playing(make_scenario()) as simulator, connected(simulator) as connection:
        connection.putrequest("POST", "/api/test-run-requests-build")
        connection.putheader("Content-Length", length)
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == 400
        assert response.headers["Connection"] == "close"


def test_what_is_no_http_is_refused_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        playing(make_scenario()) as simulator,
        socket.create_connection(address(simulator)) as connection,
    ):
        connection.sendall(b"\x16\x03\x01\r\n\r\n")
        assert b"400" in connection.makefile("rb").read()
    assert capfd.readouterr() == ("", "")


def test_a_client_that_leaves_in_mid_answer_is_forgotten(
    capfd: pytest.CaptureFixture[str],
) -> None:
    fault = Fault(kind=Kind.BIG, size=64)
    with playing(make_scenario(faults=(fault,))) as simulator:
        with socket.create_connection(address(simulator)) as connection:
            connection.sendall(b"GET /api/test-runs/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(1000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert ask(simulator, "/test-runs/1").status == 200
    assert capfd.readouterr() == ("", "")


def test_every_exchange_is_told_without_the_token() -> None:
    log: list[Exchange] = []
    faults = (Fault(kind=Kind.ANSWER, code=502), Fault(kind=Kind.RESET))
    with playing(make_scenario(faults=faults), log=log) as simulator:
        ask(simulator, "/test-runs/1")
        with pytest.raises(ConnectionResetError):
            ask(simulator, "/test-runs/1")
        ask(simulator, "/test-runs?page=0")
    assert [str(exchange) for exchange in log] == [
        "GET /api/test-runs/1 -> 502 (answer)",
        "GET /api/test-runs/1 -> (reset)",
        "GET /api/test-runs?page=0 -> 200",
    ]
    assert DEFAULT_TOKEN not in repr(log)


def test_another_token_can_be_asked_for() -> None:
    with Simulator(make_scenario(), token="s3cret") as simulator:
        assert ask(simulator, "/account").status == 401
        assert ask(simulator, "/account", authorization="Bearer s3cret").status == 200


def test_a_port_in_use_is_the_callers_to_handle() -> None:
    with playing(make_scenario()) as first, pytest.raises(OSError, match="in use"):
        Simulator(make_scenario(), port=address(first)[1])


def test_a_port_is_free_again_after_closing() -> None:
    with playing(make_scenario()) as first:
        port = address(first)[1]
        ask(first, "/account")
    with Simulator(make_scenario(), port=port) as second:
        assert address(second)[1] == port
        assert ask(second, "/account").status == 200


def test_it_listens_on_loopback_only() -> None:
    with playing(make_scenario()) as simulator:
        assert address(simulator)[0] == "127.0.0.1"


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf"), 1e7])
def test_a_speed_out_of_bounds_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Simulator(make_scenario(), speed=speed)


def test_a_simulator_that_never_started_can_be_closed() -> None:
    Simulator(make_scenario()).close()


def test_closing_drops_what_is_under_way() -> None:
    def dropped(fault: Fault) -> bytes:
        asked = threading.Event()
        with (
            Simulator(
                make_scenario(faults=(fault,)), on_exchange=lambda _: asked.set()
            ) as simulator,
            socket.create_connection(address(simulator), timeout=20) as connection,
        ):
            connection.sendall(b"GET /api/test-runs/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert asked.wait(20)
            started = connection.recv(1) if fault.kind is Kind.TRICKLE else b""
            simulator.close()
            return started + connection.makefile("rb").read()

    assert dropped(Fault(kind=Kind.SLOW, delay=1000)) == b""
    assert dropped(Fault(kind=Kind.TRICKLE, delay=1000)).startswith(b"HTTP/1.1 401")


def test_closing_drops_idle_connections() -> None:
    with playing(make_scenario()) as simulator, connected(simulator) as connection:
        ask(simulator, "/account", connection=connection)
        simulator.close()
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""


def test_serving_for_ever_ends_when_it_is_closed() -> None:
    with playing(make_scenario()) as simulator:
        closing = threading.Timer(0.1, simulator.close)
        closing.start()
        simulator.serve_forever()
        closing.join()
        with pytest.raises(ConnectionError):
            ask(simulator, "/account")


def test_built_in_scenarios_recover_from_their_faults() -> None:
    """Each is asked until the run is complete; no fault but those for ever outlasts the run."""
    for name in ("errors-500", "bad-gateway-html", "html-200", "cut-off", "garbage", "resets"):
        clock = FakeClock()
        with playing(load_scenario(name), clock) as simulator:
            assert _faults_until_complete(simulator, clock) == 3, name


def _faults_until_complete(simulator: Simulator, clock: FakeClock) -> int:
    faults = 0
    for _ in range(30):
        clock.now += 1
        try:
            reply = ask(simulator, "/test-runs/55676")
            if reply.content["complete"]:
                return faults
        except (OSError, HTTPException, ValueError, KeyError):
            faults += 1
    raise AssertionError("the run never completed")
