"""Every fault of the matrix: what it makes of a good answer, or what it shuts on the way there."""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum
from functools import cache
from http import HTTPStatus

from tests.servers import drip, reset

FIVE_GIGABYTES = 5 * 2**30
_MEBIBYTE = 2**20
_JSON = "Content-Type: application/json"
_START_OF_GZIP = gzip.compress(b"")[:10]


class Way(Enum):
    """How the gate gets to the API."""

    PLAIN = "plain http"
    TLS = "https"
    NAMED = "https, by a name"
    PROXY = "https, through a proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """What the API would have answered, and the port of a host that is none of its own."""

    start: str
    """The status line and the headers that say nothing of the length."""
    body: bytes
    path: str
    elsewhere: int

    @property
    def whole(self) -> bytes:
        return self.with_length(len(self.body))

    def with_length(self, length: int) -> bytes:
        """The answer, which says this of its length."""
        head = f"{self.start}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        return head.encode() + self.body


Reply = Callable[[socket.socket, Good], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row of the matrix; either ``reply``, ``shuts`` or ``certificate`` says what it does."""

    name: str
    reply: Reply | None = None
    shuts: Way | None = None
    """Where nobody answers: at the API's address, its name, or the proxy's address."""
    certificate: str = "good"
    way: Way = Way.PLAIN
    costs: float = 0.0
    """So many seconds the gate's own patience with one such answer is, at most."""
    harmless: bool = False
    """Whether the evidence still comes through."""


def _answer(body: bytes, *headers: str, status: int = 200) -> Reply:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, "Connection: close", *headers, "", ""]).encode()
    return lambda connection, _: connection.sendall(head + body)


def _refusal(status: int, *headers: str) -> Reply:
    return _answer(b'{"message": "not now"}', _JSON, *headers, status=status)


def _page(status: int) -> Reply:
    body = b"<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>"
    return _answer(body, "Content-Type: text/html; charset=utf-8", status=status)


def _later(connection: socket.socket, good: Good) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=2)
    _refusal(503, f"Retry-After: {format_datetime(moment, usegmt=True)}")(connection, good)


def _half_then_reset(connection: socket.socket, good: Good) -> None:
    connection.sendall(_half(good))
    # Else the reset may overtake what was sent.
    time.sleep(0.2)
    reset(connection)


