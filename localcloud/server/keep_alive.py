"""A threaded HTTP/1.1 server on the loopback interface that keeps connections open.

Werkzeug's own request handler closes the connection after every answer, which costs each call of an
AWS client a new connection and a new thread. This one keeps it open, and drains what was left
unread of a body, up to a bound, so that the next request line is found. It decides nothing about
what is served and renders no traceback: the application answers errors.
"""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any, cast

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.wsgi import LimitedStream

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

_DRAIN_LIMIT_BYTES = 16 * 1024 * 1024
_NO_BODY_STATUS = ("1", "204", "304")


class _Response:
    """What the application said in start_response, written out at the first byte of the body."""

    def __init__(self, handler: _KeepAliveHandler, *, head: bool) -> None:
        self._handler = handler
        self._head = head
        self._status: str | None = None
        self._headers: list[tuple[str, str]] = []
        self._started = False
        self._chunked = False

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if self._started and exc_info:
            raise exc_info[1].with_traceback(exc_info[2])
        self._status, self._headers = status, headers
        return self.write

    def send(self, body: Iterable[bytes]) -> None:
        known_length = len(body[0]) if isinstance(body, list) and len(body) == 1 else None
        for data in body:
            if data:
                self._send_headers(known_length)
                self.write(data)
        self._send_headers(0)
        if self._chunked:
            self._handler.wfile.write(b"0\r\n\r\n")
        self._handler.wfile.flush()

    def write(self, data: bytes) -> None:
        self._send_headers(None)
        if self._head or not data:
            return
        if self._chunked:
            self._handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._handler.wfile.write(data)

    def _send_headers(self, known_length: int | None) -> None:
        if self._started:
            return
        if self._status is None:
            raise RuntimeError("the application sent a body before start_response")
        self._started = True
        handler = self._handler
        code, _, reason = self._status.partition(" ")
        handler.send_response_only(int(code), reason)
        names = set()
        for name, value in self._headers:
            names.add(name.lower())
            handler.send_header(name, value)
        if "date" not in names:
            handler.send_header("Date", http_date())
        if "content-length" not in names and not code.startswith(_NO_BODY_STATUS):
            self._announce_length(known_length)
        if handler.close_connection:
            handler.send_header("Connection", "close")
        handler.end_headers()

    def _announce_length(self, known_length: int | None) -> None:
        handler = self._handler
        if known_length is not None:
            handler.send_header("Content-Length", str(known_length))
        elif self._head:
            return
        elif handler.request_version >= "HTTP/1.1":
            self._chunked = True
            handler.send_header("Transfer-Encoding", "chunked")
        else:
            handler.close_connection = True


class _KeepAliveHandler(MotoRequestHandler):
    """moto's handler (it keeps underscores in metadata names) with connections kept open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Headers and a small body leave in one packet.
    wbufsize = 64 * 1024

    def handle_expect_100(self) -> bool:
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def run_wsgi(self) -> None:
        self.environ = environ = self.make_environ()
        body = self._body(environ)
        environ["wsgi.input"] = body
        response = _Response(self, head=environ["REQUEST_METHOD"] == "HEAD")
        try:
            chunks = self.server.app(environ, response.start)
            try:
                response.send(chunks)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
            self._drain(body)
        except (ConnectionError, TimeoutError, ClientDisconnected):
            self.close_connection = True
        except Exception:
            # The status line may be gone already: the only honest answer left is to hang up.
            self.close_connection = True
            log.exception("%s %s: answer not completed", self.command, self.path)

    def _body(self, environ: WSGIEnvironment) -> io.RawIOBase:
        if environ.get("wsgi.input_terminated"):
            chunked: io.RawIOBase = environ["wsgi.input"]
            return chunked
        length = environ.get("CONTENT_LENGTH", "")
        if length and not length.isdecimal():
            self.close_connection = True
            length = ""
        return LimitedStream(cast("IO[bytes]", self.rfile), int(length or 0))

    def _drain(self, body: io.RawIOBase) -> None:
        if self.close_connection:
            return
        drained = 0
        while data := body.read(1024 * 1024):
            drained += len(data)
            if drained > _DRAIN_LIMIT_BYTES:
                self.close_connection = True
                return

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        log.debug("%s %s -> %s", self.command, self.path, code)

    def log_error(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class KeepAliveServer(ThreadedWSGIServer):
    """Serves one WSGI application on `localhost`; `stop` closes every connection still open."""

    def __init__(self, port: int) -> None:
        """Bind `port` (0: any free one) now, so that the address is known before anything serves.

        Raises OSError when the port is taken.
        """
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._connections_lock = threading.Lock()
        self._serving: threading.Thread | None = None
        listener = socket.create_server(("127.0.0.1", port), backlog=self.request_queue_size)
        try:
            super().__init__(
                "127.0.0.1", port, _not_started, _KeepAliveHandler, fd=listener.fileno()
            )
        finally:
            listener.close()

    def start(self, application: WSGIApplication) -> None:
        self.app = application
        self._serving = threading.Thread(
            target=self.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="cloud-server",
            daemon=True,
        )
        self._serving.start()

    def stop(self) -> None:
        """Stop accepting, hang up on idle and busy clients, and wait for their threads."""
        if self._serving is None:
            self.server_close()
            return
        self.shutdown()
        self._serving.join()
        with self._connections_lock:
            open_connections = dict(self._connections)
        for thread, connection in open_connections.items():
            _hang_up(connection)
            thread.join(timeout=5)
        self._serving = None

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve_connection, args=(request, client_address), daemon=True
        )
        with self._connections_lock:
            self._connections[thread] = request
        thread.start()

    def _serve_connection(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._connections_lock:
                self._connections.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("connection from %s", client_address)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("connection already closed by the client")


def _not_started(environ: WSGIEnvironment, start_response: Any) -> list[bytes]:
    raise RuntimeError("the server accepts requests only after start()")
