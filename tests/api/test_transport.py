"""Certificates and proxies for real: servers, proxies and an authority on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import requests

from testery_gate.api.client import Limits, TesteryClient
from testery_gate.api.connection import Proxy, Route, Trust
from testery_gate.api.faults import NEXT_STEP
from testery_gate.api.transport import BearerToken, Bounds, Request, Transport
from testery_gate.errors import NoAnswer, Unavailable
from testery_gate.waiting.deadline import Deadline
from tests.authority import Authority
from tests.builders import make_answer, make_route, make_run, make_transport
from tests.fakes import FakeClock
from tests.servers import (
    RawServer,
    Reply,
    encrypted_front,
    http,
    proxy_server,
    raw_server,
    reset,
)

RUN = http(json.dumps(make_answer()).encode())
HOST = "api.example.test"
TOKEN = "canary-4f1c9e"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trust(authority: Authority, tmp_path: Path) -> Trust:
    path = authority.bundle(tmp_path / "ca.pem")
    return Trust(source=f"REQUESTS_CA_BUNDLE={path}", file=str(path))


def proxy_at(port: int, user: str = "", scheme: str = "http") -> Proxy:
    return Proxy(
        url=f"{scheme}://{user}{'@' if user else ''}localhost:{port}",
        shown=f"{scheme}://localhost:{port}",
        host="localhost",
        port=port,
        source="variable HTTPS_PROXY",
    )


def fetch(route: Route) -> Transport:
    """Ask for the run once, along the route; raises :class:`Unavailable`."""
    transport = Transport(route, TOKEN)
    limits = Limits(deadline=Deadline.after(5), outage_tolerance=0)
    assert TesteryClient(transport, limits, sleep=time.sleep).run(55676) == make_run()
    return transport


def said_of(route: Route) -> str:
    """What is said where the run can't be fetched."""
    with pytest.raises(Unavailable) as caught:
        fetch(route)
    assert caught.value.advice.endswith(NEXT_STEP)
    assert TOKEN not in caught.value.message + caught.value.advice
    return f"{caught.value.message}. {caught.value.advice}"


@contextmanager
def https(authority: Authority, *names: str, **others: Any) -> Iterator[RawServer]:
    with raw_server(RUN, encrypted=authority.context(*names, **others)) as server:
        yield server


def test_a_private_authority_is_trusted_where_it_is_named(
    authority: Authority, trust: Trust
) -> None:
    with https(authority, "localhost") as server:
        transport = fetch(make_route(f"https://localhost:{server.port}/api", trust=trust))
        assert f"Authorization: Bearer {TOKEN}" in server.requests[0]
    assert transport.encryption is not None
    assert transport.encryption.protocol == "TLSv1.3"
    assert transport.encryption.certificate["subjectAltName"] == (("DNS", "localhost"),)


@pytest.mark.parametrize("trusts", ["the system", "another authority"])
def test_an_authority_that_is_not_trusted_gets_no_token(
    authority: Authority, tmp_path: Path, trusts: str
) -> None:
    other = Authority().bundle(tmp_path / "other.pem")
    source = f"SSL_CERT_FILE={other}"
    trust = Trust() if trusts == "the system" else Trust(source=source, file=str(other))
    with https(authority, "localhost") as server:
        url = f"https://localhost:{server.port}/api"
        said = said_of(make_route(url, trust=trust))
        assert server.requests == []
    assert f"no trusted connection to {url}/test-runs/55676: unable to get local issuer" in said
    assert "REQUESTS_CA_BUNDLE or SSL_CERT_FILE" in said
    now = (
        "because no variable names others"
        if trusts == "the system"
        else f"{source}, and nothing else"
    )
    assert now in said


@pytest.mark.parametrize(
    ("names", "days", "said"),
    [
        pytest.param(["localhost"], -1, "The certificate has expired", id="expired"),
        pytest.param(["localhost"], 100, "The certificate is not valid yet", id="not valid yet"),
        pytest.param(["other.test"], 30, "The certificate is for another host", id="other host"),
    ],
)
def test_a_certificate_that_does_not_fit_is_told_apart(
    authority: Authority, trust: Trust, names: list[str], days: float, said: str
) -> None:
    with https(authority, *names, days=days) as server:
        route = make_route(f"https://localhost:{server.port}/api", trust=trust)
        assert said in said_of(route)
        assert server.requests == []


def test_a_certificate_for_another_address_is_told_apart(
    authority: Authority, trust: Trust
) -> None:
    with https(authority, "127.0.0.2") as server:
        route = make_route(f"https://127.0.0.1:{server.port}/api", trust=trust)
        assert "The certificate is for another address" in said_of(route)


def test_what_does_not_encrypt_is_told_apart(trust: Trust) -> None:
    with raw_server(RUN) as server:
        said = said_of(make_route(f"https://localhost:{server.port}/api", trust=trust))
    assert "Check that the port in --api-url is for https" in said


def test_a_name_that_does_not_resolve_is_told_apart(trust: Trust) -> None:
    said = said_of(make_route("https://api.invalid/api", trust=trust))
    assert "host name api.invalid can't be resolved" in said
    assert "HTTPS_PROXY" in said


