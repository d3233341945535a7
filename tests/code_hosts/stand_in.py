"""Code hosts on loopback: they keep comments and statuses, and find fault with every request.

What a system does in its own way is in a subclass. What goes wrong is said with :class:`Fault`.
"""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from testery_gate.code_hosts import System
from tests.canary import CANARY
from tests.code_hosts.contract import Contract

TOKEN = CANARY
COMMIT = "4f7b2c9a1e5d8f60b3a2c1d0e9f8a7b6c5d4e3f2"
SOMEBODY_ELSE = "somebody else"
"""Wrote with another token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request; its path is that below the API's address."""

    method: str
    path: str
    query: Mapping[str, str]
    data: Any
    headers: Mapping[str, str]
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer."""

    status: int = 200
    data: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """What is sent instead of JSON."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What is answered instead, so many times."""

    said: Said
    method: str = ""
    path: str = ""
    """A part of the path."""
    times: int = 1_000
    done: bool = False
    """Whether the request is done all the same."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """A comment."""

    id: int
    author: str
    text: str
    deleted: bool = False


class StandIn:
    """A system on loopback, with one pull request."""

    system: ClassVar[System]
    contract_name: ClassVar[str]
    base: ClassVar[str] = ""
    """The path of the API's address."""
    left_out_of_contract: ClassVar[str] = ""
    """The beginning of the base that the contract's paths have."""

    def __init__(self) -> None:
        self.contract = Contract(self.contract_name)
        self.entries: list[Entry] = []
        self.statuses: list[Mapping[str, Any]] = []
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.wrong: list[str] = []
        """What was wrong with requests, and with this stand-in's own answers."""
        self.port = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self.port}{self.base}"

    def environment(self) -> dict[str, str]:
        """What the system's own pipelines say in a pull request."""
        raise NotImplementedError

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return who asks, ``None`` for whom nobody knows."""
        raise NotImplementedError

    def do(self, asked: Asked, user: str) -> Said:
        """Do what is asked for."""
        raise NotImplementedError

    def forbidden(self) -> Said:
        """Say that a token may not do this."""
        raise NotImplementedError

    def write(self, author: str, text: str) -> Entry:
        """Add a comment."""
        entry = Entry(id=len(self.entries) + 1, author=author, text=text)
        self.entries.append(entry)
        return entry

    def shown(self, author: str = TOKEN) -> Sequence[Entry]:
        """The comments of somebody that are there."""
        return [one for one in self.entries if one.author == author and not one.deleted]

    def entry(self, number: str) -> Entry | None:
        """Return the comment with a number, if it is there."""
        return next(
            (one for one in self.entries if str(one.id) == number and not one.deleted), None
        )

    def count(self, method: str, path: str = "") -> int:
        """How often this was asked for."""
        return sum(1 for one in self.asked if one.method == method and path in one.path)

    def answer(self, asked: Asked) -> Said:
        """Answer a request, as its contract says."""
        with self._lock:
            self.asked.append(asked)
            target = self.left_out_of_contract + asked.target
            self.wrong += self.contract.faults_of_request(asked.method, target, asked.data)
            said = self._said(asked)
            if said.body is None and said.status < 500:
                self.wrong += self.contract.faults_of_answer(
                    asked.method, target, said.status, said.data
                )
            return said

    def _said(self, asked: Asked) -> Said:
        user = self.user_of(asked.headers)
        for fault in self.faults:
            if fault.times and fault.method in {"", asked.method} and fault.path in asked.path:
                fault.times -= 1
                if fault.done:
                    self.do(asked, user or "")
                return fault.said
        if user is None:
            return Said(status=401, data={"message": "401 Unauthorized"})
        return self.do(asked, user)


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """Serve a stand-in; nothing may have been wrong in the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer in two packets would wait for the first one to be confirmed.
        wbufsize = -1

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            target = self.path.removeprefix(stand_in.base)
            parts = urllib.parse.urlsplit(target)
            said = stand_in.answer(
                Asked(
                    method=self.command,
                    path=parts.path,
                    query=dict(urllib.parse.parse_qsl(parts.query)),
                    data=json.loads(sent) if sent else None,
                    headers=dict(self.headers.items()),
                    target=target,
                )
            )
            empty = said.data is None and said.body is None
            body = b"" if empty else said.body or json.dumps(said.data).encode()
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    assert not stand_in.wrong, stand_in.wrong


def times(fault: Fault, number: int) -> Fault:
    """Return a fault that happens so often."""
    return replace(fault, times=number)
