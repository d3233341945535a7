"""The stand-in on a real socket: HTTP, the scenario's clock, and answers that get lost."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self, assert_never

from testery_gate.simulator.api import Api, Now, route
from testery_gate.simulator.exchange import Delivery, Request, Response, phrase, refusal
from testery_gate.simulator.injection import Faults, spoil
from testery_gate.simulator.scenario import ClockStart, Fault, Scenario

DEFAULT_TOKEN = "simulator-token"  # noqa: S105 - opens nothing but this stand-in

# With this, closing a socket resets the connection.
_LINGER_NOT = struct.pack("ii", 1, 0)
_LARGEST_REQUEST = 1 << 20
_WITHOUT_BODY = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that came in, and the result: a status code, a fault, or both."""

    method: str
    target: str
    status: int
    fault: str | None = None

    def __str__(self) -> str:
        outcome = [str(self.status)] if self.status else []
        outcome += [f"({self.fault})"] if self.fault else []
        return f"{self.method} {self.target} -> {' '.join(outcome)}"


class Simulator:
    """A Testery API on loopback that plays a scenario, as a context manager.

    ``speed`` is how many seconds of the scenario pass in one second of ``clock``; ``now`` is the
    time of day that the answers are dated by; ``on_exchange`` is called for every request, from the
    thread that serves it, before its answer is sent.
    Raises ``ValueError`` for a speed out of bounds, and ``OSError`` if the port can't be opened.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        token: str = DEFAULT_TOKEN,
        port: int = 0,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_exchange: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        if not 0 < speed <= 1_000_000:
            raise ValueError(f"the speed must be above 0 and at most 1000000, not {speed}")
        self._api = Api(scenario, token=token)
        self._faults = Faults(scenario.faults)
        self._timeline = _Timeline(clock=clock, now=now, speed=speed)
        self._clock_starts = scenario.clock_starts
        self._on_exchange = on_exchange
        self._server = _Server(("127.0.0.1", port), self._handle)
        self._thread = threading.Thread(target=self._accept, name="simulator", daemon=True)

    @property
    def url(self) -> str:
        """The base address for ``TESTERY_API_URL``, which ends in ``/api``."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/api"

    @property
    def run_ids(self) -> Sequence[int]:
        """The ids of the scenario's runs, and of runs that were started since."""
        return self._api.run_ids

    def start(self) -> None:
        """Begin to answer; requests that came after the construction have waited for that."""
        if self._clock_starts is ClockStart.SERVER_START:
            self._timeline.start()
        self._thread.start()

    def serve_forever(self) -> None:
        """Wait until another thread closes the simulator, or an exception such as Ctrl-C comes."""
        self._server.closing.wait()

    def close(self) -> None:
        """Stop at once: open connections are closed, also those that hang."""
        self._server.closing.set()
        if self._thread.is_alive():
            # Wakes the thread that waits for the next connection.
            with contextlib.suppress(OSError):
                socket.create_connection(self._server.socket.getsockname(), timeout=1).close()
            self._thread.join(timeout=5)
        self._server.server_close()
        self._server.drop_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._server.closing.is_set():
            self._server.handle_request()

    def _handle(self, request: Request) -> Response:
        # Only a request with the token starts the clock; a probe before it changes nothing.
        if self._api.admits(request):
            self._timeline.start()
        now, way = self._timeline.now(), route(request)
        fault = self._faults.strike(way, now.elapsed)
        answer = self._answer(request, now, fault)
        self._on_exchange(
            Exchange(
                method=request.method,
                target=request.target,
                status=answer.status,
                fault=fault.kind.value if fault else None,
            )
        )
        return answer

    def _answer(self, request: Request, now: Now, fault: Fault | None) -> Response:
        if fault is None:
            return self._api.answer(request, now)
        return spoil(fault, lambda: self._api.answer(request, now), self._timeline.time_of_day())


class _Timeline:
    """The scenario's clock, which stands at 0 until it is started."""

    def __init__(
        self, *, clock: Callable[[], float], now: Callable[[], datetime], speed: float
    ) -> None:
        self._clock, self.time_of_day, self._speed = clock, now, speed
        self._start: tuple[datetime, float] | None = None
        self._starting = threading.Lock()

    def start(self) -> None:
        with self._starting:
            self._start = self._start or (self.time_of_day(), self._clock())

    def now(self) -> Now:
        if self._start is None:
            return Now(started=self.time_of_day(), elapsed=0.0)
        started, at = self._start
        return Now(started=started, elapsed=(self._clock() - at) * self._speed)


class _Server(socketserver.ThreadingTCPServer):
    """Knows its open connections, so that it can drop them."""

    allow_reuse_address = True
    # Two simulators on one port would share its requests.
    allow_reuse_port = False
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], respond: Callable[[Request], Response]) -> None:
        self.respond = respond
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._changing = threading.Lock()
        super().__init__(address, _Handler)

    def opened(self, connection: socket.socket) -> None:
        with self._changing:
            self._open.add(connection)
            if self.closing.is_set():
                _drop(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._changing:
            self._open.discard(connection)

    def drop_connections(self) -> None:
        with self._changing:
            for connection in self._open:
                _drop(connection)


def _drop(connection: socket.socket) -> None:
    """Wake the thread that reads from this connection: its input ends."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def handle(self) -> None:
        # A client may close the connection at any moment.
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Log nothing: ``on_exchange`` is called for each exchange."""

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not (length.isdecimal() and len(length) < 10 and int(length) <= _LARGEST_REQUEST):
            # The rest of this request would be read as the next one.
            self.close_connection = True
            self._send(refusal(400))
            return
        request = Request(
            method=self.command,
            target=self.path,
            authorization=self.headers.get("Authorization", ""),
            body=self.rfile.read(int(length)),
        )
        self._send(self.server.respond(request))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def _send(self, answer: Response) -> None:
        closing, half = self.server.closing, len(answer.body) // 2
        if answer.delivery is not Delivery.WHOLE:
            self.close_connection = True
        match answer.delivery:
            case Delivery.WHOLE if closing.wait(answer.delay):
                self.close_connection = True
            case Delivery.WHOLE:
                head = self._head(answer)
                for _ in range(answer.repeats):
                    self.wfile.write(head + answer.padding)
                    head = b""
                self.wfile.write(head + answer.body)
            case Delivery.TRICKLE:
                self.wfile.write(self._head(answer))
                for byte in answer.body:
                    if closing.wait(answer.delay):
                        break
                    self.wfile.write(bytes([byte]))
            case Delivery.CUT_OFF:
                self.wfile.write(self._head(answer) + answer.body[:half])
            case Delivery.RESET_IN_BODY:
                self.wfile.write(self._head(answer) + answer.body[:half])
                self._reset()
            case Delivery.RESET:
                self._reset()
            case Delivery.HANG:
                closing.wait()
            case _:
                assert_never(answer.delivery)

    def _head(self, answer: Response) -> bytes:
        headers = [
            ("Date", format_datetime(datetime.now(UTC), usegmt=True)),
            ("Server", "testery-gate-simulator"),
            *answer.headers,
        ]
        has_length = any(name.lower() == "content-length" for name, _ in answer.headers)
        if not has_length:
            length = len(answer.padding) * answer.repeats + len(answer.body)
            headers.append(("Content-Length", str(length)))
        if has_length or answer.status in _WITHOUT_BODY:
            # The client would read the next answer as the rest of this one.
            self.close_connection = True
        if self.close_connection:
            headers.append(("Connection", "close"))
        lines = [f"{self.protocol_version} {answer.status} {phrase(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        # The reader holds the socket open too.
        self.rfile.close()
        self.connection.close()
