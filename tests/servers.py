"""Real servers on loopback that say exactly the bytes a test wants."""

from __future__ import annotations

import base64
import re
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Reply = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """Its address, and every request that came."""

    port: int
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"


@contextmanager
def raw_server(*replies: Reply, encrypted: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Serve one connection after another; the last reply serves all that follow."""
    left = list(replies)

    def serve(connection: socket.socket) -> None:
        reply = left.pop(0) if len(left) > 1 else left[0]
        server.requests.append(_request(connection))
        reply(connection)

    with _listening(serve, encrypted) as port:
        server = RawServer(port)
        yield server


def _request(connection: socket.socket) -> str:
    """Read a head, and the body that may come after it in packets of its own."""
    said = connection.recv(65536)
    length = re.search(rb"\r\nContent-Length: (\d+)\r\n", said)
    whole = said.find(b"\r\n\r\n") + 4 + int(length[1]) if length else 0
    while len(said) < whole and (more := connection.recv(65536)):
        said += more
    return said.decode("latin-1")


@contextmanager
def _listening(serve: Reply, encrypted: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve each connection in a thread of its own, and yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def handle(connection: socket.socket) -> None:
        with connection:
            try:
                if encrypted is None:
                    serve(connection)
                else:
                    with encrypted.wrap_socket(connection, server_side=True) as wrapped:
                        serve(wrapped)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Closing alone does not wake a thread that is in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)


@contextmanager
def encrypted_front(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """Serve with TLS what another port of this machine serves without, and yield the port."""

    def serve(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as behind:
            _relay(connection, behind)

    with _listening(serve, context) as own:
        yield own


@dataclass
class Proxy:
    """A proxy's port, and what it was asked to connect to."""

    port: int
    asked: list[str] = field(default_factory=list)


@contextmanager
def proxy_server(
    reaches: Mapping[str, int],
    *,
    user: str = "",
    refusal: str = "403 Forbidden",
    encrypted: ssl.SSLContext | None = None,
) -> Iterator[Proxy]:
    """Connect to ports of this machine under any name, such as ``api.example.test:443``.

    What it does not reach it refuses, and with a ``user`` (and ``:password``) everybody else.
    """

    def serve(connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        lines = head.decode("latin-1").splitlines()
        target = lines[0].split()[1]
        proxy.asked.append(target)
        sent = f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}"
        if user and sent not in lines:
            # The phrase tells on who asked, as a proxy should not.
            told = " ".join(line for line in lines if line.startswith("Proxy-Authorization"))
            status = f"407 Proxy Authentication Required {told}"
        elif target not in reaches:
            status = refusal
        else:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", reaches[target])) as behind:
                _relay(connection, behind)
            return
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    with _listening(serve, encrypted) as port:
        proxy = Proxy(port)
        yield proxy


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass on what either side says, until one of them ends."""
    while True:
        # What TLS has read ahead is seen by no select().
        ahead = [
            sock for sock in (one, other) if isinstance(sock, ssl.SSLSocket) and sock.pending()
        ]
        ready = ahead or select.select([one, other], [], [], 30)[0]
        for sock in ready:
            said = sock.recv(65536)
            if not said:
                return
            (other if sock is one else one).sendall(said)
        if not ready:
            return


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
