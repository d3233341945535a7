"""A door before the stand-in API: it spoils answers, and it can be shut altogether."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from testery_gate.simulator import load_scenario
from tests.acceptance.faults.identity import Identity
from tests.acceptance.faults.kinds import Fault, Good, Way
from tests.canary import Simulator

MOVED = "/moved"
"""Before the path of an address that a redirect has led to."""
AUTHORIZATION = re.compile(r"^(Authorization): *(.*?)\r$", re.MULTILINE)
LOOK = re.compile(r"GET (/moved)?/api/test-runs(/\d+|\?\S*) ")


def _bound(port: int = 0) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class Port:
    """A port on loopback that can be shut and opened again without losing it to anybody else."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        # Bound and never listening: it holds the number, and lets connections be refused.
        self._held = _bound()
        self.number: int = self._held.getsockname()[1]
        self._listening: socket.socket | None = None
        self._changing = threading.Lock()

    def open(self) -> None:
        with self._changing:
            if self._listening is not None:
                return
            self._listening = _bound(self.number)
            self._listening.listen(64)
            threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections from now on."""
        with self._changing:
            if self._listening is None:
                return
            # Closing alone does not wake a thread that is in accept().
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None

    def close(self) -> None:
        self.shut()
        self._held.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        connection.settimeout(150)
        with connection, suppress(OSError):
            self._serve(connection)


@dataclass
class Door:
    """Asks ``strikes`` before each request what is wrong with it, by what it has served so far.

    It keeps no connection open, so that each request is a connection of its own.
    """

    scenario: str
    strikes: Callable[[Door], Fault | None]
    identity: Identity
    folder: Path
    on_visit: Callable[[], None] = lambda: None
    served: int = 0
    """How many good answers it has given whole."""
    looks: int = 0
    """How many of them showed runs; by these the stand-in's clock goes."""
    evidence: bool = False
    """Whether one of them showed that a run is finished."""
    struck: list[str] = field(default_factory=list)
    """What was spoiled: the requests where they got so far, else what came in between."""
    strangers: int = 0
    """Connections to the host that must not see the token."""
    _deciding: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._api = Simulator(load_scenario(self.scenario), clock=lambda: float(self.looks))
        self.port, self.proxy = Port(self._serve), Port(self._relay)
        self.elsewhere = Port(self._stranger)
        self.no_names = self.folder / "no-names"
        """While this file is there, no name is resolved."""

    def url(self, way: Way) -> str:
        """The address for the gate."""
        host = {Way.PLAIN: "127.0.0.1", Way.NAMED: "api.testery.invalid"}.get(way, "localhost")
        return f"{'http' if way is Way.PLAIN else 'https'}://{host}:{self.port.number}/api"

    def happens(self) -> None:
        """Take note that the gate has met a shut door; it may be open at the next try."""
        fault = self.strikes(self)
        if fault is not None and fault.shuts is not None:
            self.struck.append(fault.name)
        self.arrange()

    def arrange(self) -> None:
        """Open and shut what the next request will find open and shut."""
        with self._deciding:
            fault = self.strikes(self)
            shuts = None if fault is None else fault.shuts
            for port, way in ((self.port, Way.PLAIN), (self.proxy, Way.PROXY)):
                port.shut() if shuts is way else port.open()
            if shuts is Way.NAMED:
                self.no_names.touch()
            else:
                self.no_names.unlink(missing_ok=True)

    def _serve(self, raw: socket.socket) -> None:
        self.on_visit()
        with self._deciding:
            fault = self.strikes(self)
        connection = raw
        if raw.recv(1, socket.MSG_PEEK) == b"\x16":  # a handshake
            name = "good" if fault is None else fault.certificate
            if fault is not None and name != "good":
                self.struck.append(fault.name)
            connection = self.identity.servers[name].wrap_socket(raw, server_side=True)
        with connection:
            self._answer(connection, fault)

    def _answer(self, connection: socket.socket, fault: Fault | None) -> None:
        head = _head(connection)
        if not head:
            return
        good = self._good(head)
        moved = head.startswith(f"GET {MOVED}")
        if fault is not None and fault.reply is not None and not moved:
            self.struck.append(head.splitlines()[0])
            fault.reply(connection, good)
            return
        self.served += 1
        if LOOK.match(head):
            self.looks += 1
            self.evidence |= _shows_an_end(good.body)
        self.arrange()
        connection.sendall(good.whole)

    def _good(self, head: str) -> Good:
        path = head.split(" ")[1].removeprefix(MOVED)
        api = http.client.HTTPConnection("127.0.0.1", int(self._api.url.split(":")[2][:-4]), 30)
        api.request("GET", path, headers=dict(AUTHORIZATION.findall(head)))
        answer = api.getresponse()
        body = answer.read()
        api.close()
        start = f"HTTP/1.1 {answer.status} {answer.reason}\r\nContent-Type: application/json\r\n"
        return Good(start=start, body=body, path=path, elsewhere=self.elsewhere.number)

    def _relay(self, client: socket.socket) -> None:
        """Serve as a proxy, for this door alone."""
        self.on_visit()
        if not _head(client).startswith("CONNECT "):
            return
        with socket.create_connection(("127.0.0.1", self.port.number), 30) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(150)

    def _stranger(self, _: socket.socket) -> None:
        self.strangers += 1

    @contextmanager
    def standing(self) -> Iterator[Door]:
        """Serve until the end of a ``with``."""
        ports = (self.port, self.proxy, self.elsewhere)
        with self._api:
            try:
                self.elsewhere.open()
                self.arrange()
                yield self
            finally:
                for port in ports:
                    port.close()


def _head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return ""
        head += more
    return head.decode("latin-1")


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _shows_an_end(body: bytes) -> bool:
    shown = json.loads(body)
    runs = shown if isinstance(shown, list) else [shown]
    return any(run.get("complete") for run in runs)
