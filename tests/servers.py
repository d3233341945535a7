"""Real servers on loopback that say exactly the bytes a test wants."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Reply = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """Its address, and the head of every request that came."""

    port: int
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"


@contextmanager
def raw_server(*replies: Reply) -> Iterator[RawServer]:
    """Serve one connection after another; the last reply serves all that follow."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener.getsockname()[1])
    left = list(replies)
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket, reply: Reply) -> None:
        with connection:
            try:
                server.requests.append(connection.recv(65536).decode("latin-1"))
                reply(connection)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            reply = left.pop(0) if len(left) > 1 else left[0]
            thread = threading.Thread(target=serve, args=(connection, reply), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        # Closing alone does not wake a thread that is in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Reply:
    """Answer with a body; ``length`` may lie about its size."""
    size = len(body) if length is None else length
    head = "\r\n".join(
        [f"HTTP/1.1 {status}", f"Content-Length: {size}", "Connection: close", *headers, "", ""]
    )
    return lambda connection: connection.sendall(head.encode() + body)


def reset(connection: socket.socket) -> None:
    """Reset the connection instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang(connection: socket.socket) -> None:
    """Say nothing until the other side goes away."""
    connection.settimeout(30)
    connection.recv(1)


def drip(text: bytes, pause: float) -> Reply:
    """Send one byte after another, with a pause in seconds between them."""

    def reply(connection: socket.socket) -> None:
        gone = threading.Event()
        for byte in text:
            connection.sendall(bytes([byte]))
            gone.wait(pause)

    return reply