def test_a_port_where_nothing_listens_is_told_apart(trust: Trust) -> None:
    with raw_server(RUN) as server:
        port = server.port
    said = said_of(make_route(f"https://localhost:{port}/api", trust=trust))
    assert "Connection refused" in said
    assert f"Nothing listens on port {port} of localhost" in said


def test_a_proxy_reaches_what_this_machine_can_not_resolve(
    authority: Authority, trust: Trust
) -> None:
    with (
        https(authority, HOST) as server,
        proxy_server({f"{HOST}:443": server.port}) as proxy,
    ):
        route = make_route(f"https://{HOST}/api", trust=trust, proxy=proxy_at(proxy.port))
        transport = fetch(route)
        assert proxy.asked == [f"{HOST}:443"]
        assert f"Authorization: Bearer {TOKEN}" in server.requests[0]
    assert transport.encryption is not None
    assert transport.encryption.certificate["subjectAltName"] == (("DNS", HOST),)


def test_a_proxy_gets_the_user_and_password_of_its_address(
    authority: Authority, trust: Trust
) -> None:
    with (
        https(authority, HOST) as server,
        proxy_server({f"{HOST}:443": server.port}, user="someone:p@ss/word") as proxy,
    ):
        address = proxy_at(proxy.port, "someone:p%40ss%2Fword")
        fetch(make_route(f"https://{HOST}/api", trust=trust, proxy=address))


def test_a_proxy_can_be_encrypted_itself(authority: Authority, trust: Trust) -> None:
    with (
        https(authority, HOST) as server,
        proxy_server(
            {f"{HOST}:443": server.port}, encrypted=authority.context("localhost")
        ) as proxy,
    ):
        address = proxy_at(proxy.port, scheme="https")
        transport = fetch(make_route(f"https://{HOST}/api", trust=trust, proxy=address))
    assert transport.encryption is not None
    assert transport.encryption.certificate["subjectAltName"] == (("DNS", HOST),)


def through_proxy(port: int, trust: Trust, user: str = "", scheme: str = "http") -> str:
    route = make_route(f"https://{HOST}/api", trust=trust, proxy=proxy_at(port, user, scheme))
    said = said_of(route)
    assert f"no connection to https://{HOST}/api/test-runs/55676: the proxy {scheme}://" in said
    assert "variable HTTPS_PROXY" in said
    return said


@pytest.mark.parametrize(
    ("user", "wanted"),
    [
        pytest.param("", "requires a user and password (HTTP 407)", id="none given"),
        pytest.param(
            "me:canary-secret",
            "requires another user and password (HTTP 407)",
            id="wrong ones given",
        ),
    ],
)
def test_a_proxy_that_wants_a_password_is_told_apart(trust: Trust, user: str, wanted: str) -> None:
    with proxy_server({}, user="someone:password") as proxy:
        said = through_proxy(proxy.port, trust, user)
    assert wanted in said
    assert "canary" not in said
    assert "bWU6Y2FuYXJ5LXNlY3JldA" not in said


def test_a_proxy_that_does_not_reach_the_api_is_told_apart(trust: Trust) -> None:
    with proxy_server({}, refusal="599 ask <b>IT</b>") as proxy:
        said = through_proxy(proxy.port, trust)
    assert f"does not connect to {HOST} port 443 (HTTP 599)" in said
    assert f"add {HOST} to NO_PROXY" in said
    assert "<b>" not in said


def test_a_proxy_that_is_down_is_told_apart(trust: Trust) -> None:
    with raw_server(RUN) as server:
        port = server.port
    assert "can't be used: Connection refused" in through_proxy(port, trust)


def test_a_proxy_that_does_not_encrypt_is_told_apart(trust: Trust) -> None:
    with raw_server(http(b"what?", status="400 Bad Request")) as server:
        said = through_proxy(server.port, trust, scheme="https")
    assert "Check that the port in variable HTTPS_PROXY is for https" in said


def test_a_proxy_that_is_not_trusted_is_told_apart(trust: Trust) -> None:
    with proxy_server({}, encrypted=Authority().context("localhost")) as proxy:
        said = through_proxy(proxy.port, trust, scheme="https")
    assert "unable to get local issuer certificate" in said
    assert "REQUESTS_CA_BUNDLE" in said


def test_a_proxy_whose_name_does_not_resolve_is_told_apart(trust: Trust) -> None:
    address = Proxy(
        url="http://me:canary@proxy.invalid:3128",
        shown="http://proxy.invalid:3128",
        host="proxy.invalid",
        port=3128,
        source="variable https_proxy",
    )
    said = said_of(make_route(f"https://{HOST}/api", trust=trust, proxy=address))
    assert "the proxy http://proxy.invalid:3128 can't be used: " in said
    assert "canary" not in said


