from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from traceback import walk_tb
from typing import Any, NoReturn, cast

import pytest
import requests
import requests_mock

from testery_gate import __version__
from testery_gate.api import transport
from testery_gate.api import transport as sent
from testery_gate.api.client import (
    LAST_LOOK_SECONDS,
    LONGEST_DELAY,
    OPTIONAL_TIMEOUT,
    REQUEST_TIMEOUTS,
    RESULTS_TIMEOUT,
    Limits,
    TesteryClient,
)
from testery_gate.api.transport import Bounds, Transport
from testery_gate.errors import (
    ApiError,
    Lost,
    NoAnswer,
    NotFound,
    Refused,
    Unauthorized,
    Unavailable,
)
from testery_gate.model import MOST_RESULTS, MOST_RUNS, Attachments, Entry
from testery_gate.redaction import Redaction
from testery_gate.waiting.deadline import Deadline
from tests.builders import make_answer, make_route, make_run, make_transport
from tests.fakes import FakeClock
from tests.servers import Reply, drip, hang, http, raw_server, reset

BASE = "https://api.example.test/api"
URL = f"{BASE}/test-runs/55676"
TOKEN = "canary-4f1c9e"
RUN = json.dumps(make_answer()).encode()


def make_client(
    clock: FakeClock,
    retries: list[str] | None = None,
    *,
    timeout: float = 3600,
    outage_tolerance: float = 300,
    base: str = BASE,
    route: Mapping[str, Any] | None = None,
    **limits: Any,
) -> TesteryClient:
    """A client on a clock that only its own sleeping moves, and with the most jitter."""
    return TesteryClient(
        make_transport(base, TOKEN, **(route or {})),
        Limits(
            deadline=Deadline.after(timeout, clock), outage_tolerance=outage_tolerance, **limits
        ),
        sleep=clock.sleep,
        say=(retries if retries is not None else []).append,
        jitter=lambda: 1.0,
    )


def make_real_client(base: str, **limits: Any) -> TesteryClient:
    """A client on the real clock."""
    defaults: dict[str, Any] = {"deadline": Deadline.after(20), "outage_tolerance": 0}
    return TesteryClient(
        make_transport(base, TOKEN),
        Limits(**(defaults | limits)),
        sleep=time.sleep,
    )


def test_a_run_is_asked_for_with_the_token_and_the_version(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, json=make_answer())
    assert make_client(FakeClock()).run(55676) == make_run()
    headers = requests_mock.request_history[0].headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["User-Agent"] == f"testery-gate/{__version__}"
    assert headers["Accept"] == "application/json"


def test_every_request_has_a_connect_and_a_read_timeout(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, json=make_answer())
    make_client(FakeClock(), timeout=7).run(55676)
    timeout: object = requests_mock.request_history[0].timeout
    assert timeout == (7 + LAST_LOOK_SECONDS, 7 + LAST_LOOK_SECONDS)


def test_the_look_at_the_deadline_still_gets_a_moment(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, json=make_answer())
    make_client(FakeClock(), timeout=0).run(55676)
    timeout: object = requests_mock.request_history[0].timeout
    assert timeout == (LAST_LOOK_SECONDS, LAST_LOOK_SECONDS)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        *(
            pytest.param({"status_code": code}, f"HTTP {code} {phrase} from {URL}", id=str(code))
            for code, phrase in [
                (400, "Bad Request"),
                (408, "Request Timeout"),
                (425, "Too Early"),
                (429, "Too Many Requests"),
                (500, "Internal Server Error"),
                (502, "Bad Gateway"),
                (503, "Service Unavailable"),
                (504, "Gateway Timeout"),
            ]
        ),
        pytest.param({"status_code": 299}, f"HTTP 299 from {URL}", id="a code without a name"),
        pytest.param({"status_code": 204}, f"HTTP 204 No Content from {URL}", id="204"),
        pytest.param({"status_code": 304}, f"HTTP 304 Not Modified from {URL}", id="304"),
        pytest.param({"exc": requests.ConnectTimeout}, f"no connection to {URL} in time", id="ct"),
        pytest.param(
            {"exc": requests.ReadTimeout},
            f"{URL} accepted the connection but did not answer in time",
            id="read timeout",
        ),
        pytest.param(
            {"exc": requests.ConnectionError(OSError(111, "Connection refused"))},
            f"no connection to {URL}: Connection refused",
            id="refused",
        ),
        pytest.param(
            {"exc": requests.exceptions.ChunkedEncodingError()},
            f"no answer from {URL}: ChunkedEncodingError",
            id="an exception without words",
        ),
        pytest.param({"text": ""}, f"{URL} returned nothing, not JSON", id="empty body"),
        pytest.param(
            {"text": "<html>\nhello", "headers": {"Content-Type": "text/html"}},
            f"{URL} returned text/html (<html> hello...), not JSON",
            id="HTML with status 200",
        ),
        pytest.param({"content": b"\xff\xfe\xfd"}, f"{URL} returned an unnamed type", id="bytes"),
        pytest.param({"text": '{"id": 1'}, "not JSON", id="unfinished JSON"),
        pytest.param({"text": "[" * 100_000}, "not JSON", id="nested without end"),
        pytest.param({"text": '{"id": NaN}'}, "not JSON", id="NaN"),
        pytest.param({"text": f'{{"id": {"9" * 5000}}}'}, "not JSON", id="a number without end"),
        pytest.param(
            {"text": "null"},
            f"{URL} returned unexpected JSON: a test run was expected, not null",
            id="null",
        ),
        pytest.param({"json": []}, "a test run was expected, not a list", id="list for object"),
        pytest.param({"json": {}}, "a test run has no id", id="no id"),
        pytest.param({"json": {"id": "55676"}}, "id of a test run is a string", id="wrong type"),
        pytest.param(
            {"json": make_answer(id=7)},
            "run 7 was returned instead of run 55676",
            id="another run's id",
        ),
        pytest.param(
            {"status_code": 302, "headers": {"Location": "https://elsewhere.example.test/x"}},
            "redirects to another host",
            id="redirect to another host",
        ),
        pytest.param(
            {"status_code": 301, "headers": {"Location": "http://api.example.test/api/x"}},
            "redirects to another host",
            id="redirect to plain http",
        ),
        pytest.param(
            {"status_code": 307, "headers": {"Location": URL}},
            f"{URL} redirects too often",
            id="redirect to itself",
        ),
        pytest.param(
            {"status_code": 302, "headers": {"Location": "https://[broken/"}},
            f"no answer from {URL}: Invalid IPv6 URL",
            id="redirect to no address",
        ),
    ],
)
def test_what_is_no_answer_is_tried_again_and_said(
    requests_mock: requests_mock.Mocker, answer: dict[str, Any], said: str
) -> None:
    retries: list[str] = []
    ok = {"json": make_answer()}
    ways = [answer, answer, ok] if "Location" not in answer.get("headers", {}) else None
    requests_mock.get(URL, ways or [answer] * 6 + [ok])
    client = make_client(FakeClock(), retries)
    assert client.run(55676) == make_run()
    assert retries
    assert all(said in retry for retry in retries)
    assert TOKEN not in str(retries)


