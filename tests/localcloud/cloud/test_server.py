from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.server import KeepAliveServer
from localcloud.server.errors import internal_error


@pytest.fixture
def serve() -> Iterator[Any]:
    """Start a server for a WSGI application; returns its port."""
    servers: list[KeepAliveServer] = []

    def start(application: Any) -> int:
        server = KeepAliveServer(0)
        servers.append(server)
        server.start(application)
        return server.port

    yield start
    for server in servers:
        server.stop()


def echo(environ: Any, start_response: Any) -> Any:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [body]


def ignore_body(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def exchange(connection: http.client.HTTPConnection, *request: Any, **options: Any) -> Any:
    connection.request(*request, **options)
    response = connection.getresponse()
    return response, response.read()


def test_server_keeps_a_connection_open_over_requests(serve):
    peers: list[Any] = []

    def application(environ: Any, start_response: Any) -> Any:
        peers.append(environ["REMOTE_PORT"])
        return echo(environ, start_response)

    connection = http.client.HTTPConnection("localhost", serve(application))
    for body in (b"one", b"", b"three"):
        response, answer = exchange(connection, "POST", "/", body=body)
        assert (response.status, answer) == (200, body)
    connection.close()
    assert len(set(peers)) == 1


def test_server_finds_the_next_request_after_a_body_nobody_read(serve):
    connection = http.client.HTTPConnection("localhost", serve(ignore_body))
    for _ in range(2):
        response, answer = exchange(connection, "POST", "/", body=b"x" * 3_000_000)
        assert (response.status, answer) == (200, b"ok")
    connection.close()


def test_server_takes_chunked_bodies_and_sends_streams_chunked(serve):
    def application(environ: Any, start_response: Any) -> Any:
        body = environ["wsgi.input"].read()
        start_response("200 OK", [])
        return iter([body, b"-", body])

    connection = http.client.HTTPConnection("localhost", serve(application))
    response, answer = exchange(
        connection,
        "POST",
        "/",
        body=iter([b"ab", b"cd"]),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert response.getheader("Transfer-Encoding") == "chunked"
    assert answer == b"abcd-abcd"
    connection.close()


def test_server_answers_head_without_a_body_and_keeps_the_length(serve):
    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "1234")])
        return [b""]

    connection = http.client.HTTPConnection("localhost", serve(application))
    response, answer = exchange(connection, "HEAD", "/")
    assert (response.getheader("Content-Length"), answer) == ("1234", b"")
    assert exchange(connection, "HEAD", "/")[0].status == 200
    connection.close()


def test_server_says_continue_once(serve):
    with socket.create_connection(("localhost", serve(echo))) as connection:
        head = b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
        connection.sendall(head + b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ok")
        answer = connection.recv(1000)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"ok")


def test_server_hangs_up_on_an_application_that_raises_and_serves_on(serve):
    def application(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/bad":
            raise RuntimeError("broken")
        return ignore_body(environ, start_response)

    port = serve(application)
    broken = http.client.HTTPConnection("localhost", port)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        exchange(broken, "GET", "/bad")
    assert exchange(http.client.HTTPConnection("localhost", port), "GET", "/")[1] == b"ok"


def test_stop_ends_open_connections_and_their_threads():
    before = set(threading.enumerate())
    server = KeepAliveServer(0)
    server.start(ignore_body)
    connection = http.client.HTTPConnection("localhost", server.port)
    exchange(connection, "GET", "/")
    assert set(threading.enumerate()) - before
    server.stop()
    assert set(threading.enumerate()) - before == set()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", server.port))
    connection.close()


def test_taken_port_is_an_error_and_not_the_end_of_the_process():
    server = KeepAliveServer(0)
    try:
        with pytest.raises(OSError, match="Address already in use"):
            KeepAliveServer(server.port)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("service", "content_type", "shape"),
    [
        ("s3", "", b"<Code>InternalError</Code><Message>ValueError: a &lt; b</Message>"),
        (
            "sts",
            "application/x-www-form-urlencoded; charset=utf-8",
            b"<Code>InternalFailure</Code><Message>ValueError: a &lt; b</Message>",
        ),
        ("states", "application/x-amz-json-1.0", b'"message": "ValueError: a < b"'),
        ("lambda", "", b'"__type": "InternalFailure"'),
    ],
)
def test_internal_error_has_the_shape_of_its_service(service, content_type, shape):
    said: dict[str, Any] = {}

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        said["status"], said["headers"] = status, dict(headers)

    environ = {"CONTENT_TYPE": content_type}
    (body,) = internal_error(environ, start_response, service, ValueError("a < b"))
    assert said["status"] == "500 Internal Server Error"
    assert shape in body
    assert int(said["headers"]["Content-Length"]) == len(body)
    assert b"Traceback" not in body


def test_operation_nobody_implements_is_501():
    said = []
    environ = {"CONTENT_TYPE": "application/x-amz-json-1.0"}
    (body,) = internal_error(
        environ, lambda status, _: said.append(status), "states", NotImplementedError("X")
    )
    assert said == ["501 Not Implemented"]
    assert json.loads(body)["__type"] == "NotImplemented"
