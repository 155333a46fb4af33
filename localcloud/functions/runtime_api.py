"""The Lambda Runtime API of one execution environment, served by whichever thread waits for it.

No thread of its own: the thread that invokes writes the event to the runtime's parked `next` call
and reads until the answer is there, so that a warm invocation costs two system calls each way and
no thread switch. One port per environment, because the runtime client composes init/error from
host and port alone. It speaks just the HTTP that runtime clients speak and answers anything else
with an error.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

VERSION = "/2018-06-01/runtime"

_READ_BYTES = 256 * 1024
_HEAD_LIMIT_BYTES = 2 * 1024 * 1024


class ProtocolError(ValueError):
    """A client sent what is not HTTP as runtime clients speak it."""


@dataclass
class Connection:
    """One connection of the runtime and the bytes it has sent so far."""

    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class Request:
    """A complete request of the runtime; header names are lower case."""

    connection: Connection
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class RuntimeApi:
    """Listens on a port of the loopback interface until closed."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[Connection] = []
        self._requests: deque[Request] = deque()
        self._had_connection = False
        self.watch(self._listener.fileno(), self._accept)

    @property
    def hung_up(self) -> bool:
        """Whether the runtime had connected and every connection has ended."""
        return self._had_connection and not self._connections

    def watch(self, descriptor: int, on_readable: Callable[[], None]) -> None:
        """Call `on_readable` during `receive` whenever `descriptor` has something to read."""
        self._selector.register(descriptor, selectors.EVENT_READ, on_readable)

    def unwatch(self, descriptor: int) -> None:
        """Stop watching `descriptor`."""
        self._selector.unregister(descriptor)

    def receive(self, wait_s: float) -> Request | None:
        """The runtime's next request, or None when `wait_s` passed or something else happened."""
        if not self._requests:
            for key, _ in self._selector.select(max(wait_s, 0.0)):
                key.data()
        return self._requests.popleft() if self._requests else None

    def reply(
        self,
        request: Request,
        status: HTTPStatus,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        within_s: float,
    ) -> None:
        """Answer `request`.

        Raises TimeoutError if the runtime does not take it `within_s`, OSError if it is gone.
        """
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Length: {len(body)}"]
        lines.append("Content-Type: application/json")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        request.connection.socket.settimeout(max(within_s, 0.001))
        request.connection.socket.sendall(head + body)

    def close(self) -> None:
        """Close the port and every connection."""
        self._selector.close()
        self._listener.close()
        for connection in self._connections:
            connection.socket.close()
        self._connections.clear()

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except BlockingIOError:
            return
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(accepted)
        self._connections.append(connection)
        self._had_connection = True
        self.watch(accepted.fileno(), lambda: self._read(connection))

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(_READ_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            self._drop(connection)
            return
        connection.received += data
        try:
            while request := _parse(connection):
                self._requests.append(request)
        except ProtocolError:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self.unwatch(connection.socket.fileno())
        connection.socket.close()
        self._connections.remove(connection)


def _parse(connection: Connection) -> Request | None:
    """Take one complete request off what was received; None if more bytes must come."""
    received = connection.received
    end = received.find(b"\r\n\r\n")
    if end < 0:
        if len(received) > _HEAD_LIMIT_BYTES:
            raise ProtocolError("the request's head does not end")
        return None
    request_line, *lines = received[:end].decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    words = request_line.split(" ")
    length = headers.get("content-length", "0")
    if len(words) != 3 or not length.isdigit() or "transfer-encoding" in headers:
        raise ProtocolError(request_line)
    body_start = end + 4
    body_end = body_start + int(length)
    if len(received) < body_end:
        return None
    body = bytes(received[body_start:body_end])
    del received[:body_end]
    return Request(connection, words[0], words[1], headers, body)