@pytest.mark.parametrize(
    ("status", "kind", "token_rejected"),
    [
        pytest.param(401, Unauthorized, True, id="401"),
        pytest.param(403, Unauthorized, False, id="403"),
        pytest.param(404, NotFound, None, id="404"),
    ],
)
def test_a_refusal_is_final_at_once(
    requests_mock: requests_mock.Mocker,
    status: int,
    kind: type[ApiError],
    token_rejected: bool | None,
) -> None:
    requests_mock.get(URL, status_code=status, json={"code": str(status)})
    clock = FakeClock()
    with pytest.raises(kind) as caught:
        make_client(clock).run(55676)
    assert clock.slept == []
    assert URL in caught.value.message
    assert caught.value.advice
    assert getattr(caught.value, "token_rejected", None) is token_rejected


def test_a_redirect_on_the_same_host_is_followed_with_the_token(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, status_code=308, headers={"Location": "/elsewhere"})
    requests_mock.get("https://api.example.test/elsewhere", json=make_answer())
    assert make_client(FakeClock()).run(55676) == make_run()
    assert requests_mock.request_history[1].headers["Authorization"] == f"Bearer {TOKEN}"


def test_the_waits_between_tries_grow_to_a_limit(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(URL, [{"status_code": 500}] * 8 + [{"json": make_answer()}])
    clock = FakeClock()
    make_client(clock).run(55676)
    assert clock.slept == [1, 2, 4, 8, 16, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]


def test_jitter_halves_a_wait_at_most(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(URL, [{"status_code": 500}, {"json": make_answer()}])
    clock = FakeClock()
    TesteryClient(
        make_transport(BASE, TOKEN),
        Limits(deadline=Deadline.after(60, clock), outage_tolerance=60),
        sleep=clock.sleep,
        jitter=lambda: 0.0,
    ).run(55676)
    assert clock.slept == [0.5]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        pytest.param("7", 7, 7, id="seconds"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 -0000", 1, 1, id="a date that has passed"),
        pytest.param("0", 1, 1, id="zero"),
        pytest.param("soon", 1, 1, id="nonsense"),
        pytest.param("-3", 1, 1, id="negative"),
        pytest.param(f"Wed, 21 Oct {'9' * 20} 07:28:00 GMT", 1, 1, id="a year of many digits"),
        pytest.param("9" * 400, 290, 300, id="longer than the outage tolerance"),
    ],
)
def test_retry_after_is_honoured_within_bounds(
    requests_mock: requests_mock.Mocker, header: str, least: float, most: float
) -> None:
    requests_mock.get(
        URL,
        [{"status_code": 429, "headers": {"Retry-After": header}}, {"json": make_answer()}],
    )
    clock = FakeClock()
    make_client(clock).run(55676)
    (slept,) = clock.slept
    assert least <= slept <= most


def test_retry_after_is_honoured_as_a_date(requests_mock: requests_mock.Mocker) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    requests_mock.get(
        URL, [{"status_code": 503, "headers": {"Retry-After": date}}, {"json": make_answer()}]
    )
    clock = FakeClock()
    make_client(clock).run(55676)
    assert 30 <= clock.slept[0] <= 90


def test_a_date_is_held_against_the_servers_own_clock(requests_mock: requests_mock.Mocker) -> None:
    headers = {
        "Date": "Wed, 21 Oct 2065 07:28:00 GMT",
        "Retry-After": "Wed, 21 Oct 2065 07:28:20 GMT",
    }
    requests_mock.get(URL, [{"status_code": 503, "headers": headers}, {"json": make_answer()}])
    clock = FakeClock()
    make_client(clock).run(55676)
    assert clock.slept == [20]


def test_no_retry_waits_beyond_the_deadline(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(URL, status_code=503, headers={"Retry-After": "3600"})
    clock = FakeClock()
    with pytest.raises(Unavailable):
        make_client(clock, timeout=20).run(55676)
    assert clock.slept == [20]


def test_a_failure_does_not_keep_the_answer_that_it_is_about(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, text="<html>" * 1000)
    with pytest.raises(Unavailable) as caught:
        make_client(FakeClock(), outage_tolerance=0).run(55676)
    failure = caught.value.__cause__
    assert failure is not None
    assert failure.__context__ is None
    frames = [frame for frame, _ in walk_tb(failure.__traceback__)]
    held = [value for frame in frames for value in frame.f_locals.values()]
    assert held
    assert not [value for value in held if isinstance(value, sent.Reply | bytes)]


def test_faults_in_a_row_end_with_the_outage_tolerance(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, status_code=502)
    clock = FakeClock()
    with pytest.raises(Unavailable, match=r"HTTP 502 .* \(4 tries in a row\)") as caught:
        make_client(clock, outage_tolerance=5).run(55676)
    assert sum(clock.slept) == 5
    assert "--outage-tolerance" in caught.value.advice


def test_the_outage_goes_on_over_several_requests(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(URL, status_code=502)
    clock = FakeClock()
    client = make_client(clock, outage_tolerance=5)
    for slept_so_far in (5, 5):
        with pytest.raises(Unavailable):
            client.run(55676)
        assert sum(clock.slept) == slept_so_far


def test_any_good_answer_ends_the_outage(requests_mock: requests_mock.Mocker) -> None:
    bad, good = {"status_code": 502}, {"json": make_answer()}
    requests_mock.get(URL, [bad, bad, good, bad, bad, bad, good])
    clock = FakeClock()
    client = make_client(clock, outage_tolerance=7)
    client.run(55676)
    client.run(55676)
    assert clock.slept == [1, 2, 1, 2, 4]


def test_each_retry_says_what_happened_and_when_the_next_try_comes(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, [{"status_code": 502}, {"json": make_answer()}])
    retries: list[str] = []
    make_client(FakeClock(), retries).run(55676)
    assert retries == [f"HTTP 502 Bad Gateway from {URL}; next try in 1.0 s"]


def test_a_look_at_several_runs_keeps_what_is_gone_or_barred_apart(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(f"{BASE}/test-runs/1", json=make_answer(id=1))
    requests_mock.get(f"{BASE}/test-runs/2", status_code=404)
    requests_mock.get(f"{BASE}/test-runs/3", status_code=403)
    seen = make_client(FakeClock()).look([1, 2, 3])
    assert seen[1] == make_run(id=1)
    assert isinstance(seen[2], NotFound)
    assert isinstance(seen[3], Unauthorized)


def test_the_last_looks_at_many_runs_share_what_is_left_of_the_time(
    requests_mock: requests_mock.Mocker,
) -> None:
    clock = FakeClock()

    def slow(_request: object, _context: object) -> dict[str, object]:
        clock.now += LAST_LOOK_SECONDS / 2
        return make_answer(id=len(requests_mock.request_history))

    requests_mock.get(re.compile(f"{BASE}/test-runs/"), json=slow)
    client = make_client(clock, timeout=0)
    assert list(client.look([1, 2, 3, 4])) == [1, 2]
    # What might still be asked for afterwards is given up without asking.
    with pytest.raises(Unavailable, match="no time was left before the deadline"):
        client.results(1)
    assert len(requests_mock.request_history) == 2


def test_a_token_that_is_rejected_for_every_run_ends_the_look(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(re.compile(f"{BASE}/test-runs/"), status_code=401)
    with pytest.raises(Unauthorized):
        make_client(FakeClock()).look([1, 2])


@pytest.mark.parametrize("status", [401, 404, 500])
def test_every_run_is_asked_for_whatever_comes_of_the_others(
    requests_mock: requests_mock.Mocker, status: int
) -> None:
    requests_mock.get(re.compile(f"{BASE}/test-runs/"), status_code=status)
    requests_mock.get(f"{BASE}/test-runs/4", json=make_answer(id=4, failed=1))
    seen = make_client(FakeClock(), outage_tolerance=0).look([1, 2, 3, 4, 5])
    assert seen[4] == make_run(id=4, failed=1)
    assert all(isinstance(seen[run_id], ApiError) for run_id in (1, 2, 3, 5))


def test_a_run_that_gives_no_answer_holds_nobody_up_until_its_own_patience_is_over(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(f"{BASE}/test-runs/1", json=make_answer(id=1))
    requests_mock.get(f"{BASE}/test-runs/2", status_code=500)
    requests_mock.get(f"{BASE}/test-runs/3", [{"json": make_answer(id=3)}, {"status_code": 500}])
    clock, retries = FakeClock(), list[str]()
    client = make_client(clock, retries, outage_tolerance=10)
    assert list(client.look([1, 2, 3])) == [1, 3]
    assert retries[0].endswith(
        "from https://api.example.test/api/test-runs/2; next try with the next poll"
    )
    clock.now += 9
    assert list(client.look([1, 2, 3])) == [1]
    clock.now += 1
    seen = client.look([1, 2, 3])
    assert isinstance(seen[2], Unavailable)
    assert list(seen) == [1, 2]  # the third has been failing for a second
    clock.now += 9
    assert isinstance(client.look([1, 3])[3], Unavailable)
    assert clock.slept == []


def test_an_outage_of_the_api_takes_one_tolerance_for_many_runs(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(re.compile(f"{BASE}/test-runs/"), status_code=500)
    clock, retries = FakeClock(), list[str]()
    with pytest.raises(Unavailable, match="5 tries in a row"):
        make_client(clock, retries, outage_tolerance=10).look(range(1, 201))
    assert clock.slept == [1, 2, 4, 3]
    assert len(retries) == 4
    assert len(requests_mock.request_history) == 5 * 200


def test_a_look_goes_on_with_the_first_answer_after_an_outage(
    requests_mock: requests_mock.Mocker,
) -> None:
    bad = {"status_code": 500}
    requests_mock.get(f"{BASE}/test-runs/1", [bad, bad, {"json": make_answer(id=1)}])
    requests_mock.get(f"{BASE}/test-runs/2", status_code=500)
    clock = FakeClock()
    client = make_client(clock)
    assert list(client.look([1, 2])) == [1]
    assert clock.slept == [1, 2]
    # Others have answered elsewhere: nothing is waited for.
    assert client.look([2], wait=False) == {}
    assert clock.slept == [1, 2]


class Sluggish:
    """A transport whose answers take as long as it is told, on a clock of the test's."""

    route = make_route(BASE)
    redact = Redaction(TOKEN)

    def __init__(self, clock: FakeClock, *takes: float) -> None:
        self.clock, self.takes = clock, list(takes)
        self.asked: list[float] = []

    def get(self, url: str, bounds: Bounds, read: Callable[[sent.Reply], object]) -> object:
        takes = self.takes.pop(0)
        self.asked.append(bounds.whole)
        self.clock.now += min(takes, bounds.whole)
        if takes >= bounds.whole:
            raise NoAnswer(f"no answer within {bounds.whole:g} s")
        if takes == 0:
            raise NoAnswer("HTTP 502")
        return read(sent.Reply(status=200, headers={}, body=RUN))


@pytest.mark.parametrize(
    ("takes", "asked"),
    [
        pytest.param([1, 9999, 1, 1], [10, 10, 30, 10], id="one stalls"),
        pytest.param([9999, 9999, 9999, 1], [10, 30, 60, 60], id="three stall"),
        pytest.param([25, 25, 25, 25, 25], [10, 30, 30, 30, 30], id="each needs 25 s"),
        pytest.param([45, 45, 45, 45], [10, 30, 60, 60], id="each needs 45 s"),
        pytest.param([25, 25, 1, 9999, 1], [10, 30, 30, 10, 30], id="quick again"),
        pytest.param([0, 0, 0, 9999, 1], [10, 10, 10, 10, 30], id="faults at once do not count"),
        pytest.param([59, 59, 59, 9999, 59], [10, 30, 60, 60, 60], id="no more than the most"),
    ],
)
def test_a_request_that_stalls_costs_little_and_a_slow_api_gets_its_time(
    takes: list[float], asked: list[float]
) -> None:
    clock = FakeClock()
    transport = Sluggish(clock, *takes)
    limits = Limits(deadline=Deadline.after(3600, clock), outage_tolerance=300)
    client = TesteryClient(cast("Transport", transport), limits, sleep=clock.sleep)
    while transport.takes:
        assert client.run(55676) == make_run()
    assert transport.asked == asked
    assert asked[0] == REQUEST_TIMEOUTS[0]


def test_a_single_attempt_may_take_all_the_time_there_is() -> None:
    once = Limits.once(31)
    assert 30 < once.bounds(once.request(stalled=0, usual=0)).whole <= 31


def test_the_newest_runs_are_asked_for_once_and_their_fault_is_forgotten(
    requests_mock: requests_mock.Mocker,
) -> None:
    clock, retries = FakeClock(), list[str]()
    client = make_client(clock, retries, outage_tolerance=20)
    requests_mock.get(f"{BASE}/test-runs", status_code=500)
    with pytest.raises(Unavailable):
        client.newest(100)
    assert (clock.slept, retries) == ([], [])
    # As if it had never been asked for.
    clock.sleep(600)
    requests_mock.get(f"{BASE}/test-runs", [{"status_code": 500}, {"json": [make_answer()]}])
    assert list(client.page(0, 100)) == [make_run()]


def test_an_api_that_keeps_silent_costs_each_of_many_runs_less(
    requests_mock: requests_mock.Mocker,
) -> None:
    asked: list[float] = []

    class Silent:
        """A transport that notes how long each request may take, and has mostly no answer."""

        route = make_route(BASE)
        redact = Redaction(TOKEN)

        def get(self, url: str, bounds: Bounds, read: object) -> NoReturn:
            asked.append(bounds.whole)
            if url.endswith("/4"):
                raise NotFound("HTTP 404")
            raise NoAnswer("nothing came")

    clock = FakeClock()
    limits = Limits(
        deadline=Deadline.after(3600, clock), outage_tolerance=300, requests=(30.0, 60.0)
    )
    client = TesteryClient(cast("Transport", Silent()), limits, sleep=clock.sleep)
    client.look([1, 2, 3, 4, 5])
    assert asked == [30, 30, *[OPTIONAL_TIMEOUT] * 2, 30]


def test_the_runs_of_a_deploy_are_worth_the_whole_tolerance(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(f"{BASE}/test-runs/by-deploy/7", status_code=500)
    clock = FakeClock()
    with pytest.raises(Unavailable):
        make_client(clock, outage_tolerance=60).deployed(7)
    assert sum(clock.slept) == 60


def test_results_come_from_the_undocumented_endpoint(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(
        f"{URL}/results",
        json=[{"id": 1, "status": "FAIL", "projectTest": {"name": "adds", "file": "a.feature"}}],
    )
    (result,) = make_client(FakeClock()).results(55676)
    assert (result.name, result.file, result.status_text) == ("adds", "a.feature", "FAIL")


def test_results_can_be_brief(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{URL}/results", json=[{"id": 1, "status": "FAIL", "error": "long"}])
    (result,) = make_client(FakeClock()).results(55676, brief=True)
    assert (result.status_text, result.error) == ("FAIL", None)


def test_what_a_test_left_comes_from_the_undocumented_endpoint(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(f"{URL}/results/1", json={"id": 1, "videos": ["https://a.test/1.mp4"]})
    clock = FakeClock()
    found = make_client(clock).attachments(55676, "1", Deadline.after(5, clock))
    assert found == Attachments(videos=("https://a.test/1.mp4",))


def test_what_a_test_left_is_asked_for_once_and_until_a_time() -> None:
    with raw_server(hang) as api, pytest.raises(Unavailable, match="no complete answer"):
        make_real_client(api.url, outage_tolerance=300).attachments(1, "1", Deadline.after(0.2))


def test_clients_take_turns_at_parsing(requests_mock: requests_mock.Mocker) -> None:
    """Not at asking: who waits for an answer keeps nobody from running."""
    turn = threading.Lock()
    asked_in_turn: list[bool] = []

    def answer(*_: object) -> str:
        asked_in_turn.append(turn.locked())
        return "[]"

    @contextmanager
    def taking_turns() -> Iterator[None]:
        with turn:
            asked_in_turn.append(turn.locked())
            yield

    requests_mock.get(f"{URL}/results", text=answer)
    transport = make_transport(BASE, TOKEN)
    limits = Limits(deadline=Deadline.after(20), outage_tolerance=0)
    client = TesteryClient(transport, limits, sleep=time.sleep, turn=taking_turns())
    assert client.results(55676) == ()
    assert asked_in_turn == [False, True]
    assert not turn.locked()


def test_faults_of_an_undocumented_endpoint_are_not_tolerated_for_long(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(f"{URL}/results", status_code=500)
    clock = FakeClock()
    with pytest.raises(Unavailable):
        make_client(clock).results(55676)
    assert sum(clock.slept) == 5


def test_the_account_has_a_name_for_web_addresses(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{BASE}/account", json={"id": 1, "name": "acme"})
    assert make_client(FakeClock()).account_name() == "acme"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'"{TOKEN}"', id="plain"),
        pytest.param('"' + "".join(f"\\u{ord(sign):04x}" for sign in TOKEN) + '"', id="escaped"),
    ],
)
def test_a_token_that_the_api_echoes_is_removed(
    requests_mock: requests_mock.Mocker, text: str
) -> None:
    body = json.dumps(make_answer(includeTags=["NAME"], name="NAME")).replace('"NAME"', text)
    requests_mock.get(URL, text=body)
    run = make_client(FakeClock()).run(55676)
    assert (run.name, run.include_tags) == ("***", ("***",))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"text": TOKEN}, id="a body"),
        pytest.param({"text": "<", "headers": {"Content-Type": f"a/b; {TOKEN}"}}, id="a type"),
        pytest.param({"text": "<", "headers": {"Content-Type": "a/b\x1b[31m"}}, id="an escape"),
        pytest.param(
            {"status_code": 302, "headers": {"Location": f"/login?t={TOKEN}"}}, id="a redirect"
        ),
        pytest.param({"content": json.dumps(make_answer(id=TOKEN)).encode("utf-16")}, id="UTF-16"),
    ],
)
def test_no_message_shows_the_token_or_what_a_terminal_obeys(
    requests_mock: requests_mock.Mocker, answer: dict[str, Any]
) -> None:
    requests_mock.get(URL, **answer)
    requests_mock.get("https://api.example.test/login", status_code=404)
    with pytest.raises(ApiError) as caught:
        make_client(FakeClock(), outage_tolerance=0).run(55676)
    assert TOKEN not in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("parting", ["\x1b[0m", "\x00", "\u202e"])
def test_a_token_that_is_parted_by_what_is_dropped_is_removed(
    requests_mock: requests_mock.Mocker, parting: str
) -> None:
    requests_mock.get(URL, json=make_answer(name=f"{TOKEN[:4]}{parting}{TOKEN[4:]}"))
    assert make_client(FakeClock()).run(55676).name == "***"


def test_a_token_is_removed_from_any_encoding_and_depth(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, content=json.dumps(make_answer(name=TOKEN)).encode("utf-16"))
    assert make_client(FakeClock()).run(55676).name == "***"
    nested = "[" * 100_000 + f'"{TOKEN}"' + "]" * 100_000  # deeper than any Python reads
    requests_mock.get(URL, text=json.dumps(make_answer()).replace("{", '{"x": ' + nested + ",", 1))
    with pytest.raises(Unavailable, match="not JSON"):
        make_client(FakeClock(), outage_tolerance=0).run(55676)


def test_a_redirect_that_only_looks_like_the_same_host_is_refused() -> None:
    with raw_server(http(RUN)) as other:
        with raw_server(lambda connection: connection.sendall(evil)) as server:
            evil = (
                f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{other.port}"
                f"\\@127.0.0.1:{server.port}/x\r\nContent-Length: 0\r\n\r\n"
            ).encode()
            with pytest.raises(Unavailable, match="another host"):
                make_real_client(server.url).run(55676)
        assert other.requests == []


def test_a_token_in_an_answer_that_is_not_json_is_removed(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, text=f"Bearer {TOKEN} is wrong")
    with pytest.raises(Unavailable) as caught:
        make_client(FakeClock(), outage_tolerance=0).run(55676)
    assert "Bearer *** is wrong" in caught.value.message


def test_the_token_does_not_show_in_what_sends_it() -> None:
    transport = make_transport(BASE, TOKEN)
    assert TOKEN not in f"{transport!r} {vars(transport)}"


def test_an_entry_in_netrc_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with raw_server(http(RUN)) as server:
        assert make_real_client(server.url).run(55676) == make_run()
        assert f"Authorization: Bearer {TOKEN}" in server.requests[0]


def test_no_proxy_is_asked_for_an_address_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with raw_server(http(RUN)) as server:
        assert make_real_client(server.url).run(55676) == make_run()


BOMB = gzip.compress(b" " * (40 * 2**20))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(reset, "Connection reset by peer", id="reset before an answer"),
        pytest.param(http(RUN, length=len(RUN) + 9), "9 more expected", id="cut-off body"),
        pytest.param(http(RUN[:50], length=50), "not JSON", id="half a body"),
        pytest.param(lambda _: None, "Remote end closed connection", id="closed without a word"),
        pytest.param(http(BOMB, "Content-Encoding: gzip"), "sent more than 16 MiB", id="gzip bomb"),
        pytest.param(
            http(b"no gzip", "Content-Encoding: gzip"), "no answer from", id="broken gzip"
        ),
        pytest.param(http(RUN, status="502 Bad Gateway"), "HTTP 502", id="502"),
        pytest.param(
            lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9\r\n"),
            "no answer from",
            id="not HTTP at all",
        ),
    ],
)
def test_a_real_fault_is_no_answer(reply: Reply, said: str) -> None:
    with raw_server(reply) as server, pytest.raises(Unavailable) as caught:
        make_real_client(server.url).run(55676)
    assert said in caught.value.message
    assert caught.value.advice


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(hang, id="hangs before headers"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n" * 99, 0.2), id="headers drip"),
        pytest.param(
            drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 999, 0.01),
            id="the body drips",
        ),
    ],
)
def test_a_request_is_bounded_however_slowly_it_drips(reply: Reply) -> None:
    with raw_server(reply) as server, pytest.raises(Unavailable):
        make_real_client(server.url, deadline=Deadline.after(0.1), grace=0.6).run(55676)


def test_an_abandoned_answer_is_not_read_to_its_end() -> None:
    sent: list[int] = []
    stopped = threading.Event()

    def endless(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        try:
            while True:
                sent.append(connection.send(b" " * 4096))
                time.sleep(0.001)
        finally:
            stopped.set()

    with raw_server(endless) as server:
        with pytest.raises(Unavailable, match="no complete answer"):
            make_real_client(server.url, deadline=Deadline.after(0.1), grace=0.4).run(55676)
        assert stopped.wait(10)
    assert sum(sent) < 999999999


def test_a_defect_in_a_parser_is_not_taken_for_a_fault(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, json=make_answer())

    def broken(_: float) -> None:
        raise AssertionError("never called: a defect is not retried")

    client = make_client(FakeClock())
    client._sleep = broken
    with pytest.raises(ZeroDivisionError):
        client._get("test-runs/55676", lambda *_: 1 // 0, client._limits)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"createTime": 1732400000000}, id="createTime"),
        pytest.param({"environment": {"name": "prod"}}, id="environment"),
        pytest.param({"name": ["nightly"]}, id="name"),
        pytest.param({"gitRef": True}, id="gitRef"),
        pytest.param({"buildKey": 2.5}, id="buildKey"),
        pytest.param({"projectId": "1"}, id="projectId"),
        pytest.param({"includeTags": "smoke"}, id="includeTags"),
    ],
)
def test_a_list_to_choose_from_hides_no_run_behind_a_wrong_type(
    requests_mock: requests_mock.Mocker, wrong: Mapping[str, Any]
) -> None:
    requests_mock.get(f"{BASE}/test-runs", json=[make_answer(**wrong)])
    requests_mock.get(f"{BASE}/test-runs/by-deploy/7", json=[make_answer(**wrong)])
    client = make_client(FakeClock(), outage_tolerance=0)
    with pytest.raises(Unavailable, match=f"unexpected JSON: {next(iter(wrong))} of a test run"):
        client.page(0, 100)
    with pytest.raises(Unavailable, match="unexpected JSON"):
        client.deployed(7)
    # Where runs that are known are looked at, they are told by their ids.
    assert [run.id for run in client.page(0, 100, optional=True)] == [55676]


def test_a_build_that_is_a_number_can_be_chosen(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.get(f"{BASE}/test-runs", json=[make_answer(buildKey=23)])
    (run,) = make_client(FakeClock()).page(0, 100)
    assert run.build_key == "23"


def test_the_body_of_a_redirect_is_not_read() -> None:
    sent = 0

    def redirect(connection: socket.socket) -> None:
        nonlocal sent
        head = "HTTP/1.1 302 Found\r\nLocation: /api/elsewhere\r\nContent-Length: 999999999\r\n\r\n"
        connection.sendall(head.encode())
        while sent < 100 * 2**20:
            sent += connection.send(bytes(2**20))

    with raw_server(redirect, http(RUN)) as server:
        assert make_real_client(server.url).run(55676) == make_run()
    assert sent < 100 * 2**20


def test_no_cookie_is_kept() -> None:
    with raw_server(http(RUN, "Set-Cookie: a=b; Path=/")) as server:
        client = make_real_client(server.url)
        client.run(55676)
        client.run(55676)
        assert [head.lower().count("cookie:") for head in server.requests] == [0, 0]


@pytest.mark.parametrize("blanks", range(1000 - len(TOKEN) - 2, 1002))
def test_a_token_at_the_cut_of_what_is_quoted_shows_no_part(
    requests_mock: requests_mock.Mocker, blanks: int
) -> None:
    requests_mock.get(URL, text=f"{' ' * blanks}{TOKEN} is no JSON")
    with pytest.raises(Unavailable) as raised:
        make_client(FakeClock(), outage_tolerance=0).run(55676)
    assert TOKEN[:3] not in raised.value.message


def test_a_refusal_ends_an_outage(requests_mock: requests_mock.Mocker) -> None:
    clock = FakeClock()
    client = make_client(clock, outage_tolerance=10)
    requests_mock.get(URL, [{"status_code": 502}, {"status_code": 404}])
    with pytest.raises(NotFound):
        client.run(55676)
    clock.sleep(600)
    requests_mock.get(URL, [{"status_code": 502}, {"json": make_answer()}])
    assert client.run(55676) == make_run()


def test_what_is_optional_is_not_waited_for_as_long() -> None:
    asked: dict[str, float] = {}

    class Listening:
        """A transport that notes how long each request may take, and has no answer."""

        route = make_route(BASE)
        redact = Redaction(TOKEN)

        def get(self, url: str, bounds: Bounds, read: Callable[[sent.Reply], object]) -> object:
            asked[url.removeprefix(f"{BASE}/").partition("?")[0]] = bounds.whole
            return read(sent.Reply(status=200, headers={}, body=b"[]"))

    clock = FakeClock()
    limits = Limits(deadline=Deadline.after(3600, clock), outage_tolerance=0)
    client = TesteryClient(cast("Transport", Listening()), limits, sleep=clock.sleep)
    for request in (
        lambda: client.page(0, 100, optional=True),
        lambda: client.results(55676),
        client.account_name,
    ):
        with suppress(Unavailable):
            request()
    assert asked == {
        "test-runs": OPTIONAL_TIMEOUT,
        "test-runs/55676/results": RESULTS_TIMEOUT,
        "account": OPTIONAL_TIMEOUT,
    }


MANY = {
    "objects": b"[" + b"{}," * 3_000_000 + b"{}]",
    "lists": b"[" + b"[]," * 3_000_000 + b"[]]",
    "numbers": b"[" + b"1," * 3_000_000 + b"1]",
    "texts": b"[" + b'"",' * 3_000_000 + b'""]',
    "names": b"[{" + b'"a":1,' * 3_000_000 + b'"b":1}]',
    "wide signs": ("[" + "{}," * 3_000_000 + "{}]").encode("utf-16"),
    "blanks between": b"[" + b"{ } , " * 3_000_000 + b"{}]",
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in MANY.items()])
def test_an_answer_of_many_small_things_is_not_read(body: bytes) -> None:
    packed = gzip.compress(body, 1)
    peaks = []
    with raw_server(http(packed, "Content-Encoding: gzip")) as server:
        client = make_real_client(server.url)
        tracemalloc.start()
        try:
            with pytest.raises(Unavailable, match="more than 2000000 values"):
                client.results(55676)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert max(peaks) < 4 * len(body)


@pytest.mark.parametrize("path", ["run", "page"])
def test_other_answers_may_hold_fewer(requests_mock: requests_mock.Mocker, path: str) -> None:
    requests_mock.get(re.compile(BASE), content=b"[" + b"{}," * 300_000 + b"{}]")
    client = make_client(FakeClock(), outage_tolerance=0)
    with pytest.raises(Unavailable, match="more than 500000 values"):
        client.run(1) if path == "run" else client.page(0, 100)


def test_there_is_an_end_to_results_and_runs(requests_mock: requests_mock.Mocker) -> None:
    client = make_client(FakeClock(), outage_tolerance=0)
    requests_mock.get(re.compile("results$"), content=b"[" + b"{}," * MOST_RESULTS + b"{}]")
    with pytest.raises(Unavailable, match="has 250001 items; the maximum is 250000"):
        client.results(1)
    requests_mock.get(f"{BASE}/test-runs", content=b"[" + b"{}," * MOST_RUNS + b"{}]")
    with pytest.raises(Unavailable, match="has 10001 items; the maximum is 10000"):
        client.page(0, 100)


def test_reading_an_answer_counts_towards_the_time_of_the_request(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.get(URL, json=make_answer())
    route = make_route(BASE)
    done = threading.Event()
    bounds = Bounds(connect=1, read=1, whole=0.2, size=1000_000)
    with pytest.raises(NoAnswer, match="no complete answer"):
        Transport(route, TOKEN).get(URL, bounds, lambda _: done.wait(30))
    done.set()


def test_a_name_without_end_that_is_said_twice_is_shortened(
    requests_mock: requests_mock.Mocker,
) -> None:
    name = "n" * 100_000
    requests_mock.get(URL, text=f'{{"id": 1, "{name}": 1, "{name}": 2}}')
    with pytest.raises(Unavailable) as caught:
        make_client(FakeClock(), outage_tolerance=0).run(55676)
    assert f"unexpected JSON: {'n' * 40} occurs more than once" in caught.value.message
    requests_mock.get(URL, text="<", headers={"Content-Type": "a" * 50_000})
    with pytest.raises(Unavailable) as caught:
        make_client(FakeClock(), outage_tolerance=0).run(55676)
    assert len(caught.value.message) < 500


def endless(head: str, line: bytes, sent: list[int]) -> Reply:
    """Send a line over and over, until the other side has enough."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode())
        block = line * (65536 // len(line) or 1)
        with suppress(OSError):
            while sum(sent) < 2**30:
                sent.append(connection.send(block))

    return reply


CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "line"),
    [
        pytest.param("", b"X-More: 1\r\n", id="headers"),
        pytest.param("X-Long: ", b"x", id="a header"),
        pytest.param(CHUNKED, b"0", id="a chunk's size"),
        pytest.param(CHUNKED + "1; ", b"x", id="an extension of a chunk"),
        pytest.param(CHUNKED, b"1; " + b"x" * 60_000 + b"\r\n \r\n", id="extensions of chunks"),
        pytest.param(CHUNKED + "0\r\nX-Long: ", b"x", id="a trailer"),
        pytest.param(CHUNKED + "0\r\n", b"X-More: 1\r\n", id="trailers"),
        pytest.param(
            "Content-Encoding: gzip\r\n" + CHUNKED,
            b"1\r\n" + b"\0" + b"\r\n",
            id="what unpacks to nothing",
        ),
        pytest.param("Content-Length: 9" + "9" * 15 + "\r\n\r\n", b" ", id="a body"),
    ],
)
def test_no_part_of_an_answer_goes_on_without_end(
    head: str, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_ON_THE_WIRE", 24 * 2**20)
    sent: list[int] = []
    with raw_server(endless(head, line, sent)) as server:
        client = make_real_client(server.url, deadline=Deadline.after(60))
        tracemalloc.start()
        try:
            with pytest.raises(Unavailable) as caught:
                client.run(55676)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert "no complete answer" not in caught.value.message
    assert sum(sent) < 64 * 2**20
    assert peak < 64 * 2**20


def test_interim_answers_do_not_go_on_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST_ON_THE_WIRE", 2**20)
    sent: list[int] = []

    def reply(connection: socket.socket) -> None:
        with suppress(OSError):
            while sum(sent) < 2**28:
                sent.append(connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100))

    with raw_server(reply) as server, pytest.raises(Unavailable, match="longer than 1 MiB"):
        make_real_client(server.url, deadline=Deadline.after(60)).run(55676)
    assert sum(sent) < 2**26


# Starting and canceling

START = f"{BASE}/test-run-requests-build"
WANTED = {"project": "shop", "environment": "qa"}


def doubts_of(client: TesteryClient) -> tuple[ApiError, list[bool]]:
    """What a start that fails raises, and what was noted of it."""
    noted: list[bool] = []
    with pytest.raises(ApiError) as raised:
        client.start(WANTED, noted.append)
    return raised.value, noted


def test_a_start_is_one_request_with_its_body(requests_mock: requests_mock.Mocker) -> None:
    requests_mock.post(START, json=make_answer(), status_code=201)
    assert make_client(FakeClock()).start(WANTED) == make_run()
    (sent,) = requests_mock.request_history
    assert sent.json() == WANTED
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status_code": 500}, id="500"),
        pytest.param({"status_code": 503, "headers": {"Retry-After": "1"}}, id="503"),
        pytest.param({"status_code": 408}, id="408"),
        pytest.param({"status_code": 304}, id="304"),
        pytest.param({"status_code": 307, "headers": {"Location": URL}}, id="a redirect"),
        pytest.param({"status_code": 201, "text": "<html>"}, id="no JSON"),
        pytest.param({"status_code": 201, "text": ""}, id="nothing"),
        pytest.param({"status_code": 201, "json": {"id": "5"}}, id="no id"),
        pytest.param({"status_code": 201, "json": {"id": 0}}, id="id 0"),
        pytest.param({"status_code": 201, "json": {"id": -5}}, id="a negative id"),
        pytest.param({"status_code": 202, "json": []}, id="no run"),
    ],
)
def test_a_start_that_may_have_happened_is_lost_and_not_repeated(
    requests_mock: requests_mock.Mocker, answer: dict[str, Any]
) -> None:
    requests_mock.post(START, **answer)
    error, noted = doubts_of(make_client(FakeClock()))
    assert isinstance(error, Lost)
    assert noted == [True]
    assert len(requests_mock.request_history) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(reset, Lost, id="reset"),
        pytest.param(lambda _: None, Lost, id="closed"),
        pytest.param(http(b"{", length=99), Lost, id="cut off"),
    ],
)
def test_a_connection_that_ends_after_the_request_is_in_doubt(
    reply: Reply, kind: type[ApiError]
) -> None:
    with raw_server(reply) as server:
        error, noted = doubts_of(make_real_client(server.url))
        assert len(server.requests) == 1
    assert type(error) is kind
    assert noted == [True]


def test_a_start_that_takes_too_long_is_in_doubt() -> None:
    with raw_server(hang) as server:
        error, _ = doubts_of(make_real_client(server.url, start=0.2))
    assert isinstance(error, Lost)


def test_a_start_may_be_answered_later_than_other_requests() -> None:
    def late(connection: socket.socket) -> None:
        started.wait(0.3)
        http(json.dumps(make_answer()).encode())(connection)

    started = threading.Event()
    with raw_server(late) as server:
        client = make_real_client(server.url, read=0.1, start=20, outage_tolerance=0)
        with pytest.raises(Unavailable):
            client.run(55676)
        assert client.start(WANTED) == make_run()


def test_a_start_without_a_connection_surely_did_not_happen() -> None:
    with raw_server(hang) as server:
        url = server.url
    clock, retries = FakeClock(), list[str]()
    client = make_client(clock, retries, base=url, outage_tolerance=5)
    error, noted = doubts_of(client)
    assert isinstance(error, Unavailable)
    assert noted == [True, False] * (len(retries) + 1)
    assert sum(clock.slept) == 5


def test_a_start_that_is_put_off_is_repeated_when_the_api_says(
    requests_mock: requests_mock.Mocker,
) -> None:
    later = {"status_code": 429, "headers": {"Retry-After": "7"}}
    requests_mock.post(START, [later, {"json": make_answer(), "status_code": 201}])
    clock = FakeClock()
    assert make_client(clock).start(WANTED) == make_run()
    assert clock.slept == [7]


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        pytest.param(
            {"status_code": 400, "json": {"code": "400", "message": f"no {TOKEN}\n"}},
            Refused,
            "the API refuses the request (HTTP 400 Bad Request): no ***",
            id="400",
        ),
        pytest.param(
            {"status_code": 422, "text": "<html>"},
            Refused,
            "the API refuses the request (HTTP 422 Unprocessable",
            id="422 in HTML",
        ),
        pytest.param({"status_code": 409, "json": []}, Refused, "(HTTP 409 Conflict)", id="409"),
        pytest.param({"status_code": 401}, Unauthorized, "(HTTP 401)", id="401"),
        pytest.param({"status_code": 403}, Unauthorized, "(HTTP 403)", id="403"),
        pytest.param({"status_code": 404}, NotFound, "(HTTP 404)", id="404"),
    ],
)
def test_a_start_that_is_refused_did_not_happen(
    requests_mock: requests_mock.Mocker, answer: dict[str, Any], kind: type[ApiError], says: str
) -> None:
    requests_mock.post(START, **answer)
    error, noted = doubts_of(make_client(FakeClock()))
    assert type(error) is kind
    assert says in error.message
    assert noted == [True, False]
    assert len(requests_mock.request_history) == 1


def test_a_refusal_that_is_cut_short_shows_no_part_of_the_token(
    requests_mock: requests_mock.Mocker,
) -> None:
    said = f"{'x' * (500 - len(TOKEN) // 3)}{TOKEN}"
    requests_mock.post(START, status_code=400, json={"message": said})
    error, _ = doubts_of(make_client(FakeClock()))
    assert TOKEN[: len(TOKEN) // 3 - 1] not in error.message


def test_a_refusal_that_is_cut_off_is_one() -> None:
    with raw_server(http(b"{", status="400 Bad Request", length=99)) as server:
        error, _ = doubts_of(make_real_client(server.url))
    assert isinstance(error, Refused)


def test_a_cancellation_needs_no_answer_but_its_status_and_is_repeated(
    requests_mock: requests_mock.Mocker,
) -> None:
    requests_mock.patch(URL, [{"status_code": 500}, {"status_code": 204}])
    make_client(FakeClock()).cancel(55676)
    assert [request.json() for request in requests_mock.request_history] == [
        {"status": "CANCELED"}
    ] * 2


def test_what_there_is_to_start_is_listed(requests_mock: requests_mock.Mocker) -> None:
    entries = [{"id": 1, "key": "shop", "name": "The\nshop", "more": 1}, {"id": "x"}]
    for path in ("projects", "environments", "projects/1/test-suites"):
        requests_mock.get(f"{BASE}/{path}", json=entries)
    client = make_client(FakeClock())
    for found in (client.projects(), client.environments(), client.test_suites(1)):
        assert found == (Entry(id=1, key="shop", name="The shop"), Entry())


def test_other_secrets_are_removed_as_the_token_is(requests_mock: requests_mock.Mocker) -> None:
    transport = Transport(make_route(BASE), TOKEN, secrets=["hunter-2222", "s3cret"])
    told = f"{TOKEN} hunter-2222 S3CRET"
    assert transport.redact(told) == "*** *** ***"
    assert transport.redact.beginning(f"{told} {'x' * 500}").startswith("*** *** *** x")