def _half(good: Good) -> bytes:
    return good.whole[: -len(good.body) // 2]


def _silence(connection: socket.socket, _: Good) -> None:
    """Wait until the other side loses patience."""
    connection.recv(1)


def _too_long(connection: socket.socket, good: Good) -> None:
    connection.sendall(good.with_length(len(good.body) + 10))
    _silence(connection, good)


def _redirect(target: Callable[[Good], str]) -> Reply:
    def reply(connection: socket.socket, good: Good) -> None:
        _answer(b"", f"Location: {target(good)}", status=302)(connection, good)

    return reply


def _segment() -> bytes:
    """Return a mebibyte, deflated, that can be repeated as often as it takes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(b" " * _MEBIBYTE) + deflate.flush(zlib.Z_FULL_FLUSH)


def _bomb(connection: socket.socket, good: Good) -> None:
    head = f"{good.start}Content-Encoding: gzip\r\nConnection: close\r\n\r\n".encode()
    connection.sendall(head + _START_OF_GZIP + _segment() * (FIVE_GIGABYTES // _MEBIBYTE))


def _big(connection: socket.socket, good: Good) -> None:
    connection.sendall(good.with_length(FIVE_GIGABYTES)[: -len(good.body)])
    for _ in range(FIVE_GIGABYTES // _MEBIBYTE):
        connection.sendall(b" " * _MEBIBYTE)


def _endless(head: str, piece: bytes) -> Reply:
    """Begin an answer, and repeat a piece of it until the gate has enough."""

    def reply(connection: socket.socket, _: Good) -> None:
        connection.sendall(head.encode())
        sent = piece * (_MEBIBYTE // len(piece))
        while True:
            connection.sendall(sent)

    return reply


@cache
def _crowded() -> bytes:
    """Return 64 MB of the smallest values there are, packed.

    Made bit by bit: what this process takes is counted to those that it starts.
    """
    packing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    piece = b"{}," * 1000
    pieces = (packing.compress(piece) for _ in range(64_000_000 // len(piece)))
    return b"".join([packing.compress(b"["), *pieces, packing.compress(b"{}]"), packing.flush()])


@cache
def _packed_twice() -> bytes:
    return gzip.compress(_START_OF_GZIP + _segment() * (FIVE_GIGABYTES // _MEBIBYTE))


def _packed(body: Callable[[], bytes], codings: str) -> Reply:
    return lambda connection, good: _answer(body(), _JSON, f"Content-Encoding: {codings}")(
        connection, good
    )


def _twice(connection: socket.socket, good: Good) -> None:
    """Say the answer's first field again, with a value of another run or another test."""
    _answer(good.body.replace(b"{", b'{"id":1,', 1), _JSON)(connection, good)


_CHUNKED = f"HTTP/1.1 200 OK\r\n{_JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
_LONG = b"x" * 4000

FAULTS = (
    Fault(name="connection refused", shuts=Way.PLAIN),
    Fault(name="reset before the answer", reply=lambda connection, _: reset(connection)),
    Fault(name="reset in mid-body", reply=_half_then_reset),
    Fault(name="no answer", reply=_silence, costs=30),
    Fault(
        name="one byte a second",
        reply=lambda connection, good: drip(good.whole, 1)(connection),
        costs=60,
    ),
    Fault(name="body cut off", reply=lambda connection, good: connection.sendall(_half(good))),
    Fault(
        name="length too small",
        reply=lambda connection, good: connection.sendall(good.with_length(len(good.body) // 2)),
    ),
    Fault(name="length too large", reply=_too_long, costs=30),
    Fault(name="unreadable JSON", reply=_answer(b'{"id": 55676, "status": "PA', _JSON)),
    Fault(name="empty body", reply=_answer(b"", _JSON)),
    Fault(name="null", reply=_answer(b"null", _JSON)),
    Fault(
        name="list for an object, object for a list",
        reply=lambda connection, good: _answer(
            b'{"results": []}' if good.body.startswith(b"[") else b"[" + good.body + b"]", _JSON
        )(connection, good),
    ),
    Fault(name="200 with a page in HTML", reply=_page(200)),
    Fault(name="502 with a page in HTML", reply=_page(502)),
    Fault(name="500", reply=_refusal(500)),
    Fault(name="502", reply=_refusal(502)),
    Fault(name="503, Retry-After in seconds", reply=_refusal(503, "Retry-After: 2")),
    Fault(name="503, Retry-After as a date", reply=_later),
    Fault(name="429, Retry-After in seconds", reply=_refusal(429, "Retry-After: 2")),
    Fault(name="429", reply=_refusal(429)),
    Fault(name="408", reply=_refusal(408)),
    Fault(name="425", reply=_refusal(425)),
    Fault(
        name="redirect on the same host",
        reply=_redirect(lambda good: f"/moved{good.path}"),
        harmless=True,
    ),
    Fault(
        name="redirect to another host",
        reply=_redirect(lambda good: f"http://127.0.0.1:{good.elsewhere}{good.path}"),
    ),
    Fault(name="redirect to itself", reply=_redirect(lambda good: good.path)),
    Fault(
        name="redirect with an endless body",
        reply=_endless("HTTP/1.1 302 Found\r\nLocation: https://other.invalid/\r\n\r\n", b" "),
    ),
    Fault(
        name="chunks with endless extensions",
        reply=_endless(_CHUNKED, b"1;" + _LONG + b"\r\n \r\n"),
    ),
    Fault(name="endless trailers", reply=_endless(f"{_CHUNKED}0\r\n", b"x: " + _LONG + b"\r\n")),
    Fault(
        name="interim answers without end",
        reply=_endless("", b"HTTP/1.1 100 Continue\r\nx: " + _LONG + b"\r\n\r\n"),
    ),
    Fault(name="the same field twice", reply=_twice),
    Fault(name="64 MB of `{},` packed", reply=_packed(_crowded, "gzip")),
    Fault(name="5 GiB packed twice", reply=_packed(_packed_twice, "gzip, gzip")),
    Fault(name="gzip bomb of 5 GiB", reply=_bomb),
    Fault(name="body of 5 GiB", reply=_big),
    Fault(name="certificate expired", certificate="expired", way=Way.TLS),
    Fault(name="certificate for another host", certificate="elsewhere", way=Way.TLS),
    Fault(name="certificate of an unknown authority", certificate="unknown", way=Way.TLS),
    Fault(name="name not resolved", shuts=Way.NAMED, way=Way.NAMED),
    Fault(name="proxy down", shuts=Way.PROXY, way=Way.PROXY),
)