def test_the_certificate_of_the_api_is_checked_behind_a_proxy_too(
    authority: Authority, trust: Trust
) -> None:
    with (
        https(authority, "other.test") as server,
        proxy_server({f"{HOST}:443": server.port}) as proxy,
    ):
        route = make_route(f"https://{HOST}/api", trust=trust, proxy=proxy_at(proxy.port))
        assert "The certificate is for another host" in said_of(route)
        assert server.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(http(b"", status="me:canary-secret"), id="a status that is none"),
        pytest.param(lambda sock: sock.sendall(b"canary-secret\r\n\r\n"), id="not HTTP"),
        pytest.param(http(b"", status="500 canary-secret"), id="a phrase"),
        pytest.param(reset, id="nothing"),
    ],
)
def test_what_a_proxy_echoes_of_its_password_is_not_shown(trust: Trust, reply: Reply) -> None:
    with raw_server(reply) as server:
        address = proxy_at(server.port, "me:canary-secret")
        said = said_of(make_route(f"https://{HOST}/api", trust=trust, proxy=address))
    assert "canary" not in said


def test_what_somebody_has_to_mend_is_said_at_the_first_try_and_only_then(
    authority: Authority, trust: Trust
) -> None:
    retries: list[str] = []
    clock = FakeClock()
    with https(authority, "other.test") as server:
        client = TesteryClient(
            make_transport(f"https://localhost:{server.port}/api", TOKEN, trust=trust),
            Limits(deadline=Deadline.after(60, clock), outage_tolerance=4),
            sleep=clock.sleep,
            say=retries.append,
        )
        with pytest.raises(Unavailable):
            client.run(55676)
    first, *others = retries
    assert "next try in" in first
    assert "The certificate is for another host" in first
    assert others
    assert not any("The certificate is for another host" in other for other in others)


def test_a_front_that_encrypts_passes_on_whole_answers(authority: Authority, trust: Trust) -> None:
    with (
        raw_server(RUN) as server,
        encrypted_front(server.port, authority.context("localhost")) as port,
    ):
        fetch(make_route(f"https://localhost:{port}/api", trust=trust))


def test_a_knock_takes_any_answer_and_shows_no_token(authority: Authority, trust: Trust) -> None:
    reply = http(b"no", "Date: Wed, 21 Oct 2015 07:28:00 GMT", status="401 Unauthorized")
    with raw_server(reply, encrypted=authority.context("localhost")) as server:
        transport = make_transport(f"https://localhost:{server.port}/api", TOKEN, trust=trust)
        assert transport.fetch_date(5) == "Wed, 21 Oct 2015 07:28:00 GMT"
        assert "Authorization" not in server.requests[0]
    assert transport.encryption is not None


def not_done(route: Route) -> bool:
    """Whether it is certain that a request to change something was not carried out."""
    with pytest.raises(NoAnswer) as caught:
        Transport(route, TOKEN).change(
            Request(method="POST", url=f"{route.url}/test-run-requests-build", body=b"{}"),
            Bounds(connect=5, read=5, whole=5, size=1000),
            lambda answer: answer,
        )
    return caught.value.not_done


def test_what_ends_before_the_request_is_sent_was_surely_not_done(
    authority: Authority, trust: Trust
) -> None:
    with https(authority, "localhost") as server:
        assert not_done(make_route(f"https://localhost:{server.port}/api", trust=Trust()))
        assert not_done(make_route(f"https://127.0.0.1:{server.port}/api", trust=trust))
        port = server.port
    assert not_done(make_route(f"https://localhost:{port}/api", trust=trust))
    assert not_done(make_route("https://nowhere.invalid/api", trust=trust))
    url = f"https://{HOST}/api"
    with proxy_server({}) as proxy:
        assert not_done(make_route(url, trust=trust, proxy=proxy_at(proxy.port)))
    with raw_server(RUN) as plain, proxy_server({f"{HOST}:443": plain.port}) as proxy:
        assert not_done(make_route(url, trust=trust, proxy=proxy_at(proxy.port)))


def test_a_request_that_nobody_waits_for_any_more_is_not_sent_later() -> None:
    """As after Ctrl-C, while there is no connection yet."""
    late, preparing = threading.Event(), SimpleQueue[threading.Thread]()

    class Slow(BearerToken):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            preparing.put(threading.current_thread())
            late.wait(10)
            return super().__call__(request)

    with raw_server(RUN) as server:
        transport = Transport(make_route(server.url), TOKEN, Slow(TOKEN))
        with pytest.raises(NoAnswer):
            transport.change(
                Request(method="POST", url=server.url, body=b"{}"),
                Bounds(connect=5, read=5, whole=0.05, size=1000),
                lambda answer: answer,
            )
        worker = preparing.get(timeout=10)
        late.set()
        worker.join(10)
        assert not worker.is_alive()
        # It is connected first, and only then it shows that there is nothing to send.
        assert server.requests in ([], [""])


def test_what_ends_after_it_may_have_been_done(authority: Authority, trust: Trust) -> None:
    with raw_server(reset, encrypted=authority.context(HOST, "localhost")) as server:
        assert not not_done(make_route(f"https://localhost:{server.port}/api", trust=trust))
        with proxy_server({f"{HOST}:443": server.port}) as proxy:
            route = make_route(f"https://{HOST}/api", trust=trust, proxy=proxy_at(proxy.port))
            assert not not_done(route)
        assert [request.split()[0] for request in server.requests] == ["POST", "POST"]
