"""Requests to a code host over real connections: where they go, and how long they take."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from testery_gate.code_hosts.http import Answer, HostError, Http, Lost, NoRights
from testery_gate.waiting.deadline import Deadline
from tests.canary import CANARY, holds_token
from tests.fakes import FakeClock
from tests.servers import hang, http, raw_server, reset

DONE = http(b'{"id": 1}')


def connect(url: str, clock: FakeClock | None = None, seconds: float = 10.0) -> Http:
    clock = clock or FakeClock()
    found = Http(url, CANARY, sleep=clock.sleep, now=clock)
    found.limit(Deadline.after(seconds, clock))
    return found


def test_a_request_has_the_token_a_body_and_a_query() -> None:
    with raw_server(DONE) as server:
        answer = connect(server.url).send("POST", "/a/b", params={"page": 2}, data={"body": "ü"})
    assert answer.data == {"id": 1}
    head, _, body = server.requests[0].partition("\r\n\r\n")
    assert head.startswith("POST /api/a/b?page=2 HTTP/1.1\r\n")
    assert f"Authorization: Bearer {CANARY}" in head
    assert "Content-Type: application/json" in head
    assert body == '{"body": "\\u00fc"}'


def test_nothing_is_sent_before_there_is_a_limit() -> None:
    with raw_server(DONE) as server:
        silent = Http(server.url, CANARY, sleep=lambda _: None, now=lambda: 0.0)
        with pytest.raises(HostError, match="no time was left for GET"):
            silent.send("GET", "a")
    assert not server.requests


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://198.51.100.1/api", "would send the token unencrypted"),
        ("https://me:secret@example.test", "must not contain a user name"),
        ("ftp://example.test", "must look like https://api.github.com"),
        ("https://example.test/?x=1", "must end in a path"),
        ("https://exa mple.test", "invalid host name"),
        ("https://[::1", "is not an address"),
        ("", "must look like"),
    ],
)
def test_an_address_that_is_not_safe_gets_nothing(url: str, why: str) -> None:
    with pytest.raises(HostError, match=why):
        connect(url)


def test_an_address_that_an_answer_names_has_to_be_on_the_same_host() -> None:
    with raw_server(DONE) as thief, raw_server(DONE) as server:
        other = ("http://localhost/api", f"https://127.0.0.1:{server.port}/api", "http://[::1/api")
        for url in (thief.url, *other):
            with pytest.raises(HostError, match="on another host"):
                connect(server.url).send("GET", url)
        assert connect(server.url).send("GET", f"{server.url}/next?page=2").data
    assert not thief.requests
    assert server.requests[0].startswith("GET /api/next?page=2 ")


@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary", "308 Permanent"])
def test_a_redirect_on_the_same_host_gets_the_same_request(status: str) -> None:
    with raw_server(http(b"", "Location: /api/moved", status=status), DONE) as server:
        connect(server.url).send("PATCH", "a", data={"body": "x"})
    assert server.requests[1].startswith("PATCH /api/moved ")
    assert server.requests[1].endswith('{"body": "x"}')


def test_a_code_host_can_not_redirect_a_request_elsewhere() -> None:
    with raw_server(DONE) as thief:
        moved = http(b"", f"Location: {thief.url}", status="307 Temporary")
        with raw_server(moved) as server, pytest.raises(HostError, match="another host"):
            connect(server.url).send("POST", "a", data={})
    assert not thief.requests


def test_what_gives_no_answer_is_asked_again() -> None:
    clock = FakeClock()
    with raw_server(reset, reset, DONE) as server:
        assert connect(server.url, clock).send("GET", "a") == Answer(
            data={"id": 1}, headers={"Content-Length": "9", "Connection": "close"}
        )
    assert clock.slept == [0.5, 1.0]


def test_what_must_not_be_done_twice_is_not_sent_twice() -> None:
    with raw_server(reset, DONE) as server, pytest.raises(Lost):
        connect(server.url).send("POST", "a", data={}, once=True)
    assert len(server.requests) == 1


def test_what_was_not_done_is_sent_again_even_so() -> None:
    clock = FakeClock()
    busy = http(b"", "Retry-After: 3", status="503 Busy")
    with raw_server(busy, DONE) as server:
        assert connect(server.url, clock).send("POST", "a", data={}, once=True).data
    assert clock.slept == [3]


def test_who_asks_for_no_wait_at_all_is_not_flooded() -> None:
    clock = FakeClock()
    busy = http(b"", "Retry-After: 0", status="429 Many")
    with raw_server(busy) as server, pytest.raises(HostError, match="429"):
        connect(server.url, clock).send("POST", "a", data={}, once=True)
    assert clock.slept == [0.5, 1, 2, 4]


def test_the_time_is_for_all_requests_together() -> None:
    clock = FakeClock()
    with raw_server(http(b"", status="500 Broken")) as server:
        host = connect(server.url, clock, seconds=4)
        with pytest.raises(HostError, match="500 Internal Server Error"):
            host.send("GET", "a")
        assert sum(clock.slept) < 4
        clock.sleep(4)
        with pytest.raises(HostError, match="no time was left"):
            host.send("GET", "a")


def test_who_says_nothing_is_left_in_time() -> None:
    with raw_server(hang) as server:
        host = Http(server.url, CANARY, sleep=lambda _: None, now=lambda: 0.0)
        host.limit(Deadline.after(0.2))
        with pytest.raises(HostError, match=r"did not answer in time|no complete answer"):
            host.send("GET", "a")


def test_nobody_there_is_said_without_the_token() -> None:
    with raw_server(DONE) as server:
        url = server.url
    with pytest.raises(HostError, match="no connection to") as caught:
        connect(url).send("GET", "a")
    assert not holds_token(str(caught.value).encode())


BODIES: Mapping[bytes, str] = {
    b"": "HTTP 400 Bad Request",
    b"<html>": "HTTP 400 Bad Request",
    b"[1]": "HTTP 400 Bad Request",
    b'{"message": "no"}': "HTTP 400 Bad Request (no)",
    b'{"message": {"base": ["no"]}}': "HTTP 400 Bad Request",
    b'{"error": "no"}': "HTTP 400 Bad Request (no)",
    b'{"error": {"message": "no"}}': "HTTP 400 Bad Request (no)",
    b'{"message": "no", "errors": [{"message": "too long"}, "other", 7, {}]}': (
        "HTTP 400 Bad Request (no: too long: other)"
    ),
    b'{"message": "no", "errors": {"a": "b"}}': "HTTP 400 Bad Request (no)",
    b'{"message": "\\u001b[31mred"}': "HTTP 400 Bad Request (red)",
    CANARY.encode().join((b'{"message": "', b'"}')): "HTTP 400 Bad Request (***)",
}


@pytest.mark.parametrize("body", BODIES)
def test_why_not_is_said_in_the_systems_own_words(body: bytes) -> None:
    with raw_server(http(body, status="400 x")) as server, pytest.raises(HostError) as caught:
        connect(server.url).send("GET", "a")
    assert str(caught.value) == f"GET {server.url}/a: {BODIES[body]}"
    assert caught.value.status == 400


def test_a_password_is_removed_without_its_user_too() -> None:
    body = b'{"message": "no %s"}' % CANARY.encode()
    token = f"somebody.with.a.long.name.indeed@a-long-name.example.test:{CANARY}"
    with raw_server(http(body, status="400 x")) as server:
        host = Http(server.url, token, sleep=lambda _: None, now=lambda: 0.0)
        host.limit(Deadline.after(10))
        with pytest.raises(HostError, match=r"\(no \*\*\*\)"):
            host.send("GET", "a")


def test_long_words_are_cut_off() -> None:
    body = b'{"message": "%s"}' % (b"no " * 5_000)
    with raw_server(http(body, status="404 x")) as server, pytest.raises(NoRights) as caught:
        connect(server.url).send("GET", "a")
    assert len(str(caught.value)) == 300


def test_what_is_no_json_is_a_fault() -> None:
    for body in (b"<html>", b"{", b"[" * 100_000, b'{"a": 1, "a": 2}'):
        with raw_server(http(body)) as server, pytest.raises(HostError, match="not answer with"):
            connect(server.url).send("GET", "a")


def test_an_empty_answer_is_none() -> None:
    with raw_server(http(b"", status="204 None")) as server:
        assert connect(server.url).send("DELETE", "a").data is None


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    flood = http(b" " * (40 * 1024 * 1024))
    with raw_server(flood) as server, pytest.raises(Lost, match="sent more than 32 MiB"):
        connect(server.url).send("POST", "a", data={}, once=True)


def test_where_a_limit_ends_is_read_of_either_system() -> None:
    for prefix in ("X-RateLimit", "RateLimit"):
        clock = FakeClock()
        headers = (f"{prefix}-Remaining: 0", f"{prefix}-Reset: 1004")
        busy = http(b"", *headers, status="429 Many")
        with raw_server(busy, DONE) as server:
            assert connect(server.url, clock).send("GET", "a").data
        assert clock.slept == [4]
